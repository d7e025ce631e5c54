#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use super::defect::{self, Defect};
use super::*;
use crate::format::tests::{blobs_of, telling_header};
use crate::format::{self, SEAL_LENGTH, Seal, Summary};
use crate::medium::{Call, CrashMedium, Fault, MediumFile as _, Trouble};

const NAME: &str = "00.region";

fn options(version: Version) -> Options {
    Options { version, header: telling_header(), block_bytes: 700, expected_bytes: 0 }
}

/// Blobs of many lengths, some empty, some longer than a block.
fn blobs() -> Vec<Vec<u8>> {
    (0..40_usize)
        .map(|at| vec![u8::try_from(at).unwrap(); at * at % 331 + if at == 20 { 1_500 } else { 0 }])
        .collect()
}

fn parcel() -> Parcel {
    Parcel::raw(b"\x02\0\0\0ab\0\0\0\0".to_vec().into()).unwrap()
}

fn expected() -> Vec<Vec<u8>> {
    [blobs(), vec![b"ab".to_vec(), vec![]]].concat()
}

fn write<M: Medium>(medium: &M, path: &Path, version: Version) -> Result<Sealed> {
    let mut writer = RegionWriter::create_on(medium.clone(), path, &options(version))?;
    blobs().iter().try_for_each(|blob| writer.push(blob))?;
    writer.push_parcel(&parcel())?;
    writer.seal()
}

fn read(medium: &CrashMedium, path: impl AsRef<Path>) -> Option<Vec<u8>> {
    let file = medium.open(path.as_ref()).ok()?;
    let mut bytes = vec![0; usize::try_from(file.length().unwrap()).unwrap()];
    assert_eq!(file.read_full_at(&mut bytes, 0).unwrap(), bytes.len());
    Some(bytes)
}

/// What may not be, whatever happened: a name without a whole region, or a seal on one that is not whole.
fn check(medium: &CrashMedium, is_acknowledged: bool) -> core::result::Result<bool, String> {
    if let Some(part) = read(medium, part_path(Path::new(NAME))).filter(|part| has_seal(part)) {
        format::check(&part).map_err(|damage| format!("sealed under its temporary name, but {damage}"))?;
    }
    let Some(file) = read(medium, NAME) else {
        return if is_acknowledged { Err("acknowledged, and gone".to_owned()) } else { Ok(false) };
    };
    format::check(&file).map_err(|damage| format!("has its name, but {damage}"))?;
    if blobs_of(&file) == expected() { Ok(true) } else { Err("has its name, but not its blobs".to_owned()) }
}

fn has_seal(file: &[u8]) -> bool {
    let offset = file.len().saturating_sub(SEAL_LENGTH);
    format::version_of(file) == Ok(Version::Two)
        && Seal::decode(&file[offset..], telling_header().region_id, offset as u64).is_ok()
}

/// Cuts the power at every operation of a run, and says in how many of how many states the region was there.
fn power_cuts(version: Version) -> core::result::Result<(u32, u32), String> {
    let medium = CrashMedium::new();
    write(&medium, Path::new(NAME), version).map_err(|error| error.to_string())?;
    let acknowledged = medium.operations();
    let (mut there, mut states) = (0, 0);
    for crash in medium.crashes(.., 0..20) {
        let is_there =
            check(&crash.medium, crash.cut == acknowledged).map_err(|error| format!("{crash}: {error}"))?;
        there += u32::from(is_there);
        states += 1;
    }
    Ok((there, states))
}

#[test]
fn a_power_cut_leaves_a_whole_region_or_none() {
    for version in [Version::One, Version::Two] {
        let (there, states) = power_cuts(version).unwrap();
        assert!(there > 0 && states > 500 && there < states, "{version:?}: {there} of {states}");
    }
}

#[test]
fn planted_defects_are_caught() {
    for defect in [Defect::SealBeforeBlocks, Defect::NoFolderSync] {
        let caught = defect::with(defect, || power_cuts(Version::Two));
        let error = caught.expect_err("a checker that misses a defect checks nothing");
        let expected =
            if defect == Defect::NoFolderSync { "acknowledged, and gone" } else { "temporary name" };
        assert!(error.contains(expected), "{defect:?}: {error}");
    }
}

/// Lets every call in turn fail, and says how many did.
fn faults(version: Version, call: Call, trouble: Trouble, lasting: bool) -> u64 {
    let mut faults = 0;
    for number in 0.. {
        let medium = CrashMedium::new();
        medium.fail(Fault { call, number, trouble, lasting });
        let written = write(&medium, Path::new(NAME), version);
        if medium.faults() == 0 {
            assert!(written.is_ok() && number > 5);
            return faults;
        }
        faults += medium.faults();
        medium.repair();
        let what = format!("{version:?}, {call:?} {number}, {trouble:?}, lasting {lasting}");
        if let Err(error) = &written {
            assert!(trouble != Trouble::Short, "{what}: {error}");
            let said = error.to_string();
            assert!(said.contains(NAME) || said.starts_with(".: cannot sync the folder"), "{what}: {said}");
            assert!(matches!(error, Error::Io { .. }), "{what}: {error:?}");
            // Where files cannot be removed any more, the temporary one stays.
            assert!(lasting || read(&medium, NAME).is_none(), "{what}: a failed region has its name");
            assert!(
                lasting || read(&medium, part_path(Path::new(NAME))).is_none(),
                "{what}: something is left behind"
            );
        }
        check(&medium, written.is_ok()).unwrap_or_else(|error| panic!("{what}: {error}"));
        for crash in medium.crashes(medium.operations().., 0..4) {
            check(&crash.medium, written.is_ok())
                .unwrap_or_else(|error| panic!("{what}, then {crash}: {error}"));
        }
    }
    unreachable!("the loop ends at the first call that does not come");
}

#[test]
fn a_failing_medium_is_told_with_path_and_cause_and_leaves_nothing() {
    for version in [Version::One, Version::Two] {
        for lasting in [false, true] {
            for trouble in [Trouble::InputOutput, Trouble::NoSpace] {
                assert!(faults(version, Call::Any, trouble, lasting) > 20);
            }
            assert!(faults(version, Call::Write, Trouble::Short, lasting) > 5);
        }
    }
}

#[test]
fn after_a_failure_every_call_is_refused() {
    let medium = CrashMedium::new();
    medium.fail(Fault { call: Call::Write, number: 2, trouble: Trouble::NoSpace, lasting: false });
    let mut writer = RegionWriter::create_on(medium.clone(), NAME, &options(Version::Two)).unwrap();
    let first = (0..1_000).find_map(|_| writer.push(&[1; 500]).err()).expect("the third write fails");
    assert!(matches!(&first, Error::Io { operation: "write", .. }), "{first}");
    assert!(matches!(writer.push(b"more"), Err(Error::WriterFailed { .. })));
    assert!(matches!(writer.seal(), Err(Error::WriterFailed { .. })));
    assert!(medium.list(Path::new(".")).unwrap().is_empty());
}

#[test]
fn what_is_sealed_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    for (version, name) in [(Version::One, "1.region"), (Version::Two, "2.region")] {
        let path = folder.path().join(name);
        let sealed = write(&Disk, &path, version).unwrap();
        let file = fs::read(&path).unwrap();
        let Summary { blobs, blob_bytes, blocks, .. } = format::check(&file).unwrap();
        assert_eq!((sealed.blobs, sealed.blob_bytes, sealed.blocks), (blobs, blob_bytes, blocks));
        assert_eq!((sealed.file_length, &sealed.path), (file.len() as u64, &path));
        assert_eq!(blobs_of(&file), expected());
        match version {
            Version::One => assert_eq!(sealed.checksum, format::crc32c(&file)),
            Version::Two => assert_eq!(file[file.len() - 16..][..4], sealed.checksum.to_le_bytes()),
        }
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "for its owner alone");
        assert!(
            metadata.blocks() * 512 <= file.len() as u64 + 65_536,
            "what was reserved in vain is given back"
        );
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is there");
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RegionWriter::create(folder.path().join(NAME), &options(Version::Two)).unwrap();
    (0..100).for_each(|_| writer.push(&[1; 500]).unwrap());
    assert!(folder.path().join("00.region.part").exists());
    drop(writer);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn nothing_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    for taken in ["00.region", "00.region.part"] {
        let taken = folder.path().join(taken);
        fs::write(&taken, "somebody's").unwrap();
        let error = RegionWriter::create(folder.path().join(NAME), &Options::default()).unwrap_err();
        assert!(matches!(&error, Error::Exists { path } if *path == taken), "{error}");
        assert_eq!(fs::read(&taken).unwrap(), b"somebody's");
        fs::remove_file(&taken).unwrap();
    }
}

#[test]
fn a_name_that_is_taken_meanwhile_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    let writer = RegionWriter::create(&path, &Options::default()).unwrap();
    fs::write(&path, "somebody's").unwrap();
    let error = writer.seal().unwrap_err();
    assert!(matches!(&error, Error::Exists { path: taken } if *taken == path), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"somebody's");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_block_stays_within_what_fits_in_memory_whatever_the_options_say() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { block_bytes: usize::MAX, ..Options::default() };
    let mut writer = RegionWriter::create(folder.path().join(NAME), &options).unwrap();
    let blob = vec![7; 1 << 20];
    (0..17).for_each(|_| writer.push(&blob).unwrap());
    assert_eq!(writer.seal().unwrap().blocks, 2);
}

#[test]
fn a_blob_or_parcel_that_no_block_can_hold_is_refused_and_the_region_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RegionWriter::create(folder.path().join(NAME), &Options::default()).unwrap();
    writer.push(b"before").unwrap();
    // Nobody touches these bytes, so no memory is behind them.
    let zeros = vec![0; i32::MAX as usize - 20];
    assert!(matches!(writer.push(&zeros), Err(Error::BlobTooLong { .. })));
    drop(zeros);
    writer.push(b"after").unwrap();
    let sealed = writer.seal().unwrap();
    assert_eq!((sealed.blobs, sealed.blob_bytes), (2, 11));
    assert_eq!(blobs_of(&fs::read(sealed.path).unwrap()), [&b"before"[..], b"after"]);
}

#[test]
fn a_disk_that_is_too_full_shows_at_once() {
    let medium = CrashMedium::new();
    medium.fail(Fault { call: Call::Allocate, number: 0, trouble: Trouble::NoSpace, lasting: true });
    let options = Options { expected_bytes: 1 << 40, ..options(Version::Two) };
    let error = RegionWriter::create_on(medium.clone(), NAME, &options).expect_err("there is no space");
    assert!(error.to_string().contains("00.region.part: cannot reserve space for"), "{error}");
    assert!(medium.list(Path::new(".")).unwrap().is_empty());
}

#[test]
fn a_region_that_fits_is_written_though_no_more_does() {
    for (version, reservations) in [(Version::One, 0), (Version::Two, 0), (Version::Two, 1)] {
        let medium = CrashMedium::new();
        // The step ahead is refused, and what is needed is not.
        let number = 2 * reservations;
        medium.fail(Fault { call: Call::Allocate, number, trouble: Trouble::NoSpace, lasting: false });
        let written = write(&medium, Path::new(NAME), version);
        assert!(written.is_ok(), "{written:?}");
        assert!(check(&medium, true).unwrap());
    }
}

#[test]
fn a_name_that_cannot_be_looked_at_is_not_taken_for_free() {
    let medium = CrashMedium::new();
    write(&medium, Path::new(NAME), Version::Two).unwrap();
    medium.fail(Fault { call: Call::Open, number: 0, trouble: Trouble::InputOutput, lasting: false });
    let error = RegionWriter::create_on(medium.clone(), NAME, &options(Version::One)).unwrap_err();
    assert!(error.to_string().starts_with("00.region: cannot see whether it is there"), "{error}");
    assert_eq!(medium.list(Path::new(".")).unwrap(), [Path::new(NAME)]);
}

/// A medium on which another writer completes its region just before this one creates its file.
#[derive(Clone, Debug)]
struct Overtaking(CrashMedium);

impl Medium for Overtaking {
    type File = crate::medium::CrashFile;

    fn create(&self, path: &Path) -> std::io::Result<Self::File> {
        write(&self.0, Path::new(NAME), Version::Two).unwrap();
        self.0.create(path)
    }

    fn open(&self, path: &Path) -> std::io::Result<Self::File> {
        self.0.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> std::io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, path: &Path) -> std::io::Result<()> {
        self.0.remove(path)
    }

    fn list(&self, folder: &Path) -> std::io::Result<Vec<PathBuf>> {
        self.0.list(folder)
    }

    fn sync_folder(&self, folder: &Path) -> std::io::Result<()> {
        self.0.sync_folder(folder)
    }
}

#[test]
fn the_region_of_a_writer_that_was_quicker_stays() {
    let medium = Overtaking(CrashMedium::new());
    let error = RegionWriter::create_on(medium.clone(), NAME, &options(Version::One)).unwrap_err();
    assert!(matches!(&error, Error::Exists { path } if path == Path::new(NAME)), "{error}");
    assert!(check(&medium.0, true).unwrap(), "the other one's is whole");
    assert_eq!(medium.list(Path::new(".")).unwrap(), [Path::new(NAME)]);
}

#[test]
fn an_alignment_that_no_reader_accepts_is_refused() {
    for alignment in [0, 7, 12, 8_192] {
        let options = Options { header: Header { alignment, ..Header::default() }, ..Options::default() };
        let error = RegionWriter::create_on(CrashMedium::new(), NAME, &options).unwrap_err();
        assert!(matches!(error, Error::Alignment { alignment: refused } if refused == alignment), "{error}");
    }
}
