mod device;

use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use self::device::{Asked, DISK, DRIVES, Device, Failed, Fault, LENGTH};
use super::*;
use crate::{Eviction, NextSectors, WholeTrack};

/// The sector of drive B of that number.
fn key(sector: u32) -> SectorKey {
    SectorKey::try_new(1, sector).unwrap()
}

/// A read-ahead policy of any kind.
#[derive(Clone, Copy, Debug)]
enum Policy {
    Nothing,
    Track,
    Next(u16),
}

impl ReadAhead for Policy {
    fn span(&self, missed: SectorKey) -> Span {
        match *self {
            Self::Nothing => NoReadAhead.span(missed),
            Self::Track => WholeTrack(DISK).span(missed),
            Self::Next(count) => NextSectors { count, geometry: DISK }.span(missed),
        }
    }
}

/// What disk to make.
#[derive(Clone, Copy, Debug)]
struct Setup {
    slots: usize,
    eviction: Eviction,
    policy: Policy,
    mode: WriteMode,
}

impl Setup {
    const fn new(slots: usize, policy: Policy, mode: WriteMode) -> Self {
        Self { slots, eviction: Eviction::Lru, policy, mode }
    }

    fn memory(self) -> Vec<u8> {
        vec![0xaa; SectorCache::<u16>::required_bytes(self.slots, LENGTH).unwrap()]
    }

    fn disk(self, memory: &mut [u8], fault: Fault) -> CachedDisk<'_, Device, Policy> {
        let cache = SectorCache::new(memory, self.slots, LENGTH, self.eviction).unwrap();
        CachedDisk::new(cache, Device::new(fault), self.policy, self.mode)
    }
}

/// What a program does to a disk.
#[derive(Clone, Copy, Debug)]
enum Step {
    Read(SectorKey),
    Write(SectorKey, u8),
    /// Bytes put into the cache behind the disk's back, and marked dirty.
    Stash(SectorKey, u8),
    Flush,
    Pin(SectorKey),
    Unpin(SectorKey),
    Invalidate(SectorKey),
}

fn any_setup() -> impl Strategy<Value = Setup> {
    let slots = prop_oneof![Just(0), Just(1), 2..8_usize, 8..20_usize, Just(64)];
    let eviction = prop_oneof![4 => Just(Eviction::Lru), 1 => Just(Eviction::Never)];
    let policy = prop_oneof![Just(Policy::Nothing), Just(Policy::Track), (0..9_u16).prop_map(Policy::Next)];
    let mode = prop_oneof![Just(WriteMode::Through), Just(WriteMode::Back)];
    let setup = (slots, eviction, policy, mode);
    setup.prop_map(|(slots, eviction, policy, mode)| Setup { slots, eviction, policy, mode })
}

fn any_step() -> impl Strategy<Value = Step> {
    let sector =
        || (0..DRIVES, 0..DISK.sectors()).prop_map(|(drive, at)| SectorKey::try_new(drive, at).unwrap());
    prop_oneof![
        6 => sector().prop_map(Step::Read),
        6 => (sector(), 0..3_u8).prop_map(|(key, byte)| Step::Write(key, byte)),
        1 => (sector(), 0..3_u8).prop_map(|(key, byte)| Step::Stash(key, byte)),
        1 => Just(Step::Flush),
        1 => sector().prop_map(Step::Pin),
        1 => sector().prop_map(Step::Unpin),
        1 => sector().prop_map(Step::Invalidate),
    ]
}

/// A cached disk and, beside it, a plain one: what the program may rely on to read.
struct Checked<'m> {
    disk: CachedDisk<'m, Device, Policy>,
    plain: Device,
}

impl<'m> Checked<'m> {
    fn new(disk: CachedDisk<'m, Device, Policy>) -> Self {
        Self { disk, plain: Device::new(Fault::Never) }
    }

    fn take(&mut self, step: Step) {
        self.disk.device_mut().forget_what_was_asked();
        match step {
            Step::Read(key) => self.read(key),
            Step::Write(key, byte) => self.write(key, byte),
            Step::Stash(key, byte) => {
                if self.disk.cache_mut().put(key, &[byte; LENGTH]).is_ok() {
                    self.disk.cache_mut().mark_dirty(key);
                    self.plain.set(key, [byte; LENGTH]);
                }
            }
            Step::Flush => self.flush(),
            Step::Pin(key) => _ = self.disk.cache_mut().pin(key),
            Step::Unpin(key) => _ = self.disk.cache_mut().unpin(key),
            Step::Invalidate(key) => {
                self.disk.cache_mut().invalidate(key, 1);
                self.take_from_device(key);
            }
        }
        self.check();
    }

    fn read(&mut self, key: SectorKey) {
        let hit = self.disk.cache().contains(key);
        let pinned = self.disk.cache().iter().filter(|entry| entry.pinned).count();
        let room = self.disk.cache().slots() - pinned;
        let mut bytes = [0; LENGTH];
        let result = self.disk.read(key, &mut bytes);
        let device = self.disk.device();
        if hit {
            assert_eq!(device.asked(), []);
        } else {
            let span = self.disk.read_ahead.span(key).at_most(room);
            assert_eq!(device.asked()[..2], [Asked::Announce(span), Asked::Read(key)]);
            let wanted = span.keys().skip(1).filter(|key| device.asked().contains(&Asked::Read(*key)));
            assert!(device.reads().skip(1).eq(wanted), "{:?} follows {span:?}", device.asked());
        }
        // Whatever fails after that is no failure of the read.
        match device.failed().first() {
            Some(&(Asked::Read(failed), error)) if failed == key => {
                assert_eq!(result, Err(DiskError::Read(key, error)));
                assert!(!self.disk.cache().contains(key));
                assert_eq!(device.asked().len(), 2);
            }
            _ => {
                assert_eq!(result, Ok(()));
                assert_eq!(bytes, self.plain.get(key));
            }
        }
    }

    fn write(&mut self, key: SectorKey, byte: u8) {
        let result = self.disk.write(key, &[byte; LENGTH]);
        let holds = self.disk.cache().contains(key);
        match result {
            Ok(()) => self.plain.set(key, [byte; LENGTH]),
            Err(DiskError::Write(failed, error)) => {
                assert_eq!(self.disk.device().failed().last(), Some(&(Asked::Write(failed), error)));
                assert!(!holds, "nothing is held of a write that failed");
                if failed == key {
                    self.take_from_device(key);
                } else {
                    assert!(self.disk.cache().is_dirty(failed));
                }
            }
            Err(other) => panic!("{other:?}"),
        }
        if self.disk.mode == WriteMode::Through {
            assert_eq!(self.disk.device().asked().first(), Some(&Asked::Write(key)));
            assert!(!self.disk.cache().is_dirty(key));
        }
    }

    fn flush(&mut self) {
        let mut dirty: Vec<_> =
            self.disk.cache().iter().filter(|entry| entry.dirty).map(|entry| entry.key).collect();
        dirty.sort_unstable();
        let result = self.disk.flush();
        let written: Vec<_> = self.disk.device().writes().collect();
        match result {
            Ok(count) => {
                assert_eq!((count, &written), (dirty.len(), &dirty));
                assert!(self.disk.device().image() == self.plain.image());
                assert!(!self.disk.cache().iter().any(|entry| entry.dirty));
            }
            Err(DiskError::Write(failed, _)) => {
                assert_eq!(written.last(), Some(&failed));
                assert!(dirty.starts_with(&written));
                let unwritten = &dirty[written.len() - 1..];
                assert!(unwritten.iter().all(|key| self.disk.cache().is_dirty(*key)));
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    /// After a write that failed, and where dirty bytes were dropped, the device has the last word.
    fn take_from_device(&mut self, key: SectorKey) {
        self.plain.set(key, self.disk.device().get(key));
    }

    /// Checks that every sector is right where a read would find it, and that only dirty ones are wrong on the device.
    fn check(&self) {
        let cache = self.disk.cache();
        cache.check_invariants();
        assert_eq!(cache.iter().count(), cache.stats().used, "no slot is left to be filled");
        for key in Device::keys() {
            let known = self.plain.get(key);
            assert_eq!(cache.peek(key).unwrap_or(&known), known, "{key} in the cache");
            assert!(cache.is_dirty(key) || self.disk.device().get(key) == known, "{key} on the device");
        }
    }
}

/// Takes all steps, repairs the device, and flushes; how many operations the device was asked for until then.
fn run(setup: Setup, steps: &[Step], fault: Fault) -> usize {
    let mut memory = setup.memory();
    let mut checked = Checked::new(setup.disk(&mut memory, fault));
    checked.check();
    for &step in steps {
        checked.take(step);
    }
    let operations = checked.disk.device().operations();
    checked.disk.device_mut().repair();
    checked.take(Step::Flush);
    assert!(checked.disk.device().image() == checked.plain.image());
    operations
}

proptest! {
    // Each case is run again for every operation that may fail.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    #[test]
    fn a_read_returns_the_last_write_whatever_operation_fails(
        setup in any_setup(),
        steps in prop::collection::vec(any_step(), 1..if cfg!(miri) { 5 } else { 20 }),
    ) {
        for at in 0..run(setup, &steps, Fault::Never) {
            run(setup, &steps, Fault::Once(at));
            run(setup, &steps, Fault::From(at));
        }
    }
}

proptest! {
    #[test]
    fn a_disk_that_works_reads_what_was_written(
        setup in any_setup(),
        steps in prop::collection::vec(any_step(), 1..if cfg!(miri) { 20 } else { 300 }),
    ) {
        run(setup, &steps, Fault::Never);
    }
}

/// The sectors read for a miss of sector 5 of the first track of eight, for which so many sectors are held already.
fn sectors_read(slots: usize, policy: Policy, held: &[u32]) -> Vec<u32> {
    let setup = Setup::new(slots, policy, WriteMode::Through);
    let mut memory = setup.memory();
    let mut disk = setup.disk(&mut memory, Fault::Never);
    for &sector in held {
        disk.write(key(sector), &[1; LENGTH]).unwrap();
    }
    disk.read(key(5), &mut [0; LENGTH]).unwrap();
    assert_eq!(disk.cache().iter().next().map(|entry| entry.key), (slots > 0).then_some(key(5)));
    disk.device().reads().map(|key| key.sector().number()).collect()
}

#[test]
fn a_miss_reads_ahead_what_is_not_held_and_fits() {
    assert_eq!(sectors_read(64, Policy::Track, &[]), [5, 6, 7, 0, 1, 2, 3, 4]);
    assert_eq!(sectors_read(64, Policy::Track, &[7, 1, 9]), [5, 6, 0, 2, 3, 4]);
    assert_eq!(sectors_read(64, Policy::Next(3), &[]), [5, 6, 7, 0]);
    assert_eq!(sectors_read(64, Policy::Nothing, &[]), [5]);
    assert_eq!(sectors_read(4, Policy::Track, &[]), [5, 6, 7, 0]);
    assert_eq!(sectors_read(1, Policy::Track, &[]), [5]);
    assert_eq!(sectors_read(0, Policy::Track, &[]), [5]);
}

#[test]
fn a_span_is_announced_once_and_before_its_reads() {
    let setup = Setup::new(64, Policy::Next(1), WriteMode::Through);
    let mut memory = setup.memory();
    let mut disk = setup.disk(&mut memory, Fault::Never);
    for sector in [15, 8] {
        disk.read(key(sector), &mut [0; LENGTH]).unwrap();
    }
    let span = Span::on_track(key(15), 2, DISK);
    assert_eq!(disk.device().asked(), [Asked::Announce(span), Asked::Read(key(15)), Asked::Read(key(8))]);
}

#[test]
fn a_failure_to_read_ahead_is_not_told() {
    let setup = Setup::new(64, Policy::Track, WriteMode::Through);
    let mut memory = setup.memory();
    let mut disk = setup.disk(&mut memory, Fault::Once(3));
    let mut bytes = [0; LENGTH];
    assert_eq!(disk.read(key(0), &mut bytes), Ok(()));
    assert_eq!(bytes, disk.device().get(key(0)));
    let held: Vec<_> = disk.cache().iter().map(|entry| entry.key.sector().number()).collect();
    assert_eq!(held, [0, 2, 1], "what was read before the failure stays");
}

#[test]
fn what_is_dirty_is_written_to_make_room_for_reading_ahead() {
    let setup = Setup::new(3, Policy::Track, WriteMode::Back);
    let mut memory = setup.memory();
    let mut disk = setup.disk(&mut memory, Fault::Never);
    for sector in [9, 12, 10] {
        disk.write(key(sector), b"held").unwrap();
    }
    disk.read(key(5), &mut [0; LENGTH]).unwrap();
    let span = Asked::Announce(WholeTrack(DISK).span(key(5)).at_most(3));
    let [read, write]: [fn(u32) -> Asked; 2] = [|at| Asked::Read(key(at)), |at| Asked::Write(key(at))];
    assert_eq!(disk.device().asked(), [span, read(5), write(9), read(6), write(12), read(7), write(10)]);
}

#[test]
fn reading_ahead_ends_where_what_is_dirty_cannot_be_written() {
    let setup = Setup::new(3, Policy::Track, WriteMode::Back);
    let mut memory = setup.memory();
    let mut disk = setup.disk(&mut memory, Fault::Once(1));
    for sector in [9, 12, 10] {
        disk.write(key(sector), b"held").unwrap();
    }
    let mut bytes = [0; LENGTH];
    disk.read(key(5), &mut bytes).unwrap();
    assert_eq!(bytes, disk.device().get(key(5)));
    assert!(disk.device().reads().eq([key(5)]));
    let held: Vec<_> = disk.cache().iter().map(|entry| entry.key.sector().number()).collect();
    assert_eq!(
        (held, disk.device().get(key(9))),
        (vec![5, 10, 12], *b"held"),
        "it made room at the second try"
    );
}

#[test]
fn a_flush_goes_upwards_over_all_drives() {
    let setup = Setup::new(64, Policy::Nothing, WriteMode::Back);
    let mut memory = setup.memory();
    let mut disk = setup.disk(&mut memory, Fault::Never);
    let keys: Vec<_> = Device::keys().skip(3).collect();
    // All of them, in steps of 27.
    for at in 0..keys.len() {
        disk.write(keys[at * 27 % keys.len()], b"held").unwrap();
    }
    assert_eq!(disk.flush(), Ok(keys.len()));
    assert!(disk.device().writes().eq(keys));
    assert_eq!(disk.flush(), Ok(0));
}

#[test]
fn a_flush_looks_up_what_follows_and_gives_up_after_as_many_misses_as_there_are_slots() {
    let setup = Setup::new(64, Policy::Nothing, WriteMode::Back);
    let mut memory = setup.memory();
    let mut disk = setup.disk(&mut memory, Fault::Never);
    let keys: Vec<_> = Device::keys().collect();
    for &key in keys.iter().rev() {
        disk.write(key, b"held").unwrap();
    }
    let (mut from, of_a_drive) = (0, DISK.sectors());
    assert_eq!(disk.flush_on(&mut from), Ok(of_a_drive as usize));
    assert_eq!(from, of_a_drive + 64);
    assert_eq!(disk.flush(), Ok(of_a_drive as usize), "the other drive, which is far behind");
    assert!(disk.device().writes().eq(keys));
}

#[test]
fn a_flush_ends_with_the_last_sector_of_the_last_drive() {
    struct Anything;

    impl BlockDevice for Anything {
        type Error = core::convert::Infallible;

        fn read(&mut self, _: SectorKey, _: &mut [u8]) -> Result<(), Self::Error> {
            Ok(())
        }

        fn write(&mut self, _: SectorKey, _: &[u8]) -> Result<(), Self::Error> {
            Ok(())
        }
    }

    let mut memory = vec![0; SectorCache::<u16>::required_bytes(64, 1).unwrap()];
    let cache = SectorCache::new(&mut memory, 64, 1, Eviction::Lru).unwrap();
    let mut disk = CachedDisk::new(cache, Anything, NoReadAhead, WriteMode::Back);
    for sector in 0xff_ffc0..=0xff_ffff {
        disk.write(SectorKey::try_new(15, sector).unwrap(), &[1]).unwrap();
    }
    assert_eq!(disk.flush(), Ok(64));
    assert_eq!(disk.flush(), Ok(0));
}

#[test]
fn no_more_is_read_ahead_than_there_are_slots_that_are_not_pinned() {
    let setup = Setup::new(8, Policy::Track, WriteMode::Through);
    let mut memory = setup.memory();
    let mut disk = setup.disk(&mut memory, Fault::Never);
    for sector in 16..22 {
        disk.write(key(sector), b"held").unwrap();
        disk.cache_mut().pin(key(sector));
    }
    disk.device_mut().forget_what_was_asked();
    disk.read(key(3), &mut [0; LENGTH]).unwrap();
    assert!(disk.device().reads().eq([key(3), key(4)]));
    assert!(disk.cache().contains(key(4)), "it was not read in vain");
}

#[test]
fn a_wrong_length_is_refused_before_the_device_is_asked() {
    for mode in [WriteMode::Through, WriteMode::Back] {
        let setup = Setup::new(4, Policy::Track, mode);
        let mut memory = setup.memory();
        let mut disk = setup.disk(&mut memory, Fault::Never);
        let refused = Err(DiskError::Cache(Error::WrongLength { expected: LENGTH, actual: 3 }));
        assert_eq!(disk.read(key(0), &mut [0; 3]), refused);
        assert_eq!(disk.write(key(0), &[0; 3]), refused);
        assert_eq!((disk.device().asked(), disk.cache().stats().used), (&[][..], 0));
    }
}

#[test]
fn a_write_through_is_on_the_device_at_once() {
    let setup = Setup::new(2, Policy::Nothing, WriteMode::Through);
    let mut memory = setup.memory();
    let mut disk = setup.disk(&mut memory, Fault::Once(1));
    disk.write(key(3), b"good").unwrap();
    assert_eq!((disk.device().get(key(3)), disk.cache().peek(key(3))), (*b"good", Some(&b"good"[..])));
    assert_eq!(disk.write(key(3), b"lost"), Err(DiskError::Write(key(3), Failed(1))));
    assert_eq!(disk.cache().peek(key(3)), None);
    assert_eq!(disk.flush(), Ok(0));
}

#[test]
fn a_write_back_waits_for_a_flush_or_for_its_slot_to_be_needed() {
    let setup = Setup::new(2, Policy::Nothing, WriteMode::Back);
    let mut memory = setup.memory();
    let mut disk = setup.disk(&mut memory, Fault::Never);
    for sector in [9, 4] {
        disk.write(key(sector), b"held").unwrap();
    }
    assert_eq!(disk.device().asked(), []);
    disk.write(key(7), b"more").unwrap();
    assert_eq!(disk.device().asked(), [Asked::Write(key(9))]);
    assert_eq!(disk.flush(), Ok(2));
    assert_eq!(disk.device().writes().collect::<Vec<_>>(), [key(9), key(4), key(7)]);
    disk.write(key(7), b"more").unwrap();
    assert_eq!(disk.flush(), Ok(0), "the device has these bytes");
}

#[test]
fn a_dirty_victim_that_cannot_be_written_stays_and_refuses_the_new_write() {
    let setup = Setup::new(1, Policy::Nothing, WriteMode::Back);
    let mut memory = setup.memory();
    let mut disk = setup.disk(&mut memory, Fault::From(0));
    disk.write(key(1), b"mine").unwrap();
    assert_eq!(disk.write(key(2), b"next"), Err(DiskError::Write(key(1), Failed(0))));
    assert_eq!(disk.flush(), Err(DiskError::Write(key(1), Failed(1))));
    let mut bytes = [0; LENGTH];
    assert_eq!(disk.read(key(1), &mut bytes), Ok(()));
    assert_eq!((&bytes, disk.cache().is_dirty(key(1))), (b"mine", true));
    let (cache, device) = disk.into_parts();
    assert_eq!((cache.is_dirty(key(1)), device.operations()), (true, 2));
}

#[test]
fn errors_say_which_sector_and_what_the_device_said() {
    use std::string::ToString;

    assert_eq!(
        DiskError::Read(key(7), "no card").to_string(),
        "the device could not read sector B:7: no card"
    );
    assert_eq!(
        DiskError::<&str>::from(Error::Full).to_string(),
        "the cache is full and may evict nothing: unpin, remove or clear"
    );
}
