//! The end of a run: nothing goes wrong any more, and everything must come to rest and be right.

use sector_cache::{Drive, Sector, SectorKey};

use crate::contents;
use crate::device::Doing;
use crate::oracle::{Checked, check};
use crate::plan::Kind;
use crate::world::{Happening, World};

/// How long it may take: devices that were taken over come back after 90 s at most, and fight again for a while.
const SETTLES_MS: u64 = 15 * 60_000;
/// For how long devices that are at rest go on, so that each said its nonce again and knows of every change.
const RESTS_MS: u64 = 100_000;

impl World {
    /// Heals everything, waits for rest, and looks whether all is well.
    pub(crate) fn settle(&mut self) -> Checked {
        self.heal();
        self.come_to_rest()?;
        let end_ms = self.now_ms + RESTS_MS;
        while self.now_ms < end_ms {
            self.step()?;
        }
        self.come_to_rest()?;
        self.audit()?;
        self.read_everything()
    }

    fn come_to_rest(&mut self) -> Checked {
        let end_ms = self.now_ms + SETTLES_MS;
        while !self.is_at_rest() {
            check!(self.now_ms < end_ms, "nothing settles: {}", self.unrest());
            self.step()?;
        }
        Ok(())
    }

    fn heal(&mut self) {
        self.is_healed = true;
        self.network.is_healed = true;
        self.server.heal();
        self.server_start();
        self.tell();
        for at in 0..self.devices.len() {
            let device = self.device(at);
            device.side.is_blocked = false;
            let boot = device.boot;
            if device.is_on {
                self.after(1, Happening::Connect { device: at, boot });
            } else {
                self.after(1, Happening::Boot { device: at });
            }
        }
    }

    fn is_at_rest(&self) -> bool {
        self.devices.iter().all(|device| {
            let is_open = device
                .session
                .as_ref()
                .is_some_and(|session| session.is_open() && session.unacknowledged() == 0);
            let is_done = device.doing == Doing::Done;
            // Behind a server of version 2, others may keep a device of version 1 from writing for as long as they like.
            let is_kept_out = device.known.has_fallen_back && !self.server.is_legacy;
            is_done
                && (device.plan.kind == Kind::Field || device.known.is_taken_over || is_open || is_kept_out)
        })
    }

    fn unrest(&self) -> String {
        let words = self.devices.iter().enumerate().map(|(at, device)| {
            let session = device.session.as_ref();
            format!(
                "device {at} is {:?}, its session {:?}, and {:?} writes wait",
                device.doing,
                session.map(|session| session.number()),
                session.map(|session| session.unacknowledged())
            )
        });
        words.collect::<Vec<_>>().join("; ")
    }

    /// What each device would read now is what the server's disk has, sector by sector.
    fn read_everything(&mut self) -> Checked {
        for at in 0..self.devices.len() {
            let device = self.device(at);
            if device.plan.kind == Kind::Field || device.known.is_taken_over {
                continue;
            }
            let is_fallen_back = device.known.has_fallen_back;
            if is_fallen_back && !self.server.is_legacy {
                continue;
            }
            let channel = self.device(at).plan.channel;
            for (key, content) in self.device(at).trusted() {
                let current = self.oracle.current(channel, key);
                check!(
                    content == current,
                    "device {at} still has {:x} of {key} in its cache, and the disk {:x}",
                    content.unwrap_or_default(),
                    current.unwrap_or_default()
                );
            }
            for key in some_keys() {
                let bytes = self.server.stored(channel, key);
                let current = self.oracle.current(channel, key);
                check!(
                    bytes.as_deref().and_then(contents::decode) == current,
                    "the disk holds something else as {key} than was written"
                );
            }
        }
        Ok(())
    }
}

/// The sectors that random programs use.
fn some_keys() -> impl Iterator<Item = SectorKey> {
    let keys = (0..96).filter_map(|sector| key(Drive::B, sector));
    keys.chain((0..32).filter_map(|sector| key(Drive::A, sector)))
}

fn key(drive: Drive, sector: u32) -> Option<SectorKey> {
    Some(SectorKey::new(drive, Sector::new(sector).ok()?))
}
