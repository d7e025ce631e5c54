//! What Linux answers, and how its answers are taken.

#![allow(clippy::unwrap_used)]

use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};

use super::*;

/// A file that is open and can do nothing: every call that needs one is refused.
pub(crate) fn unusable() -> File {
    OpenOptions::new().read(true).custom_flags(libc::O_PATH).open("/").unwrap()
}

#[test]
fn errors_are_told_apart_by_their_numbers() {
    for (number, expected) in [
        (libc::EOPNOTSUPP, [true, false, false]),
        (libc::ENOSYS, [true, false, false]),
        (libc::ENOLCK, [true, false, false]),
        (libc::EINVAL, [true, false, false]),
        (libc::EIO, [false, true, false]),
        (libc::EBADMSG, [false, true, false]),
        (libc::EMFILE, [false, false, true]),
        (libc::ENFILE, [false, false, true]),
        (libc::ENOENT, [false, false, false]),
    ] {
        let error = io::Error::from_raw_os_error(number);
        let found = [has_no_locks(&error), is_of_the_disk(&error), is_out_of_files(&error)];
        assert_eq!(found, expected, "{error}");
        assert_eq!(crate::medium::is_out_of_files(&error), expected[2], "{error}");
    }
    assert!(!is_out_of_files(&ErrorKind::Other.into()), "it has no number");
}

#[test]
fn space_is_set_aside_and_the_length_stays() {
    let file = tempfile::tempfile().unwrap();
    allocate(&file, 1 << 20).unwrap();
    let metadata = file.metadata().unwrap();
    assert!(metadata.blocks() * 512 >= 1 << 20, "{}", metadata.blocks());
    assert_eq!(metadata.len(), 0);
    allocate(&file, 0).unwrap();
    assert!(allocate(&file, u64::MAX).is_err(), "there is no such length");
    assert!(allocate(&unusable(), 1).is_err());
}

#[test]
fn a_hint_is_none_to_what_takes_none_and_a_mistake_is_told() {
    let file = tempfile::tempfile().unwrap();
    start_write_back(&file, 0, 1).unwrap();
    for (offset, length) in [(u64::MAX, 1), (1, u64::MAX)] {
        assert_eq!(start_write_back(&file, offset, length).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    let error = start_write_back(&unusable(), 0, 1).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EBADF));
    start_write_back(&unusable(), 0, 0).unwrap();
    let (_reader, writer) = io::pipe().unwrap();
    start_write_back(&File::from(OwnedFd::from(writer)), 0, 1).unwrap();
}

#[test]
fn as_many_files_may_be_open_as_the_system_says() {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let most = line.split_whitespace().next().unwrap();
    for found in [most_open_files(), crate::medium::Medium::most_open_files(&crate::medium::Disk)] {
        assert_eq!(found, most.parse().ok(), "{most}");
    }
}

#[test]
fn a_thread_gives_way_for_itself_alone() {
    let priority = || rustix::process::getpriority_process(None).unwrap();
    let before = priority();
    let there = std::thread::spawn(move || {
        give_way();
        priority()
    });
    assert_eq!((there.join().unwrap(), priority()), (before.max(10), before));
}

#[test]
fn a_map_has_the_bytes_it_is_asked_for() {
    let file = tempfile::tempfile().unwrap();
    write_at(&file, b"mapped", 0).unwrap();
    assert_eq!(Map::new(&file, 6).unwrap().bytes(), b"mapped");
    assert_eq!(Map::new(&file, 3).unwrap().bytes(), b"map");
    assert_eq!(Map::new(&file, 0).unwrap_err().kind(), ErrorKind::UnexpectedEof);
}
