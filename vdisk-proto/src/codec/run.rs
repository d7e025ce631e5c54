//! Sectors that one request names.

use sector_cache::Geometry;

use super::Status;

/// Sectors of one track, from the wanted one on, that wrap at the track's end and never leave it: what `sector` and
/// `count` of a frame mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Below `geometry.sectors()`.
    sector: u32,
    /// 1 to the sectors of a track.
    count: u16,
    geometry: Geometry,
}

impl Run {
    /// The run of `count` sectors from `sector` on, on a disk of that shape.
    ///
    /// # Errors
    /// [`Status::OutOfRange`] for a sector that the disk does not have, [`Status::BadRequest`] for no sector at all or
    /// more than a track has.
    pub fn new(geometry: Geometry, sector: u32, count: u16) -> Result<Self, Status> {
        if count == 0 || count > geometry.sectors_per_track() {
            return Err(Status::BadRequest);
        }
        if sector >= geometry.sectors() {
            return Err(Status::OutOfRange);
        }
        Ok(Self { sector, count, geometry })
    }

    /// The first sector.
    #[must_use]
    pub const fn sector(&self) -> u32 {
        self.sector
    }

    /// How many sectors: 1 to those of a track.
    #[must_use]
    pub const fn count(&self) -> u16 {
        self.count
    }

    /// The disk's shape.
    #[must_use]
    pub const fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// How many bytes its sectors are.
    #[must_use]
    pub fn bytes(&self) -> usize {
        usize::from(self.count) * usize::from(self.geometry.sector_length())
    }

    /// Its sectors, in order.
    pub fn sectors(&self) -> impl Iterator<Item = u32> + use<> {
        let run = *self;
        (0..self.count).map(move |index| run.sector_at(index))
    }

    /// Where in the image its bytes lie, in order: the offset and length of one piece, or of two where it wraps.
    pub fn pieces(&self) -> impl Iterator<Item = (u64, usize)> + use<> {
        let length = self.geometry.sector_length();
        let before_wrap = self.count.min(self.geometry.sectors_per_track().saturating_sub(self.place()));
        let piece = move |sector: u32, count: u16| {
            (u64::from(sector) * u64::from(length), usize::from(count) * usize::from(length))
        };
        let first = piece(self.sector, before_wrap);
        let second = piece(self.sector_at(before_wrap), self.count.saturating_sub(before_wrap));
        [first, second].into_iter().filter(|(_, length)| *length > 0)
    }

    /// The sector at a place in this run; beyond its end, it goes on round the track.
    #[must_use]
    pub fn sector_at(&self, index: u16) -> u32 {
        let length = u32::from(self.geometry.sectors_per_track());
        let place = u32::from(self.place());
        // A geometry has no track without sectors.
        let turned = place.wrapping_add(u32::from(index)).checked_rem(length).unwrap_or_default();
        self.sector.wrapping_sub(place).wrapping_add(turned)
    }

    /// The place in this run of one of its sectors.
    #[must_use]
    pub fn index_of(&self, sector: u32) -> Option<u16> {
        let length = u32::from(self.geometry.sectors_per_track());
        let place = sector.checked_rem(length)?;
        if sector.wrapping_sub(place) != self.sector.wrapping_sub(u32::from(self.place())) {
            return None;
        }
        let after = if place < u32::from(self.place()) { place.wrapping_add(length) } else { place };
        let index = u16::try_from(after.wrapping_sub(u32::from(self.place()))).ok()?;
        (index < self.count).then_some(index)
    }

    /// It in runs of at most `count` sectors, in order.
    #[cfg(feature = "service")]
    pub(crate) fn split(self, count: u16) -> impl Iterator<Item = Self> {
        let step = count.max(1);
        (0..self.count).step_by(usize::from(step)).map(move |index| Self {
            sector: self.sector_at(index),
            count: step.min(self.count - index),
            ..self
        })
    }

    /// The first sector's place in its track.
    fn place(&self) -> u16 {
        // Less than a divisor that is a `u16`.
        let place = self.sector.checked_rem(u32::from(self.geometry.sectors_per_track()));
        place.and_then(|place| u16::try_from(place).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn run(sector: u32, count: u16) -> Run {
        Run::new(Geometry::ALTAIR_8_INCH, sector, count).unwrap()
    }

    #[test]
    fn a_run_wraps_in_its_track() {
        assert_eq!(run(62, 4).sectors().collect::<Vec<_>>(), [62, 63, 32, 33]);
        assert_eq!(run(62, 4).pieces().collect::<Vec<_>>(), [(62 * 137, 274), (32 * 137, 274)]);
        assert_eq!(run(32, 32).pieces().collect::<Vec<_>>(), [(32 * 137, 4_384)]);
        assert_eq!(run(2_463, 1).pieces().collect::<Vec<_>>(), [(337_431, 137)]);
        assert_eq!(run(62, 4).bytes(), 548);
    }

    #[cfg(feature = "service")]
    #[test]
    fn a_run_splits_with_the_wanted_sector_first() {
        let parts: Vec<_> = run(60, 32).split(7).map(|part| (part.sector(), part.count())).collect();
        assert_eq!(parts, [(60, 7), (35, 7), (42, 7), (49, 7), (56, 4)]);
        assert_eq!(run(60, 2).split(0).count(), 2, "one at least");
    }

    #[test]
    fn sectors_are_found_at_their_place_in_the_run() {
        let wrapped = run(62, 4);
        for (index, sector) in (0..).zip(wrapped.sectors()) {
            assert_eq!(wrapped.index_of(sector), Some(index));
        }
        for other in [0, 31, 34, 61, 64, 96, u32::MAX] {
            assert_eq!(wrapped.index_of(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_not_on_the_disk_is_refused() {
        let on = |sector, count| Run::new(Geometry::ALTAIR_8_INCH, sector, count);
        assert_eq!(on(0, 0), Err(Status::BadRequest));
        assert_eq!(on(0, 33), Err(Status::BadRequest));
        assert_eq!(on(2_464, 1), Err(Status::OutOfRange));
        assert_eq!(on(u32::MAX, 32), Err(Status::OutOfRange));
    }

    #[test]
    fn the_largest_disks_do_not_overflow() {
        let flat = Geometry::new(256, 65_535, 65_535).unwrap();
        let run = Run::new(flat, flat.sectors() - 1, 65_535).unwrap();
        assert_eq!(run.sectors().nth(1), Some(flat.sectors() - 65_535));
        assert_eq!(run.pieces().map(|(_, length)| length).sum::<usize>(), 65_535 * 65_535);
    }
}
