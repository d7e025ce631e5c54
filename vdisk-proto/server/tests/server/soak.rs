//! For a long time at 30 % loss: what is written is read again, and neither the server nor its devices grow.

use std::fs;
use std::io::{self, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use vdisk_proto::client::Disk;

use crate::chance::Chance;
use crate::data::Data;
use crate::device::{Device, packet, read_packet};
use crate::server::Server;
use crate::written::BLANK;
use crate::{SECTOR, SECTORS, options, read, sector};

/// Of a hundred messages, either way.
const LOST: u64 = 30;
const DEVICES: usize = 32;
const CALLS_A_VISIT: u64 = 30;
/// Who connect meanwhile, each under a name of its own, and go.
const STRANGERS: u64 = 1_000;
/// A call is sent again after up to 16 s, and again.
const PATIENCE: Duration = Duration::from_secs(600);
/// What an allocator keeps at one time and not at another.
const SLACK_KIB: u64 = 2 << 10;

#[test]
#[ignore = "takes minutes, and nothing else may run in its process"]
fn at_30_percent_loss_nothing_written_is_lost_and_nobody_grows() {
    let (mut chance, rounds) = Chance::new("visits of each device, at 30 % loss");
    let data = Data::new();
    let server = Server::start(&data);
    let network = Network::to(server.address(), chance.split());
    let mut devices: Vec<_> = (0..DEVICES).map(|number| (format!("device-{number}"), blank())).collect();
    let sizes = (0..rounds).map(|round| {
        thread::scope(|threads| {
            threads.spawn(|| {
                for stranger in 0..STRANGERS {
                    Device::connect(server.address(), &format!("stranger-{round}-{stranger}"));
                }
            });
            for (channel, written) in &mut devices {
                let (url, chance) = (network.url(), chance.split());
                threads.spawn(move || visit(&url, channel, written, chance));
            }
        });
        [server.id(), std::process::id()].map(resident_kib)
    });
    let sizes: Vec<_> = sizes.collect();
    let (passed, lost) = network.counts();
    println!("{lost} messages lost of {}; KiB of server and devices: {sizes:?}", passed + lost);
    assert!(lost * 100 > (passed + lost) * (LOST - 5), "little was lost");
    let (early, late) = sizes.split_at(sizes.len() / 2);
    for side in 0..2 {
        let largest = |sizes: &[[u64; 2]]| sizes.iter().map(|sizes| sizes[side]).max();
        assert!(largest(late) <= largest(early).map(|size| size + SLACK_KIB), "it grows: {sizes:?}");
    }
    server.stop();
}

/// What each sector of a disk is full of that nobody wrote.
fn blank() -> Vec<u8> {
    vec![BLANK[0]; SECTORS as usize]
}

/// A device comes with an empty cache, reads and writes, and goes.
fn visit(url: &str, channel: &str, fillings: &mut [u8], mut chance: Chance) {
    let options = options(url, channel).cache_slots(64).open_timeout(PATIENCE).timeout(PATIENCE);
    let disk = Disk::open(&options).unwrap();
    for _ in 0..CALLS_A_VISIT {
        let number = chance.below(SECTORS.into()) as u32;
        let filling = &mut fillings[number as usize];
        if chance.below(2) == 0 {
            *filling = chance.below(256) as u8;
            disk.write(sector(number), &[*filling; SECTOR]).unwrap();
        } else {
            assert_eq!(read(&disk, number), [*filling; SECTOR], "{channel}, sector {number}");
        }
    }
    disk.close().unwrap();
}

fn resident_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

/// Lines to a broker on which messages are lost: those that MQTT sends once at most.
struct Network {
    address: SocketAddr,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    passed: AtomicU64,
    lost: AtomicU64,
}

impl Network {
    fn to(broker: SocketAddr, mut chance: Chance) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let network = Self { address: listener.local_addr().unwrap(), counts: Arc::default() };
        let counts = Arc::clone(&network.counts);
        thread::spawn(move || {
            for device in listener.incoming() {
                let (device, broker) = (device.unwrap(), TcpStream::connect(broker).unwrap());
                for (from, to) in [(&device, &broker), (&broker, &device)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let (counts, chance) = (Arc::clone(&counts), chance.split());
                    thread::spawn(move || {
                        // Until either side ends the connection.
                        let _ended = carry(&from, &to, &counts, chance);
                        let _gone = to.shutdown(Shutdown::Both);
                    });
                }
            }
        });
        network
    }

    fn url(&self) -> String {
        format!("mqtt://{}", self.address)
    }

    /// Messages that passed, and that were lost.
    fn counts(&self) -> (u64, u64) {
        (self.counts.passed.load(Ordering::Relaxed), self.counts.lost.load(Ordering::Relaxed))
    }
}

/// Hands packets on, but for some messages.
fn carry(mut from: &TcpStream, mut to: &TcpStream, counts: &Counts, mut chance: Chance) -> io::Result<()> {
    const KIND_AND_QOS: u8 = 0xf6;
    const MESSAGE: u8 = 0x30;
    loop {
        let (head, body) = read_packet(&mut from)?;
        if head & KIND_AND_QOS == MESSAGE {
            let is_lost = chance.below(100) < LOST;
            let count = if is_lost { &counts.lost } else { &counts.passed };
            count.fetch_add(1, Ordering::Relaxed);
            if is_lost {
                continue;
            }
        }
        to.write_all(&packet(head, &body))?;
    }
}
