//! What lies where in a cache's memory. There is nothing to call here.
//!
//! A cache of *n* slots is three arrays, one after the other: *n* records, which a search looks at, *n* places in a
//! list, and *n* sectors. There are as many buckets as slots; a bucket's head, or two in a wide cache, lies in the
//! record of the slot with the bucket's number, with which it has nothing else to do.
//!
//! | Record: narrow | wide | Field    | Meaning |
//! |---------------:|-----:|----------|---------|
//! |              0 |    0 | word     | `u32`: the key and the flags below |
//! |              4 |    4 | follower | the slot that comes after *this slot* in its bucket, or `END` |
//! |                |    8 | first    | a slot of *this bucket* beside its chain, or `END`: the next one goes there |
//! |              6 |   12 | head     | the slot that comes first in *this bucket's* chain, or `END` |
//!
//! | Place: narrow | wide | Field | Meaning |
//! |--------------:|-----:|-------|---------|
//! |             0 |    0 | prev  | the slot used just after this one; anything in the first of its list |
//! |             2 |    4 | next  | the slot used just before this one, or `END` |
//!
//! | Bits of the word | Field   | Meaning |
//! |-----------------:|---------|---------|
//! |                0 | free    | the slot holds nothing, and the rest of the word is 0 |
//! |                1 | dirty   | the device does not have these bytes yet |
//! |          2 to 25 | sector  | |
//! |         26 to 29 | drive   | |
//! |               30 | filling | the bytes are not there yet: nobody may see them |
//! |               31 | pinned  | may not be evicted |
//!
//! With the two flags that are rarely set above the key, the word of nearly every slot, shifted by 2, *is* the key: one
//! instruction compares it. Links are `u16` in the narrow layout, which makes 12 bytes a slot, and `u32` in the wide
//! one, which makes 24; all are little-endian. Everything is read bytewise, so the memory needs no alignment; compilers
//! merge the bytes into single loads and stores where the machine allows it.
//!
//! In a wide cache the upper 6 bits of a first, head or follower are the *tag* of the key in the slot that it leads to:
//! of the key times the constant that spreads keys over the buckets, the lower 6 bits. A search passes a slot by,
//! without a look at it, if its link has another tag.
//!
//! `END` is the largest number that a link holds, of 16 bits or of 26, with no tag. No slot has that number, so looking
//! it up finds nothing: the bounds check that safe code needs anyway is also what ends a list.
//!
//! Where the lists start and end, what is counted, and the lengths are in the [`SectorCache`](crate::SectorCache)
//! itself, so the memory alone is no snapshot: [`iter`](crate::SectorCache::iter) gives what one needs.
