//! What is wrong with bytes.

/// What is wrong with a file: which field, at which offset of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} at offset {offset}: {problem}")]
pub struct Damage {
    /// The field, as the tables name it.
    pub field: &'static str,
    /// Where it starts in the file.
    pub offset: u64,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The bytes end before the field does.
    #[error("{needed} bytes are needed, {left} are left")]
    Truncated {
        /// How long it is.
        needed: u64,
        /// How many bytes there are from its start on.
        left: u64,
    },
    /// The bytes are not those that were written.
    #[error("checksum mismatch (stored {stored:08x}, computed {computed:08x})")]
    Checksum {
        /// What the file says.
        stored: u32,
        /// What its bytes give.
        computed: u32,
    },
    /// Somebody newer wrote it.
    #[error("{found} is not known to this version of region-store; upgrade it to read the file")]
    Unsupported {
        /// The value, or the bits of it that are not known.
        found: u64,
    },
    /// The value cannot be.
    #[error("{found} is not {expected}")]
    Value {
        /// What is there.
        found: u64,
        /// What could be.
        expected: &'static str,
    },
}

impl Damage {
    pub(crate) const fn new(field: &'static str, offset: u64, problem: Problem) -> Self {
        Self { field, offset, problem }
    }

    /// The same with an offset from where `start` is in the file.
    pub(crate) const fn beyond(self, start: u64) -> Self {
        Self { offset: self.offset.saturating_add(start), ..self }
    }
}
