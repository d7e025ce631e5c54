//! What goes wrong, and how often it did.

/// A kind of thing that goes wrong, or that happens beside a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Fault {
    /// A message is lost.
    Lost,
    /// A message comes twice.
    Duplicated,
    /// A message comes before one that was sent earlier.
    Reordered,
    /// A message takes more than a second.
    Delayed,
    /// A byte of a message changes.
    Corrupted,
    /// A message comes as one that was retained.
    Retained,
    /// A device's connection breaks.
    Partition,
    /// A message waits in the broker until its receiver is back.
    Kept,
    /// A device reboots.
    DeviceCrash,
    /// A microcontroller reboots.
    M4Crash,
    /// A message finds the mailbox full.
    MailboxFull,
    /// The server crashes.
    ServerCrash,
    /// A group that was written is not synced when it does.
    UnsyncedLost,
    /// The same, but the disk has it.
    UnsyncedKept,
    /// An image is replaced under the server.
    ImageReplaced,
    /// An image is replaced while no server runs.
    ImageReplacedOffline,
    /// The server's folder is restored from the past.
    FolderRestored,
    /// The store refuses writes: its disk is full.
    DiskFull,
    /// The server says BUSY.
    Busy,
    /// The store cannot read.
    ReadError,
    /// An emulator in the field, of version 1, uses the channel of a device.
    LegacyDevice,
    /// A server speaks version 1 only.
    LegacyServer,
    /// It speaks version 2 from now on.
    Upgrade,
    /// A second device uses a channel.
    SecondDevice,
    /// A device learns that, and comes back later.
    Resumed,
}

impl Fault {
    /// How many kinds there are.
    pub const COUNT: usize = 25;

    /// All of them, each at its number.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Lost,
        Self::Duplicated,
        Self::Reordered,
        Self::Delayed,
        Self::Corrupted,
        Self::Retained,
        Self::Partition,
        Self::Kept,
        Self::DeviceCrash,
        Self::M4Crash,
        Self::MailboxFull,
        Self::ServerCrash,
        Self::UnsyncedLost,
        Self::UnsyncedKept,
        Self::ImageReplaced,
        Self::ImageReplacedOffline,
        Self::FolderRestored,
        Self::DiskFull,
        Self::Busy,
        Self::ReadError,
        Self::LegacyDevice,
        Self::LegacyServer,
        Self::Upgrade,
        Self::SecondDevice,
        Self::Resumed,
    ];

    /// What a report calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lost => "messages lost",
            Self::Duplicated => "messages duplicated",
            Self::Reordered => "messages reordered",
            Self::Delayed => "messages delayed by more than a second",
            Self::Corrupted => "messages corrupted",
            Self::Retained => "messages retained",
            Self::Partition => "connections broken",
            Self::Kept => "messages kept by the broker for later",
            Self::DeviceCrash => "devices rebooted",
            Self::M4Crash => "microcontrollers rebooted",
            Self::MailboxFull => "mailboxes full",
            Self::ServerCrash => "servers crashed",
            Self::UnsyncedLost => "unsynced groups lost",
            Self::UnsyncedKept => "unsynced groups kept",
            Self::ImageReplaced => "images replaced",
            Self::ImageReplacedOffline => "images replaced without a server",
            Self::FolderRestored => "folders restored from the past",
            Self::DiskFull => "disks full",
            Self::Busy => "requests refused with BUSY",
            Self::ReadError => "disks unreadable",
            Self::LegacyDevice => "channels shared with an emulator of version 1",
            Self::LegacyServer => "servers of version 1",
            Self::Upgrade => "servers upgraded to version 2",
            Self::SecondDevice => "channels used by two devices",
            Self::Resumed => "devices back after they were taken over",
        }
    }
}

/// How often each went wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults([u64; Fault::COUNT]);

impl Faults {
    /// How often that did.
    #[must_use]
    pub fn count(&self, fault: Fault) -> u64 {
        self.0.get(fault as usize).copied().unwrap_or_default()
    }

    /// Those that never did.
    pub fn missing(&self) -> impl Iterator<Item = Fault> + '_ {
        Fault::ALL.into_iter().filter(|fault| self.count(*fault) == 0)
    }

    /// Adds those of another run.
    pub fn add(&mut self, others: &Self) {
        self.0.iter_mut().zip(others.0).for_each(|(count, other)| *count += other);
    }

    pub(crate) fn happened(&mut self, fault: Fault) {
        self.happened_times(fault, 1);
    }

    pub(crate) fn happened_times(&mut self, fault: Fault, times: u64) {
        if let Some(count) = self.0.get_mut(fault as usize) {
            *count += times;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_at_its_number() {
        for (number, fault) in Fault::ALL.into_iter().enumerate() {
            assert_eq!(fault as usize, number);
        }
    }
}
