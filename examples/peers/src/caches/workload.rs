//! The sectors that every cache is asked for, the same for all, made before a clock starts.

const DRIVES: u32 = 16;
/// Sectors that exist, as a multiple of those that fit in the cache.
const UNIVERSE_TO_SLOTS: u32 = 4;
const ZIPF_EXPONENT: f64 = 0.99;
/// A short order asked for again and again would be learnt by the branch predictor.
const SHORTEST_ORDER: usize = 1 << 15;

/// A sector, by drive and number.
pub(crate) type Place = (u8, u32);

/// What is asked for, at one number of slots.
pub(crate) struct Workload {
    pub(crate) slots: u32,
    /// Fills the cache exactly.
    pub(crate) held: Vec<Place>,
    /// The held sectors in random order, each as often as any other.
    pub(crate) hits: Vec<Place>,
    /// The same as places in an array, for the floor.
    pub(crate) hit_slots: Vec<u32>,
    /// Sectors that an exact LRU does not hold when it comes to them, in random order.
    pub(crate) newcomers: Vec<Place>,
    /// Few sectors often, most of them seldom; the first half warms the cache.
    pub(crate) zipf: Vec<Place>,
    /// One sector after another, half as many again as fit; whole passes, so that the last ones miss throughout.
    pub(crate) scan: Vec<Place>,
}

impl Workload {
    /// Orders of `operations` sectors for a cache of `slots`; the seed is fixed.
    pub(crate) fn new(slots: u32, operations: usize) -> Self {
        let mut random = Random(0x5eed_0f0d_15c5);
        let universe = slots * UNIVERSE_TO_SLOTS;
        let sectors_per_drive = universe.div_ceil(DRIVES);
        let in_order: Vec<Place> = (0..universe)
            .map(|index| {
                let drive = u8::try_from(index / sectors_per_drive).expect("fewer than 16 drives");
                (drive, index % sectors_per_drive)
            })
            .collect();

        let mut shuffled = in_order.clone();
        random.shuffle(&mut shuffled);
        let (held, rest) = shuffled.split_at(slots as usize);

        let mut pass: Vec<u32> = (0..slots).collect();
        let mut hit_slots = Vec::new();
        while hit_slots.len() < SHORTEST_ORDER {
            random.shuffle(&mut pass);
            hit_slots.extend_from_slice(&pass);
        }
        let hit_slots = exactly(&hit_slots, operations);

        Self {
            slots,
            hits: hit_slots.iter().map(|&slot| held[slot as usize]).collect(),
            hit_slots,
            newcomers: exactly(&[rest, held].concat(), operations),
            zipf: zipf(&shuffled, 2 * operations, &mut random),
            scan: whole_passes(&in_order[..slots as usize * 3 / 2], operations),
            held: held.to_vec(),
        }
    }
}

/// `order` again and again, up to just `operations`.
fn exactly<T: Copy>(order: &[T], operations: usize) -> Vec<T> {
    order.iter().copied().cycle().take(operations).collect()
}

/// `order` again and again, whole, until there are `operations` or more.
fn whole_passes<T: Copy>(order: &[T], operations: usize) -> Vec<T> {
    order.repeat(operations.div_ceil(order.len()))
}

/// `count` draws, in which the sector of rank r is drawn in proportion to 1 / r^0.99.
fn zipf(by_rank: &[Place], count: usize, random: &mut Random) -> Vec<Place> {
    let cumulative: Vec<f64> = (1..=by_rank.len())
        .scan(0.0, |sum, rank| {
            *sum += (rank as f64).powf(-ZIPF_EXPONENT);
            Some(*sum)
        })
        .collect();
    let total = cumulative[cumulative.len() - 1];
    (0..count)
        .map(|_| {
            let point = random.fraction() * total;
            by_rank[cumulative.partition_point(|&sum| sum < point).min(by_rank.len() - 1)]
        })
        .collect()
}

/// SplitMix64: small, and the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to, but not, 1.
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            let chosen = self.next() % (end as u64 + 1);
            items.swap(end, usize::try_from(chosen).expect("no more than `end`"));
        }
    }
}
