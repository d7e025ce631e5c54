//! A device in memory that fails on demand and remembers what it was asked.

use std::vec::Vec;

use crate::{BlockDevice, Geometry, SectorKey, Span};

/// Every drive.
pub(super) const DISK: Geometry = match Geometry::new(4, 8, 4) {
    Ok(disk) => disk,
    Err(_) => panic!("such a disk exists"),
};
/// Bytes a sector.
pub(super) const LENGTH: usize = DISK.sector_length() as usize;
pub(super) const DRIVES: u8 = 2;

/// What a device is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Announce(Span),
    Read(SectorKey),
    Write(SectorKey),
}

/// When a device fails: at the read or write of that number, or from there on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    Never,
    Once(usize),
    From(usize),
}

/// What a device says that failed: the number of the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failed(pub(super) usize);

/// The device. Where it fails it does the worst that a device may.
pub(super) struct Device {
    image: Vec<[u8; LENGTH]>,
    fault: Fault,
    operations: usize,
    asked: Vec<Asked>,
    failed: Vec<(Asked, Failed)>,
}

impl Device {
    /// A device whose sectors all differ.
    pub(super) fn new(fault: Fault) -> Self {
        let image = (0..u32::from(DRIVES) * DISK.sectors()).map(|at| (at + 1_000).to_le_bytes()).collect();
        Self { image, fault, operations: 0, asked: Vec::new(), failed: Vec::new() }
    }

    pub(super) fn keys() -> impl Iterator<Item = SectorKey> {
        let sectors = |drive| (0..DISK.sectors()).filter_map(move |at| SectorKey::try_new(drive, at).ok());
        (0..DRIVES).flat_map(sectors)
    }

    pub(super) fn image(&self) -> &[[u8; LENGTH]] {
        &self.image
    }

    pub(super) fn get(&self, key: SectorKey) -> [u8; LENGTH] {
        self.image[place(key)]
    }

    pub(super) fn set(&mut self, key: SectorKey, bytes: [u8; LENGTH]) {
        self.image[place(key)] = bytes;
    }

    pub(super) fn repair(&mut self) {
        self.fault = Fault::Never;
    }

    /// Reads and writes since the device was made.
    pub(super) fn operations(&self) -> usize {
        self.operations
    }

    pub(super) fn forget_what_was_asked(&mut self) {
        self.asked.clear();
        self.failed.clear();
    }

    pub(super) fn asked(&self) -> &[Asked] {
        &self.asked
    }

    pub(super) fn failed(&self) -> &[(Asked, Failed)] {
        &self.failed
    }

    pub(super) fn reads(&self) -> impl Iterator<Item = SectorKey> {
        self.asked.iter().filter_map(|asked| if let Asked::Read(key) = asked { Some(*key) } else { None })
    }

    pub(super) fn writes(&self) -> impl Iterator<Item = SectorKey> {
        self.asked.iter().filter_map(|asked| if let Asked::Write(key) = asked { Some(*key) } else { None })
    }

    /// Notes a read or write, and fails if it is its turn.
    fn attempt(&mut self, asked: Asked) -> Result<(), Failed> {
        let number = self.operations;
        self.operations += 1;
        self.asked.push(asked);
        let fails = match self.fault {
            Fault::Never => false,
            Fault::Once(at) => number == at,
            Fault::From(at) => number >= at,
        };
        if fails {
            self.failed.push((asked, Failed(number)));
            return Err(Failed(number));
        }
        Ok(())
    }
}

impl BlockDevice for Device {
    type Error = Failed;

    fn read(&mut self, key: SectorKey, bytes: &mut [u8]) -> Result<(), Failed> {
        bytes.fill(0xbd);
        self.attempt(Asked::Read(key))?;
        bytes.copy_from_slice(&self.get(key));
        Ok(())
    }

    fn write(&mut self, key: SectorKey, bytes: &[u8]) -> Result<(), Failed> {
        let attempt = self.attempt(Asked::Write(key));
        // A write that fails leaves the old bytes, the new ones, or some of both.
        let arriving = match attempt {
            Ok(()) => LENGTH,
            Err(Failed(number)) => [0, LENGTH, LENGTH / 2][number % 3],
        };
        self.image[place(key)][..arriving].copy_from_slice(&bytes[..arriving]);
        attempt
    }

    fn announce(&mut self, span: &Span) {
        self.asked.push(Asked::Announce(*span));
    }
}

fn place(key: SectorKey) -> usize {
    let drive = u32::from(key.drive().number());
    assert!(drive < u32::from(DRIVES) && key.sector().number() < DISK.sectors(), "{key} is on a disk");
    (drive * DISK.sectors() + key.sector().number()) as usize
}
