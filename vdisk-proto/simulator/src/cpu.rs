//! What the CPU of a device does: it thinks, reads by way of its cache, and writes.

use sector_cache::{Drive, SectorKey};
use vdisk_proto::session::{Error, Lookup};

use crate::contents;
use crate::device::Doing;
use crate::oracle::{Checked, check};
use crate::plan::Kind;
use crate::program::Access;
use crate::world::{Happening, World};

/// How long a microcontroller may take to answer.
pub(crate) const M4_MS: u64 = 1_000;

impl World {
    /// The CPU of a device goes on.
    pub(crate) fn cpu(&mut self, at: usize, boot: u32) -> Checked {
        let (now_ms, is_healed) = (self.now_ms, self.is_healed);
        let device = self.device(at);
        if !device.is_on || device.boot != boot {
            return Ok(());
        }
        match device.doing {
            Doing::Thinking if is_healed => device.doing = Doing::Done,
            Doing::Thinking => return self.next_access(at),
            Doing::AsksM4 { key, floor_ms, until_ms } if now_ms >= until_ms => {
                return self.ask_session(at, key, floor_ms);
            }
            Doing::FieldReads { until_ms, .. } if now_ms >= until_ms => self.think(at),
            _ => {}
        }
        Ok(())
    }

    /// The CPU thinks, and then does the next thing.
    pub(crate) fn think(&mut self, at: usize) {
        let delay_ms = self.chance.between(1, 40);
        self.device(at).doing = Doing::Thinking;
        self.cpu_after(at, delay_ms);
    }

    /// The CPU looks again at what it does, unless there is a boot before.
    pub(crate) fn cpu_after(&mut self, at: usize, delay_ms: u64) {
        let boot = self.device(at).boot;
        self.after(delay_ms, Happening::Cpu { device: at, boot });
    }

    fn next_access(&mut self, at: usize) -> Checked {
        let Some(device) = self.devices.get_mut(at) else { return Ok(()) };
        let access = device.program.next(&self.sessions, &mut self.chance);
        if self.device(at).plan.kind == Kind::Field {
            self.field_access(at, access);
            return Ok(());
        }
        match access {
            Access::Read(key) => self.read(at, key),
            Access::Write(key) => self.write(at, key),
        }
    }

    pub(crate) fn read(&mut self, at: usize, key: SectorKey) -> Checked {
        let floor_ms = self.device(at).floor_ms(key);
        let trusts = self.device(at).session.as_ref().is_some_and(|session| session.trusts(key));
        if trusts {
            if let Some(content) = self.device(at).look_up(key) {
                return self.read_done(at, key, content, floor_ms, "the cache");
            }
            if self.device(at).has_m4() && key.drive() == Drive::B && self.device(at).ask_m4(key) {
                let until_ms = self.now_ms + M4_MS;
                self.device(at).doing = Doing::AsksM4 { key, floor_ms, until_ms };
                self.cpu_after(at, M4_MS);
                self.stir_m4(at);
                return Ok(());
            }
        }
        self.ask_session(at, key, floor_ms)
    }

    fn ask_session(&mut self, at: usize, key: SectorKey, floor_ms: u64) -> Checked {
        let now_ms = self.now_ms;
        let device = self.device(at);
        let Some(session) = &mut device.session else { return Ok(()) };
        match session.read(key, now_ms) {
            Ok(Lookup::Held(bytes)) => {
                let content = contents::decode(bytes);
                self.read_done(at, key, content, floor_ms, "the window")?;
            }
            Ok(Lookup::Asked) => device.doing = Doing::Reads { key, floor_ms },
            Err(Error::NoDrive) if device.known.has_fallen_back => self.think(at),
            Err(Error::ReadsFull | Error::TakenOver) => self.think(at),
            Err(error) => check!(false, "a read of {key} is refused: {error}"),
        }
        self.session_moved(at)
    }

    fn write(&mut self, at: usize, key: SectorKey) -> Checked {
        let now_ms = self.now_ms;
        let device = self.device(at);
        let content = device.fresh_content();
        let mut sector = [0; 137];
        contents::encode(content, &mut sector);
        let Some(session) = &mut device.session else { return Ok(()) };
        match session.write(key, &sector, now_ms, &mut device.side) {
            Ok(()) => device.known.window.push((key, content)),
            Err(Error::WindowFull | Error::NotOpen | Error::TakenOver) => {}
            Err(Error::NoDrive) if device.known.has_fallen_back => {}
            Err(error) => check!(false, "a write of {key} is refused: {error}"),
        }
        if self.chance.per_mille(100)
            && let Some(session) = &mut self.device(at).session
        {
            session.flush();
        }
        self.think(at);
        self.session_moved(at)
    }

    /// Sees to it that a microcontroller looks into its mailbox.
    pub(crate) fn stir_m4(&mut self, at: usize) {
        if self.device(at).side.to_m4.is_empty() {
            return;
        }
        let delay_ms = self.chance.between(0, 2);
        self.after(delay_ms, Happening::M4 { device: at });
    }

    pub(crate) fn m4(&mut self, at: usize) {
        self.device(at).m4_serves();
        if !self.device(at).side.from_m4.is_empty() {
            self.after(1, Happening::Mailbox { device: at });
        }
        self.stir_m4(at);
    }

    /// The CPU of a board finds an answer of its microcontroller.
    pub(crate) fn mailbox(&mut self, at: usize) -> Checked {
        let Some(answer) = self.device(at).m4_answer() else { return Ok(()) };
        let Doing::AsksM4 { key, floor_ms, .. } = self.device(at).doing else { return Ok(()) };
        match answer {
            Some((sector, content)) if u32::from(sector) == key.sector().number() => {
                self.read_done(at, key, content, floor_ms, "the microcontroller's cache")
            }
            Some(_) => Ok(()),
            None => self.ask_session(at, key, floor_ms),
        }
    }
}
