//! Kills at random moments: what was acknowledged is there, and no sector is torn.
//!
//! `KILLS=1000` asks for more of them, and `SEED=` for those of another run.

use std::collections::BTreeMap;
use std::env;
use std::io::{self, Write as _};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use vdisk_proto::client::Disk;

use crate::data::Data;
use crate::device::Device;
use crate::server::Server;
use crate::{CHANNEL, SECTOR, options, read, sector};

const LEGACY_CHANNEL: &str = "legacy";
/// Sectors that are written again and again.
const WRITTEN: u32 = 200;
/// What a disk has that nobody wrote.
const BLANK: [u8; SECTOR] = [0xe5; SECTOR];

/// What a sector may have: the number of the last write to it that is known to be durable, and of the last one sent.
#[derive(Clone, Copy, Default)]
struct Bounds {
    durable: u32,
    sent: u32,
}

/// What was written, by number. Each number is written to a legacy channel first, then to one of version 2.
#[derive(Default)]
struct Written {
    last: u32,
    sectors: BTreeMap<u32, Bounds>,
}

/// Numbers that look random, from a seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

#[test]
fn a_server_that_is_killed_keeps_what_it_acknowledged() {
    let rounds = number("KILLS").unwrap_or(20);
    let seed = number("SEED")
        .unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64 | 1);
    // Not by `eprintln!`, which the test harness keeps to itself where a test passes.
    writeln!(io::stderr(), "{rounds} kills: SEED={seed}").unwrap();
    let (data, mut chance, mut written) = (Data::new(), Chance(seed), Written::default());
    // Small segments, so that the journal goes on to the next.
    let options = ["--segment-mib", "4", "--journal-mib", "8"];
    let mut server = Server::start_with(&data, &options);
    for _ in 0..rounds {
        let time = Duration::from_micros(chance.below(200_000));
        written.until_killed(server, time);
        if chance.below(4) == 0 {
            let mut recovering = Server::launch(&data, &options);
            thread::sleep(Duration::from_micros(chance.below(50_000)));
            recovering.kill();
        }
        server = Server::start_with(&data, &options);
        written.check(&server);
    }
    server.stop();
    data.assert_closed();
    for (number, bounds) in written.sectors {
        for channel in [CHANNEL, LEGACY_CHANNEL] {
            written_last(number, bounds, &data.sector(channel, number));
        }
    }
    assert!(written.last > rounds as u32, "hardly anything was written");
}

impl Written {
    /// Writes, until the server is killed after so long.
    fn until_killed(&mut self, server: Server, time: Duration) {
        let patience = Duration::from_millis(500);
        let disk = Disk::open(&options(&server.url(), CHANNEL).timeout(patience)).unwrap();
        let mut device = Device::connect(server.address(), "device");
        let killer = thread::spawn(move || {
            thread::sleep(time);
            server.kill();
        });
        let first = self.last + 1;
        while let Ok(unacknowledged) = self.write(&disk, &mut device) {
            // All channels' writes are made durable in one order.
            for number in first..=self.last - unacknowledged {
                self.bounds(number).durable = number;
            }
        }
        killer.join().unwrap();
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
        disk.stats().map(|stats| stats.unacknowledged as u32).map_err(|error| error.to_string())
    }

    fn bounds(&mut self, number: u32) -> &mut Bounds {
        self.sectors.entry(number % WRITTEN).or_default()
    }

    /// What the server has is whole, and not older than what it acknowledged. It has it for good now.
    fn check(&mut self, server: &Server) {
        let disk = crate::disk(server, CHANNEL);
        let mut device = Device::listening(server.address(), LEGACY_CHANNEL);
        for (number, bounds) in &mut self.sectors {
            let found = written_last(*number, *bounds, &read(&disk, *number));
            let legacy = device.read_sector(LEGACY_CHANNEL, number * SECTOR as u32);
            let legacy = written_last(*number, *bounds, &legacy);
            bounds.durable = found.min(legacy);
        }
    }
}

/// The number of the write that a sector has, or 0 if nobody wrote to it.
fn written_last(at: u32, bounds: Bounds, bytes: &[u8]) -> u32 {
    let number = if bytes == BLANK { 0 } else { u32::from_le_bytes(bytes[..4].try_into().unwrap()) };
    assert!(number == 0 || bytes == stamped(number), "sector {at} is torn: {bytes:02x?}");
    assert!(number == 0 || number % WRITTEN == at, "sector {at} has another's write, {number}");
    let Bounds { durable, sent } = bounds;
    assert!((durable..=sent).contains(&number), "sector {at} has {number}, not {durable} to {sent}");
    number
}

/// A sector that is full of a number.
fn stamped(number: u32) -> Vec<u8> {
    number.to_le_bytes().into_iter().cycle().take(SECTOR).collect()
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().unwrap())
}
