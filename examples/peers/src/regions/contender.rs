//! Who is measured at what, and as what.

use platter_peers::Role;
use region_store::Verify;

use crate::arrow::ArrowIpc;
use crate::bare_files::BareFiles;
use crate::engine::{Engine, Result};
use crate::floors::BareBytes;

use crate::java::Java;
use crate::lmdb::Lmdb;
use crate::measure::{Local, Operation, Subject, Task};
use crate::ours::RegionStore;
use crate::slices::Slices;
use crate::version_1::VersionOne;

/// Makes one that takes part; `None` if it cannot be had here, and has said why.
type Start = for<'a> fn(&str, &'a Task) -> Result<Option<Box<dyn Subject + 'a>>>;

/// One that takes part, in one variant. Of the variants of a name, the better one stands for it.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) variant: &'static str,
    pub(crate) start: Start,
    /// As what it takes part in an operation, if it does.
    pub(crate) role: fn(Operation) -> Option<Role>,
}

/// What can be asked for by name.
pub(crate) const PEERS: [&str; 4] = ["arrow", "java", "lmdb", "none"];

/// All of them, in the order of a round.
pub(crate) const ALL: [Contender; 13] = [
    Contender {
        name: "pwrite",
        variant: "",
        start: |folder, task| local(folder, BareBytes, task),
        role: |operation| (operation == Operation::Write).then_some(Role::Floor),
    },
    Contender {
        name: "pwrite",
        variant: "files",
        start: |folder, task| Ok(Some(Box::new(BareFiles::new(folder, task)?))),
        role: |operation| matches!(operation, Operation::WriteSlice { .. }).then_some(Role::Floor),
    },
    Contender {
        name: "memory",
        variant: "",
        start: |folder, task| local(folder, BareBytes, task),
        role: |operation| match operation {
            Operation::Sum { .. } => Some(Role::Other),
            Operation::SumSlice { .. } => Some(Role::Floor),
            _ => None,
        },
    },
    Contender {
        name: "version 1",
        variant: "plain",
        start: |folder, task| local(folder, VersionOne { with_prefetch: false }, task),
        role: |operation| match operation {
            // Its writer is as plain as can be, and no floor.
            Operation::Write => Some(Role::Other),
            Operation::Open => Some(Role::Floor),
            _ => floor_of_scans(operation),
        },
    },
    Contender {
        name: "version 1",
        variant: "prefetch",
        start: |folder, task| local(folder, VersionOne { with_prefetch: true }, task),
        role: floor_of_scans,
    },
    Contender {
        name: "region-store",
        variant: "",
        start: |folder, task| local(folder, RegionStore { verify: Verify::Never }, task),
        role: |operation| (!operation.verifies() && !operation.is_of_slices()).then_some(Role::Ours),
    },
    Contender {
        name: "region-store",
        variant: "slice",
        start: |folder, task| Ok(Some(Box::new(Slices::new(folder, task)?))),
        role: |operation| operation.is_of_slices().then_some(Role::Ours),
    },
    Contender {
        name: "unverified",
        variant: "",
        start: |folder, task| local(folder, RegionStore { verify: Verify::Never }, task),
        role: |operation| operation.verifies().then_some(Role::Floor),
    },
    Contender {
        name: "region-store",
        variant: "verified",
        start: |folder, task| local(folder, RegionStore { verify: Verify::Always }, task),
        role: |operation| operation.verifies().then_some(Role::Ours),
    },
    Contender {
        name: "arrow",
        variant: "1 MiB",
        start: |folder, task| local(folder, ArrowIpc { batch_bytes: 1 << 20 }, task),
        role: role_of_a_peer,
    },
    Contender {
        name: "arrow",
        variant: "16 MiB",
        start: |folder, task| local(folder, ArrowIpc { batch_bytes: 16 << 20 }, task),
        role: role_of_a_peer,
    },
    Contender {
        name: "java",
        variant: "",
        start: |folder, task| Ok(Java::start(folder, task)?.map(|java| Box::new(java) as _)),
        role: |operation| match operation {
            Operation::Random => None,
            _ if operation.is_of_slices() => Some(Role::Peer),
            _ => role_of_a_peer(operation),
        },
    },
    Contender {
        name: "lmdb",
        variant: "",
        start: |folder, task| local(folder, Lmdb, task),
        role: role_of_a_peer,
    },
];

fn local<'a, E: Engine + 'a>(
    folder: &str,
    engine: E,
    task: &'a Task,
) -> Result<Option<Box<dyn Subject + 'a>>> {
    Ok(Some(Box::new(Local::new(folder, engine, task)?)))
}

fn floor_of_scans(operation: Operation) -> Option<Role> {
    matches!(operation, Operation::Look { .. } | Operation::Sum { .. }).then_some(Role::Floor)
}

/// No peer verifies what it reads, and only one has slices.
fn role_of_a_peer(operation: Operation) -> Option<Role> {
    (!operation.verifies() && !operation.is_of_slices()).then_some(Role::Peer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    #[test]
    fn everybody_finds_all_that_was_written() {
        let folder = std::env::temp_dir().join(format!("platter-regions-{}", std::process::id()));
        std::fs::create_dir(&folder).expect("a folder of its own");
        let task = Task::new(Source::new(200, 3_000_000), folder.clone());
        for contender in &ALL {
            let Some(mut subject) = (contender.start)(contender.name, &task).expect("it starts") else {
                continue;
            };
            // Twice, as in rounds.
            for operation in [Operation::ALL, Operation::ALL].concat() {
                if (contender.role)(operation).is_some() {
                    let sample = subject.sample(operation);
                    assert!(sample.is_ok(), "{}: {sample:?}", contender.name);
                }
            }
        }
        std::fs::remove_dir(folder).expect("everybody has removed its files");
    }
}
