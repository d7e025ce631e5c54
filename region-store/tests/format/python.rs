//! The reader in Python, which was written from `docs/region-format.md`, against ours.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use region_store::format::{self, Version};

use crate::golden;
use crate::rules::broken;
use crate::script::{Script, blobs_of};

#[test]
#[cfg_attr(miri, ignore = "runs another program")]
fn golden_files_hold_the_same_in_python() {
    let paths: Vec<PathBuf> = golden::REGIONS.iter().map(|name| golden::path(name)).collect();
    agree(&paths);
}

#[test]
#[cfg_attr(miri, ignore = "runs another program")]
fn generated_files_hold_the_same_in_python() {
    let folder = tempfile::tempdir().unwrap();
    let scripts = (0..40_u8).map(|seed| (0..seed).map(|at| at.wrapping_mul(37) ^ seed).collect::<Vec<_>>());
    let paths = scripts.enumerate().flat_map(|(number, bytes)| {
        let script = Script::decode(&bytes);
        let old = (format!("{number}.v1"), crate::files::version_1(&script.blobs()));
        [old, (format!("{number}.v2"), script.write().bytes)]
    });
    agree(&paths.map(|(name, bytes)| write(folder.path(), &name, &bytes)).collect::<Vec<_>>());
}

#[test]
#[cfg_attr(miri, ignore = "runs another program")]
fn damage_is_at_the_same_place_in_python() {
    let folder = tempfile::tempdir().unwrap();
    let broken = broken().into_iter().map(|broken| broken.file);
    let example = golden::read("v2-example.region");
    let changed = (0..example.len()).filter(|place| *place < 100 || *place > 4_090).map(|place| {
        let mut file = example.clone();
        file[place] ^= 0x11;
        file
    });
    let cut = (0..example.len()).step_by(31).map(|length| example[..length].to_vec());
    let files = broken.chain(changed).chain(cut).enumerate();
    agree(
        &files.map(|(number, bytes)| write(folder.path(), &number.to_string(), &bytes)).collect::<Vec<_>>(),
    );
}

#[test]
#[cfg_attr(miri, ignore = "runs another program")]
fn journals_are_read_in_python() {
    let [whole, torn] = golden::JOURNALS.map(golden::path);
    let Some(printed) = print(&["--journal"], &[whole.clone(), torn.clone()]) else { return };
    let [whole, torn] = [whole, torn].map(|path| path.display().to_string());
    assert_eq!(
        printed,
        format!(
            "{whole}: version 2, 4 blobs, 5020 bytes, 3 blocks, clean\n\
             {torn}: version 2, 3 blobs, 20 bytes, 2 blocks, torn at offset 12288\n"
        )
    );

    let folder = tempfile::tempdir().unwrap();
    let mut corrupt = golden::read("v2-journal.region");
    corrupt[4_096 + 40] ^= 1;
    let corrupt = write(folder.path(), "corrupt", &corrupt);
    let printed = print(&["--journal"], std::slice::from_ref(&corrupt)).unwrap();
    assert_eq!(printed, format!("{}: damaged: block at offset 4096\n", corrupt.display()));
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

/// Checks that the reader in Python prints of files what ours finds.
fn agree(paths: &[PathBuf]) {
    let Some(printed) = print(&["--blobs"], paths) else { return };
    let mut expected = String::new();
    for path in paths {
        let file = fs::read(path).unwrap();
        let _ = write!(expected, "{}: ", path.display());
        let _ = match format::check(&file) {
            Ok(_) => write_contents(&mut expected, &file),
            Err(damage) => writeln!(expected, "damaged: {} at offset {}", damage.field, damage.offset),
        };
    }
    for (printed, expected) in printed.lines().zip(expected.lines()) {
        assert_eq!(printed, expected);
    }
    assert_eq!(printed.lines().count(), expected.lines().count());
}

fn write_contents(text: &mut String, file: &[u8]) -> std::fmt::Result {
    let summary = format::check(file).unwrap();
    let version = if summary.version == Version::One { 1 } else { 2 };
    let (blobs, bytes, blocks) = (summary.blobs, summary.blob_bytes, summary.blocks);
    writeln!(text, "version {version}, {blobs} blobs, {bytes} bytes, {blocks} blocks")?;
    for (ordinal, blob) in blobs_of(file).iter().enumerate() {
        let separator = if blob.is_empty() { "" } else { " " };
        write!(text, "  blob {ordinal}:{separator}")?;
        blob.iter().try_for_each(|byte| write!(text, "{byte:02x}"))?;
        writeln!(text)?;
    }
    Ok(())
}

/// What the reader prints; `None` if there is no Python. Its status says whether a file is damaged.
fn print(options: &[&str], paths: &[PathBuf]) -> Option<String> {
    let python = real_parts::program("python3")?;
    let reader = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/region_reader.py");
    let output = Command::new(python).arg(reader).args(options).args(paths).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.is_empty(), "{errors}");
    assert_eq!(output.status.code(), Some(i32::from(printed.contains(": damaged: "))));
    Some(printed)
}
