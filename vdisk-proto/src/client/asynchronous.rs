//! A disk whose calls are futures.

use std::vec::Vec;

use sector_cache::SectorKey;

use super::command::{Command, Handle};
use super::{DriveInfo, Error, Event, Options, Stats};

/// The drives of a channel, by calls that are futures, for tokio or any other executor; see the [module](super).
///
/// Tasks may share one. A future that is dropped gives up its wait: a read is not missed, a write may be accepted or not,
/// and a flush goes on.
///
/// ```no_run
/// use sector_cache::SectorKey;
/// use vdisk_proto::client::{AsyncDisk, Error, Options};
///
/// async fn mark_boot_sector() -> Result<(), Error> {
///     let disk = AsyncDisk::open(&Options::new("mqtt://127.0.0.1:1883", "12345678")).await?;
///     let key = SectorKey::try_new(1, 0).unwrap(); // drive B, sector 0
///     let mut bytes = [0; 137];
///     disk.read(key, &mut bytes).await?;
///     bytes[0] ^= 1;
///     disk.write(key, &bytes).await?;
///     disk.close().await
/// }
/// ```
#[derive(Debug)]
pub struct AsyncDisk {
    handle: Handle,
}

impl AsyncDisk {
    /// As [`Disk::open`](super::Disk::open), but that a disk's thread that could not open it may still be about to end.
    ///
    /// # Errors
    /// As there.
    pub async fn open(options: &Options) -> Result<Self, Error> {
        Ok(Self { handle: Handle::open(options).await? })
    }

    /// The drives that the channel has, as last told.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub async fn drives(&self) -> Result<Vec<DriveInfo>, Error> {
        self.handle.ask(Command::Drives).await
    }

    /// As [`Disk::read`](super::Disk::read).
    ///
    /// # Errors
    /// As there.
    pub async fn read(&self, key: SectorKey, bytes: &mut [u8]) -> Result<(), Error> {
        self.handle.read(key, bytes).await
    }

    /// As [`Disk::write`](super::Disk::write).
    ///
    /// # Errors
    /// As there.
    pub async fn write(&self, key: SectorKey, bytes: &[u8]) -> Result<(), Error> {
        self.handle.write(key, bytes).await
    }

    /// As [`Disk::flush`](super::Disk::flush).
    ///
    /// # Errors
    /// As there.
    pub async fn flush(&self) -> Result<(), Error> {
        self.handle.ask(Command::Flush).await
    }

    /// What was counted, and how the disk is.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub async fn stats(&self) -> Result<Stats, Error> {
        self.handle.ask(Command::Stats).await
    }

    /// The next thing that happens by itself.
    ///
    /// # Errors
    /// [`Error::Stopped`]: nothing more will.
    pub async fn next_event(&self) -> Result<Event, Error> {
        self.handle.events.next().await
    }

    /// As [`Disk::resume`](super::Disk::resume).
    ///
    /// # Errors
    /// As there.
    pub async fn resume(&self) -> Result<(), Error> {
        self.handle.ask(Command::Resume).await
    }

    /// As [`Disk::close`](super::Disk::close), but that the disk's thread may still be about to end.
    ///
    /// # Errors
    /// As there.
    pub async fn close(self) -> Result<(), Error> {
        self.handle.ask(Command::Close).await
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime;

    use super::*;

    #[test]
    fn whoever_waits_for_events_of_a_dead_thread_is_told_so() {
        let disk = AsyncDisk { handle: Handle::dead() };
        let runtime = runtime::Builder::new_current_thread().build().unwrap();
        assert!(matches!(runtime.block_on(disk.next_event()), Err(Error::Stopped)));
    }
}
