//! How long it takes to hold, to load, to map and to evict slices of a store, alone and while others do so:
//! `cargo bench -p region-store --bench store`.
//!
//! The floor of a hit is what a store cannot do without: a lookup in an LRU list under a lock. That of a load is the same
//! slice written, closed and opened without a store, that of a mapping is to open and to verify it. They take turns. A name
//! given as an argument is that of a folder to write in.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use lru::LruCache;
use region_store::format::{SliceIdentity, SnapId};
use region_store::slice::{Impellers, Slice, SliceOptions, SliceWriter, Spindle};
use region_store::store::{Filter, Load, LoadError, SliceKey, Store, StoreOptions};
use region_store::{OpenOptions, Parcel};

const ROUNDS: u32 = 40;
/// Hits between two looks at the clock, which takes as long as one.
const BATCH: u32 = 100;
const BATCHES: u32 = 400;
const SLICES: u32 = 64;
const PARCELS: usize = 16;
const PARCEL: usize = 64 << 10;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    // Cargo adds `--bench`.
    let named = std::env::args_os().skip(1).find(|argument| argument != "--bench").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into()).join("store");
    let (bare, stored) = (folder.join("bare"), folder.join("stored"));
    fs::create_dir_all(&bare)?;
    fs::create_dir_all(&stored)?;
    let spindles = vec![Spindle::new("d1", &stored)];
    let store = Store::open(StoreOptions { spindles, tender: None, ..StoreOptions::default() })?;
    println!("{:<34}{:>12}{:>12}{:>12}{:>8}", "", "median", "99 in 100", "floor", "ratio");
    changes(&store, &bare, "alone")?;
    for slice_key in 0..SLICES {
        store.load(identity(slice_key), loader())?;
    }
    for threads in [1, 2, 8] {
        hits(&store, threads, &format!("hit, {threads} threads"));
    }
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for number in 0..2 {
            let (store, is_over) = (&store, &is_over);
            scope.spawn(move || churn(store, SLICES + number, is_over));
        }
        hits(&store, 8, "hit, 8 threads, 2 load and evict");
        let changed = changes(&store, &bare, "2 others load and evict");
        is_over.store(true, Ordering::Relaxed);
        changed
    })?;
    drop(store);
    fs::remove_dir_all(&folder)?;
    Ok(())
}

fn identity(slice_key: u32) -> SliceIdentity {
    SliceIdentity { slice_key, ..SliceIdentity::default() }
}

fn parcel() -> Result<Parcel> {
    let blob: Vec<u8> = (0..200).collect();
    // Each has its length in front.
    Ok(Parcel::of(std::iter::repeat_n(&blob, PARCEL / (4 + blob.len())))?)
}

fn loader() -> Arc<dyn region_store::store::Loader> {
    Arc::new(|load: &Load<'_>| -> std::result::Result<(), LoadError> {
        let parcel = parcel().map_err(|error| error.to_string())?;
        for _ in 0..PARCELS {
            load.queue(parcel.clone())?;
        }
        Ok(())
    })
}

/// Loads, evicts, maps, evicts and erases a slice, again and again, until it is over.
fn churn(store: &Store, slice_key: u32, is_over: &AtomicBool) {
    let only = filter(slice_key);
    while !is_over.load(Ordering::Relaxed) {
        for _ in 0..2 {
            drop(store.load(identity(slice_key), loader()).expect("it can be loaded"));
            store.evict(&only);
        }
        store.erase(&only);
    }
}

fn filter(slice_key: u32) -> Filter {
    format!("slice={slice_key}").parse().expect("it is a filter")
}

/// What a hit takes while as many threads do the same, in nanoseconds, beside the floor.
fn hits(store: &Store, threads: u32, name: &str) {
    let table: LruCache<SliceKey, Arc<u64>> = {
        let mut table = LruCache::unbounded();
        (0..SLICES).for_each(|number| drop(table.put(identity(number).into(), Arc::new(u64::from(number)))));
        table
    };
    let table = Mutex::new(table);
    let floor = times(threads, |number| {
        let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
        let found = table.get(&SliceKey::from(identity(number % SLICES))).cloned();
        drop(table);
        drop(std::hint::black_box(found));
    });
    let held = times(threads, |number| {
        drop(std::hint::black_box(store.read(identity(number % SLICES).into()).expect("it is there")));
    });
    print(name, "ns", held, floor);
}

/// Of each of so many threads, how long one call takes, in nanoseconds: in batches, of which each counts once.
fn times(threads: u32, call: impl Fn(u32) + Sync) -> Vec<f64> {
    let one = |thread: u32| -> Vec<f64> {
        (0..BATCHES)
            .map(|batch| {
                let start = Instant::now();
                (0..BATCH).for_each(|number| call(thread.wrapping_mul(7) + batch * BATCH + number));
                start.elapsed().as_secs_f64() * 1e9 / f64::from(BATCH)
            })
            .collect()
    };
    thread::scope(|scope| {
        let one = &one;
        let running: Vec<_> = (0..threads).map(|thread| scope.spawn(move || one(thread))).collect();
        running.into_iter().flat_map(|thread| thread.join().expect("it does not panic")).collect()
    })
}

/// What a load, a mapping and an eviction take, in milliseconds.
fn changes(store: &Store, bare: &Path, how: &str) -> Result<()> {
    let key = 1_000;
    let only = filter(key);
    let spindles = vec![Spindle::new("bare", bare)];
    let impellers = Impellers::start(spindles.clone(), region_store::slice::ImpellerOptions::default())?;
    let mut columns = [const { Vec::new() }; 5];
    for _ in 0..ROUNDS {
        let (id, written) = timed(|| write_bare(&impellers))?;
        let (slice, opened) = timed(|| open_bare(&spindles, id))?;
        drop(slice);
        clear(bare)?;
        let (lock, loaded) = timed(|| Ok(store.load(identity(key), loader())?))?;
        drop(lock);
        let (_, evicted) = timed(|| Ok(store.evict(&only)))?;
        let (lock, mapped) = timed(|| Ok(store.read(identity(key).into())?))?;
        drop(lock);
        store.erase(&only);
        let row = [written, loaded, opened, mapped, evicted];
        columns.iter_mut().zip(row).for_each(|(column, time)| column.push(time.as_secs_f64() * 1e3));
    }
    let [written, loaded, opened, mapped, evicted] = columns;
    print(&format!("load, {how}"), "ms", loaded, written);
    print(&format!("map, {how}"), "ms", mapped, opened);
    print(&format!("evict, {how}"), "ms", evicted, Vec::new());
    Ok(())
}

fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, Duration)> {
    let start = Instant::now();
    let done = work()?;
    Ok((done, start.elapsed()))
}

fn write_bare(impellers: &Impellers) -> Result<SnapId> {
    let snap_id = SnapId::random()?;
    let writer = SliceWriter::new(impellers, SliceOptions { snap_id, ..SliceOptions::default() });
    writer.open_for_writes()?;
    let parcel = parcel()?;
    for _ in 0..PARCELS {
        writer.queue(parcel.clone())?;
    }
    writer.wait_for_writes()?;
    writer.close()?;
    let slice = Slice::open(impellers.spindles(), snap_id, OpenOptions::default())?;
    slice.ok_or("it is not there")?;
    Ok(snap_id)
}

fn open_bare(spindles: &[Spindle], id: SnapId) -> Result<Slice> {
    let slice = Slice::open(spindles, id, OpenOptions::default())?.ok_or("it is not there")?;
    for region in slice.regions() {
        region.verify(|_, _| ())?;
    }
    Ok(slice)
}

/// To remove files takes as long as to write them, and is not counted.
fn clear(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        fs::remove_file(entry?.path())?;
    }
    Ok(())
}

fn print(name: &str, unit: &str, mut ours: Vec<f64>, mut floor: Vec<f64>) {
    let (median, late) = (quantile(&mut ours, 50), quantile(&mut ours, 99));
    let name = format!("{name}, {unit}");
    if floor.is_empty() {
        println!("{name:<40}{median:>10.3}{late:>12.3}");
    } else {
        let floor = quantile(&mut floor, 50);
        println!("{name:<40}{median:>10.3}{late:>12.3}{floor:>12.3}{:>8.2}", median / floor);
    }
}

fn quantile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() * percent / 100).copied().unwrap_or_default()
}
