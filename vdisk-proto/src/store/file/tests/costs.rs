//! What things cost on this machine: ignored, since figures are no tests. In release, one at a time:
//!
//! ```text
//! cargo test --release -p vdisk-proto --features server --lib costs -- --ignored --nocapture --test-threads 1
//! ```

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::println;
use std::string::String;
use std::time::{Duration, Instant};
use std::vec;
use std::vec::Vec;

use bytes::Bytes;
use region_store::medium::Disk;
use sector_cache::{Drive, Geometry};

use super::super::{FileStore, FileStoreOptions};
use crate::codec::{Channel, Run};
use crate::store::{Author, Entry, Group, Record, Store, Write};

const READS: usize = 400_000;
const GEOMETRY: Geometry = Geometry::ALTAIR_8_INCH;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("templates")).unwrap();
    fs::write(folder.path().join("templates/b.dsk"), vec![0xe5; GEOMETRY.bytes() as usize]).unwrap();
    folder
}

fn open(folder: &Path) -> FileStore {
    FileStore::open(Disk, folder, &FileStoreOptions::default(), 1_000).unwrap()
}

fn channel(number: u32) -> Channel {
    Channel::new(&std::format!("{number}")).unwrap()
}

fn write(number: u32, sector: u32, count: u16, fill: u8) -> Entry {
    let run = Run::new(GEOMETRY, sector, count).unwrap();
    let author = Author::Legacy { generation: 1 };
    let write = Write { drive: Drive::B, run, bytes: Bytes::from(vec![fill; run.bytes()]), author };
    Entry { channel: channel(number), record: Record::Write(write) }
}

fn commit(store: &FileStore, entries: Vec<Entry>) {
    let mut group = Group { entries, refused: vec![] };
    store.write_group(&mut group).unwrap();
    store.sync(&group).unwrap();
    assert!(group.refused.is_empty());
}

/// Kilobytes that 10,000 channels may take, recovery included.
const MOST_MEMORY_KB: u64 = 100_000;

/// So many bytes in a field of `/proc/self/status`.
fn memory(field: &str) -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(field));
    line.and_then(|line| line.split_once(':')).map_or("unknown", |(_, value)| value.trim()).into()
}

#[test]
#[ignore = "prints figures"]
fn the_longest_group_of_many() {
    let folder = folder();
    let store = open(folder.path());
    let mut times: Vec<Duration> = Vec::new();
    for number in 0..1_200_u32 {
        let entries = (0..40).map(|track| write(0, track * 32, 32, (number % 251) as u8 + 1)).collect();
        let start = Instant::now();
        commit(&store, entries);
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let at = |share: usize| times[times.len() * share / 1_000].as_millis();
    println!(
        "1,200 groups of 180 KB: median {} ms, 99 % {} ms, longest {:?} ms",
        at(500),
        at(990),
        times[times.len() - 4..].iter().map(Duration::as_millis).collect::<Vec<_>>()
    );
}

#[test]
#[ignore = "prints figures"]
fn ten_thousand_channels_that_write() {
    const CHANNELS: u32 = 10_000;
    let folder = folder();
    let store = open(folder.path());
    println!("open: {} resident, {} at most", memory("VmRSS"), memory("VmHWM"));
    let start = Instant::now();
    for hundred in 0..CHANNELS / 100 {
        for sector in 0..10 {
            let numbers = hundred * 100..(hundred + 1) * 100;
            commit(&store, numbers.map(|number| write(number, sector * 7, 1, 7)).collect());
        }
    }
    println!("{CHANNELS} channels wrote 10 sectors each in {} ms", start.elapsed().as_millis());
    println!("then: {} resident, {} at most", memory("VmRSS"), memory("VmHWM"));
    for _ in 0..3 {
        let start = Instant::now();
        assert_eq!(store.changed_images(), []);
        println!("looking for changed images: {} us", start.elapsed().as_micros());
    }
    drop(store);
    let start = Instant::now();
    let store = open(folder.path());
    println!("recovered in {} ms: {} at most", start.elapsed().as_millis(), memory("VmHWM"));
    let start = Instant::now();
    store.close().unwrap();
    println!("closed in {} ms", start.elapsed().as_millis());
    let start = Instant::now();
    open(folder.path());
    let most = memory("VmHWM");
    println!("opened in {} ms: {most} at most", start.elapsed().as_millis());
    let most: u64 = most.split(' ').next().and_then(|most| most.parse().ok()).unwrap();
    assert!(most <= MOST_MEMORY_KB, "{most} KB");
}

#[test]
#[ignore = "prints figures"]
fn reads_of_images() {
    let folder = folder();
    let store = open(folder.path());
    for channels in [1, 1_000] {
        for number in 0..channels {
            commit(&store, vec![write(number, 0, 1, 7)]);
        }
        let channels: Vec<_> = (0..channels).map(channel).collect();
        let mut bytes = [0; 137];
        let files =
            channels.iter().map(|channel| folder.path().join(std::format!("channels/{channel}/b.dsk")));
        let files: Vec<_> = files.map(|path| fs::File::open(path).unwrap()).collect();
        let floor = best(|index| {
            let sector = (index * 31) as u64 % 2_464;
            files[index * 7 % files.len()].read_exact_at(&mut bytes, sector * 137).unwrap();
        });
        println!("{} channels, open files: {floor} ns a read", channels.len());
        for (name, is_shared) in [("own", false), ("shared", true)] {
            let others: Vec<_> =
                (0..channels.len() as u32).map(|number| self::channel(500_000 + number)).collect();
            let channels = if is_shared { &others } else { &channels };
            let nanoseconds = best(|index| {
                let channel = channels[index * 7 % channels.len()];
                let image = store.image(channel, Drive::B).unwrap();
                let sector = (index * 31) as u64 % u64::from(image.geometry.sectors());
                store.read(channel, Drive::B, sector * 137, &mut bytes).unwrap();
            });
            println!("{} channels, {name} images: {nanoseconds} ns a read", channels.len());
        }
    }
}

/// Nanoseconds of one of many, in the best of ten rounds: others use the machine, too.
fn best(mut doing: impl FnMut(usize)) -> u128 {
    let rounds = (0..10).map(|_| {
        let start = Instant::now();
        (0..READS / 10).for_each(&mut doing);
        start.elapsed().as_nanos() / (READS as u128 / 10)
    });
    rounds.min().unwrap()
}
