//! The power is cut, and the medium fails, at every operation of a run: a slice is whole or absent.

use super::super::defect::{self, Defect};
use super::*;
use crate::format::{self, Header, SEAL_LENGTH, Seal};
use crate::medium::{Call, Fault, MediumFile as _, Trouble};

const PARCELS: u8 = 9;

type Checked<T> = core::result::Result<T, String>;

/// Whether the slice is there. It may not be there in part, nor gone after it was acknowledged.
fn check(medium: &CrashMedium, is_acknowledged: bool) -> Checked<bool> {
    check_regions(medium)?;
    let slice = open(medium).map_err(|error| format!("neither whole nor absent: {error}"))?;
    let Some(slice) = slice else {
        return if is_acknowledged { Err("acknowledged, and gone".to_owned()) } else { Ok(false) };
    };
    let blobs = read(&slice).map_err(|error| format!("not whole: {error}"))?;
    if blobs == expected(PARCELS) { Ok(true) } else { Err("not its blobs".to_owned()) }
}

/// Whether each region that has its name, or a seal, is whole.
fn check_regions(medium: &CrashMedium) -> Checked<()> {
    for path in files(medium) {
        let Some(SliceFile { content: Content::Region(_), is_part, .. }) =
            SliceFile::of_path(Path::new(&path))
        else {
            continue;
        };
        let file = medium.open(Path::new(&path)).unwrap();
        let mut bytes = vec![0; usize::try_from(file.length().unwrap()).unwrap()];
        file.read_exact_at(&mut bytes, 0).unwrap();
        if !is_part || has_seal(&bytes) {
            format::check(&bytes).map_err(|damage| format!("{path} is named or sealed, but {damage}"))?;
        }
    }
    Ok(())
}

fn has_seal(file: &[u8]) -> bool {
    let offset = file.len().saturating_sub(SEAL_LENGTH);
    Header::decode(file)
        .is_ok_and(|header| Seal::decode(&file[offset..], header.region_id, offset as u64).is_ok())
}

/// Cuts the power at every operation of a run, and says in how many of how many states the slice was there.
fn power_cuts(version: Version) -> Checked<(u32, u32)> {
    let medium = CrashMedium::new();
    write(&medium, version, PARCELS).map_err(|error| error.to_string())?;
    let acknowledged = medium.operations();
    let (mut there, mut states) = (0, 0);
    for crash in medium.crashes(.., 0..10) {
        let is_there =
            check(&crash.medium, crash.cut == acknowledged).map_err(|error| format!("{crash}: {error}"))?;
        there += u32::from(is_there);
        states += 1;
    }
    for cut in 0..=acknowledged {
        let killed = check(&medium.killed(cut), cut == acknowledged);
        killed.map_err(|error| format!("killed after {cut} operations: {error}"))?;
    }
    Ok((there, states))
}

#[test]
fn a_power_cut_leaves_a_whole_slice_or_none() {
    for version in [Version::One, Version::Two] {
        let (there, states) = power_cuts(version).unwrap();
        println!("{version:?}: {there} of {states}");
        assert!(there > 20 && states > 500 && there < states, "{version:?}: {there} of {states}");
    }
}

/// Lets every call in turn fail, then cuts the power at the last operations, and says how many calls did fail.
fn faults(version: Version, call: Call, trouble: Trouble, lasting: bool) -> Checked<u64> {
    let mut faults = 0;
    for number in 0.. {
        let medium = CrashMedium::new();
        medium.fail(Fault { call, number, trouble, lasting });
        let written = write(&medium, version, PARCELS);
        if medium.faults() == 0 {
            assert!(written.is_ok() && number > 10, "call {number} is the first that does not come");
            return Ok(faults);
        }
        faults += medium.faults();
        medium.repair();
        let what = format!("{version:?}, {call:?} {number}, {trouble:?}, lasting {lasting}");
        if let Err(error) = &written {
            assert!(trouble != Trouble::Short, "{what}: {error}");
            let Error::SliceFailed { cause, .. } = error else { panic!("{what}: {error}") };
            assert!(
                matches!(&**cause, Error::Io { path, .. } if path.starts_with("d1") || path.starts_with("d10")),
                "{what}: {error}"
            );
            // Where files cannot be removed any more, some stay.
            assert!(lasting || files(&medium).is_empty(), "{what}: {:?} are left", files(&medium));
        }
        check(&medium, written.is_ok()).map_err(|error| format!("{what}: {error}"))?;
        let last = medium.operations();
        for crash in medium.crashes(last.saturating_sub(24).., 0..2) {
            check(&crash.medium, written.is_ok() && crash.cut == last)
                .map_err(|error| format!("{what}, then {crash}: {error}"))?;
        }
    }
    unreachable!("the loop ends at the first call that does not come");
}

#[test]
fn a_failing_medium_is_told_with_path_and_cause_and_leaves_a_whole_slice_or_none() {
    for version in [Version::One, Version::Two] {
        for lasting in [false, true] {
            for (call, trouble) in [
                (Call::Any, Trouble::InputOutput),
                (Call::Any, Trouble::NoSpace),
                (Call::Write, Trouble::Short),
            ] {
                let faults = faults(version, call, trouble, lasting).unwrap();
                println!("{version:?}, {call:?} {trouble:?}, lasting {lasting}: {faults}");
                assert!(faults > 10);
            }
        }
    }
}

#[test]
fn planted_defects_are_caught() {
    let everything = || {
        power_cuts(Version::Two)?;
        for lasting in [false, true] {
            faults(Version::Two, Call::Any, Trouble::InputOutput, lasting)?;
        }
        Ok(())
    };
    for (defect, expected) in [
        (Defect::ManifestBeforeFolders, "neither whole nor absent"),
        (Defect::RegionsBeforeManifests, "neither whole nor absent"),
        (Defect::SealBeforeBlocks, "is named or sealed, but"),
    ] {
        let caught: Checked<()> = defect::with(defect, everything);
        println!("{defect:?}: {caught:?}");
        let error = caught.expect_err("a checker that misses a defect checks nothing");
        assert!(error.contains(expected), "{defect:?}: {error}");
    }
}
