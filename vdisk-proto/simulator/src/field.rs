//! An emulator in the field, of version 1: it asks for a sector at a time and waits, and writes into the blue.

use sector_cache::Drive;
use vdisk_proto::codec::{Topic, legacy};

use crate::contents;
use crate::device::Doing;
use crate::network::Message;
use crate::oracle::{Checked, check};
use crate::program::Access;
use crate::world::World;

/// How long it waits.
const WAITS_MS: u64 = 8_000;

impl World {
    pub(crate) fn field_access(&mut self, at: usize, access: Access) {
        let (Access::Read(key) | Access::Write(key)) = access;
        let offset = key.sector().number() * 137;
        if key.drive() != Drive::B {
            return self.think(at);
        }
        if matches!(access, Access::Read(_)) {
            let until_ms = self.now_ms + WAITS_MS;
            self.send_legacy(at, Topic::LegacyRead, &legacy::Read { offset }.encode());
            self.device(at).doing = Doing::FieldReads { key, until_ms };
            self.cpu_after(at, WAITS_MS);
        } else {
            let mut sector = [0; 137];
            contents::encode(self.device(at).fresh_content(), &mut sector);
            self.send_legacy(at, Topic::LegacyWrite, &legacy::Write { offset, sector: &sector }.encode());
            // It does little, so that a session beside it has its time.
            let delay_ms = self.chance.between(1_000, 60_000);
            self.cpu_after(at, delay_ms);
        }
    }

    fn send_legacy(&mut self, at: usize, topic: Topic, payload: &[u8]) {
        self.send(at, Message { topic, payload: payload.to_vec(), is_retained: false });
    }

    /// An emulator takes data only at the offset that it asked for; all that it shows is that no sector is torn.
    pub(crate) fn field_received(&mut self, at: usize, message: &Message) -> Checked {
        let Doing::FieldReads { key, .. } = self.device(at).doing else { return Ok(()) };
        if message.topic != Topic::LegacyData || message.is_retained {
            return Ok(());
        }
        let Ok(data) = legacy::Write::decode(&message.payload) else { return Ok(()) };
        if data.offset != key.sector().number() * 137 {
            return Ok(());
        }
        check!(contents::decode(data.sector).is_some(), "an emulator of version 1 reads a torn {key}");
        self.think(at);
        Ok(())
    }
}
