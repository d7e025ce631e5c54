//! What goes wrong beside the network.

use sector_cache::Drive;
use vdisk_proto::codec::Status;

use crate::fault::Fault;
use crate::oracle::Checked;
use crate::world::{Happening, World};

impl World {
    /// Something goes wrong, and after a while something else.
    pub(crate) fn something_goes_wrong(&mut self) -> Checked {
        let before = self.faults;
        self.goes_wrong()?;
        for fault in Fault::ALL.into_iter().filter(|fault| self.faults.count(*fault) > before.count(*fault)) {
            self.say(|| fault.name().to_owned());
        }
        Ok(())
    }

    fn goes_wrong(&mut self) -> Checked {
        if self.is_healed {
            return Ok(());
        }
        let delay_ms = self.chance.between(1, 2 * self.plan.fault_ms);
        self.after(delay_ms, Happening::Fault);
        self.audit()?;
        let device = usize::try_from(self.chance.below(self.devices.len() as u64)).unwrap_or_default();
        if self.server.is_legacy {
            // Of the rest, version 1 has no promise to keep.
            match self.chance.below(22) {
                0 => self.upgrade(),
                kind => self.device_goes_wrong(device, kind),
            }
            return Ok(());
        }
        match self.chance.below(40) {
            kind @ 0..20 => self.device_goes_wrong(device, kind),
            20..27 => return self.crash_server(),
            27..31 => self.replace_image(),
            31..34 => self.server.save(),
            34..38 => self.refuse_writes(),
            _ => self.refuse_reads(),
        }
        Ok(())
    }

    fn device_goes_wrong(&mut self, device: usize, kind: u64) {
        match kind {
            0..8 => self.partition(device),
            8..12 => self.crash_device(device),
            12..16 => self.crash_m4(device),
            _ => self.fill_mailbox(device),
        }
    }

    fn partition(&mut self, at: usize) {
        let delay_ms = self.chance.between(10, 20_000);
        let device = self.device(at);
        if !device.is_connected {
            return;
        }
        device.is_connected = false;
        if let Some(session) = &mut device.session {
            session.disconnected();
        }
        let boot = device.boot;
        self.faults.happened(Fault::Partition);
        self.after(delay_ms, Happening::Connect { device: at, boot });
    }

    fn crash_device(&mut self, at: usize) {
        if !self.device(at).is_on {
            return;
        }
        self.device(at).power_off();
        self.faults.happened(Fault::DeviceCrash);
        let delay_ms = self.chance.between(100, 10_000);
        self.after(delay_ms, Happening::Boot { device: at });
    }

    fn crash_m4(&mut self, at: usize) {
        if self.device(at).has_m4() {
            let keeps_mailbox = self.chance.coin();
            self.device(at).m4_crash(keeps_mailbox);
            self.faults.happened(Fault::M4Crash);
        }
    }

    fn fill_mailbox(&mut self, at: usize) {
        self.device(at).side.is_blocked = true;
        let delay_ms = self.chance.between(10, 3_000);
        self.after(delay_ms, Happening::Unblock { device: at });
    }

    fn crash_server(&mut self) -> Checked {
        let luck = self.chance.coin();
        self.server.crash(luck, self.now_ms, &mut self.oracle, &mut self.faults)?;
        let mut delay_ms = self.chance.between(10, 5_000);
        match self.chance.below(8) {
            0 => {
                let (channel, drive) = self.some_image();
                self.server.replace(channel, drive, self.now_ms, &mut self.oracle);
                self.faults.happened(Fault::ImageReplacedOffline);
            }
            1 if self.server.restore(self.now_ms, &mut self.oracle)? => {
                self.faults.happened(Fault::FolderRestored);
                // People are slower than messages.
                delay_ms += 30_000;
            }
            _ => {}
        }
        self.after(delay_ms, Happening::ServerStart);
        Ok(())
    }

    fn replace_image(&mut self) {
        if !self.server.is_up() {
            return;
        }
        let (channel, drive) = self.some_image();
        self.server.replace(channel, drive, self.now_ms, &mut self.oracle);
        self.faults.happened(Fault::ImageReplaced);
        // It is noticed within a second.
        let delay_ms = self.chance.between(0, 1_000);
        self.after(delay_ms, Happening::Tell);
    }

    fn some_image(&mut self) -> (usize, Drive) {
        let channel = self.chance.below(self.plan.channels as u64);
        let drive = if self.chance.per_mille(700) { Drive::B } else { Drive::A };
        (usize::try_from(channel).unwrap_or_default(), drive)
    }

    fn refuse_writes(&mut self) {
        let status = if self.chance.per_mille(600) { Status::DiskFull } else { Status::Busy };
        self.server.set_store_faults(|faults| faults.refuse = Some(status), self.now_ms);
        self.faults.happened(Fault::DiskFull);
        let delay_ms = self.chance.between(100, 5_000);
        self.after(delay_ms, Happening::StoreHeals);
    }

    fn refuse_reads(&mut self) {
        self.server.set_store_faults(|faults| faults.read = true, self.now_ms);
        self.faults.happened(Fault::ReadError);
        let delay_ms = self.chance.between(100, 3_000);
        self.after(delay_ms, Happening::StoreHeals);
    }

    fn upgrade(&mut self) {
        self.server.is_legacy = false;
        self.faults.happened(Fault::Upgrade);
    }
}
