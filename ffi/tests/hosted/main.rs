//! What all functions for hosts share, tried from Rust: C has no function that panics.

#![expect(unsafe_code, reason = "it plays the part of C")]
#![expect(dead_code, unreachable_pub, reason = "the library's files are made for the library")]

// The library is one for C, which Rust cannot link.
#[path = "../../src/codes.rs"]
mod codes;
#[path = "../../src/session/device.rs"]
mod device;
#[path = "../../src/client/event.rs"]
mod event;
#[path = "../../src/client/fault.rs"]
mod fault;
#[path = "../../src/hosted.rs"]
mod hosted;
#[path = "../../src/object.rs"]
mod object;
mod session {
    pub(crate) use crate::device;
}

use std::ffi::CStr;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use codes::*;
use core_cache::{Drive, SectorKey};
use vdisk_proto::client::{ConnectionFailure, Error, Event};
use vdisk_proto::codec::{Channel, Status};
use vdisk_proto::session::{Error as Mistake, Failure};

use device::*;
use event::*;
use hosted::Fault;
use object::{Inside, Object, SECTOR_CACHE_ABI_VERSION};

/// Something to open; the count says whether it is still there.
struct Thing(Arc<u32>);

impl Inside for Thing {
    const KIND: u8 = 0x7e;
}

struct Other;

impl Inside for Other {
    const KIND: u8 = 0x7f;
}

type Handle = *mut Object<Thing>;

fn open(place: &mut Handle, thing: &Arc<u32>) {
    // SAFETY: it is a place.
    let code = unsafe { hosted::open(place, SECTOR_CACHE_ABI_VERSION, || Ok(Thing(Arc::clone(thing)))) };
    assert_eq!(code, 0);
    assert!(!place.is_null());
}

/// A copy of the text, as C reads it.
fn error_text() -> String {
    let text = hosted::sector_cache_error_text();
    assert!(!text.is_null());
    // SAFETY: it ends with a NUL, as the header says.
    unsafe { CStr::from_ptr(text) }.to_str().expect("it is UTF-8").to_owned()
}

#[test]
fn an_object_is_used_until_it_is_closed_and_is_not_closed_twice() {
    let thing = Arc::new(7);
    let mut handle: Handle = ptr::null_mut();
    open(&mut handle, &thing);
    // SAFETY: it was opened.
    assert_eq!(unsafe { hosted::look(handle, |thing| Ok(*thing.0 as i32)) }, 7);
    // SAFETY: the same.
    assert_eq!(unsafe { hosted::change(handle, |thing| Ok(*thing.0 as i32 + 1)) }, 8);
    assert_eq!(Arc::strong_count(&thing), 2);
    // SAFETY: the same.
    assert_eq!(unsafe { hosted::close(&raw mut handle, |thing| Ok(*thing.0 as i32 + 2)) }, 9);
    assert!(handle.is_null());
    assert_eq!(Arc::strong_count(&thing), 1);
    // SAFETY: it is a place.
    let again = unsafe { hosted::close(&raw mut handle, |_| Ok(0)) };
    assert_eq!(again, SECTOR_CACHE_ERROR_NULL);
    // SAFETY: NULL is allowed.
    let nowhere = unsafe { hosted::close(ptr::null_mut::<Handle>(), |_| Ok(0)) };
    assert_eq!(nowhere, SECTOR_CACHE_ERROR_NULL);
}

#[test]
fn an_object_is_freed_though_its_end_fails_or_panics() {
    let thing = Arc::new(7);
    let mut handle: Handle = ptr::null_mut();
    open(&mut handle, &thing);
    // SAFETY: it was opened.
    let failed = unsafe { hosted::close(&raw mut handle, |_| Err(Fault::new(-99, "all was lost"))) };
    assert_eq!((failed, error_text().as_str()), (-99, "all was lost"));
    assert!(handle.is_null());
    open(&mut handle, &thing);
    // SAFETY: the same.
    let failed = unsafe { hosted::close(&raw mut handle, |_| panic!("at the end")) };
    assert_eq!(failed, SECTOR_CACHE_ERROR_INTERNAL);
    assert!(handle.is_null());
    assert_eq!(Arc::strong_count(&thing), 1);
}

#[test]
fn what_is_not_opened_is_null() {
    // SAFETY: NULL is allowed.
    let code = unsafe { hosted::open(ptr::null_mut(), SECTOR_CACHE_ABI_VERSION, || Ok(Other)) };
    assert_eq!(code, SECTOR_CACHE_ERROR_NULL);
    let mut handle: Handle = ptr::dangling_mut();
    // SAFETY: it is a place.
    let code =
        unsafe { hosted::open(&raw mut handle, SECTOR_CACHE_ABI_VERSION + 1, || Ok(Thing(Arc::default()))) };
    assert_eq!((code, handle.is_null()), (SECTOR_CACHE_ERROR_VERSION, true));
    let mut handle: Handle = ptr::dangling_mut();
    // SAFETY: the same.
    let code =
        unsafe { hosted::open(&raw mut handle, SECTOR_CACHE_ABI_VERSION, || Err(Fault::new(-99, "no"))) };
    assert_eq!((code, handle.is_null()), (-99, true));
}

#[test]
fn what_is_no_such_object_is_refused() {
    let zeros = [0_usize; 2];
    let mut other: *mut Object<Other> = ptr::null_mut();
    // SAFETY: it is a place.
    assert_eq!(unsafe { hosted::open(&raw mut other, SECTOR_CACHE_ABI_VERSION, || Ok(Other)) }, 0);
    for (pointer, code) in [
        (ptr::null(), SECTOR_CACHE_ERROR_NULL),
        (zeros.as_ptr().cast::<Object<Thing>>(), SECTOR_CACHE_ERROR_NOT_INITIALISED),
        (other.cast_const().cast(), SECTOR_CACHE_ERROR_NOT_INITIALISED),
    ] {
        // SAFETY: NULL, or memory of a `usize` and more.
        assert_eq!(unsafe { hosted::look(pointer, |_| Ok(0)) }, code);
        // SAFETY: the same.
        assert_eq!(unsafe { hosted::change(pointer.cast_mut(), |_| Ok(0)) }, code);
        let mut place = pointer.cast_mut();
        // SAFETY: the same.
        assert_eq!(unsafe { hosted::close(&raw mut place, |_| Ok(0)) }, code);
        assert_eq!(place, pointer.cast_mut(), "what was not closed is left alone");
    }
    // SAFETY: it was opened.
    assert_eq!(unsafe { hosted::close(&raw mut other, |_| Ok(0)) }, 0);
}

#[test]
fn a_panic_is_a_code_and_a_text() {
    assert_eq!(hosted::call(|| panic!("there is no reason")), SECTOR_CACHE_ERROR_INTERNAL);
    assert_eq!(error_text(), "a defect of the library: there is no reason");
    let number = 4;
    assert_eq!(hosted::call(|| panic!("number {number}")), SECTOR_CACHE_ERROR_INTERNAL);
    assert_eq!(error_text(), "a defect of the library: number 4");
    assert_eq!(hosted::call(|| std::panic::panic_any(4)), SECTOR_CACHE_ERROR_INTERNAL);
    assert_eq!(error_text(), "a defect of the library: no reason given");
}

#[test]
fn the_text_is_that_of_the_last_fault_of_a_thread() {
    assert_eq!(error_text(), "");
    assert_eq!(hosted::call(|| Err(Fault::new(-99, "half\0way"))), -99);
    assert_eq!(error_text(), "half way");
    assert_eq!(hosted::call(|| Ok(3)), 3);
    assert_eq!(error_text(), "half way");
    std::thread::spawn(|| {
        assert_eq!(error_text(), "");
        assert_eq!(hosted::call(|| Err(Fault::new(-98, "another's"))), -98);
        assert_eq!(error_text(), "another's");
    })
    .join()
    .expect("it has its own text");
    assert_eq!(error_text(), "half way");
    assert_eq!(hosted::call(|| Err(SECTOR_CACHE_ERROR_NULL.into())), SECTOR_CACHE_ERROR_NULL);
    assert_eq!(error_text(), "a pointer is NULL that may not be");
}

#[test]
fn text_from_c_is_utf_8() {
    // SAFETY: each of these is NULL, or text that ends with a NUL.
    let text = |of: *const _| unsafe { (hosted::text(of, "name"), hosted::optional_text(of, "name")) };
    let (Ok("grün"), Ok(Some("grün"))) = text(c"grün".as_ptr()) else { panic!("it is text") };
    let (Err(null), Ok(None)) = text(ptr::null()) else { panic!("it is NULL") };
    assert_eq!((null.code, null.text.as_str()), (SECTOR_CACHE_ERROR_NULL, "the name is NULL"));
    let (Err(first), Err(second)) = text(c"gr\xfcn".as_ptr()) else { panic!("it is Latin-1") };
    for fault in [first, second] {
        assert_eq!((fault.code, fault.text.as_str()), (SECTOR_CACHE_ERROR_TEXT, "the name is not UTF-8"));
    }
}

#[test]
fn every_error_of_a_client_has_a_code_and_its_text() {
    let key = SectorKey::try_new(1, 20).expect("there is such a sector");
    let channel = Channel::new("12345678").expect("it is a name");
    let source = Channel::new("").expect_err("it is none");
    let (broker, reason) = (String::from("broker"), String::from("so it is"));
    let read = |failure| Error::Read { key, failure, connection: None };
    let call = |reason| Error::Call { key, reason };
    let waited = Duration::from_secs(1);
    for (error, code) in [
        (Error::Url { url: "x".into(), problem: "none" }, VDISK_ERROR_URL),
        (Error::Channel { name: String::new(), source }, VDISK_ERROR_OPTIONS),
        (Error::Options("no"), VDISK_ERROR_OPTIONS),
        (Error::File { what: "key", path: "x".into(), problem: "none".into() }, SECTOR_CACHE_ERROR_FILE),
        (Error::System { what: "thread", problem: "none".into() }, SECTOR_CACHE_ERROR_SYSTEM),
        (unreachable(&broker, &reason).into(), VDISK_ERROR_UNREACHABLE),
        (
            ConnectionFailure::Lost { broker: broker.clone(), reason: reason.clone() }.into(),
            VDISK_ERROR_UNREACHABLE,
        ),
        (ConnectionFailure::Tls { broker: broker.clone(), reason: reason.clone() }.into(), VDISK_ERROR_TLS),
        (ConnectionFailure::Denied { broker: broker.clone(), reason }.into(), VDISK_ERROR_DENIED),
        (ConnectionFailure::NotSubscribed { broker, topic: "x".into() }.into(), VDISK_ERROR_DENIED),
        (Error::NoServer { channel, waited }, VDISK_ERROR_NO_SERVER),
        (Error::Refused { channel, status: Status::Busy }, VDISK_ERROR_REFUSED),
        (Error::TimedOut { operation: "read", waited, connection: None }, VDISK_ERROR_TIMED_OUT),
        (read(Failure::Refused(Status::IoError)), VDISK_ERROR_REFUSED),
        (read(Failure::TimedOut), VDISK_ERROR_TIMED_OUT),
        (read(Failure::Changed), VDISK_ERROR_CHANGED),
        (read(Failure::TakenOver), VDISK_ERROR_TAKEN_OVER),
        (call(Mistake::OutOfRange), SECTOR_CACHE_ERROR_OUT_OF_RANGE),
        (call(Mistake::NoDrive), VDISK_ERROR_NO_DRIVE),
        (call(Mistake::TooLong), VDISK_ERROR_TOO_LONG),
        (call(Mistake::ReadOnly), VDISK_ERROR_READ_ONLY),
        (call(Mistake::WrongLength { expected: 137, actual: 1 }), SECTOR_CACHE_ERROR_LENGTH),
        (Error::WritesFailed { count: 2, key, failure: Failure::Changed }, VDISK_ERROR_WRITES_FAILED),
        (Error::DataLoss { unacknowledged: 3 }, VDISK_ERROR_DATA_LOSS),
        (Error::TakenOver { unacknowledged: 3 }, VDISK_ERROR_TAKEN_OVER),
        (Error::Stopped, SECTOR_CACHE_ERROR_INTERNAL),
    ] {
        let text = error.to_string();
        let fault = Fault::from(error);
        assert_eq!((fault.code, &fault.text), (code, &text));
    }
}

fn unreachable(broker: &str, reason: &str) -> ConnectionFailure {
    ConnectionFailure::Unreachable { broker: broker.into(), reason: reason.into() }
}

#[test]
fn every_event_of_a_client_has_a_kind_and_says_of_what() {
    let key = SectorKey::try_new(1, 20).expect("there is such a sector");
    let lost = unreachable("broker", "so it is");
    let (refused, changed) = (Failure::Refused(Status::DiskFull), Failure::Changed);
    for (event, kind, [drive, failure, status], sector) in [
        (Event::Opened, VDISK_EVENT_OPENED, [0; 3], 0),
        (Event::FellBack, VDISK_EVENT_FELL_BACK, [0; 3], 0),
        (Event::DriveChanged(Drive::B), VDISK_EVENT_DRIVE_CHANGED, [1, 0, 0], 0),
        (Event::WriteFailed(key, refused), VDISK_EVENT_WRITE_FAILED, [1, VDISK_FAILURE_REFUSED, 7], 20),
        (Event::WriteFailed(key, changed), VDISK_EVENT_WRITE_FAILED, [1, VDISK_FAILURE_CHANGED, 0], 20),
        (Event::TakenOver, VDISK_EVENT_TAKEN_OVER, [0; 3], 0),
        (Event::DataLoss, VDISK_EVENT_DATA_LOSS, [0; 3], 0),
        (Event::Refused(Status::NotAuthorised), VDISK_EVENT_REFUSED, [0, 0, 10], 0),
        (Event::Connected, VDISK_EVENT_CONNECTED, [0; 3], 0),
        (Event::Disconnected(lost), VDISK_EVENT_DISCONNECTED, [0; 3], 0),
        (Event::Missed(5), VDISK_EVENT_MISSED, [0; 3], 5),
        (Event::Missed(u64::MAX), VDISK_EVENT_MISSED, [0; 3], u32::MAX),
    ] {
        let told = SessionEvent::of_client(&event);
        assert_eq!((told.kind, told.sector), (kind, sector), "{event:?}");
        assert_eq!([told.drive, told.failure, told.status], [drive, failure, status], "{event:?}");
    }
}
