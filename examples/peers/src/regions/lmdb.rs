//! LMDB: a map from ordinals to blobs, filled in order.
#![allow(unsafe_code)]

use std::path::Path;

use heed::byteorder::NativeEndian;
use heed::types::{Bytes, U64};
use heed::{Database, Env, EnvFlags, EnvOpenOptions, IntegerComparator, PutFlags};

use crate::engine::{Engine, Part, Reader, Result};
use crate::source::Source;

/// Keys of eight bytes in the machine's own order, appended in one transaction.
pub(crate) struct Lmdb;

type Blobs = Database<U64<NativeEndian>, Bytes, IntegerComparator>;

/// Address space only: four times what is written leaves room for half-full pages.
const MAP_TO_BYTES: u64 = 4;
const SMALLEST_MAP: u64 = 1 << 30;

fn open_environment(path: &Path, map_bytes: u64) -> Result<Env> {
    let mut options = EnvOpenOptions::new();
    options.map_size(usize::try_from(map_bytes.next_multiple_of(1 << 20))?);
    // SAFETY: none of these flags breaks a rule of LMDB by itself: the whole database is one file, and pages are not
    // read ahead or cleared for nothing.
    unsafe { options.flags(EnvFlags::NO_SUB_DIR | EnvFlags::NO_READ_AHEAD | EnvFlags::NO_MEM_INIT) };
    // SAFETY: the benchmark's own file, in a folder of its own: nobody cuts or changes it while it is mapped.
    Ok(unsafe { options.open(path) }?)
}

impl Engine for Lmdb {
    type Reader = LmdbReader;

    fn write(&self, path: &Path, source: &Source) -> Result<()> {
        let environment = open_environment(path, (source.bytes() * MAP_TO_BYTES).max(SMALLEST_MAP))?;
        let mut transaction = environment.write_txn()?;
        let blobs: Blobs = environment
            .database_options()
            .types::<U64<NativeEndian>, Bytes>()
            .key_comparator::<IntegerComparator>()
            .create(&mut transaction)?;
        for (ordinal, blob) in (0..).zip(source.blobs()) {
            blobs.put_with_flags(&mut transaction, PutFlags::APPEND, &ordinal, blob)?;
        }
        transaction.commit()?;
        environment.prepare_for_closing().wait();
        Ok(())
    }

    fn open(&self, path: &Path) -> Result<LmdbReader> {
        let environment = open_environment(path, SMALLEST_MAP.max(path.metadata()?.len()))?;
        let transaction = environment.read_txn()?;
        let blobs: Option<Blobs> = environment
            .database_options()
            .types::<U64<NativeEndian>, Bytes>()
            .key_comparator::<IntegerComparator>()
            .open(&transaction)?;
        let blobs = blobs.ok_or("no database")?;
        let count = usize::try_from(blobs.len(&transaction)?)?;
        transaction.commit()?;
        Ok(LmdbReader { environment: Some(environment), blobs, count })
    }
}

/// An open environment; each scan is a transaction.
pub(crate) struct LmdbReader {
    /// Always there until dropped.
    environment: Option<Env>,
    blobs: Blobs,
    count: usize,
}

impl LmdbReader {
    fn environment(&self) -> &Env {
        self.environment.as_ref().expect("it is there until dropped")
    }
}

impl Reader for LmdbReader {
    fn first(&self, mut visit: impl FnMut(&[u8])) -> Result<()> {
        let transaction = self.environment().read_txn()?;
        visit(self.blobs.get(&transaction, &0)?.ok_or("no blobs")?);
        Ok(())
    }

    fn scan(&self, part: Part, mut visit: impl FnMut(&[u8])) -> Result<()> {
        let range = part.range(self.count);
        let keys = range.start as u64..range.end as u64;
        let transaction = self.environment().read_txn()?;
        for entry in self.blobs.range(&transaction, &keys)? {
            visit(entry?.1);
        }
        Ok(())
    }

    fn look_up(&self, ordinals: &[u64], mut visit: impl FnMut(&[u8])) -> Result<()> {
        let transaction = self.environment().read_txn()?;
        for ordinal in ordinals {
            visit(self.blobs.get(&transaction, ordinal)?.ok_or("a blob is missing")?);
        }
        Ok(())
    }
}

impl Drop for LmdbReader {
    /// A path can be opened once at a time in a process.
    fn drop(&mut self) {
        if let Some(environment) = self.environment.take() {
            environment.prepare_for_closing().wait();
        }
    }
}
