//! Devices that come all at once, as after a power cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use vdisk_proto::client::ConnectionFailure;
use vdisk_proto::codec::Topic;

use crate::broker::Broker;
use crate::connection::Connection;
use crate::load::identifier;
use crate::process::{Spent, usage, watched};
use crate::progress::Progress;
use crate::report::{Connect as Report, Latency};
use crate::side::{Side, channel_of};
use crate::speaker::{timeout, topic_name};
use crate::tally::{histogram, nanoseconds};
use crate::{Error, Options};

/// How long a device waits to be let in, before it tries again.
const ATTEMPT: Duration = Duration::from_secs(5);
/// And how long it waits before that.
const PAUSE: Duration = Duration::from_millis(200);

/// Has so many devices connect and subscribe, and stay until all of them are there.
pub(crate) async fn measure(
    options: &Options,
    devices: u32,
    broker: &Broker,
    progress: &Progress,
) -> Result<Report, Error> {
    let watched = watched(options);
    let channels: Vec<_> =
        (1..=devices).map(|number| channel_of(Side::Legacy, options, number)).collect::<Result<_, _>>()?;
    let identifier = identifier();
    // Alone, and not measured: whether there is a broker that lets anybody in is soon known.
    drop(Connection::open(broker, &format!("{identifier}c0"), &[]).await?);
    let before = usage(watched.as_ref())?;
    let retries = Arc::new(AtomicU64::new(0));
    progress.begin(1);
    let begin = Instant::now();
    let give_up = begin + timeout(options);
    let mut coming = JoinSet::new();
    for (number, channel) in (1_u32..).zip(channels) {
        let (broker, identifier) = (broker.clone(), format!("{identifier}c{number}"));
        let retries = Arc::clone(&retries);
        coming.spawn(async move {
            let begin = Instant::now();
            let filters = [Topic::Response, Topic::LegacyData].map(|topic| topic_name(topic, &channel));
            let filters = filters.each_ref().map(String::as_str);
            let connection = come(&broker, &identifier, &filters, give_up, &retries).await;
            connection.map(|connection| (connection, begin.elapsed()))
        });
    }
    let mut there = Vec::new();
    let mut latencies = histogram();
    let mut first_error = None;
    let mut last = begin;
    while let Some(device) = coming.join_next().await {
        match device.map_err(|error| Error::System { what: "a device", source: error.into() })? {
            Ok((connection, took)) => {
                latencies.saturating_record(nanoseconds(took));
                last = Instant::now();
                there.push(connection);
                progress.reached(there.len(), devices as usize);
            }
            // Nothing that the broker can do about it.
            Err(error @ Error::TooManyFiles(_)) => return Err(error),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    let took = last.saturating_duration_since(begin);
    let Some(each) = Latency::new(&latencies) else {
        return Err(first_error.unwrap_or_else(|| broker.unreachable("no device was let in")));
    };
    let mut server = Spent::default();
    server.add(before, usage(watched.as_ref())?);
    Ok(Report {
        devices,
        seconds: took.as_secs_f64(),
        failed: devices.saturating_sub(u32::try_from(there.len()).unwrap_or(u32::MAX)),
        retries: retries.load(Ordering::Relaxed),
        reason: first_error.map(|error| error.to_string()),
        server: server.cost(took, each.count),
        each,
    })
}

/// Connects as a device does: one that waits too long, or is thrown out, tries again.
async fn come(
    broker: &Broker,
    identifier: &str,
    filters: &[&str],
    give_up: Instant,
    retries: &AtomicU64,
) -> Result<Connection, Error> {
    loop {
        let within = ATTEMPT.min(give_up.saturating_duration_since(Instant::now()));
        let error = match tokio::time::timeout(within, Connection::open(broker, identifier, filters)).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => error,
            Err(_) => broker.unreachable("no answer in time"),
        };
        let is_passing = matches!(
            error,
            Error::Connection(ConnectionFailure::Unreachable { .. } | ConnectionFailure::Lost { .. })
        );
        if !is_passing || Instant::now() + PAUSE >= give_up {
            return Err(error);
        }
        tokio::time::sleep(PAUSE).await;
        retries.fetch_add(1, Ordering::Relaxed);
    }
}
