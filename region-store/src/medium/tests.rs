//! The medium in memory answers as the real one does.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::{CrashMedium, Disk, Identity, Medium, MediumFile, folder_of};

fn answer<T: std::fmt::Debug>(result: io::Result<T>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => error.kind().to_string(),
    }
}

/// What a medium answers to calls of every kind.
#[allow(clippy::unwrap_used, reason = "generic, so not seen to be a test")]
fn answers<M: Medium>(medium: &M, folder: &Path) -> Vec<String> {
    let [a, b, c] = ["a", "b", "c"].map(|name| folder.join(name));
    let names = |paths: Vec<PathBuf>| -> Vec<_> {
        paths.iter().map(|path| path.file_name().unwrap().to_owned()).collect()
    };
    let mut answers = Vec::new();
    let mut note = |what: &str, answer: String| answers.push(format!("{what}: {answer}"));

    note("list nothing", answer(medium.list(folder).map(names)));
    note("open nothing", answer(medium.open(&a).map(drop)));
    note("rename nothing", answer(medium.rename(&a, &b)));
    note("remove nothing", answer(medium.remove(&a)));

    let file = medium.create(&a).unwrap();
    note("create again", answer(medium.create(&a).map(drop)));
    note("allocate", answer(file.allocate(10_000)));
    note("allocate nothing", answer(file.allocate(0)));
    note("length", answer(file.length()));
    note("write", answer(file.write_at(b"hello", 0)));
    note("write nothing", answer(file.write_at(b"", 1_000)));
    note("length", answer(file.length()));
    note("write over", answer(file.write_all_at(b"LP!", 3)));
    note("write behind the end", answer(file.write_all_at(b"far", 12)));
    note("length", answer(file.length()));
    note("hint", answer(file.start_write_back(0, 15)));
    note("hint of nothing", answer(file.start_write_back(3, 0)));
    note("sync", answer(file.sync_data()));
    note("sync folder", answer(medium.sync_folder(folder)));

    let reader = medium.open(&a).unwrap();
    let mut bytes = [b'?'; 20];
    note("read", answer(reader.read_full_at(&mut bytes, 0)));
    note("bytes", format!("{:?}", bytes.escape_ascii().to_string()));
    note("read in the middle", answer(reader.read_at(&mut bytes[..4], 3)));
    note("bytes", format!("{:?}", bytes.escape_ascii().to_string()));
    note("read at the end", answer(reader.read_at(&mut bytes, 15)));
    note("read behind the end", answer(reader.read_full_at(&mut bytes, 1 << 40)));

    drop(medium.create(&b).unwrap());
    note("list", answer(medium.list(folder).map(names)));
    note("rename over", answer(medium.rename(&a, &b)));
    note("rename", answer(medium.rename(&b, &c)));
    note("list", answer(medium.list(folder).map(names)));
    note("remove", answer(medium.remove(&c)));
    note("list", answer(medium.list(folder).map(names)));
    note("open nothing to write", answer(medium.open_to_write(&c).map(drop)));
    note("identity of nothing", answer(medium.identity(&c).map(drop)));
    let file = medium.create(&c).unwrap();
    let before = file.identity().unwrap();
    file.write_all_at(b"c", 0).unwrap();
    let writer = medium.open_to_write(&c).unwrap();
    note("write to what was there", answer(writer.write_at(b"C", 0)));
    let after = medium.identity(&c).unwrap();
    note("the same file", format!("{} {}", before.is_same_file(&after), after.length));
    note("as its own word", format!("{}", writer.identity().unwrap() == after));
    note("lock", answer(file.try_lock()));
    note("lock again", answer(file.try_lock()));
    note("lock the locked", answer(writer.try_lock()));
    drop(file);
    note("lock the unlocked", answer(writer.try_lock()));
    note("is remote", answer(medium.is_remote(folder)));

    let inner = folder.join("inner");
    note("create a folder", answer(medium.create_folder(&inner)));
    note("create a folder again", answer(medium.create_folder(&inner)));
    note("list the new folder", answer(medium.list(&inner).map(names)));
    note("identity of a folder", answer(medium.identity(&inner).map(|found| found.is_read_only)));
    drop(medium.create(&inner.join("d")).unwrap());
    note("list the new folder", answer(medium.list(&inner).map(names)));
    note("remove a full folder", answer(medium.remove_folder(&inner)));
    medium.remove(&inner.join("d")).unwrap();
    note("remove a folder", answer(medium.remove_folder(&inner)));
    note("remove no folder", answer(medium.remove_folder(&inner)));
    note("sync all", answer(medium.sync_all(folder)));
    note("read the removed", answer(reader.read_at(&mut bytes[..5], 0)));
    answers
}

#[test]
fn the_medium_in_memory_answers_as_the_disk_does() {
    let folder = tempfile::tempdir().unwrap();
    let real = answers(&Disk, folder.path());
    let expected = answers(&CrashMedium::new(), Path::new("folder"));
    assert_eq!(real, expected);
    assert!(
        real.contains(&r#"bytes: "helLP!\\x00\\x00\\x00\\x00\\x00\\x00far?????""#.to_owned()),
        "{real:#?}"
    );
}

#[test]
fn only_the_owner_reads_a_file_of_the_disk() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let file = Disk.create(&path).unwrap();
    file.allocate(1 << 20).unwrap();
    let metadata = path.metadata().unwrap();
    assert_eq!(metadata.mode() & 0o777, 0o600);
    assert_eq!(metadata.len(), 0);
    assert!(file.write_at(b"a", 0).is_ok());
    assert!(Disk.open(&path).unwrap().write_at(b"a", 0).is_err(), "it is open for reading");
}

/// A medium of one file in memory, that can do no more than it must, and whose every other call is interrupted.
#[derive(Clone, Debug, Default)]
struct Least(Arc<(Mutex<Vec<u8>>, AtomicBool)>);

impl Least {
    fn interrupt(&self) -> io::Result<()> {
        let is_interrupted = !self.0.1.fetch_xor(true, Ordering::Relaxed);
        if is_interrupted { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
    }
}

impl Medium for Least {
    type File = Self;

    fn create(&self, _: &Path) -> io::Result<Self> {
        Ok(self.clone())
    }

    fn open(&self, _: &Path) -> io::Result<Self> {
        Ok(self.clone())
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, _: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(Vec::new())
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

impl MediumFile for Least {
    fn allocate(&self, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.interrupt()?;
        let mut file = self.0.0.lock().unwrap();
        assert_eq!(file.len() as u64, offset, "what is written follows what is there");
        file.extend(bytes.first());
        Ok(bytes.len().min(1))
    }

    fn start_write_back(&self, _: u64, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.interrupt()?;
        let file = self.0.0.lock().unwrap();
        let left = file.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
        let read = left.len().min(bytes.len()).min(1);
        bytes[..read].copy_from_slice(&left[..read]);
        Ok(read)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.0.0.lock().unwrap().len() as u64)
    }
}

#[test]
fn a_call_that_is_interrupted_is_made_again() {
    let medium = Least::default();
    let file = medium.create(Path::new("a")).unwrap();
    file.write_all_at(b"hello", 0).unwrap();
    let mut bytes = [b'?'; 7];
    assert_eq!(file.read_full_at(&mut bytes, 1).unwrap(), 4);
    assert_eq!(&bytes, b"ello???");
    file.read_exact_at(&mut bytes[..5], 0).unwrap();
    assert_eq!(&bytes[..5], b"hello");
    assert_eq!(file.read_exact_at(&mut bytes, 0).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn a_medium_that_can_do_no_more_than_it_must_says_so() {
    let (medium, path) = (Least::default(), Path::new("a"));
    let file = medium.open(path).unwrap();
    for refused in [
        medium.open_to_write(path).map(drop),
        medium.create_folder(path),
        medium.remove_folder(path),
        Medium::identity(&medium, path).map(drop),
        medium.sync_all(path),
        file.try_lock().map(drop),
        MediumFile::identity(&file).map(drop),
    ] {
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::Unsupported);
    }
    assert!(!medium.is_remote(path).unwrap());
    assert_eq!((medium.free_bytes(path).unwrap(), medium.most_open_files()), (None, None));
    file.trim(0).unwrap();
    assert!(file.system_file().is_none());
}

#[test]
fn a_file_is_the_same_by_its_device_and_its_number() {
    let file = Identity { device: 1, inode: 2, length: 3, modified_ns: 4, is_read_only: false };
    assert!(file.is_same_file(&Identity { length: 5, modified_ns: 6, is_read_only: true, ..file }));
    assert!(!file.is_same_file(&Identity { device: 7, ..file }));
    assert!(!file.is_same_file(&Identity { inode: 7, ..file }));
}

#[test]
fn a_path_without_a_folder_is_in_the_current_one() {
    assert_eq!(folder_of(Path::new("a")), Path::new("."));
    assert_eq!(folder_of(Path::new("a/b")), Path::new("a"));
    assert_eq!(folder_of(Path::new("/a")), Path::new("/"));
    assert_eq!(folder_of(Path::new("/")), Path::new("/"));
}

#[test]
fn a_disk_says_what_is_left_and_the_one_in_memory_what_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Disk.free_bytes(folder.path()).unwrap().is_some_and(|bytes| bytes > 0));
    assert_eq!(Disk.free_bytes(&folder.path().join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
    assert!(Disk.most_open_files().is_none_or(|files| files > 3));
    let medium = CrashMedium::new();
    assert_eq!(medium.most_open_files(), None);
    medium.set_most_open_files(Some(3));
    assert_eq!(medium.most_open_files(), Some(3));
    assert_eq!(medium.free_bytes(Path::new("data")).unwrap(), None);
    medium.set_free_bytes(Some(7));
    assert_eq!(medium.free_bytes(Path::new("data")).unwrap(), Some(7));
    medium.set_remote(true);
    assert!(medium.is_remote(Path::new("data")).unwrap());
}

#[test]
fn the_medium_in_memory_counts_the_files_that_are_open() {
    let medium = CrashMedium::new();
    let [a, b] = ["a", "b"].map(|name| medium.create(Path::new(name)).unwrap());
    drop(a);
    let again = medium.open(Path::new("b")).unwrap();
    assert!(medium.open(Path::new("c")).is_err());
    assert_eq!((medium.open_files(), medium.most_opened()), (2, 2));
    let _third = medium.open_to_write(Path::new("a")).unwrap();
    drop((b, again));
    assert_eq!((medium.open_files(), medium.most_opened()), (1, 3));
}
