//! The mailbox's cache service.

use core_cache::mailbox;

use super::Cache;
use crate::object::{Object, lent_message};

/// # The mailbox
/// Between a microcontroller that has a cache, and the processor beside it. A message, behind the mailbox's own header:
///
/// | Offset | Size | Field         | Rule                                     |
/// |-------:|-----:|---------------|------------------------------------------|
/// |      0 |    1 | type          | 0 unknown, 1 read, 2 write, 3 clear      |
/// |      1 |    2 | sector number | little-endian                            |
/// |      3 |    1 | cached        | 1 in the answer to a hit                 |
/// |      4 |    1 | success       | 1 in an answer that holds what was asked |
/// |      5 |    1 | drive         | 0 to 15                                  |
/// |      6 |  137 | sector        |                                          |
/// |    143 |    1 | padding       | 0 in answers                             |
///
/// What is sent may be shorter: a read 3 to 144 bytes, a write 143 or 144, a clear 1 to 144. Any other length or type
/// changes nothing and is not answered. All fields are read and written bytewise, at any alignment.
///
/// The example at the top of this header is all that a firmware does with it.
/// ---
/// Serves one mailbox message: this is a firmware's whole message loop between dequeue and enqueue.
///
/// `message` is the buffer behind the mailbox's 20-byte header, *borrowed* during the call; `length` is what was
/// received there and `capacity` what there is room for, in bytes: 144 or more, or no read is answered. The answer
/// takes the message's place. The cache's sectors must have 137 bytes.
///
/// A read is answered with the sector, 144 bytes, or, if it is not held, with 4 zeros. A write, a clear, and whatever
/// is no message are not answered. With `SECTOR_CACHE_NEVER_EVICT` a new sector that finds no slot is not kept and
/// counts as refused.
///
/// Returns the answer's length in bytes, 0 if nothing is to be sent. Nothing is served for a NULL, a `cache` that is
/// not initialised, or a `length` above `capacity`.
///
/// # Safety
/// As `sector_cache_get()`; `message` is NULL or points to `capacity` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sector_cache_serve(
    cache: *mut Object<Cache>,
    message: *mut u8,
    length: usize,
    capacity: usize,
) -> usize {
    // SAFETY: the header demands the same of the caller.
    let Ok(inside) = (unsafe { Object::inside(cache) }) else { return 0 };
    // SAFETY: the same.
    let Ok(buffer) = (unsafe { lent_message(message, capacity) }) else { return 0 };
    mailbox::serve(&mut inside.cache, inside.drives, buffer, length).answer_length()
}
