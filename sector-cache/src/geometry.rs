//! The shape of a disk.

use crate::{Error, Sector};

/// Tracks, sectors a track, and bytes a sector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Geometry {
    tracks: u16,
    sectors_per_track: u16,
    sector_length: u16,
}

impl Geometry {
    /// The Altair 8-inch floppy disk: 77 tracks of 32 sectors of 137 bytes, 337,568 bytes in all.
    pub const ALTAIR_8_INCH: Self = Self { tracks: 77, sectors_per_track: 32, sector_length: 137 };
    /// The Altair minidisk: 35 tracks of 16 sectors of 137 bytes.
    pub const ALTAIR_MINIDISK: Self = Self { tracks: 35, sectors_per_track: 16, sector_length: 137 };
    /// The IBM 3740 floppy disk, CP/M's standard: 77 tracks of 26 sectors of 128 bytes.
    pub const IBM_3740: Self = Self { tracks: 77, sectors_per_track: 26, sector_length: 128 };

    /// A disk of another shape.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if one of the three is 0, or if there are more than 2^24 sectors.
    pub const fn new(tracks: u16, sectors_per_track: u16, sector_length: u16) -> Result<Self, Error> {
        let geometry = Self { tracks, sectors_per_track, sector_length };
        if sector_length == 0 || geometry.sectors() == 0 || geometry.sectors() > Sector::COUNT {
            return Err(Error::OutOfRange);
        }
        Ok(geometry)
    }

    /// A disk without a shape, such as a card: sectors of 512 bytes in runs of `sectors_per_track`.
    ///
    /// # Errors
    /// As [`Geometry::new`].
    pub const fn raw_512(tracks: u16, sectors_per_track: u16) -> Result<Self, Error> {
        Self::new(tracks, sectors_per_track, 512)
    }

    /// Tracks.
    #[must_use]
    pub const fn tracks(self) -> u16 {
        self.tracks
    }

    /// Sectors a track.
    #[must_use]
    pub const fn sectors_per_track(self) -> u16 {
        self.sectors_per_track
    }

    /// Bytes a sector.
    #[must_use]
    pub const fn sector_length(self) -> u16 {
        self.sector_length
    }

    /// Sectors in all.
    #[must_use]
    pub const fn sectors(self) -> u32 {
        self.tracks as u32 * self.sectors_per_track as u32
    }

    /// Bytes in all: the length of an image of this disk.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.sectors() as u64 * self.sector_length as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_geometry_says_its_shape() {
        let disk = Geometry::new(40, 9, 512).unwrap();
        assert_eq!((disk.tracks(), disk.sectors_per_track(), disk.sector_length()), (40, 9, 512));
        assert_eq!(Geometry::raw_512(40, 9), Ok(disk));
    }

    #[test]
    fn presets_have_their_known_sizes() {
        assert_eq!(Geometry::ALTAIR_8_INCH.bytes(), 337_568);
        assert_eq!(Geometry::ALTAIR_8_INCH.sectors(), 2_464);
        assert_eq!(Geometry::ALTAIR_MINIDISK.bytes(), 76_720);
        assert_eq!(Geometry::IBM_3740.bytes(), 256_256);
        assert_eq!(Geometry::raw_512(1_000, 64).unwrap().bytes(), 32_768_000);
    }

    #[test]
    fn an_empty_or_endless_disk_is_refused() {
        for (tracks, sectors, length) in
            [(0, 1, 1), (1, 0, 1), (1, 1, 0), (4_096, 4_097, 1), (65_535, 65_535, 1)]
        {
            assert_eq!(Geometry::new(tracks, sectors, length), Err(Error::OutOfRange));
        }
        assert!(Geometry::new(4_096, 4_096, 1).is_ok());
    }
}
