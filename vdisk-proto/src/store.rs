//! Where a server keeps its disks, and what it promises about them.
//!
//! The [`Service`](crate::service::Service) decides, and a [`Store`] keeps: images that are read, and groups of
//! [`Record`]s that become durable together. Two rules make the protocol's promises true:
//!
//! - What a group says counts only once [`sync`](Store::sync) returned for it. Then it survives a crash, whole; before,
//!   a crash may keep it, whole, or lose it, whole.
//! - Reads show what counts, and nothing else.
//!
//! [`MemoryStore`] keeps both without a disk, for tests and simulations. With the feature `server`, `FileStore` keeps them
//! in files.
//!
//! # On a real disk
//!
//! What each step of a durable store is, with its journal of region files:
//!
//! | Step of a write | Where |
//! |---|---|
//! | (a) its image exists, synced, renamed into place, its folder synced | [`write_group`](Store::write_group), before anything is appended; where it fails, the entry is [refused](Group::refuse) with DISK_FULL |
//! | (b) append the group | `write_group`: one block, a blob a [`Record`], each with the checksum of the bytes that it replaces |
//! | (c) fdatasync | [`sync`](Store::sync); a failure ends the process |
//! | (d) write the images by position | `sync`, after (c); where it fails, the record stays in an overlay that [`read`](Store::read) consults, and later writes to the drive are refused with IO_ERROR |
//! | (e) acknowledge | [`Service::end_group`](crate::service::Service::end_group) |
//!
//! An image's identity is compared whenever its file is opened, and before a group writes to it: what was written for an
//! image that people replaced since is not written into the new one, nor acknowledged if it came later than that.
//!
//! Sessions, marks and generations are in the same groups, and a store keeps the [`Ledger`]s up to date by
//! [`Ledger::apply`]. A checkpoint at the start of a segment is a copy of them, from which rotation needs nothing of the
//! service. Recovery applies what it finds to the images and to the ledgers, writes that into a new segment, syncs it,
//! and only then is [`ledgers`](Store::ledgers) asked. An image that people replaced while no server ran is a
//! [`Record::Changed`] that the store makes itself at recovery; under a running server, whoever notices calls
//! [`Service::image_changed`](crate::service::Service::image_changed).

#[cfg(feature = "server")]
pub mod file;
mod group;
mod ledger;
mod memory;

use std::sync::Arc;
use std::vec::Vec;

use sector_cache::{Drive, Geometry};

#[cfg(feature = "server")]
pub use file::{FileStore, FileStoreError, FileStoreOptions};
pub use group::{Author, Entry, Group, Record, Session, Write};
pub use ledger::{Granted, Ledger, NONCES};
pub use memory::{Faults, Journalled, MemoryStore, SyncFailed};

pub use crate::codec::Run;
use crate::codec::{Channel, Status};

/// A drive's image, as far as a service must know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its shape; the image is as long as that says.
    pub geometry: Geometry,
    /// Whether writes to it are refused with READ_ONLY: a file without write permission, or a folder.
    pub is_read_only: bool,
}

/// Where a server keeps its disks; see the [module](self).
///
/// A store is shared, and locks what it must inside: one thread may wait in [`sync`](Self::sync) while another reads. An
/// `Arc` of a store is one: a service takes a clone, and the thread that writes groups another.
pub trait Store {
    /// Why the store cannot go on. The process ends: what a failed sync left on the disk, nobody knows.
    type Error: core::error::Error;

    /// What is durable of every channel that has something durable: "sessions and mark are in the journal in the
    /// write's own group, and survive rotation and restart". Asked once, when the service starts.
    fn ledgers(&self) -> Vec<(Channel, Ledger)>;

    /// The image of a drive, the channel's own or else the shared template: "until then reads come from the shared
    /// template". `None` if the channel has no such drive.
    fn image(&self, channel: Channel, drive: Drive) -> Option<Image>;

    /// Reads bytes of an image. The caller keeps within its length.
    ///
    /// # Errors
    /// The status to answer; `bytes` may then hold anything. [`Status::IoError`], or [`Status::UnknownDrive`] if the
    /// image is gone.
    fn read(&self, channel: Channel, drive: Drive, offset: u64, bytes: &mut [u8]) -> Result<(), Status>;

    /// Writes a group where a sync will make it durable: "append the group", after "its image exists". One group is in
    /// flight at a time: the next one comes when this one is synced.
    ///
    /// Entries that cannot be kept are [refused](Group::refuse) here. Of a write whose bytes the image has already, the
    /// mark is journalled and the bytes are not: "identical bytes still journal the mark, not the bytes".
    ///
    /// # Errors
    /// The store cannot go on.
    fn write_group(&self, group: &mut Group) -> Result<(), Self::Error>;

    /// Makes the group durable that was written last, then applies it: "fdatasync; pwrite the images". When it
    /// returns, reads show the group, and no crash takes it back: "acknowledged means durable: applied and synced".
    ///
    /// # Errors
    /// The store cannot go on: "a failed journal sync ends the process".
    fn sync(&self, group: &Group) -> Result<(), Self::Error>;
}

macro_rules! forward {
    ($pointer:ty) => {
        impl<S: Store + ?Sized> Store for $pointer {
            type Error = S::Error;

            fn ledgers(&self) -> Vec<(Channel, Ledger)> {
                (**self).ledgers()
            }

            fn image(&self, channel: Channel, drive: Drive) -> Option<Image> {
                (**self).image(channel, drive)
            }

            fn read(
                &self,
                channel: Channel,
                drive: Drive,
                offset: u64,
                bytes: &mut [u8],
            ) -> Result<(), Status> {
                (**self).read(channel, drive, offset, bytes)
            }

            fn write_group(&self, group: &mut Group) -> Result<(), Self::Error> {
                (**self).write_group(group)
            }

            fn sync(&self, group: &Group) -> Result<(), Self::Error> {
                (**self).sync(group)
            }
        }
    };
}

// A service and the thread that writes its groups share the store.
forward!(&S);
forward!(Arc<S>);
