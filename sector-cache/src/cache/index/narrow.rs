//! The index of a narrow cache: a head a bucket, and a slot's follower beside it.

use core::hint::select_unpredictable;

use super::OUT_OF_ORDER;
use crate::SectorKey;
use crate::slot::Word;
use crate::slot::sealed::{Index, Layout, Neighbours, Record as _};

type Record = <u16 as Layout>::Record;
type Chain = <u16 as Layout>::Chain;

const END: usize = <u16 as Layout>::END;

impl Index for u16 {
    #[inline(always)]
    fn search(
        records: &[Record],
        chains: &[Chain],
        bucket: usize,
        _: SectorKey,
        found: impl Fn(Word) -> bool,
    ) -> Option<(usize, Neighbours)> {
        let mut at = head(chains, bucket)?;
        if OUT_OF_ORDER {
            // Whether it is the first is a guess that is often wrong: take the step either way.
            let word = records.get(at)?.word();
            at = select_unpredictable(found(word), at, follower(chains, at)?);
        }
        walk(records, chains, at, found)
    }

    #[inline(always)]
    fn search_new(
        records: &[Record],
        chains: &[Chain],
        bucket: usize,
        _: SectorKey,
        found: impl Fn(Word) -> bool,
    ) -> Option<(usize, Neighbours)> {
        let mut at = head(chains, bucket)?;
        if OUT_OF_ORDER {
            // Most chains have ended after two.
            at = step(records, chains, at, &found);
            at = step(records, chains, at, &found);
        }
        walk(records, chains, at, found)
    }

    #[inline(always)]
    fn insert(_: &mut [Record], chains: &mut [Chain], bucket: usize, _: SectorKey, at: usize) {
        let Some(follower) = head(chains, bucket) else { return };
        if let Some([place, _]) = chains.get_mut(at) {
            *place = link(follower);
        }
        set_head(chains, bucket, at);
    }

    #[inline(always)]
    fn follower(_: &[Record], chains: &[Chain], at: usize) -> Option<usize> {
        follower(chains, at)
    }

    #[inline(always)]
    fn remove(
        _: &mut [Record],
        chains: &mut [Chain],
        bucket: usize,
        _: SectorKey,
        at: usize,
        follower: usize,
    ) {
        let Some(head) = head(chains, bucket) else { return };
        let mut before = head;
        if OUT_OF_ORDER {
            // The first or the second: without a branch that tells them apart.
            let Some([second, _]) = chains.get_mut(head) else { return };
            if (head == at) | (number(*second) == at) {
                *second = link(follower);
                return set_head(chains, bucket, select_unpredictable(head == at, follower, head));
            }
        } else if head == at {
            return set_head(chains, bucket, follower);
        }
        while let Some([place, _]) = chains.get_mut(before) {
            before = number(*place);
            if before == at {
                *place = link(follower);
                return;
            }
        }
    }

    #[inline(always)]
    fn clear(chains: &mut [Chain], bucket: usize) {
        set_head(chains, bucket, END);
    }

    #[cfg(any(test, fuzzing))]
    fn visit(_: &[Record], chains: &[Chain], bucket: usize, mut visit: impl FnMut(usize) -> bool) {
        let mut link = head(chains, bucket);
        while let Some(at) = link.filter(|&at| at != END) {
            if !visit(at) {
                return;
            }
            link = follower(chains, at);
        }
    }
}

/// The slot that comes first in a bucket, or `END`; `None` if there is no such bucket.
#[inline(always)]
fn head(chains: &[Chain], bucket: usize) -> Option<usize> {
    chains.get(bucket).map(|[_, head]| number(*head))
}

#[inline(always)]
fn set_head(chains: &mut [Chain], bucket: usize, at: usize) {
    if let Some([_, head]) = chains.get_mut(bucket) {
        *head = link(at);
    }
}

/// The slot that comes after another in its bucket, or `END`; `None` if there is no such slot.
#[inline(always)]
fn follower(chains: &[Chain], at: usize) -> Option<usize> {
    chains.get(at).map(|[follower, _]| number(*follower))
}

#[inline(always)]
fn walk(
    records: &[Record],
    chains: &[Chain],
    from: usize,
    found: impl Fn(Word) -> bool,
) -> Option<(usize, Neighbours)> {
    let mut at = from;
    loop {
        let record = records.get(at)?;
        if found(record.word()) {
            return Some((at, Neighbours::of(record)));
        }
        at = follower(chains, at)?;
    }
}

/// From a slot that is not the one looked for to its follower, and from the end of a chain nowhere: without a branch.
#[inline(always)]
fn step(records: &[Record], chains: &[Chain], at: usize, found: impl Fn(Word) -> bool) -> usize {
    // There is a slot, since there is a bucket; past the end of a chain the last one stands in.
    let near = at.min(records.len().wrapping_sub(1));
    let follower = follower(chains, near).unwrap_or(END);
    let is_found = records.get(near).is_some_and(|record| found(record.word()));
    select_unpredictable(is_found | (near != at), at, follower)
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
