//! The life of a store, for tests that let it fail, or cut its power, at every operation.

use super::*;

/// Something that is done with a store.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Load(SliceIdentity),
    Evict,
    Flush(u32),
    Erase(u32),
}

/// A life with every change of state: two slices are loaded, and evicted; the first one is mapped, replaced by a later
/// generation, flushed, and loaded again; the second one is erased.
pub(super) fn steps() -> [Step; 8] {
    [
        Step::Load(identity(1)),
        Step::Load(identity(2)),
        Step::Evict,
        Step::Load(identity(1)),
        Step::Load(later(1)),
        Step::Flush(1),
        Step::Load(later(1)),
        Step::Erase(2),
    ]
}

impl Step {
    /// Does it. What is loaded has to show its blobs.
    pub(super) fn take(self, fixture: &Fixture) -> std::result::Result<(), Arc<Error>> {
        let store = &fixture.store;
        let of = |slice_key| format!("slice={slice_key}").parse().unwrap();
        let down = match self {
            Self::Load(identity) => {
                let lock = store.load(identity, Blobs::new())?;
                assert_eq!(lock.manifest().identity, identity);
                check(&lock);
                return Ok(());
            }
            Self::Evict => store.evict(&Filter::default()),
            Self::Flush(slice_key) => store.flush(&of(slice_key)),
            Self::Erase(slice_key) => store.erase(&of(slice_key)),
        };
        assert!(down.busy.is_empty(), "nobody holds {:?}", down.busy);
        down.failed.into_iter().next().map_or(Ok(()), |(_, cause)| Err(cause))
    }
}

/// Of how many numbers one is tried: all of them, unless that would take too long for an ordinary test.
pub(super) const fn stride(debug: usize) -> usize {
    if cfg!(debug_assertions) { debug } else { 1 }
}
