//! All blobs, one after the other.

use std::convert::Infallible;
use std::ops::{ControlFlow, Range};

use super::{Layout, RUN, Region, Two, prefetch};
use crate::error::{Error, Result};
use crate::format::{Block, Damage, HEADER_LENGTH, IndexEntry, Problem, block, v1};

impl Region {
    /// Lends all blobs in order.
    ///
    /// # Errors
    /// [`Error::Damaged`], at the first blob of a block that is damaged; those before have been lent.
    pub fn scan(&self, visit: impl FnMut(&[u8])) -> Result<()> {
        self.scan_until(to_the_end(visit)).map(drop)
    }

    /// Lends all blobs in order, until one breaks off. They are lent for as long as the region is open.
    ///
    /// # Errors
    /// As [`scan`](Self::scan).
    pub fn scan_until<'a, B>(
        &'a self,
        mut visit: impl FnMut(&'a [u8]) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>> {
        match &self.layout {
            Layout::One(_) => {
                let blobs = v1::Blobs::new(self.bytes.get()).map_err(Error::damaged(&self.path))?;
                self.scan_v1(blobs, u64::MAX, visit)
            }
            Layout::Two(two) => {
                let mut walk = Walk::start();
                while let Some((block, is_just_verified)) = walk.next(self, two)? {
                    let flow = self.scan_block(&block, is_just_verified, &mut visit)?;
                    if flow.is_break() {
                        return Ok(flow);
                    }
                }
                Ok(ControlFlow::Continue(()))
            }
        }
    }

    /// Lends the blobs of some [parts](Self#parts) in order. Parts that are not there have none.
    ///
    /// # Errors
    /// As [`scan`](Self::scan).
    pub fn scan_parts(&self, parts: Range<usize>, visit: impl FnMut(&[u8])) -> Result<()> {
        self.scan_parts_until(parts, to_the_end(visit)).map(drop)
    }

    /// The same until one breaks off. They are lent for as long as the region is open.
    ///
    /// # Errors
    /// As [`scan`](Self::scan).
    pub fn scan_parts_until<'a, B>(
        &'a self,
        parts: Range<usize>,
        mut visit: impl FnMut(&'a [u8]) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>> {
        match &self.layout {
            Layout::One(marks) => {
                let marks = self.marks(marks)?;
                let Some(&offset) = marks.offsets.get(parts.start) else {
                    return Ok(ControlFlow::Continue(()));
                };
                let most = RUN.saturating_mul(parts.len() as u64);
                self.scan_v1(v1::Blobs::from_offset(self.bytes.get(), offset), most, visit)
            }
            Layout::Two(two) => {
                let index = self.index(two)?;
                for number in parts {
                    let Some(entry) = index.get(number) else { break };
                    let (block, is_just_verified) = self.block(two, entry, number)?;
                    let flow = self.scan_block(&block, is_just_verified, &mut visit)?;
                    if flow.is_break() {
                        return Ok(flow);
                    }
                }
                Ok(ControlFlow::Continue(()))
            }
        }
    }

    /// The blobs in order, lent for as long as the region is open. A little slower than [`scan`](Self::scan).
    #[must_use]
    pub fn blobs(&self) -> Blobs<'_> {
        Blobs { region: self, walk: Walk::start(), part: Part::Start }
    }

    fn scan_v1<'a, B>(
        &'a self,
        mut blobs: v1::Blobs<'a>,
        most: u64,
        mut visit: impl FnMut(&'a [u8]) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>> {
        let mut left = most;
        while left > 0
            && let Some(blob) = blobs.next()
        {
            let blob = blob.map_err(Error::damaged(&self.path))?;
            prefetch::behind(blob, v1::PREFIX_LENGTH);
            let flow = visit(blob);
            if flow.is_break() {
                return Ok(flow);
            }
            left -= 1;
        }
        Ok(ControlFlow::Continue(()))
    }

    #[inline(always)]
    fn scan_block<'a, B>(
        &'a self,
        block: &Block<'a>,
        is_just_verified: bool,
        visit: &mut impl FnMut(&'a [u8]) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>> {
        if !block.head().kind.has_blobs() {
            return Ok(ControlFlow::Continue(()));
        }
        if is_just_verified {
            let mut next = prefetch::Next::behind(block);
            self.lend(block, |blob| next.go_on(blob), visit)
        } else {
            prefetch::block_behind(block);
            self.lend(block, |blob| prefetch::behind(blob, prefetch::padding(blob)), visit)
        }
    }

    /// Lends the blobs of a block. What comes after each is fetched before.
    #[inline(always)]
    fn lend<'a, B>(
        &'a self,
        block: &Block<'a>,
        mut fetch: impl FnMut(&[u8]),
        visit: &mut impl FnMut(&'a [u8]) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>> {
        for blob in block.blobs() {
            let blob = blob.map_err(Error::damaged(&self.path))?;
            fetch(blob);
            let flow = visit(blob);
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// What never breaks off.
fn to_the_end<'a>(mut visit: impl FnMut(&[u8])) -> impl FnMut(&'a [u8]) -> ControlFlow<Infallible> {
    move |blob| {
        visit(blob);
        ControlFlow::Continue(())
    }
}

/// From block to block by their lengths: who scans from the first on needs no index.
#[derive(Clone, Debug)]
struct Walk {
    /// What the index says of the next block, if it is right.
    next: IndexEntry,
    number: usize,
}

impl Walk {
    const fn start() -> Self {
        Self { next: IndexEntry { offset: HEADER_LENGTH as u64, first_ordinal: 0 }, number: 0 }
    }

    /// The next block, and whether it was verified just now; `None` where the index starts.
    fn next<'a>(&mut self, region: &'a Region, two: &Two) -> Result<Option<(Block<'a>, bool)>> {
        let IndexEntry { offset, first_ordinal } = self.next;
        if offset == two.seal.index_offset && first_ordinal == two.seal.blobs {
            return Ok(None);
        }
        if offset >= two.seal.index_offset {
            let problem = Problem::Value { found: first_ordinal, expected: "the seal's number of blobs" };
            return Err(Error::damaged(&region.path)(Damage::new("block", offset, problem)));
        }
        let (block, is_just_verified) = region.block(two, self.next, self.number)?;
        self.next.offset += block.head().padded_length(two.header.alignment);
        if block.head().kind.has_blobs() {
            self.next.first_ordinal += block.len() as u64;
        }
        self.number += 1;
        Ok(Some((block, is_just_verified)))
    }
}

/// The blobs of a region, in order. After an error there are no more.
#[derive(Clone, Debug)]
pub struct Blobs<'a> {
    region: &'a Region,
    /// Where it is, in version 2.
    walk: Walk,
    part: Part<'a>,
}

#[derive(Clone, Debug)]
enum Part<'a> {
    Start,
    One(v1::Blobs<'a>),
    Two(block::Blobs<'a>),
    End,
}

impl<'a> Blobs<'a> {
    /// Goes on to the next part; `false` if there is none.
    fn advance(&mut self) -> Result<bool> {
        let region = self.region;
        self.part = match (&region.layout, &self.part) {
            (_, Part::End) | (Layout::One(_), Part::One(_) | Part::Two(_)) => Part::End,
            (Layout::One(_), Part::Start) => {
                Part::One(v1::Blobs::new(region.bytes.get()).map_err(Error::damaged(&region.path))?)
            }
            (Layout::Two(two), _) => match self.walk.next(region, two)? {
                Some((block, _)) if block.head().kind.has_blobs() => Part::Two(block.blobs()),
                Some(_) => Part::Start,
                None => Part::End,
            },
        };
        Ok(!matches!(self.part, Part::End))
    }
}

impl<'a> Iterator for Blobs<'a> {
    type Item = Result<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let blob = match &mut self.part {
                Part::One(blobs) => blobs.next(),
                Part::Two(blobs) => blobs.next(),
                Part::Start | Part::End => None,
            };
            if let Some(blob) = blob {
                return Some(blob.map_err(|damage| {
                    self.part = Part::End;
                    Error::damaged(&self.region.path)(damage)
                }));
            }
            match self.advance() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.part = Part::End;
                    return Some(Err(error));
                }
            }
        }
    }
}

impl core::iter::FusedIterator for Blobs<'_> {}
