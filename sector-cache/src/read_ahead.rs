//! What else to read when a sector is missed.
//!
//! CP/M skews its sectors: from one read to the next it mostly steps 8 or 10 sectors on within a track, so the sector
//! that follows is seldom the next one wanted, but the rest of the track nearly always is. The bench `traces` of the
//! examples shows what each policy is worth on recorded sessions.

use crate::{Geometry, Sector, SectorKey};

/// A run of sectors of one drive, the wanted one first, that wraps inside its track and never leaves it.
///
/// It iterates over its keys in the order in which they are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    wanted: SectorKey,
    count: u32,
    /// First sector of the track, and how many it has; the wanted one lies within.
    track: u32,
    track_length: u32,
}

impl Span {
    /// The wanted sector alone.
    #[must_use]
    pub const fn single(wanted: SectorKey) -> Self {
        Self { wanted, count: 1, track: wanted.sector().number(), track_length: 1 }
    }

    /// The wanted sector and those that follow it on its track, `count` in all but no more than the track has.
    ///
    /// A sector outside the geometry stands alone.
    #[must_use]
    pub fn on_track(wanted: SectorKey, count: u32, geometry: Geometry) -> Self {
        let sector = wanted.sector().number();
        let track_length = u32::from(geometry.sectors_per_track());
        match sector.checked_rem(track_length) {
            Some(offset) if sector < geometry.sectors() => {
                let track = sector.wrapping_sub(offset);
                Self { wanted, count: count.clamp(1, track_length.max(1)), track, track_length }
            }
            _ => Self::single(wanted),
        }
    }

    /// The first `count` sectors of it, and the wanted one in any case.
    #[must_use]
    pub fn at_most(mut self, count: usize) -> Self {
        self.count = u32::try_from(count).map_or(self.count, |count| self.count.min(count)).max(1);
        self
    }

    /// The sector that was missed: the first.
    #[must_use]
    pub const fn wanted(&self) -> SectorKey {
        self.wanted
    }

    /// How many sectors, 1 or more.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Its keys, the wanted one first.
    pub fn keys(&self) -> impl Iterator<Item = SectorKey> + use<> {
        let Self { wanted, count, track, track_length } = *self;
        let end = track.wrapping_add(track_length);
        let mut next = wanted.sector().number();
        (0..count).filter_map(move |_| {
            let key = Sector::new(next).ok().map(|sector| SectorKey::new(wanted.drive(), sector));
            next = next.wrapping_add(1);
            if next == end {
                next = track;
            }
            key
        })
    }
}

/// Decides what to read when a sector is missed.
pub trait ReadAhead {
    /// The sectors to read, the missed one first.
    fn span(&self, missed: SectorKey) -> Span;
}

/// Reads what is missed and nothing else.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoReadAhead;

impl ReadAhead for NoReadAhead {
    fn span(&self, missed: SectorKey) -> Span {
        Span::single(missed)
    }
}

/// Reads the whole track, from the missed sector on.
#[derive(Clone, Copy, Debug)]
pub struct WholeTrack(pub Geometry);

impl ReadAhead for WholeTrack {
    fn span(&self, missed: SectorKey) -> Span {
        Span::on_track(missed, u32::from(self.0.sectors_per_track()), self.0)
    }
}

/// Reads the missed sector and up to `count` that follow it on its track.
#[derive(Clone, Copy, Debug)]
pub struct NextSectors {
    /// How many to read beyond the missed one.
    pub count: u16,
    /// Where tracks begin and end.
    pub geometry: Geometry,
}

impl ReadAhead for NextSectors {
    fn span(&self, missed: SectorKey) -> Span {
        Span::on_track(missed, u32::from(self.count).wrapping_add(1), self.geometry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn sectors(policy: &impl ReadAhead, sector: u32) -> Vec<u32> {
        let key = SectorKey::try_new(1, sector).unwrap();
        policy.span(key).keys().map(|key| key.sector().number()).collect()
    }

    #[test]
    fn a_track_is_read_from_the_missed_sector_round_to_the_one_before() {
        let policy = WholeTrack(Geometry::ALTAIR_MINIDISK);
        assert_eq!(sectors(&policy, 16), (16..32).collect::<Vec<_>>());
        assert_eq!(sectors(&policy, 45), [45, 46, 47, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44]);
    }

    #[test]
    fn the_next_sectors_wrap_inside_their_track() {
        let next = |count| NextSectors { count, geometry: Geometry::ALTAIR_MINIDISK };
        assert_eq!(sectors(&next(3), 30), [30, 31, 16, 17]);
        assert_eq!(sectors(&next(0), 30), [30]);
        assert_eq!(sectors(&next(u16::MAX), 5).len(), 16);
    }

    #[test]
    fn a_span_can_be_cut_down_to_the_wanted_sector() {
        let span = WholeTrack(Geometry::ALTAIR_MINIDISK).span(SectorKey::try_new(1, 20).unwrap());
        for (count, left) in [(0, 1), (1, 1), (15, 15), (16, 16), (usize::MAX, 16)] {
            let cut = span.at_most(count);
            assert_eq!((cut.keys().count(), cut.keys().next()), (left, Some(cut.wanted())));
        }
    }

    #[test]
    fn a_sector_outside_the_disk_stands_alone() {
        assert_eq!(sectors(&WholeTrack(Geometry::ALTAIR_MINIDISK), 560), [560]);
        assert_eq!(sectors(&WholeTrack(Geometry::ALTAIR_MINIDISK), 0xff_ffff), [0xff_ffff]);
        assert_eq!(sectors(&NoReadAhead, 7), [7]);
    }
}
