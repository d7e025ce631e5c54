//! What Platter's client does: a track for each miss, and writes in a window.

use std::time::{Duration, Instant};

use platter_examples::{Access, Operation, slots_that_fit};
use sector_cache::SectorKey;
use vdisk_proto::client::{self, AsyncDisk};
use vdisk_proto::codec::Channel;
use vdisk_proto::codec::legacy::SECTOR_LENGTH;

use super::{Written, unplayable};
use crate::broker::Broker;
use crate::progress::Progress;
use crate::report::Played;
use crate::side::{Side, channel_of};
use crate::speaker::timeout;
use crate::{Error, Options};

/// Plays a session.
pub(super) async fn play(
    options: &Options,
    broker: &Broker,
    accesses: &[Access],
    progress: &Progress,
) -> Result<Played, Error> {
    let channel = channel_of(Side::Version2, options, 1)?;
    let failed = |source| failure(source, broker, &channel, timeout(options));
    let disk = AsyncDisk::open(&client_options(options, broker, &channel)).await.map_err(failed)?;
    let hits_before = disk.stats().await.map_err(failed)?.cache.hits;
    let mut written = Written::default();
    let mut bytes = [0; SECTOR_LENGTH];
    let (mut wait, mut reads, mut wrong, mut lost) = (Duration::ZERO, 0_u64, 0, 0);
    for (number, access) in accesses.iter().enumerate() {
        progress.reached(accesses.len() + number, accesses.len());
        let key = SectorKey::try_new(access.drive, access.sector.into()).map_err(unplayable)?;
        let begin = Instant::now();
        match access.operation {
            Operation::Write { hash } => {
                let bytes = written.write(access.sector, hash);
                disk.write(key, &bytes).await.map_err(failed)?;
                wait += begin.elapsed();
            }
            Operation::Read => {
                let read = disk.read(key, &mut bytes).await;
                wait += begin.elapsed();
                reads += 1;
                match read {
                    Ok(()) => wrong += u64::from(!written.is_right(access.sector, &bytes)),
                    Err(client::Error::TimedOut { .. }) => lost += 1,
                    Err(error) => return Err(failed(error)),
                }
            }
        }
    }
    let hits = (disk.stats().await.map_err(failed)?.cache.hits - hits_before) as u64;
    let begin = Instant::now();
    disk.flush().await.map_err(failed)?;
    let flush_seconds = Some(begin.elapsed().as_secs_f64());
    disk.close().await.map_err(failed)?;
    let misses = reads.saturating_sub(hits);
    Ok(Played { wait_seconds: wait.as_secs_f64(), hits, misses, wrong, lost, flush_seconds })
}

fn client_options(options: &Options, broker: &Broker, channel: &Channel) -> client::Options {
    let slots = u16::try_from(slots_that_fit()).unwrap_or(u16::MAX);
    let client = client::Options::new(&broker.url(), channel.as_str())
        .cache_slots(slots)
        .timeout(timeout(options))
        .open_timeout(timeout(options))
        .may_fall_back(false);
    match broker.credentials() {
        Some((user, password)) => client.credentials(user, password),
        None => client,
    }
}

fn failure(source: client::Error, broker: &Broker, channel: &Channel, waited: Duration) -> Error {
    match source {
        client::Error::NoServer { .. } => Error::NoServer {
            broker: broker.name(),
            protocol: "version 2",
            channel: channel.to_string(),
            waited,
            hint: " It answers legacy reads: is it an older server? A session is played to servers of version 2 only",
        },
        client::Error::Connection(failure) => failure.into(),
        source => Error::Disk { channel: channel.to_string(), source },
    }
}
