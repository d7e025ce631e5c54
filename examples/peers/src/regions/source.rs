//! The blobs that everybody writes and reads, the same for all, and what a reader must find in them.

/// Small enough to stay in a core's cache, so that writers are not charged for reading what they write.
const POOL_BYTES: usize = 1 << 20;
/// About a quarter of a mebibyte each, as ours cuts its blocks.
const PARCELS_A_PASS: usize = 4;
pub(crate) const SEED: u64 = 0x5eed_0f0d_15c5;

use std::ops::Range;

/// So many blobs of one length: pieces of a pool of random bytes, from its start again and again.
pub(crate) struct Source {
    pub(crate) blob_length: usize,
    pub(crate) blobs: u64,
    pool: Vec<u8>,
}

/// What was seen of blobs: how many or how long they are, and a sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) count: u64,
    pub(crate) value: u64,
}

impl Source {
    /// As many blobs as make up `bytes`; their length is a multiple of 8 and not more than the pool's.
    pub(crate) fn new(blob_length: usize, bytes: u64) -> Self {
        let mut random = Random(SEED);
        let pool = (0..POOL_BYTES / 8).flat_map(|_| random.next().to_le_bytes()).collect();
        Self { blob_length, blobs: bytes / blob_length as u64, pool }
    }

    /// Without what a format adds.
    pub(crate) fn bytes(&self) -> u64 {
        self.blobs * self.blob_length as u64
    }

    /// All of them, in order.
    #[inline]
    pub(crate) fn blobs(&self) -> impl Iterator<Item = &[u8]> {
        let pass = self.pool.chunks_exact(self.blob_length);
        pass.cycle().take(usize::try_from(self.blobs).expect("it fits in memory"))
    }

    /// All of them, in parcels: which blobs of the pool each has. Those of a pass are again those of the next.
    pub(crate) fn parcels(&self) -> impl Iterator<Item = Range<usize>> {
        let a_pass = POOL_BYTES / self.blob_length;
        let parcels = PARCELS_A_PASS.min(a_pass);
        let mut left = usize::try_from(self.blobs).expect("it fits in memory");
        (0..parcels).cycle().map_while(move |number| {
            let (start, end) = (a_pass * number / parcels, a_pass * (number + 1) / parcels);
            let blobs = left.min(end - start);
            left -= blobs;
            (blobs > 0).then(|| start..start + blobs)
        })
    }

    /// The bytes of blobs that lie side by side in the pool.
    pub(crate) fn bytes_of(&self, blobs: Range<usize>) -> &[u8] {
        &self.pool[blobs.start * self.blob_length..blobs.end * self.blob_length]
    }

    /// One of them.
    pub(crate) fn blob(&self, ordinal: u64) -> &[u8] {
        let a_pass = (POOL_BYTES / self.blob_length) as u64;
        let start = usize::try_from(ordinal % a_pass).expect("within the pool") * self.blob_length;
        &self.pool[start..start + self.blob_length]
    }

    /// Ordinals at random; the seed is fixed.
    pub(crate) fn random_ordinals(&self, count: usize) -> Vec<u64> {
        let mut random = Random(SEED);
        (0..count).map(|_| random.next() % self.blobs).collect()
    }
}

impl Tally {
    /// A look at a blob: its length and its first byte, as a reader that picks blobs by their start takes.
    #[inline(always)]
    pub(crate) fn look_at(&mut self, blob: &[u8]) {
        self.count += 1;
        self.value += blob.len() as u64 + blob.first().map_or(0, |&first| u64::from(first));
    }

    /// Every byte of a blob: its words of 8 little-endian bytes, summed.
    #[inline(always)]
    pub(crate) fn sum(&mut self, blob: &[u8]) {
        let (words, rest) = blob.as_chunks();
        assert!(rest.is_empty(), "blobs are of whole words");
        let sum = words.iter().fold(0_u64, |sum, &word| sum.wrapping_add(u64::from_le_bytes(word)));
        self.count += blob.len() as u64;
        self.value = self.value.wrapping_add(sum);
    }

    /// What several readers have seen together.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self { count: self.count + other.count, value: self.value.wrapping_add(other.value) }
    }
}

/// SplitMix64: small, and the same on every machine and in Java.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
