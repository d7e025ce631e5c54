//! Damage that a power cut does, and damage that it does not.

use super::super::defect::{self, Defect};
use super::machine::mix;
use super::*;

/// A journal of six pages with groups in pages 1, 2 to 3, and 4.
fn sample() -> CrashMedium {
    let medium = CrashMedium::new();
    let mut journal = create(&medium, 6);
    put(&mut journal, b"one");
    put(&mut journal, &[2; 5_000]);
    put(&mut journal, b"three");
    medium
}

fn bytes(medium: &CrashMedium) -> Vec<u8> {
    let file = medium.open(path()).unwrap();
    let mut bytes = vec![0; file.length().unwrap() as usize];
    file.read_full_at(&mut bytes, 0).unwrap();
    bytes
}

fn overwrite(medium: &CrashMedium, offset: u64, bytes: &[u8]) {
    medium.open_to_write(path()).unwrap().write_all_at(bytes, offset).unwrap();
}

/// A medium with a file of these bytes alone.
fn file_of(bytes: &[u8]) -> CrashMedium {
    let medium = CrashMedium::new();
    medium.create(path()).unwrap().write_all_at(bytes, 0).unwrap();
    medium
}

fn force(medium: &CrashMedium) -> Recovered {
    recover(medium, path(), Mode::Force).unwrap()
}

#[test]
fn a_damaged_last_group_is_a_torn_tail() {
    for at in [0, 4, 8, 12, 16, 24, 40, 44] {
        let medium = sample();
        overwrite(&medium, 4 * PAGE + at, b"\xff");
        let recovered = read(&medium).unwrap();
        assert_eq!(recovered.tail(), Tail::Torn { offset: 4 * PAGE }, "byte {at}");
        assert_eq!(blobs(&recovered), [b"one".to_vec(), vec![2; 5_000]]);
        assert_eq!(force(&medium).tail(), recovered.tail());
        assert_eq!(bytes(&medium)[4 * PAGE as usize + at as usize], 0xff, "the file is left as it is");
    }
}

#[test]
fn a_group_without_its_first_sector_is_a_torn_tail() {
    let medium = CrashMedium::new();
    let mut journal = create(&medium, 6);
    put(&mut journal, &[1; 5_000]);
    overwrite(&medium, PAGE, &[0; 512]);
    let recovered = read(&medium).unwrap();
    assert_eq!(recovered.tail(), Tail::Torn { offset: PAGE });
    assert_eq!(recovered.groups().count(), 0);
}

#[test]
fn a_group_of_which_only_the_last_page_came_is_a_torn_tail() {
    let medium = CrashMedium::new();
    create(&medium, 200);
    for page in [2, 17, 18, 100, 199] {
        overwrite(&medium, page * PAGE, b"\xff");
        assert_eq!(read(&medium).unwrap().tail(), Tail::Torn { offset: PAGE }, "page {page}");
        overwrite(&medium, page * PAGE, b"\x00");
    }
    assert_eq!(read(&medium).unwrap().tail(), Tail::Clean);
}

#[test]
fn a_last_group_that_is_settled_survives_whatever_became_of_its_sync() {
    for fails in [false, true] {
        let medium = CrashMedium::new();
        let mut journal = create(&medium, 6);
        put(&mut journal, b"one");
        journal.append([&[2; 5_000][..]]).unwrap();
        if fails {
            let fault =
                Fault { call: Call::SyncData, number: 0, trouble: Trouble::InputOutput, lasting: false };
            medium.fail(fault);
            journal.sync().unwrap_err();
        }
        let medium = medium.killed(medium.operations());
        let recovered = read(&medium).unwrap();
        assert_eq!(blobs(&recovered), [b"one".to_vec(), vec![2; 5_000]]);
        let read = medium.operations();
        recovered.settle(&medium).unwrap();
        for crash in medium.crashes(read.., 0..20) {
            let left = blobs(&super::read(&crash.medium).unwrap());
            let least = if crash.cut == medium.operations() { 2 } else { 1 };
            assert!(left.len() >= least && left == blobs(&recovered)[..left.len()], "{fails}, {crash}");
        }
    }
}

#[test]
fn a_damaged_group_before_a_whole_one_is_corruption() {
    // Each byte of the block but the padding, whatever its field says then.
    for (first, length, later, kept) in [(PAGE, 52, 2 * PAGE, 0), (2 * PAGE, 5_044, 4 * PAGE, 1)] {
        for at in (0..length).step_by(if length > 100 { 61 } else { 1 }) {
            for with in [b"\x00", b"\xff"] {
                let medium = sample();
                if bytes(&medium)[(first + at) as usize] == with[0] {
                    continue;
                }
                overwrite(&medium, first + at, with);
                match read(&medium) {
                    Err(Error::JournalCorrupt { path, offset, later: found }) => {
                        assert_eq!((path.as_path(), offset, found), (super::path(), first, later));
                    }
                    other => panic!("byte {at}: {other:?}"),
                }
                let recovered = force(&medium);
                assert_eq!(recovered.tail(), Tail::Corrupt { offset: first });
                assert_eq!(recovered.groups().count(), kept);
            }
        }
    }
}

#[test]
fn a_lost_group_before_a_whole_one_is_corruption_and_its_error_names_both() {
    let medium = sample();
    overwrite(&medium, 2 * PAGE, &[0; 2 * PAGE as usize]);
    let error = read(&medium).unwrap_err().to_string();
    for part in [PATH, "8192", "16384", "force"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_header_is_needed() {
    let whole = bytes(&sample());
    for at in [0, 5, 8, 30, 100, 4_095] {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x40;
        let medium = file_of(&damaged);
        assert!(matches!(read(&medium), Err(Error::Damaged { .. })), "byte {at}");
        // The blocks tell that the identity is right, unless that is what is damaged.
        let recovered = force(&medium);
        assert_eq!(recovered.groups().count(), if at == 30 { 0 } else { 3 }, "byte {at}");
        assert!(matches!(recovered.tail(), Tail::Corrupt { .. }), "byte {at}");
        assert!(recovered.header().is_none());
    }
}

#[test]
fn a_journal_that_was_being_created_is_torn_at_its_start() {
    let medium = CrashMedium::new();
    create(&medium, 3);
    let whole = bytes(&medium);
    let mut no_first_sector = whole.clone();
    no_first_sector[..512].fill(0);
    let mut no_last_sector = whole.clone();
    no_last_sector[3_584..4_096].fill(0);
    let zeros = vec![0; whole.len()];
    for torn in [&[][..], &whole[..512], &whole[..5], &zeros[..9], &zeros, &no_first_sector, &no_last_sector]
    {
        for mode in [Mode::Strict, Mode::Force] {
            let recovered = recover(&file_of(torn), path(), mode).unwrap();
            assert_eq!(recovered.tail(), Tail::Torn { offset: 0 });
            assert_eq!(recovered.groups().count(), 0);
            assert!(recovered.header().is_none());
        }
    }
    // The file had not grown yet: all that was to follow is zeros.
    assert_eq!(read(&file_of(&whole[..4_096])).unwrap().tail(), Tail::Clean);
    assert_eq!(read(&file_of(&whole[..5_000])).unwrap().tail(), Tail::Clean);

    // No power cut does these.
    let mut with_more = no_first_sector.clone();
    *with_more.last_mut().unwrap() = 1;
    for other in [&with_more[..], b"some text", b"\x55\x01\x04\x00\x00\x00blob"] {
        assert!(matches!(read(&file_of(other)), Err(Error::Damaged { .. })), "{}", other.len());
    }
}

#[test]
fn a_file_of_another_kind_is_refused_even_by_force() {
    let slice = file_of(&crate::format::Header::default().encode());
    let mut newer = bytes(&sample());
    newer[12] = 1;
    let checksum = crate::format::crc32c(&newer[..4_092]);
    newer[4_092..4_096].copy_from_slice(&checksum.to_le_bytes());
    let newer = file_of(&newer);
    for medium in [slice, newer] {
        for mode in [Mode::Strict, Mode::Force] {
            let error = recover(&medium, path(), mode).unwrap_err();
            assert!(matches!(error, Error::Damaged { .. }), "{error}");
        }
    }
    let error = recover(&CrashMedium::new(), path(), Mode::Force).unwrap_err();
    assert!(matches!(error, Error::Io { operation: "open", .. }), "{error}");
}

#[test]
fn an_error_of_the_medium_is_no_torn_tail() {
    let medium = sample();
    for number in 0.. {
        medium.fail(Fault { call: Call::Any, number, trouble: Trouble::InputOutput, lasting: false });
        let recovered = read(&medium);
        if medium.faults() == 0 {
            assert_eq!(recovered.unwrap().groups().count(), 3);
            assert!(number > 8);
            return;
        }
        assert!(matches!(&recovered, Err(Error::Io { path, .. }) if path == super::path()), "call {number}");
    }
}

#[test]
fn a_short_read_is_no_torn_tail() {
    let medium = sample();
    medium.fail(Fault { call: Call::Read, number: 0, trouble: Trouble::Short, lasting: true });
    assert_eq!(read(&medium).unwrap().groups().count(), 3);
}

#[test]
fn a_block_that_is_whole_but_out_of_turn_is_corruption() {
    let medium = sample();
    let mut builder = crate::format::BlockBuilder::new(crate::format::Kind::JournalGroup, 0);
    builder.push(b"again").unwrap();
    overwrite(&medium, 5 * PAGE, builder.finish(RegionId([7; 16]), 5 * PAGE, 2, ALIGNMENT));
    let error = read(&medium).unwrap_err();
    assert!(matches!(&error, Error::Damaged { damage, .. } if damage.offset == 5 * PAGE + 16), "{error}");
    let recovered = force(&medium);
    assert_eq!((recovered.groups().count(), recovered.tail()), (3, Tail::Corrupt { offset: 5 * PAGE }));
}

#[test]
fn blocks_of_other_kinds_are_skipped_or_refused() {
    use crate::format::{BlockBuilder, Kind};
    let block = |kind, ordinal| {
        let mut builder = BlockBuilder::new(kind, 0);
        builder.push(b"new").unwrap();
        builder.finish(RegionId([7; 16]), 5 * PAGE, ordinal, ALIGNMENT).to_vec()
    };
    let medium = sample();
    overwrite(&medium, 5 * PAGE, &block(Kind::Skippable(0x8000), 3));
    let recovered = read(&medium).unwrap();
    assert_eq!((recovered.groups().count(), recovered.tail()), (3, Tail::Clean));

    for kind in [Kind::Index, Kind::Blobs] {
        overwrite(&medium, 5 * PAGE, &block(kind, 3));
        let error = read(&medium).unwrap_err();
        assert!(matches!(&error, Error::Damaged { damage, .. } if damage.offset == 5 * PAGE + 28), "{error}");
    }
    // Reserved: a newer version may know what it is.
    let mut reserved = block(Kind::Blobs, 3);
    reserved[28] = 17;
    // So may it with a group that is longer than ours.
    let mut builder = BlockBuilder::new(Kind::JournalGroup, 0);
    builder.push(&vec![0; MAX_GROUP_LENGTH as usize]).unwrap();
    let long = builder.finish(RegionId([7; 16]), 5 * PAGE, 3, ALIGNMENT);
    for (newer, field_at) in [(&reserved[..], 28), (&long[..48], 8)] {
        overwrite(&medium, 5 * PAGE, newer);
        let error = read(&medium).unwrap_err();
        assert!(error.to_string().contains("upgrade"), "{error}");
        assert!(matches!(&error, Error::Damaged { damage, .. } if damage.offset == 5 * PAGE + field_at));
        assert_eq!(force(&medium).groups().count(), 3);
    }
}

#[test]
fn a_file_longer_than_any_journal_is_refused_unread() {
    /// One file of a length, which fails to be read.
    #[derive(Clone, Debug)]
    struct Unread(u64);
    impl Medium for Unread {
        type File = Self;
        fn create(&self, _: &Path) -> io::Result<Self> {
            unreachable!()
        }
        fn open(&self, _: &Path) -> io::Result<Self> {
            Ok(self.clone())
        }
        fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
            unreachable!()
        }
        fn remove(&self, _: &Path) -> io::Result<()> {
            unreachable!()
        }
        fn list(&self, _: &Path) -> io::Result<Vec<std::path::PathBuf>> {
            unreachable!()
        }
        fn sync_folder(&self, _: &Path) -> io::Result<()> {
            unreachable!()
        }
    }
    impl MediumFile for Unread {
        fn allocate(&self, _: u64) -> io::Result<()> {
            unreachable!()
        }
        fn write_at(&self, _: &[u8], _: u64) -> io::Result<usize> {
            unreachable!()
        }
        fn start_write_back(&self, _: u64, _: u64) -> io::Result<()> {
            unreachable!()
        }
        fn sync_data(&self) -> io::Result<()> {
            unreachable!()
        }
        fn read_at(&self, _: &mut [u8], _: u64) -> io::Result<usize> {
            Err(io::ErrorKind::Other.into())
        }
        fn length(&self) -> io::Result<u64> {
            Ok(self.0)
        }
    }
    for length in [MAX_CAPACITY_BYTES + 1, u64::MAX] {
        assert!(matches!(recover(&Unread(length), path(), Mode::Force), Err(Error::Damaged { .. })));
    }
    let error = recover(&Unread(MAX_CAPACITY_BYTES), path(), Mode::Force).unwrap_err();
    assert!(matches!(error, Error::Io { operation: "read", .. }), "{error}");
}

#[test]
fn whatever_happens_to_a_file_only_groups_that_were_written_come_out_of_it() {
    let whole = bytes(&sample());
    let written = groups(&read(&sample()).unwrap());
    let mut refused = 0;
    for seed in 0..3_000 {
        let chance = |of: u64, end: usize| mix(seed * 8 + of) as usize % end;
        let mut damaged = whole.clone();
        for number in 0..chance(0, 4) as u64 {
            // Mostly in the heads, where the lengths are.
            let at =
                if seed % 3 == 0 { chance(number + 1, whole.len()) } else { chance(number + 1, 5) * 4_096 };
            damaged[at + chance(number, 48.min(whole.len() - at))] = mix(seed ^ number) as u8;
        }
        match chance(5, 4) {
            0 => damaged.truncate(chance(6, whole.len())),
            1 => damaged.copy_within(4_096..8_192, chance(6, 5) * 4_096),
            _ => {}
        }
        let medium = file_of(&damaged);
        for mode in [Mode::Strict, Mode::Force] {
            match recover(&medium, path(), mode) {
                Ok(recovered) => assert!(written.starts_with(&groups(&recovered)), "seed {seed}"),
                Err(Error::Damaged { .. } | Error::JournalCorrupt { .. }) => refused += 1,
                Err(error) => panic!("seed {seed}: {error}"),
            }
        }
    }
    assert!((500..3_000).contains(&refused), "{refused}");
}

/// Two journals, of which the second lies where the first one was, and a power cut leaves a block of the first.
fn recycled() -> (CrashMedium, Vec<u8>) {
    let before = CrashMedium::new();
    let mut journal = create(&before, 4);
    put(&mut journal, b"one");
    put(&mut journal, b"stale");
    let stale = bytes(&before)[2 * PAGE as usize..3 * PAGE as usize].to_vec();

    let medium = CrashMedium::new();
    let mut journal = Journal::create(&medium, path(), &options_of(4, RegionId([8; 16]))).unwrap();
    put(&mut journal, b"uno");
    (medium, stale)
}

#[test]
fn a_stale_block_of_another_file_never_passes() {
    let outcome = || {
        let (medium, stale) = recycled();
        overwrite(&medium, 2 * PAGE, &stale);
        blobs(&read(&medium).unwrap())
    };
    assert_eq!(outcome(), [b"uno".to_vec()]);
    let defective = defect::with(Defect::ChecksumWithoutId, outcome);
    assert_eq!(
        defective,
        [b"uno".to_vec(), b"stale".to_vec()],
        "without the region in the checksum it would"
    );
}

#[test]
fn a_stale_block_of_another_place_never_passes() {
    // Somebody journals a copy of the journal, and the power is cut.
    let outcome = || {
        let medium = CrashMedium::new();
        let mut journal = create(&medium, 8);
        put(&mut journal, b"one");
        let copy = bytes(&medium)[PAGE as usize..2 * PAGE as usize].to_vec();
        // In the second of its pages.
        let blob = [vec![9; PAGE as usize - 40], copy].concat();
        put(&mut journal, &blob);
        overwrite(&medium, 2 * PAGE, &[0; 512]);
        read(&medium).map(|recovered| recovered.tail())
    };
    assert_eq!(outcome().unwrap(), Tail::Torn { offset: 2 * PAGE });
    let error = defect::with(Defect::ChecksumWithoutOffset, outcome).unwrap_err();
    assert!(matches!(error, Error::JournalCorrupt { later, .. } if later == 3 * PAGE), "{error}");
}
