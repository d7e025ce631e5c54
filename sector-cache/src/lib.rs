//! An LRU cache of disk sectors in memory that the caller supplies: no `std`, no allocation, no unsafe code.
//!
//! A [`SectorCache`] holds sectors of one length, whichever that is, each named by its drive and its number. It lends
//! their bytes, and when it is full the least recently used sector gives up its slot. Around it are a [`CachedDisk`],
//! which reads and writes a device through the cache, and the [`mailbox`] services of a microcontroller that caches for
//! the processor beside it.
//!
//! ```
//! use sector_cache::{Drive, Eviction, Outcome, Sector, SectorCache, SectorKey};
//!
//! let mut memory = [0; 2 * (12 + 137)]; // two slots: 12 bytes of bookkeeping and 137 of sector each
//! let mut cache = SectorCache::new(&mut memory, 2, 137, Eviction::Lru)?;
//!
//! let [boot, directory, game] = [0, 64, 2_463].map(|n: u16| SectorKey::new(Drive::B, Sector::from(n)));
//! cache.put(boot, &[1; 137])?;
//! assert_eq!(cache.put(directory, &[2; 137])?, Outcome::Inserted);
//! assert_eq!(cache.get(boot), Some(&[1; 137][..])); // lent, and the most recently used from now on
//!
//! assert_eq!(cache.put(game, &[3; 137])?, Outcome::Evicted(directory));
//! assert_eq!(cache.get(directory), None);
//! # Ok::<(), sector_cache::Error>(())
//! ```
//!
//! # Where to look
//!
//! | To                                              | see |
//! |-------------------------------------------------|-----|
//! | hold and find sectors, pin them, fill them in place | [`SectorCache`] |
//! | hold more than 65,535 of them                   | [`WideSectorCache`] |
//! | put a cache in front of a device, with write-through or write-back | [`CachedDisk`], [`BlockDevice`] |
//! | read more than what was missed                  | [`ReadAhead`], [`WholeTrack`] |
//! | describe a disk, or take a known one            | [`Geometry`] |
//! | serve messages between two cores                | [`mailbox`] |
//! | know what lies where in the memory              | [`layout`] |
//!
//! # Memory
//!
//! A cache of *n* slots of *s* bytes takes *n* × (12 + *s*) bytes of the caller's memory, at any alignment; a wide one,
//! *n* × (24 + *s*). [`required_bytes`](SectorCache::required_bytes) computes it as a constant, and
//! [`slots_in`](SectorCache::slots_in) is its inverse: 172,032 bytes hold 1,154 sectors of 137 bytes, since
//! 1,154 × 149 = 171,946. The [`SectorCache`] itself is at most 20 machine words. Nothing else is ever used.
//!
//! # How it works
//!
//! The memory is three arrays: a record a slot (its key, its flags, and what follows it in its bucket), a place a slot
//! (its two neighbours in recency), and the sectors. A key is multiplied by a constant and scaled to the number of
//! buckets, one a slot, so that no number need be a power of two. A bucket's slots are linked one after the other, and
//! a search ends at the slot whose key is the one wanted. Every slot is in the recency list too, from the one used last
//! to the one used longest ago and then the free ones: a hit moves its slot to the start, and an insertion takes the
//! last. Nothing is resized, moved or hashed again. A call takes constant time unless it says otherwise, as long as the
//! keys spread: they do for runs and strides of sectors, but the constant is no secret, and whoever may choose the keys
//! freely can choose them all from one bucket.
//!
//! # Threads
//!
//! A cache is plain data behind `&mut`: there is no interior mutability, no lock and no atomic. Looking
//! ([`peek`](SectorCache::peek), [`contains`](SectorCache::contains), [`iter`](SectorCache::iter)) takes `&self`, and
//! everything that counts, orders or changes takes `&mut self`, [`get`](SectorCache::get) among it. Caches are `Send`
//! and `Sync`: several threads share one behind a lock of their own.
//!
//! # What it does without
//!
//! - `std` and `alloc`: the crate is `no_std`, and all its memory is the caller's.
//! - Unsafe code: it is forbidden.
//! - Panics: a lookup ends where safe code finds no slot, arithmetic wraps where it cannot overflow, and what a caller
//!   gets wrong is an [`Error`].
//! - Features: there are none.
//!
//! Rust 1.89 is the oldest that compiles it.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(any(test, fuzzing))]
extern crate std;

mod cache;
mod disk;
mod error;
mod geometry;
mod key;
pub mod layout;
pub mod mailbox;
mod read_ahead;
mod slot;
mod stats;

pub use cache::{Entry, Eviction, Iter, Outcome, SectorCache, WideSectorCache};
pub use disk::{BlockDevice, CachedDisk, DiskError, WriteMode};
pub use error::Error;
pub use geometry::Geometry;
pub use key::{Drive, Sector, SectorKey};
pub use read_ahead::{NextSectors, NoReadAhead, ReadAhead, Span, WholeTrack};
pub use slot::Link;
pub use stats::Stats;
