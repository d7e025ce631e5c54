//! What names a sector: a drive and a sector number, packed in 28 bits.

use crate::Error;

/// A drive, 0 (A) to 15 (P).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Drive(u8);

impl Drive {
    /// Drive A, number 0.
    pub const A: Self = Self(0);
    /// Drive B, number 1.
    pub const B: Self = Self(1);
    /// How many drives there are.
    pub const COUNT: u8 = 16;

    /// The drive of that number.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] from 16 on.
    pub const fn new(number: u8) -> Result<Self, Error> {
        if number < Self::COUNT { Ok(Self(number)) } else { Err(Error::OutOfRange) }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl core::fmt::Display for Drive {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "{}:", char::from(b'A'.wrapping_add(self.0)))
    }
}

/// A sector of a drive, counted from 0 over all tracks: 24 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sector(u32);

impl Sector {
    /// How many sectors a drive can have.
    pub const COUNT: u32 = 1 << SectorKey::SECTOR_BITS;

    /// The sector of that number.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] from 2^24 on.
    pub const fn new(number: u32) -> Result<Self, Error> {
        if number < Self::COUNT { Ok(Self(number)) } else { Err(Error::OutOfRange) }
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl From<u16> for Sector {
    fn from(number: u16) -> Self {
        Self(u32::from(number))
    }
}

/// The name of a sector: drive and sector, ordered by drive first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SectorKey(u32);

impl SectorKey {
    const SECTOR_BITS: u32 = 24;
    /// The bits that a key takes of a `u32`; the four above are the slot's flags.
    pub(crate) const MASK: u32 = 0x0fff_ffff;

    /// The key of a sector on a drive.
    #[must_use]
    pub const fn new(drive: Drive, sector: Sector) -> Self {
        Self(((drive.0 as u32) << Self::SECTOR_BITS) | sector.0)
    }

    /// The key for two plain numbers.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for drive 16 or more, or sector 2^24 or more.
    pub const fn try_new(drive: u8, sector: u32) -> Result<Self, Error> {
        // In one comparison: this stands in the way of every call from C.
        if (sector / Sector::COUNT) | (drive / Drive::COUNT) as u32 == 0 {
            Ok(Self::new(Drive(drive), Sector(sector)))
        } else {
            Err(Error::OutOfRange)
        }
    }

    /// Its drive.
    #[must_use]
    pub const fn drive(self) -> Drive {
        Drive((self.0 >> Self::SECTOR_BITS) as u8)
    }

    /// Its sector.
    #[must_use]
    pub const fn sector(self) -> Sector {
        Sector(self.0 & (Sector::COUNT - 1))
    }

    pub(crate) const fn bits(self) -> u32 {
        self.0
    }

    pub(crate) const fn from_bits(bits: u32) -> Self {
        Self(bits & Self::MASK)
    }
}

impl core::fmt::Display for SectorKey {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "{}{}", self.drive(), self.sector().number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn a_key_holds_its_drive_and_its_sector() {
        let key = SectorKey::new(Drive::new(15).unwrap(), Sector::new(0xff_ffff).unwrap());
        assert_eq!(SectorKey::try_new(15, 0xff_ffff), Ok(key));
        assert_eq!(key.bits(), SectorKey::MASK);
        assert_eq!((key.drive().number(), key.sector().number()), (15, 0xff_ffff));
        assert_eq!(SectorKey::new(Drive::B, Sector::from(2463)).to_string(), "B:2463");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (drive, sector) in [(16, 0), (0, 1 << 24), (16, 1 << 24), (255, u32::MAX)] {
            assert_eq!(SectorKey::try_new(drive, sector), Err(Error::OutOfRange), "{drive}, {sector}");
        }
        assert_eq!([16, 255].map(Drive::new), [Err(Error::OutOfRange); 2]);
        assert_eq!([1 << 24, u32::MAX].map(Sector::new), [Err(Error::OutOfRange); 2]);
    }
}
