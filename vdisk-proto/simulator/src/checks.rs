//! Whether what a device was told, and what it read, is what it was promised.

use sector_cache::SectorKey;
use vdisk_proto::codec::Status;
use vdisk_proto::session::{Event, Failure};

use crate::contents::{self, Content};
use crate::cpu::M4_MS;
use crate::device::Doing;
use crate::fault::Fault;
use crate::oracle::{Checked, check};
use crate::plan::Kind;
use crate::world::{Happening, World};

/// For how long after a folder was restored a device may be wrong about who uses its channel: until it was served again,
/// and a minute more.
const IN_THE_PAST_MS: u64 = 150_000;

impl World {
    /// Looks at what a session told its device.
    pub(crate) fn look_at(&mut self, at: usize) -> Checked {
        let device = self.device(at);
        let told = core::mem::take(&mut device.side.told);
        let arrived = core::mem::take(&mut device.side.arrived);
        let failed = core::mem::take(&mut device.side.sends_failed);
        self.faults.happened_times(Fault::MailboxFull, failed);
        self.settle_window(at, &told)?;
        for event in told {
            self.say(|| format!("device {at} is told {event:?}"));
            self.was_told(at, event)?;
        }
        for (key, content) in arrived {
            if let Doing::Reads { key: wanted, floor_ms } = self.device(at).doing
                && key == wanted
            {
                self.read_done(at, key, content, floor_ms, "the network")?;
            }
        }
        Ok(())
    }

    /// Writes that are in the window no more are on the server's disk, but for those that failed.
    fn settle_window(&mut self, at: usize, told: &[Event]) -> Checked {
        let now_ms = self.now_ms;
        let device = self.device(at);
        let Some(session) = &device.session else { return Ok(()) };
        let left: Vec<Option<Content>> =
            session.unacknowledged_writes().map(|(_, bytes)| contents::decode(bytes)).collect();
        let (window, mut settled): (Vec<_>, Vec<_>) =
            device.known.window.drain(..).partition(|(_, content)| left.contains(&Some(*content)));
        let order: Vec<_> = window.iter().map(|(_, content)| Some(*content)).collect();
        device.known.window = window;
        let (channel, is_checked) = (device.plan.channel, !device.known.has_fallen_back);
        check!(order == left, "device {at} holds other writes than it accepted");
        for event in told {
            let Event::WriteFailed(key, failure) = event else { continue };
            let index = settled.iter().rposition(|(of, _)| of == key);
            check!(
                index.is_some(),
                "device {at} is told that a write of {key} failed ({failure}), and it did not"
            );
            let (_, content) = settled.remove(index.unwrap_or_default());
            self.device(at).known.failed.push((*key, content, now_ms));
        }
        for (key, content) in settled {
            let durable_ms = self.oracle.held_from(channel, key, content);
            check!(
                !(is_checked || self.server.is_legacy) || durable_ms.is_some(),
                "device {at} was told that {content:x} is on the disk as {key}, and it never was"
            );
            self.device(at).known.durable_ms.insert(key, durable_ms.unwrap_or(now_ms));
        }
        Ok(())
    }

    fn was_told(&mut self, at: usize, event: Event) -> Checked {
        let device = self.device(at);
        let (channel, author, floor_ms) = (device.plan.channel, device.author, device.known.floor_ms);
        let changed_ms = self.oracle.changed_by_others(channel, author);
        let was_changed = changed_ms.is_some_and(|changed_ms| changed_ms >= floor_ms);
        let is_alone = self.is_alone(at);
        // A second device makes generations grow for its own sake, even if it writes nothing.
        let was_changed = was_changed || !is_alone;
        match event {
            Event::Opened => {
                let known = &mut self.device(at).known;
                known.floor_ms = known.hellos.get(&known.last_nonce).copied().unwrap_or_default();
                known.has_fallen_back = false;
            }
            Event::FellBack => self.device(at).known.has_fallen_back = true,
            Event::DriveChanged(drive) => {
                check!(was_changed, "device {at} is told that {drive} changed, and nobody changed it");
            }
            Event::WriteFailed(key, Failure::Changed) => {
                check!(
                    was_changed,
                    "device {at} gives up a write of {key}, and nobody else changed the drive"
                );
            }
            Event::WriteFailed(key, Failure::Refused(status)) => {
                check!(self.server.refused_ms.is_some(), "a write of {key} is refused: {status}");
            }
            Event::DataLoss | Event::WriteFailed(_, Failure::DataLoss) => {
                check!(self.server.restored_ms.is_some(), "device {at} is told of a loss that was none");
            }
            Event::TakenOver => {
                // A server in the past does not know of HELLOs again that it answered, and that are on their way still.
                let is_in_the_past = self
                    .server
                    .restored_ms
                    .is_some_and(|restored_ms| self.now_ms < restored_ms + IN_THE_PAST_MS);
                check!(
                    !is_alone || is_in_the_past,
                    "device {at} is told that it was taken over, and it is alone"
                );
                let delay_ms = self.chance.between(5_000, 90_000);
                self.device(at).known.is_taken_over = true;
                self.after(delay_ms, Happening::Resume { device: at });
            }
            Event::ReadFailed(key, failure) => {
                let is_due = match failure {
                    Failure::TimedOut | Failure::TakenOver => true,
                    Failure::Refused(Status::IoError) => self.server.refused_ms.is_some(),
                    Failure::Refused(Status::UnknownDrive) => self.device(at).known.has_fallen_back,
                    _ => false,
                };
                check!(is_due, "device {at} cannot read {key}: {failure}");
                if matches!(self.device(at).doing, Doing::Reads { key: wanted, .. } if wanted == key) {
                    self.think(at);
                }
            }
            Event::WriteFailed(key, Failure::NotKept) => {
                check!(self.device(at).known.has_fallen_back, "a write of {key} is not kept");
            }
            other => check!(false, "device {at} is told {other:?}"),
        }
        Ok(())
    }

    /// Whether no other device with a session is on a device's channel.
    fn is_alone(&self, at: usize) -> bool {
        let on = |number: usize| self.devices.get(number).map(|device| device.plan.channel);
        let others = self.devices.iter().enumerate().filter(|(number, other)| {
            *number != at && other.plan.kind != Kind::Field && on(*number) == on(at)
        });
        others.count() == 0
    }

    /// A device's CPU read a sector: it must be the last write that the device accepted, or what the disk held since its
    /// session began.
    pub(crate) fn read_done(
        &mut self,
        at: usize,
        key: SectorKey,
        content: Option<Content>,
        floor_ms: u64,
        source: &str,
    ) -> Checked {
        self.check_content(at, key, content, floor_ms, source)?;
        self.think(at);
        Ok(())
    }

    fn check_content(
        &mut self,
        at: usize,
        key: SectorKey,
        content: Option<Content>,
        floor_ms: u64,
        source: &str,
    ) -> Checked {
        check!(content.is_some(), "device {at} has a torn {key} from {source}");
        let content = content.unwrap_or_default();
        let (is_legacy, now_ms) = (self.server.is_legacy, self.now_ms);
        let device = self.device(at);
        if device.known.has_fallen_back && !is_legacy {
            // Version 1 promises nothing beside a disk that is slow.
            return Ok(());
        }
        let channel = device.plan.channel;
        let own = device.known.window.iter().rev().find(|(of, _)| *of == key).map(|(_, content)| *content);
        if let Some(own) = own {
            check!(own == content, "device {at} wrote {own:x} to {key}, and has {content:x} from {source}");
            return Ok(());
        }
        let mut failed = device.known.failed.iter().rev().take_while(|(_, _, at_ms)| now_ms < at_ms + M4_MS);
        if failed.any(|(of, failed, _)| *of == key && *failed == content) {
            // It was there when the microcontroller was asked.
            return Ok(());
        }
        let current = self.oracle.current(channel, key).unwrap_or_default();
        check!(
            self.oracle.held_since(channel, key, content, floor_ms),
            "device {at} has {content:x} of {key} from {source}, which the disk has not held since {floor_ms} ms; \
             it holds {current:x}"
        );
        Ok(())
    }

    /// All that caches hold, and are trusted with, is what a read may return now.
    pub(crate) fn audit(&mut self) -> Checked {
        for at in 0..self.devices.len() {
            for (key, content) in self.device(at).trusted() {
                let floor_ms = self.device(at).floor_ms(key);
                self.check_content(at, key, content, floor_ms, "its cache, looked into")?;
            }
        }
        Ok(())
    }
}
