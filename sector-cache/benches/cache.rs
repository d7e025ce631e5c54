//! Nanoseconds an operation, beside the copy alone: `cargo bench -p sector-cache`.
//!
//! Sectors are visited in random order. The floor, `memcpy`, copies out of an array of as many sectors. Every round
//! times everything once, so that a disturbance of the machine meets all alike, and a ratio is taken within its round.
//! The peers are elsewhere, in `examples/peers`: an ordinary build does without them.

use std::hint::black_box;
use std::ops::Range;
use std::time::Instant;

use sector_cache::{Eviction, SectorCache, SectorKey};

const SECTOR_LENGTH: usize = 137;
/// What firmware has today, what fits in its memory with ours, and the most that 16 bits can number.
const SLOTS: [u32; 3] = [800, 1_154, 65_535];
const ROUNDS: usize = 101;
/// Of each kind in a round.
const OPERATIONS: usize = 50_000;

fn main() {
    println!("{:<34}{:>9}{:>9}{:>9}", "ns an operation", "fastest", "median", "floors");
    for slots in SLOTS {
        for row in measure(slots) {
            println!("{row}");
        }
    }
}

/// One operation at one number of slots.
struct Row {
    slots: u32,
    name: &'static str,
    /// A figure a round.
    nanoseconds: Vec<f64>,
    floors: Vec<f64>,
}

fn measure(slots: u32) -> Vec<Row> {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let [held, lent] = [(); 2].map(|()| random.choose(0..slots));
    let absent = random.choose(slots..2 * slots);
    // Longer by half than the cache, so that every sector is gone when its turn comes again.
    let newcomers = random.shuffle(2 * slots..7 * slots / 2);
    let [mut to_copy, mut to_read, mut to_lend, mut absent, mut newcomers] =
        [&held, &held, &lent, &absent, &newcomers].map(|keys| keys.iter().cycle());

    let sectors = vec![[0x5a; SECTOR_LENGTH]; slots as usize];
    let [mut memory, mut other_memory] = [memory(slots), memory(slots)];
    let mut cache = full(&mut memory, slots, &held);
    // One of its own for what changes its contents.
    let mut changing = full(&mut other_memory, slots, &held);
    let mut out = [0; SECTOR_LENGTH];
    let bytes = [0xa5; SECTOR_LENGTH];

    let names = ["memcpy", "hit, copied", "hit, lent", "miss", "insert with eviction"];
    let mut rows = names.map(|name| Row { slots, name, nanoseconds: Vec::new(), floors: Vec::new() });
    for _ in 0..ROUNDS {
        let floor = time(to_copy.by_ref(), |key| {
            if let Some(&sector) = sectors.get(key.sector().number() as usize) {
                out = sector;
            }
            black_box(&mut out);
        });
        let hit_copied = time(to_read.by_ref(), |key| {
            let _hit = black_box(cache.read(key, &mut out));
            black_box(&mut out);
        });
        let hit_lent = time(to_lend.by_ref(), |key| {
            // One byte is looked at: a reader of the sector would bring in its cache line too.
            black_box(cache.get(key).and_then(|bytes| bytes.first().copied()));
        });
        let miss = time(absent.by_ref(), |key| {
            black_box(cache.get(key).is_none());
        });
        let insert = time(newcomers.by_ref(), |key| {
            let _outcome = black_box(changing.put(key, black_box(&bytes)));
        });
        for (row, nanoseconds) in rows.iter_mut().zip([floor, hit_copied, hit_lent, miss, insert]) {
            row.nanoseconds.push(nanoseconds);
            row.floors.push(nanoseconds / floor);
        }
    }
    let counted = (cache.stats().hits - held.len(), cache.stats().misses, changing.stats().evictions);
    let each = ROUNDS * OPERATIONS;
    assert_eq!(counted, (2 * each, each, each), "each operation is what its name says");
    rows.into()
}

fn memory(slots: u32) -> Vec<u8> {
    vec![0; SectorCache::<'_, u16>::required_bytes(slots as usize, SECTOR_LENGTH).expect("few slots")]
}

/// A cache of the first sectors, last used in no order, so that neighbours in recency are none in memory.
fn full<'m>(memory: &'m mut [u8], slots: u32, visited: &[SectorKey]) -> SectorCache<'m> {
    let mut cache = SectorCache::new(memory, slots as usize, SECTOR_LENGTH, Eviction::Lru).expect("it fits");
    for sector in 0..slots {
        cache.put(key(sector), &[0x5a; SECTOR_LENGTH]).expect("there is a slot for it");
    }
    for &key in visited {
        cache.get(key);
    }
    cache
}

/// Nanoseconds an operation. Out of line, so that each loop is compiled alone.
#[inline(never)]
fn time<'a>(keys: impl Iterator<Item = &'a SectorKey>, mut operation: impl FnMut(SectorKey)) -> f64 {
    let start = Instant::now();
    for &key in keys.take(OPERATIONS) {
        operation(key);
    }
    start.elapsed().as_secs_f64() * 1e9 / OPERATIONS as f64
}

impl std::fmt::Display for Row {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { slots, name, nanoseconds, floors } = self;
        let fastest = nanoseconds.iter().copied().fold(f64::INFINITY, f64::min);
        let (median, floors) = (median(nanoseconds), median(floors));
        write!(formatter, "{slots:>6} slots  {name:<20}{fastest:>9.1}{median:>9.1}{floors:>9.2}")
    }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn key(sector: u32) -> SectorKey {
    SectorKey::try_new(0, sector).expect("sectors are few")
}

/// Xorshift: the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 >> 32).map_or(0, |number| number % end)
    }

    /// Four times as many as there are, some of them again and again.
    fn choose(&mut self, sectors: Range<u32>) -> Vec<SectorKey> {
        let count = sectors.end - sectors.start;
        (0..4 * count).map(|_| key(sectors.start + self.below(count))).collect()
    }

    /// Each once.
    fn shuffle(&mut self, sectors: Range<u32>) -> Vec<SectorKey> {
        let mut keys: Vec<SectorKey> = sectors.map(key).collect();
        for (at, end) in (1..).enumerate().take(keys.len()) {
            keys.swap(at, self.below(end) as usize);
        }
        keys
    }
}
