//! What all functions share that need an operating system: objects that the library allocates, text from C, and errors
//! with a text, into which a panic turns as well.

use core::ffi::{CStr, c_char};
use std::any::Any;
use std::boxed::Box;
use std::cell::RefCell;
use std::ffi::CString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::string::{String, ToString};
use std::{format, mem, ptr};

use crate::codes::{
    SECTOR_CACHE_ERROR_INTERNAL, SECTOR_CACHE_ERROR_LENGTH, SECTOR_CACHE_ERROR_NOT_INITIALISED,
    SECTOR_CACHE_ERROR_NULL, SECTOR_CACHE_ERROR_OUT_OF_RANGE, SECTOR_CACHE_ERROR_TEXT,
    SECTOR_CACHE_ERROR_VERSION, SECTOR_CACHE_OK,
};
use crate::object::{Inside, Object, SECTOR_CACHE_ABI_VERSION};

/// # On a host
/// What follows needs an operating system: it is there if `SECTOR_CACHE_HOSTED` is defined, which pkg-config and CMake
/// do where the library was installed for a host. It differs in five things from what is above.
///
/// Memory. The library allocates these objects, and you end each once: a function `_open` or `_create` writes a pointer
/// to yours, which is *owned* by you, and NULL after an error; `_close`, or for a writer region_seal() or
/// region_discard(), frees the object, whatever it returns, and writes NULL there, so that ending it again is refused.
/// Another copy of the pointer is dead then. After SECTOR_CACHE_ERROR_NOT_INITIALISED nothing was freed: there was no
/// such object.
///
/// Threads. Each section says which functions several threads may call for one object at the same time. Whoever closes
/// an object sees to it that no other call is on its way.
///
/// Signals. The library's threads have all signals blocked that no defect raises, on Unix: none of your handlers runs
/// there, and SIGPIPE, which a lost connection raises, ends nothing. Your threads have blocked what they had, and no
/// handler is set.
///
/// Processes. A child of fork() has none of the library's threads. There, calls for a client or a writer that the parent
/// opened return SECTOR_CACHE_ERROR_SYSTEM and change nothing, those that end it but for the pointer, which is NULL
/// then: it is the parent's. A program that becomes a daemon opens them afterwards.
///
/// Errors have a text besides, for people: sector_cache_error_text(). Any of these functions may return
/// SECTOR_CACHE_ERROR_INTERNAL, for a defect of the library, which would end a Rust program: close the object then.
///
/// Text from you ends with a NUL and is UTF-8.
/// ---
/// What the last call of this thread that failed has to say, of those declared from here on, for people, in English.
/// Code should go by the results.
///
/// Returns text that ends with a NUL, *borrowed* until the next call of this thread to any of these functions; empty if
/// none has failed. Never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn sector_cache_error_text() -> *const c_char {
    // A thread that ends may have no text any more.
    let text = TEXT.try_with(|text| text.borrow().as_ref().map(|text| text.as_ptr()));
    text.ok().flatten().unwrap_or(c"".as_ptr())
}

std::thread_local! {
    /// Of the last fault, if there was one.
    static TEXT: RefCell<Option<CString>> = const { RefCell::new(None) };
}

/// An error as C gets it: a code, and a text for people.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) code: i32,
    pub(crate) text: String,
}

impl Fault {
    pub(crate) fn new(code: i32, text: impl ToString) -> Self {
        Self { code, text: text.to_string() }
    }
}

/// Of the codes that all functions share.
impl From<i32> for Fault {
    fn from(code: i32) -> Self {
        let text = match code {
            SECTOR_CACHE_ERROR_NULL => "a pointer is NULL that may not be",
            SECTOR_CACHE_ERROR_VERSION => "header and library do not belong together; compile again",
            SECTOR_CACHE_ERROR_NOT_INITIALISED => "the pointer is to no such object",
            SECTOR_CACHE_ERROR_OUT_OF_RANGE => "a number is out of its range",
            SECTOR_CACHE_ERROR_LENGTH => "there are no buffers of such a length",
            _ => return Self::new(code, format!("error {code}")),
        };
        Self::new(code, text)
    }
}

/// What a function for hosts does, into a code: a fault leaves its text, and so does a panic.
pub(crate) fn call(body: impl FnOnce() -> Result<i32, Fault>) -> i32 {
    // What a panic left half done is seen by nobody: the header says to close the object.
    let result = catch_unwind(AssertUnwindSafe(body));
    result.unwrap_or_else(|panic| Err(defect(&*panic))).unwrap_or_else(|fault| {
        say(&fault.text);
        fault.code
    })
}

/// Leaves a text, whatever the result.
pub(crate) fn say(text: &str) {
    let text = CString::new(text.replace('\0', " ")).ok();
    // A thread that ends may have no place for it any more.
    let _unsaid = TEXT.try_with(|place| place.replace(text));
}

pub(crate) fn defect(panic: &(dyn Any + Send)) -> Fault {
    let text = panic.downcast_ref::<&str>().copied();
    let text =
        text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no reason given");
    Fault::new(SECTOR_CACHE_ERROR_INTERNAL, format!("a defect of the library: {text}"))
}

/// Makes an object, whose pointer goes into the place that C gave: NULL if it is not made. Any thread of C's may end it.
///
/// # Safety
/// `place` is NULL or points to a pointer.
pub(crate) unsafe fn open<T: Inside + Send>(
    place: *mut *mut Object<T>,
    abi_version: u32,
    make: impl FnOnce() -> Result<T, Fault>,
) -> i32 {
    call(|| {
        if place.is_null() {
            return Err(SECTOR_CACHE_ERROR_NULL.into());
        }
        // SAFETY: not NULL, and the caller says that it is such a place; C may never have written there.
        unsafe { place.write(ptr::null_mut()) };
        if abi_version != SECTOR_CACHE_ABI_VERSION {
            return Err(SECTOR_CACHE_ERROR_VERSION.into());
        }
        let object = Box::new(Object { magic: T::MAGIC, inside: make()? });
        // SAFETY: as above.
        unsafe { place.write(Box::into_raw(object)) };
        Ok(SECTOR_CACHE_OK)
    })
}

/// Does something with an object that others may use meanwhile.
///
/// # Safety
/// `object` is NULL, or what [`open`] left and [`close`] has not taken, or points to other memory of a `usize` or more.
pub(crate) unsafe fn look<T: Inside + Sync>(
    object: *const Object<T>,
    body: impl FnOnce(&T) -> Result<i32, Fault>,
) -> i32 {
    // SAFETY: the caller's promise is the same.
    call(|| body(unsafe { Object::look(object) }?))
}

/// Does something with an object that nobody else uses meanwhile.
///
/// # Safety
/// As [`look`].
pub(crate) unsafe fn change<T: Inside + Send>(
    object: *mut Object<T>,
    body: impl FnOnce(&mut T) -> Result<i32, Fault>,
) -> i32 {
    // SAFETY: the caller's promise is the same.
    call(|| body(unsafe { Object::inside(object) }?))
}

/// Ends an object, which is freed however that goes, and writes NULL to its place.
///
/// # Safety
/// `place` is NULL or points to a pointer, which is as in [`look`], and which nobody else uses from now on.
pub(crate) unsafe fn close<T: Inside + Send>(
    place: *mut *mut Object<T>,
    end: impl FnOnce(T) -> Result<i32, Fault>,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise is the same.
        let place = unsafe { place.as_mut() }.ok_or(SECTOR_CACHE_ERROR_NULL)?;
        // SAFETY: the same.
        unsafe { Object::look(*place) }?;
        // SAFETY: it has the magic of what `open` made, and from there alone; nobody frees it a second time, since the
        // place forgets it. Trusted, not checked: no other copy of the pointer is used.
        let object = unsafe { Box::from_raw(mem::replace(place, ptr::null_mut())) };
        end(object.inside)
    })
}

/// Writes what C asked for to its place.
///
/// # Errors
/// A fault, for NULL.
///
/// # Safety
/// `place` is NULL or points to room for it.
pub(crate) unsafe fn put<T>(place: *mut T, value: T) -> Result<i32, Fault> {
    if place.is_null() {
        return Err(SECTOR_CACHE_ERROR_NULL.into());
    }
    // SAFETY: not NULL, and the caller says that there is room; C may never have written there.
    unsafe { place.write(value) };
    Ok(SECTOR_CACHE_OK)
}

/// Fills in options of C's, if they are as long as ours.
///
/// # Safety
/// As [`put`], for a caller of this version.
pub(crate) unsafe fn fill<T>(options: *mut T, abi_version: u32, with: T) -> i32 {
    call(|| {
        if abi_version != SECTOR_CACHE_ABI_VERSION {
            return Err(SECTOR_CACHE_ERROR_VERSION.into());
        }
        // SAFETY: the caller's promise is the same.
        unsafe { put(options, with) }
    })
}

/// Text that C lends for a call, of any bytes.
///
/// # Errors
/// A fault that says which text, for NULL.
///
/// # Safety
/// `text` is NULL, or points to text that ends with a NUL and that nobody changes during the call.
pub(crate) unsafe fn lent_text<'a>(text: *const c_char, what: &str) -> Result<&'a CStr, Fault> {
    if text.is_null() {
        return Err(Fault::new(SECTOR_CACHE_ERROR_NULL, format!("the {what} is NULL")));
    }
    // SAFETY: not NULL, and the caller says that it ends with a NUL.
    Ok(unsafe { CStr::from_ptr(text) })
}

/// The same, if it is UTF-8.
///
/// # Errors
/// As [`lent_text`], and for what is not UTF-8.
///
/// # Safety
/// As [`lent_text`].
pub(crate) unsafe fn text<'a>(text: *const c_char, what: &str) -> Result<&'a str, Fault> {
    // SAFETY: the caller's promise is the same.
    let bytes = unsafe { lent_text(text, what) }?;
    bytes.to_str().map_err(|_| Fault::new(SECTOR_CACHE_ERROR_TEXT, format!("the {what} is not UTF-8")))
}

/// The same, where NULL says that there is none.
///
/// # Errors
/// As [`text`], but for NULL.
///
/// # Safety
/// As [`text`].
pub(crate) unsafe fn optional_text<'a>(of: *const c_char, what: &str) -> Result<Option<&'a str>, Fault> {
    // SAFETY: the caller's promise is the same.
    if of.is_null() { Ok(None) } else { unsafe { text(of, what) }.map(Some) }
}
