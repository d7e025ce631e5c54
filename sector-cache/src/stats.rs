/// What a cache has counted since it was made, and how full it is.
///
/// Counters are machine words: on a 32-bit microcontroller they wrap after 4,294,967,295.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// `get` found the sector.
    pub hits: usize,
    /// `get` did not find the sector.
    pub misses: usize,
    /// A sector gave up its slot to another.
    pub evictions: usize,
    /// A sector was put that was held with the same bytes.
    pub unchanged: usize,
    /// A new sector found no slot: the cache was full and might evict nothing.
    pub refused: usize,
    /// Slots in use, those that are being filled included.
    pub used: usize,
    /// Slots in all.
    pub slots: usize,
}
