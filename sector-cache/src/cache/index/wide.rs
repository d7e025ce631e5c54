//! The index of a wide cache: two heads a bucket, and a slot's follower in its record.
//!
//! Waiting for a slot's record costs more here than anything else. So a link has some bits of the key in the slot that
//! it leads to: most slots of other keys are passed by without a look. A slot that finds the first head free becomes
//! that; others form a chain from the second.

use core::hint::select_unpredictable;

use super::hash;
use crate::SectorKey;
use crate::slot::Word;
use crate::slot::sealed::{Index, Layout, Record as _};

type Record = <u32 as Layout>::Record;

/// Bits of a link that number a slot. Above them is the tag.
const NUMBER_BITS: u32 = 26;
const END: u32 = (1 << NUMBER_BITS) - 1;
const _: () = assert!(END as usize == <u32 as Layout>::END);

impl Index for u32 {
    #[inline(always)]
    fn search(
        records: &[Record],
        bucket: usize,
        key: SectorKey,
        found: impl Fn(Word) -> bool,
    ) -> Option<usize> {
        let [first, second] = heads(records.get(bucket)?);
        let tag = tag(key);
        // Of another tag, this is more than any slot's number.
        let is_first = (first ^ tag) <= END;
        let at = (select_unpredictable(is_first, first, second) ^ tag) as usize;
        if let Some(record) = records.get(at)
            && found(record.word())
        {
            return Some(at);
        }
        walk(records, second, found)
    }

    #[inline(always)]
    fn search_new(
        records: &[Record],
        bucket: usize,
        key: SectorKey,
        found: impl Fn(Word) -> bool,
    ) -> Option<usize> {
        Self::search(records, bucket, key, found)
    }

    #[inline(always)]
    fn insert(records: &mut [Record], bucket: usize, key: SectorKey, at: usize) {
        let Some(record) = records.get_mut(bucket) else { return };
        let [first, second] = heads(record);
        let (link, is_free) = (link(at, key), first == END);
        set_heads(
            record,
            [select_unpredictable(is_free, link, first), select_unpredictable(is_free, second, link)],
        );
        if let Some(record) = records.get_mut(at) {
            record.set_word(Word::holding(key));
            let [_, follower, ..] = record;
            *follower = select_unpredictable(is_free, END, second).to_le_bytes();
        }
    }

    #[inline(always)]
    fn remove(records: &mut [Record], bucket: usize, key: SectorKey, at: usize) {
        let Some([_, follower, ..]) = records.get(at) else { return };
        let follower = u32::from_le_bytes(*follower);
        let Some(record) = records.get_mut(bucket) else { return };
        let [first, second] = heads(record);
        let link = link(at, key);
        if (first == link) | (second == link) {
            let is_first = first == link;
            return set_heads(
                record,
                [
                    select_unpredictable(is_first, END, first),
                    select_unpredictable(is_first, second, follower),
                ],
            );
        }
        let mut before = second;
        while let Some([_, place, ..]) = records.get_mut((before & END) as usize) {
            before = u32::from_le_bytes(*place);
            if before == link {
                *place = follower.to_le_bytes();
                return;
            }
        }
    }

    #[inline(always)]
    fn clear(records: &mut [Record], bucket: usize) {
        if let Some(record) = records.get_mut(bucket) {
            set_heads(record, [END; 2]);
        }
    }

    #[cfg(any(test, fuzzing))]
    fn visit(records: &[Record], bucket: usize, mut visit: impl FnMut(usize) -> bool) {
        let Some(record) = records.get(bucket) else { return };
        let [first, mut link] = heads(record);
        let goes_on = first == END || visit((first & END) as usize);
        while goes_on && link != END && visit((link & END) as usize) {
            let Some([_, follower, ..]) = records.get((link & END) as usize) else { return };
            link = u32::from_le_bytes(*follower);
        }
    }
}

/// The two links of a bucket.
#[inline(always)]
fn heads([.., first, second]: &Record) -> [u32; 2] {
    [*first, *second].map(u32::from_le_bytes)
}

#[inline(always)]
fn set_heads([.., first, second]: &mut Record, heads: [u32; 2]) {
    [*first, *second] = heads.map(u32::to_le_bytes);
}

/// Searches a chain from a link on.
#[inline(always)]
fn walk(records: &[Record], from: u32, found: impl Fn(Word) -> bool) -> Option<usize> {
    let mut link = from;
    loop {
        let at = (link & END) as usize;
        let record = records.get(at)?;
        if found(record.word()) {
            return Some(at);
        }
        let [_, follower, ..] = record;
        link = u32::from_le_bytes(*follower);
    }
}

/// The bits of a key that are above the number in a link to its slot.
#[inline(always)]
const fn tag(key: SectorKey) -> u32 {
    hash(key) << NUMBER_BITS
}

#[inline(always)]
fn link(at: usize, key: SectorKey) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "a slot's number, which a link can hold")]
    let number = at as u32;
    number | tag(key)
}
