//! The bookkeeping of one slot, as bytes in the caller's memory: what the tables of [`layout`](crate::layout) say.

use crate::SectorKey;

/// Key and flags of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word(u32);

impl Word {
    pub const FREE: Self = Self(1);
    pub const DIRTY: u32 = 1 << 1;
    pub const FREE_OR_DIRTY: u32 = Self::FREE.0 | Self::DIRTY;
    pub const FILLING: u32 = 1 << 30;
    pub const PINNED: u32 = 1 << 31;
    const KEY_AT: u32 = 2;

    /// A slot that holds `key`, with no flag set.
    #[inline(always)]
    pub const fn holding(key: SectorKey) -> Self {
        Self(key.bits() << Self::KEY_AT)
    }

    #[inline(always)]
    pub const fn key(self) -> SectorKey {
        SectorKey::from_bits(self.0 >> Self::KEY_AT)
    }

    /// Whether the slot is `key`'s, and neither pinned nor being filled.
    #[inline(always)]
    pub const fn is_plainly(self, key: SectorKey) -> bool {
        self.0 >> Self::KEY_AT == key.bits()
    }

    /// Whether one of `flags` is set.
    #[inline(always)]
    pub const fn any(self, flags: u32) -> bool {
        self.0 & flags != 0
    }

    pub const fn with(self, flag: u32) -> Self {
        Self(self.0 | flag)
    }

    pub const fn without(self, flag: u32) -> Self {
        Self(self.0 & !flag)
    }

    #[inline(always)]
    pub const fn is_free(self) -> bool {
        self.any(Self::FREE.0)
    }

    /// Whether eviction passes the slot by.
    #[inline(always)]
    pub const fn is_held(self) -> bool {
        self.any(Self::FILLING | Self::PINNED)
    }

    /// Whether readers may have its bytes.
    #[inline(always)]
    pub const fn is_visible(self) -> bool {
        !self.any(Self::FREE.0 | Self::FILLING)
    }
}

/// How wide the links are: `u16` in the narrow layout, `u32` in the wide one.
///
/// Sealed: the two are all there are.
pub trait Link: Copy + core::fmt::Debug + sealed::Index {}

impl Link for u16 {}
impl Link for u32 {}

pub(crate) mod sealed {
    use super::Word;
    use crate::SectorKey;

    /// Records and places, as many of each.
    pub(crate) type Arrays<'m, L> = (&'m mut [<L as Layout>::Record], &'m mut [<L as Layout>::Place]);

    /// The byte layout that goes with a width of links.
    pub trait Layout: Sized {
        /// See the tables above.
        type Record: Record;
        /// See the tables above.
        type Place: Place;
        /// Bytes of bookkeeping a slot.
        const SLOT_BYTES: usize;
        /// The largest number in a link: that of no slot, and so also the most slots. It has no tag.
        const END: usize;

        /// Splits the bookkeeping into records and places, `slots` of each; `None` if it is shorter.
        fn split(memory: &mut [u8], slots: usize) -> Option<Arrays<'_, Self>>;
    }

    /// What finds slots by the sectors they hold: chains of slots, one a bucket. `found` knows the word looked for.
    pub trait Index: Layout {
        /// Searches a bucket for a sector that is probably there.
        fn search(
            records: &[Self::Record],
            bucket: usize,
            key: SectorKey,
            found: impl Fn(Word) -> bool,
        ) -> Option<usize>;

        /// Searches a bucket for a sector that is probably not there.
        fn search_new(
            records: &[Self::Record],
            bucket: usize,
            key: SectorKey,
            found: impl Fn(Word) -> bool,
        ) -> Option<usize>;

        /// Gives a slot, which is in no bucket, to a key, and puts it into the key's bucket.
        fn insert(records: &mut [Self::Record], bucket: usize, key: SectorKey, at: usize);

        /// Takes a slot out of its key's bucket.
        fn remove(records: &mut [Self::Record], bucket: usize, key: SectorKey, at: usize);

        /// Empties a bucket, whatever its slots say.
        fn clear(records: &mut [Self::Record], bucket: usize);

        /// Hands the slots of a bucket to `visit` until that returns `false`.
        #[cfg(any(test, fuzzing))]
        fn visit(records: &[Self::Record], bucket: usize, visit: impl FnMut(usize) -> bool);
    }

    /// A slot's key, and what the index knows.
    pub trait Record: Copy + core::fmt::Debug {
        fn word(&self) -> Word;
        fn set_word(&mut self, word: Word);
    }

    /// A slot's place in its list.
    pub trait Place: Copy + core::fmt::Debug {
        fn prev(&self) -> usize;
        fn next(&self) -> usize;
        fn set_prev(&mut self, at: usize);
        fn set_next(&mut self, at: usize);
    }
}

/// The bytes of a link: the number of a slot, or `END`, which both fit.
macro_rules! link {
    ($at:ident, $link:ty) => {{
        #[expect(clippy::cast_possible_truncation, reason = "a slot's number or END, which a link can hold")]
        let link = $at as $link;
        link.to_le_bytes()
    }};
}

/// Writes a layout for a width of links, of which four make a record and two a place.
macro_rules! layout {
    ($link:ty, number: $bits:literal bits) => {
        impl sealed::Layout for $link {
            type Record = [[u8; size_of::<$link>()]; 4];
            type Place = [[u8; size_of::<$link>()]; 2];
            const SLOT_BYTES: usize = size_of::<Self::Record>() + size_of::<Self::Place>();
            const END: usize = (1 << $bits) - 1;

            #[inline(always)]
            fn split(memory: &mut [u8], slots: usize) -> Option<sealed::Arrays<'_, Self>> {
                let (links, _) = memory.as_chunks_mut();
                let (records, places) = links.split_at_mut_checked(slots.checked_mul(4)?)?;
                Some((records.as_chunks_mut().0, places.as_chunks_mut().0.get_mut(..slots)?))
            }
        }

        impl sealed::Record for <$link as sealed::Layout>::Record {
            #[inline(always)]
            fn word(&self) -> Word {
                self.as_flattened().first_chunk().map_or(Word::FREE, |bytes| Word(u32::from_le_bytes(*bytes)))
            }

            #[inline(always)]
            fn set_word(&mut self, word: Word) {
                if let Some(bytes) = self.as_flattened_mut().first_chunk_mut() {
                    *bytes = word.0.to_le_bytes();
                }
            }
        }

        impl sealed::Place for <$link as sealed::Layout>::Place {
            #[inline(always)]
            fn prev(&self) -> usize {
                <$link>::from_le_bytes(self[0]) as usize
            }

            #[inline(always)]
            fn next(&self) -> usize {
                <$link>::from_le_bytes(self[1]) as usize
            }

            #[inline(always)]
            fn set_prev(&mut self, at: usize) {
                self[0] = link!(at, $link);
            }

            #[inline(always)]
            fn set_next(&mut self, at: usize) {
                self[1] = link!(at, $link);
            }
        }
    };
}

layout!(u16, number: 16 bits);
layout!(u32, number: 26 bits);

// What the design promises: 12 bytes a slot while 16 bits can number the slots.
const _: () = assert!(<u16 as sealed::Layout>::SLOT_BYTES == 12 && <u32 as sealed::Layout>::SLOT_BYTES == 24);
