//! Objects, most of them in the caller's storage, and how pointers to them become references.

use crate::codes::{
    SECTOR_CACHE_ERROR_ALIGNMENT, SECTOR_CACHE_ERROR_LENGTH, SECTOR_CACHE_ERROR_NOT_INITIALISED,
    SECTOR_CACHE_ERROR_NULL, SECTOR_CACHE_ERROR_TOO_SMALL, SECTOR_CACHE_ERROR_VERSION, SECTOR_CACHE_OK,
};

/// The version of this header. The library refuses to initialise an object for another one.
pub const SECTOR_CACHE_ABI_VERSION: u32 = 1;

/// An object at the start of its storage; what is behind it belongs to it. One that the library allocates has nothing
/// behind it.
///
/// Never moved: the inside may point to what is behind it.
#[repr(C)]
pub struct Object<T> {
    /// `T::MAGIC` once `inside` is initialised.
    pub(crate) magic: usize,
    pub(crate) inside: T,
}

/// What an object can be.
pub trait Inside {
    /// What tells one kind of object from another, and from memory that was never initialised.
    const KIND: u8;
    /// The kind, then zeros: such a word is found at no other offset of itself, whatever follows it, so that it gives
    /// away pointers that are misaligned, and memory full of equal bytes. The M4 compares it in one instruction.
    const MAGIC: usize = (Self::KIND as usize).rotate_right(u8::BITS);
}

/// What an object in the caller's storage can be.
pub trait Stored: Inside {
    /// Bytes of storage before what is behind the object, as the header states them.
    const HEADER_BYTES: usize;
}

impl<T: Stored> Object<T> {
    const FITS: () =
        assert!(size_of::<Self>() <= T::HEADER_BYTES && T::HEADER_BYTES.is_multiple_of(ALIGNMENT));

    /// Splits storage of `length` bytes into the object's place and what is behind it.
    ///
    /// # Errors
    /// A code, for a pointer, length or version that the header does not allow.
    ///
    /// # Safety
    /// `object` is NULL, or points to `length` bytes that the caller lends for as long as the object is used.
    #[inline(always)]
    pub(crate) unsafe fn storage(
        object: *mut Self,
        length: usize,
        abi_version: u32,
    ) -> Result<(Place<T>, &'static mut [u8]), i32> {
        const { Self::FITS };
        if object.is_null() {
            return Err(SECTOR_CACHE_ERROR_NULL);
        }
        if abi_version != SECTOR_CACHE_ABI_VERSION {
            return Err(SECTOR_CACHE_ERROR_VERSION);
        }
        if !object.cast::<u64>().is_aligned() {
            return Err(SECTOR_CACHE_ERROR_ALIGNMENT);
        }
        let Some(behind) = length.checked_sub(T::HEADER_BYTES).filter(|&rest| isize::try_from(rest).is_ok())
        else {
            return Err(SECTOR_CACHE_ERROR_TOO_SMALL);
        };
        // SAFETY: `length` is at least `HEADER_BYTES`, so the sum stays inside the storage.
        let start = unsafe { object.cast::<u8>().add(T::HEADER_BYTES) };
        // SAFETY: the caller lends these bytes; whatever they hold is a `u8`. Trusted, not checked: C has written
        // them at some time (static storage is zeroed) and does not touch them while the object is used.
        Ok((Place(object), unsafe { core::slice::from_raw_parts_mut(start, behind) }))
    }
}

impl<T: Inside> Object<T> {
    /// The inside of an object.
    ///
    /// # Errors
    /// A code, for a pointer that is NULL or does not point to an initialised object.
    ///
    /// # Safety
    /// `object` is NULL, or points to an object's storage, all of it, that nobody else uses during the call.
    #[inline(always)]
    pub(crate) unsafe fn inside<'a>(object: *mut Self) -> Result<&'a mut T, i32> {
        // SAFETY: the caller's promise is the same.
        unsafe { Self::check(object) }?;
        // SAFETY: initialised, aligned, and for this call nobody else's.
        Ok(unsafe { &mut (*object).inside })
    }

    /// The inside of an object that is only looked at.
    ///
    /// # Errors
    /// As [`inside`](Self::inside).
    ///
    /// # Safety
    /// As [`inside`](Self::inside), but others may look too.
    #[inline(always)]
    pub(crate) unsafe fn look<'a>(object: *const Self) -> Result<&'a T, i32> {
        // SAFETY: the caller's promise is the same.
        unsafe { Self::check(object) }?;
        // SAFETY: initialised, aligned, and nobody changes it during the call.
        Ok(unsafe { &(*object).inside })
    }

    #[inline(always)]
    unsafe fn check(object: *const Self) -> Result<(), i32> {
        if object.is_null() {
            return Err(SECTOR_CACHE_ERROR_NULL);
        }
        // SAFETY: the caller says that there is storage; the magic alone is read, as a plain integer at any address.
        // Only an aligned object was ever given one, so a misaligned pointer is refused as well.
        let magic = unsafe { object.cast::<usize>().read_unaligned() };
        if magic == T::MAGIC { Ok(()) } else { Err(SECTOR_CACHE_ERROR_NOT_INITIALISED) }
    }
}

/// Where an object is to be: aligned and long enough, and the object's alone.
pub(crate) struct Place<T>(*mut Object<T>);

impl<T: Inside> Place<T> {
    /// Makes the object.
    ///
    /// Returns `SECTOR_CACHE_OK`: nothing can fail any more.
    #[inline(always)]
    pub(crate) fn initialise(self, inside: T) -> i32 {
        // SAFETY: `storage` checked alignment and length, and its caller lends the place.
        unsafe { self.0.write(Object { magic: T::MAGIC, inside }) };
        SECTOR_CACHE_OK
    }
}

/// Storage is aligned for the widest thing an object may ever hold.
const ALIGNMENT: usize = 8;

/// The sector that C lends for a call.
///
/// # Errors
/// A code, for NULL and for a length that is not the sector length.
///
/// # Safety
/// `bytes` is NULL, or points to `length` bytes that nobody changes during the call.
#[inline(always)]
pub(crate) unsafe fn lent<'a>(
    bytes: *const u8,
    length: usize,
    sector_length: usize,
) -> Result<&'a [u8], i32> {
    check_lent(bytes, length == sector_length)?;
    // SAFETY: not NULL, as short as a sector, bytes need no alignment, and the caller says that there are as many.
    Ok(unsafe { core::slice::from_raw_parts(bytes, length) })
}

/// The place for a sector that C lends for a call.
///
/// # Errors
/// As [`lent`].
///
/// # Safety
/// `bytes` is NULL, or points to `length` bytes that nobody else uses during the call.
#[inline(always)]
pub(crate) unsafe fn lent_mut<'a>(
    bytes: *mut u8,
    length: usize,
    sector_length: usize,
) -> Result<&'a mut [u8], i32> {
    check_lent(bytes, length == sector_length)?;
    // SAFETY: as above.
    Ok(unsafe { core::slice::from_raw_parts_mut(bytes, length) })
}

/// Bytes that C lends for a call, any number of them; without any, the pointer is not looked at.
///
/// # Errors
/// A code, for NULL and for a length that nothing has.
///
/// # Safety
/// As [`lent`].
pub(crate) unsafe fn lent_bytes<'a>(bytes: *const u8, length: usize) -> Result<&'a [u8], i32> {
    if length == 0 {
        return Ok(&[]);
    }
    check_lent(bytes, isize::try_from(length).is_ok())?;
    // SAFETY: not NULL, not too long, bytes need no alignment, and the caller says that there are as many.
    Ok(unsafe { core::slice::from_raw_parts(bytes, length) })
}

/// The buffer of a message that C lends for a call.
///
/// # Errors
/// A code, for NULL and for a capacity that no buffer has.
///
/// # Safety
/// `message` is NULL, or points to `capacity` bytes that nobody else uses during the call.
#[inline(always)]
pub(crate) unsafe fn lent_message<'a>(message: *mut u8, capacity: usize) -> Result<&'a mut [u8], i32> {
    check_lent(message, isize::try_from(capacity).is_ok())?;
    // SAFETY: not NULL, not too long, bytes need no alignment, and the caller says that there are as many.
    Ok(unsafe { core::slice::from_raw_parts_mut(message, capacity) })
}

/// A length has to be known to fit before there is a slice of it: one of more than `isize::MAX` bytes may not exist.
#[inline(always)]
fn check_lent(bytes: *const u8, length_fits: bool) -> Result<(), i32> {
    if bytes.is_null() {
        return Err(SECTOR_CACHE_ERROR_NULL);
    }
    if length_fits { Ok(()) } else { Err(SECTOR_CACHE_ERROR_LENGTH) }
}
