//! Numbered writes, and what must be left of them after a server's end.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use vdisk_proto::client::{Disk, Event};

use crate::chance::Chance;
use crate::data::Data;
use crate::device::Device;
use crate::noise;
use crate::server::Server;
use crate::{CHANNEL, SECTOR, options, read, sector};

const LEGACY_CHANNEL: &str = "legacy";
/// Sectors that are written again and again.
const WRITTEN: u32 = 200;
/// What a disk has that nobody wrote.
pub(crate) const BLANK: [u8; SECTOR] = [0xe5; SECTOR];

/// What a sector may have: the number of the last write to it that is known to be durable, and of the last one sent.
#[derive(Clone, Copy, Default)]
struct Bounds {
    durable: u32,
    sent: u32,
}

/// What was written, by number. Each number is written to a legacy channel first, then to one of version 2.
#[derive(Default)]
pub(crate) struct Written {
    last: u32,
    sectors: BTreeMap<u32, Bounds>,
}

impl Written {
    /// Writes, until the server is ended at some time. Now and then there is noise.
    pub(crate) fn until(&mut self, chance: &mut Chance, server: Server, end: impl FnOnce(Server) + Send) {
        let is_noisy = chance.below(5) == 0;
        let time = Duration::from_micros(chance.below(if is_noisy { 1_000_000 } else { 200_000 }));
        let patience = Duration::from_millis(500);
        let disk = Disk::open(&options(&server.url(), CHANNEL).timeout(patience)).unwrap();
        let mut device = Device::connect(server.address(), "device");
        let mut noise = is_noisy.then(|| Device::connect(server.address(), "noise"));
        thread::scope(|threads| {
            threads.spawn(move || noise.iter_mut().for_each(noise::make));
            threads.spawn(move || {
                thread::sleep(time);
                end(server);
            });
            let mut next = self.last + 1;
            while let Ok(unacknowledged) = self.write(&disk, &mut device) {
                // All channels' writes are made durable in one order.
                while next + unacknowledged <= self.last {
                    self.bounds(next).durable = next;
                    next += 1;
                }
            }
        });
    }

    /// Writes the next number, and says how many of the last ones may not be durable.
    fn write(&mut self, disk: &Disk, device: &mut Device) -> Result<u32, String> {
        self.last += 1;
        let number = self.last;
        self.bounds(number).sent = number;
        let at = number % WRITTEN;
        let payload = [&(at * SECTOR as u32).to_le_bytes()[..], &stamped(number)].concat();
        device.try_publish("altair/legacy/vdisk/write", &payload).map_err(|error| error.to_string())?;
        disk.write(sector(at), &stamped(number)).map_err(|error| error.to_string())?;
        let stats = disk.stats().map_err(|error| error.to_string())?;
        // What was refused, as by a disk that fails, is not waited for any more.
        while let Some(event) = disk.next_event(Duration::ZERO).map_err(|error| error.to_string())? {
            if let Event::WriteFailed(key, failure) = event {
                return Err(format!("{key:?}: {failure:?}"));
            }
        }
        Ok(stats.unacknowledged as u32)
    }

    /// Ends the server well, and checks the files that it leaves.
    pub(crate) fn end(&self, server: Server, data: &Data, rounds: u64) {
        server.stop();
        data.assert_closed();
        for (number, bounds) in &self.sectors {
            for channel in [CHANNEL, LEGACY_CHANNEL] {
                written_last(channel, *number, *bounds, &data.sector(channel, *number));
            }
        }
        noise::check(data);
        assert!(u64::from(self.last) > rounds, "hardly anything was written");
    }

    fn bounds(&mut self, number: u32) -> &mut Bounds {
        self.sectors.entry(number % WRITTEN).or_default()
    }

    /// What the server has is whole, and not older than what it acknowledged. It has it for good now.
    pub(crate) fn check(&mut self, server: &Server) {
        let disk = crate::disk(server, CHANNEL);
        let mut device = Device::listening(server.address(), LEGACY_CHANNEL);
        for (number, bounds) in &mut self.sectors {
            let found = written_last(CHANNEL, *number, *bounds, &read(&disk, *number));
            let legacy = device.read_sector(LEGACY_CHANNEL, number * SECTOR as u32);
            let legacy = written_last(LEGACY_CHANNEL, *number, *bounds, &legacy);
            bounds.durable = found.min(legacy);
        }
    }
}

/// The number of the write that a sector has, or 0 if nobody wrote to it.
fn written_last(channel: &str, at: u32, bounds: Bounds, bytes: &[u8]) -> u32 {
    let number = if bytes == BLANK { 0 } else { u32::from_le_bytes(bytes[..4].try_into().unwrap()) };
    assert!(number == 0 || bytes == stamped(number), "{channel}: sector {at} is torn: {bytes:02x?}");
    assert!(number == 0 || number % WRITTEN == at, "{channel}: sector {at} has another's write, {number}");
    let Bounds { durable, sent } = bounds;
    assert!(
        (durable..=sent).contains(&number),
        "{channel}: sector {at} has {number}, not {durable} to {sent}"
    );
    number
}

/// A sector that is full of a number.
pub(crate) fn stamped(number: u32) -> Vec<u8> {
    number.to_le_bytes().into_iter().cycle().take(SECTOR).collect()
}
