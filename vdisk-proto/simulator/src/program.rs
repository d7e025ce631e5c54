//! What an emulated controller does: a recorded session, or sectors at random.

use platter_examples::{Operation, Trace};
use sector_cache::{Drive, Sector, SectorKey};

use crate::chance::Chance;

/// The recorded sessions, by name.
const RECORDED: [(&str, &[u8]); 3] = [
    ("01_boot_dir_stat", include_bytes!("../../../examples/traces/01_boot_dir_stat.trace")),
    ("05b_zork_save", include_bytes!("../../../examples/traces/05b_zork_save.trace")),
    ("11_mixed_tools_on_B", include_bytes!("../../../examples/traces/11_mixed_tools_on_B.trace")),
];

/// The recorded sessions, read.
pub(crate) fn recorded() -> Vec<Trace> {
    let parse = |(name, text): (&str, &[u8])| {
        Trace::parse(text).unwrap_or_else(|error| panic!("the recorded session {name}: {error}"))
    };
    RECORDED.into_iter().map(parse).collect()
}

/// What the CPU does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read(SectorKey),
    Write(SectorKey),
}

/// The program of a device.
#[derive(Clone, Debug)]
pub(crate) enum Program {
    /// A session that was recorded, from somewhere on, again and again: all its drives are drive B.
    Recorded { session: usize, next: usize },
    /// Few sectors, so that accesses meet.
    Random,
}

impl Program {
    pub(crate) fn next(&mut self, sessions: &[Trace], chance: &mut Chance) -> Access {
        match self {
            Self::Recorded { session, next } => {
                let accesses = sessions.get(*session).map(Trace::accesses).unwrap_or_default();
                let access = accesses.get(*next % accesses.len().max(1));
                *next += 1;
                let key =
                    SectorKey::new(Drive::B, Sector::from(access.map_or(0, |access| access.sector % 2_464)));
                match access.map(|access| access.operation) {
                    Some(Operation::Write { .. }) => Access::Write(key),
                    _ => Access::Read(key),
                }
            }
            Self::Random => {
                let key = random_key(chance);
                if chance.per_mille(450) { Access::Write(key) } else { Access::Read(key) }
            }
        }
    }
}

/// A sector of a few, on either drive, on three tracks of B or two of A.
fn random_key(chance: &mut Chance) -> SectorKey {
    let (drive, number) = if chance.per_mille(850) {
        (Drive::B, chance.below(3) * 32 + chance.below(10))
    } else {
        (Drive::A, chance.below(2) * 16 + chance.below(4))
    };
    SectorKey::new(drive, Sector::from(u16::try_from(number).unwrap_or_default()))
}
