//! A recorded session, played as a device would: by what devices do today, and by Platter's client.

mod platter;
mod today;

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use platter_examples::{Access, Operation, Trace};
use vdisk_proto::codec::legacy::SECTOR_LENGTH;

use crate::broker::Broker;
use crate::delay::Delay;
use crate::progress::Progress;
use crate::report::Trace as Report;
use crate::sector::{is, made_up};
use crate::{Error, Options};

/// Plays the session both ways, over a connection with a delay.
pub(crate) async fn measure(
    options: &Options,
    path: &Path,
    broker: &Broker,
    progress: &Progress,
) -> Result<Report, Error> {
    let accesses = accesses(options, path)?;
    let delay = Delay::start(broker.clone(), Duration::from_millis(options.delay_ms.into())).await?;
    let behind = broker.behind(delay.port);
    progress.begin(2);
    let today = today::play(options, &behind, &accesses, progress).await?;
    progress.next();
    let platter = platter::play(options, &behind, &accesses, progress).await?;
    let count = |is_write: bool| {
        let is_it = |access: &&Access| (access.operation != Operation::Read) == is_write;
        accesses.iter().filter(is_it).count() as u64
    };
    Ok(Report {
        delay_ms: options.delay_ms,
        reads: count(false),
        writes: count(true),
        ratio: platter.wait_seconds / today.wait_seconds.max(f64::MIN_POSITIVE),
        today,
        platter,
    })
}

/// The session's accesses to the drive, as many as are wanted.
fn accesses(options: &Options, path: &Path) -> Result<Vec<Access>, Error> {
    let trace = Trace::open(path)
        .map_err(|error| Error::File { path: path.to_path_buf(), problem: error.to_string() })?;
    let [drive] = options.drives.as_slice() else {
        return Err(Error::Option("a session is played for one drive; name one with --drive".to_owned()));
    };
    let mut accesses = trace.of_drive(drive.number());
    if let Some(most) = options.requests {
        accesses.truncate(usize::try_from(most.get()).unwrap_or(usize::MAX));
    }
    if accesses.is_empty() {
        let letter = char::from(b'a' + drive.number());
        return Err(Error::Option(format!(
            "{path:?} does not use drive {letter}; name another with --drive"
        )));
    }
    Ok(accesses)
}

/// No session that was parsed has such a sector.
fn unplayable(error: sector_cache::Error) -> Error {
    Error::Option(format!("the session cannot be played: {error}"))
}

/// What the session wrote, to tell whether a read brings it.
#[derive(Default)]
struct Written(HashMap<u16, u64>);

impl Written {
    /// The bytes that stand for a recorded hash.
    fn write(&mut self, sector: u16, hash: u64) -> [u8; SECTOR_LENGTH] {
        self.0.insert(sector, hash);
        made_up(sector.into(), hash)
    }

    /// Whether that is what was written, if anything was.
    fn is_right(&self, sector: u16, bytes: &[u8]) -> bool {
        self.0.get(&sector).is_none_or(|hash| is(sector.into(), *hash, bytes))
    }
}
