//! Which slices are meant.

use std::fmt;
use std::str::FromStr;

use super::status::{SnapState, SnapStatus};

/// Conditions that all have to hold. An empty one means all slices.
///
/// ```
/// use region_store::store::Filter;
///
/// let filter: Filter = "state=hot idle>900 domain=5".parse()?;
/// assert_eq!(filter.conditions().len(), 3);
/// assert_eq!(filter.to_string(), "state=hot idle>900 domain=5");
/// assert_eq!("age>5".parse::<Filter>()?.to_string(), "age>5");
/// assert!("colour=5".parse::<Filter>().unwrap_err().to_string().contains("is no field"));
/// # Ok::<(), region_store::store::FilterError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter(Vec<Condition>);

/// A field of a slice, compared with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition {
    /// What is compared.
    pub field: Field,
    /// How.
    pub comparison: Comparison,
    /// With what. A state is its place in [`SnapState::ALL`].
    pub value: u64,
}

/// How a field is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// It is less: `<`.
    Less,
    /// It is the same: `=`.
    Equal,
    /// It is more: `>`.
    Greater,
}

macro_rules! fields {
    ($($field:ident, $name:literal, $doc:literal, $value:expr;)*) => {
        /// What slices are told apart by.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Field {
            $(#[doc = $doc] $field,)*
        }

        impl Field {
            /// All of them, with their names and what they are.
            pub const ALL: &[(Self, &str, &str)] = &[$((Self::$field, $name, $doc),)*];

            fn of(self, snap: &SnapStatus, now_ns: u64) -> u64 {
                let value: fn(&SnapStatus, u64) -> u64 = match self {
                    $(Self::$field => $value,)*
                };
                value(snap, now_ns)
            }
        }
    };
}

fields! {
    State, "state", "where it is: hot, warm, nodata, cold, failed or unavailable", |snap, _| snap.state as u64;
    Domain, "domain", "the dataset's domain", |snap, _| snap.key.domain;
    View, "view", "its view", |snap, _| snap.key.view;
    SliceKey, "slice", "which slice of it", |snap, _| snap.key.slice_key.into();
    Clock, "clock", "its generation's clock", |snap, _| snap.generation.clock;
    Digest, "digest", "its generation's digest", |snap, _| snap.generation.digest;
    Idle, "idle", "seconds since a reader came or went, or it changed its state", |snap, _| snap.idle.as_secs();
    Age, "age", "seconds since it was written; since 1970, if it is not on disk", |snap, now_ns| now_ns.saturating_sub(snap.created_ns) / 1_000_000_000;
    Readers, "readers", "how many hold it", |snap, _| snap.readers as u64;
    Regions, "regions", "regions that have blobs", |snap, _| snap.regions as u64;
    Blobs, "blobs", "blobs in them", |snap, _| snap.blobs;
    BlobBytes, "blob-bytes", "their bytes", |snap, _| snap.blob_bytes;
    FileBytes, "file-bytes", "bytes of the files", |snap, _| snap.file_bytes;
    Parcels, "parcels", "parcels of its last load", |snap, _| snap.metrics.parcels;
    Received, "received", "bytes that they came as", |snap, _| snap.metrics.received_bytes;
    LoadTime, "load-ms", "milliseconds of its last load", |snap, _| milliseconds(snap.metrics.load_time);
    QueueWait, "wait-ms", "milliseconds that it waited for queues", |snap, _| milliseconds(snap.metrics.queue_wait);
    Loads, "loads", "how often it was loaded", |snap, _| snap.metrics.loads;
    Evictions, "evictions", "how often it was taken from memory", |snap, _| snap.metrics.evictions;
    Flushes, "flushes", "how often it was taken from disk", |snap, _| snap.metrics.flushes;
    Failures, "failures", "how often an attempt to load failed, or was cancelled", |snap, _| snap.metrics.failures;
}

fn milliseconds(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Filter {
    /// One with these conditions.
    #[must_use]
    pub const fn new(conditions: Vec<Condition>) -> Self {
        Self(conditions)
    }

    /// The conditions.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        &self.0
    }

    /// Whether a slice is meant, at a time in nanoseconds since 1970.
    #[must_use]
    pub fn holds(&self, snap: &SnapStatus, now_ns: u64) -> bool {
        self.0.iter().all(|condition| {
            let found = condition.field.of(snap, now_ns);
            match condition.comparison {
                Comparison::Less => found < condition.value,
                Comparison::Equal => found == condition.value,
                Comparison::Greater => found > condition.value,
            }
        })
    }
}

/// What is wrong with the text of a filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// It is no comparison.
    #[error("`{0}` is no condition like idle>900: it takes a field, one of < = >, and a value")]
    Condition(String),
    /// There is no such field.
    #[error("`{found}` is no field: there are {}", names())]
    Field {
        /// What was given.
        found: String,
    },
    /// It is no value of that field.
    #[error(
        "`{0}` is no value: a number, or after state= one of hot, warm, nodata, cold, failed, unavailable"
    )]
    Value(String),
}

fn names() -> String {
    Field::ALL.iter().map(|(_, name, _)| *name).collect::<Vec<_>>().join(", ")
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        text.split_whitespace().map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl FromStr for Condition {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let at = text.find(['<', '=', '>']).ok_or_else(|| FilterError::Condition(text.to_owned()))?;
        let (name, rest) = text.split_at(at);
        let comparison = match rest.as_bytes().first() {
            Some(b'<') => Comparison::Less,
            Some(b'>') => Comparison::Greater,
            _ => Comparison::Equal,
        };
        let value = rest.get(1..).unwrap_or_default();
        let field = Field::ALL.iter().find(|(_, known, _)| *known == name);
        let &(field, ..) = field.ok_or_else(|| FilterError::Field { found: name.to_owned() })?;
        let state = SnapState::ALL.into_iter().find(|state| field == Field::State && state.name() == value);
        let value = match state {
            Some(state) => state as u64,
            None if field == Field::State => return Err(FilterError::Value(value.to_owned())),
            None => value.parse().map_err(|_| FilterError::Value(value.to_owned()))?,
        };
        Ok(Self { field, comparison, value })
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(number, condition)| {
            let space = if number == 0 { "" } else { " " };
            write!(f, "{space}{condition}")
        })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Field::ALL.iter().find(|(field, ..)| *field == self.field).map_or("", |(_, name, _)| name);
        let comparison = match self.comparison {
            Comparison::Less => '<',
            Comparison::Equal => '=',
            Comparison::Greater => '>',
        };
        let state = SnapState::ALL
            .into_iter()
            .find(|state| self.field == Field::State && *state as u64 == self.value);
        match state {
            Some(state) => write!(f, "{name}{comparison}{state}"),
            None => write!(f, "{name}{comparison}{}", self.value),
        }
    }
}
