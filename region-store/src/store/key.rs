//! Which slice, and which state of its data.

use std::fmt;

use crate::format::SliceIdentity;

/// Which slice of which dataset: what a store has one snap of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SliceKey {
    /// The dataset's domain.
    pub domain: u64,
    /// Its view.
    pub view: u64,
    /// Which slice of it.
    pub slice_key: u32,
}

/// Which state of a dataset: its clock, and a digest that tells apart what has the same clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Generation {
    /// Later ones have more.
    pub clock: u64,
    /// The dataset's own digest.
    pub digest: u64,
}

impl From<SliceIdentity> for SliceKey {
    fn from(identity: SliceIdentity) -> Self {
        Self { domain: identity.domain, view: identity.view, slice_key: identity.slice_key }
    }
}

impl From<SliceIdentity> for Generation {
    fn from(identity: SliceIdentity) -> Self {
        Self { clock: identity.generation_clock, digest: identity.generation_digest }
    }
}

impl SliceKey {
    /// A generation of this slice.
    #[must_use]
    pub const fn generation(self, generation: Generation) -> SliceIdentity {
        SliceIdentity {
            domain: self.domain,
            view: self.view,
            generation_clock: generation.clock,
            generation_digest: generation.digest,
            slice_key: self.slice_key,
        }
    }
}

impl fmt::Display for SliceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.domain, self.view, self.slice_key)
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{:016x}", self.clock, self.digest)
    }
}
