//! The index of a narrow cache: a head a bucket, and a slot's follower beside it.

use core::hint::select_unpredictable;

use super::OUT_OF_ORDER;
use crate::SectorKey;
use crate::slot::Word;
use crate::slot::sealed::{Index, Layout, Record as _};

type Record = <u16 as Layout>::Record;

const END: usize = <u16 as Layout>::END;

/// The most slots with which a search takes its second step without a branch too.
///
/// With more, the step costs more than the guesses that it saves. The time of a hit with it, as a multiple of that
/// without:
///
/// | Slots  |  500 |  640 |  800 | 1,000 | 1,154 | 2,048 | 8,192 | 65,535 |
/// |--------|-----:|-----:|-----:|------:|------:|------:|------:|-------:|
/// | copied | 0.99 | 0.98 | 0.97 |  1.00 |  1.02 |  1.03 |  1.07 |   1.04 |
/// | lent   | 0.96 | 0.98 | 0.93 |  1.00 |  1.07 |  1.05 |  1.01 |   1.23 |
const SMALL: usize = 1_024;

impl Index for u16 {
    #[inline(always)]
    fn search(
        records: &[Record],
        bucket: usize,
        _: SectorKey,
        found: impl Fn(Word) -> bool,
    ) -> Option<usize> {
        let mut at = head(records, bucket)?;
        if OUT_OF_ORDER {
            // Whether it is the first is a guess that is often wrong: take the step either way.
            at = hit_step(records, at, &found)?;
            if records.len() > SMALL {
                return walk(records, at, found);
            }
            at = hit_step(records, at, &found)?;
        }
        walk(records, at, found)
    }

    #[inline(always)]
    fn search_new(
        records: &[Record],
        bucket: usize,
        _: SectorKey,
        found: impl Fn(Word) -> bool,
    ) -> Option<usize> {
        let mut at = head(records, bucket)?;
        if OUT_OF_ORDER {
            // Most chains have ended after two.
            at = step(records, at, &found);
            at = step(records, at, &found);
        }
        walk(records, at, found)
    }

    #[inline(always)]
    fn insert(records: &mut [Record], bucket: usize, key: SectorKey, at: usize) {
        let Some(follower) = head(records, bucket) else { return };
        if let Some(record) = records.get_mut(at) {
            record.set_word(Word::holding(key));
            let [_, _, place, _] = record;
            *place = link(follower);
        }
        set_head(records, bucket, at);
    }

    #[inline(always)]
    fn remove(records: &mut [Record], bucket: usize, _: SectorKey, at: usize) {
        let (Some(head), Some(record)) = (head(records, bucket), records.get(at)) else { return };
        let follower = follower(record);
        let mut before = head;
        if OUT_OF_ORDER {
            // The first or the second: without a branch that tells them apart.
            let Some([_, _, second, _]) = records.get_mut(head) else { return };
            if (head == at) | (number(*second) == at) {
                *second = link(follower);
                return set_head(records, bucket, select_unpredictable(head == at, follower, head));
            }
        } else if head == at {
            return set_head(records, bucket, follower);
        }
        while let Some([_, _, place, _]) = records.get_mut(before) {
            before = number(*place);
            if before == at {
                *place = link(follower);
                return;
            }
        }
    }

    #[inline(always)]
    fn clear(records: &mut [Record], bucket: usize) {
        set_head(records, bucket, END);
    }

    #[cfg(any(test, fuzzing))]
    fn visit(records: &[Record], bucket: usize, mut visit: impl FnMut(usize) -> bool) {
        let mut link = head(records, bucket);
        while let Some(at) = link.filter(|&at| at != END && visit(at)) {
            link = records.get(at).map(follower);
        }
    }
}

/// The slot that comes first in a bucket, or `END`; `None` if there is no such bucket.
#[inline(always)]
fn head(records: &[Record], bucket: usize) -> Option<usize> {
    records.get(bucket).map(|[.., head]| number(*head))
}

#[inline(always)]
fn set_head(records: &mut [Record], bucket: usize, at: usize) {
    if let Some([.., head]) = records.get_mut(bucket) {
        *head = link(at);
    }
}

/// The slot that comes after another in its bucket, or `END`.
#[inline(always)]
fn follower([_, _, follower, _]: &Record) -> usize {
    number(*follower)
}

#[inline(always)]
fn walk(records: &[Record], from: usize, found: impl Fn(Word) -> bool) -> Option<usize> {
    let mut at = from;
    let mut record = records.get(at)?;
    while !found(record.word()) {
        at = follower(record);
        record = records.get(at)?;
    }
    Some(at)
}

/// From a slot that is not the one looked for to its follower, without a branch; `None` from the end of a chain.
#[inline(always)]
fn hit_step(records: &[Record], at: usize, found: impl Fn(Word) -> bool) -> Option<usize> {
    let record = records.get(at)?;
    Some(select_unpredictable(found(record.word()), at, follower(record)))
}

/// From a slot that is not the one looked for to its follower, and from the end of a chain nowhere: without a branch.
#[inline(always)]
fn step(records: &[Record], at: usize, found: impl Fn(Word) -> bool) -> usize {
    // There is a slot, since there is a bucket; past the end of a chain the last one stands in.
    let near = at.min(records.len().wrapping_sub(1));
    let Some(record) = records.get(near) else { return END };
    select_unpredictable(found(record.word()) | (near != at), at, follower(record))
}

#[inline(always)]
fn number(link: [u8; 2]) -> usize {
    u16::from_le_bytes(link).into()
}

#[inline(always)]
fn link(at: usize) -> [u8; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "a slot's number or END, which a link can hold")]
    let link = at as u16;
    link.to_le_bytes()
}
