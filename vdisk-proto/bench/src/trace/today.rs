//! What the design in use today does: a cache of 800 sectors, and a legacy request for each sector that it misses.

use std::time::{Duration, Instant};

use platter_examples::{Access, FIRMWARE_SLOTS, Operation};
use sector_cache::{Eviction, SectorCache, SectorKey};
use tokio::time::timeout_at;
use vdisk_proto::codec::legacy::{Read, SECTOR_LENGTH, Write};
use vdisk_proto::codec::{Channel, Topic};

use super::{Written, unplayable};
use crate::broker::Broker;
use crate::connection::Connection;
use crate::load::identifier;
use crate::progress::Progress;
use crate::report::Played;
use crate::sector::offset;
use crate::side::{Side, channel_of, no_server};
use crate::speaker::{timeout, topic_name};
use crate::wire::{self, Packet};
use crate::{Error, Options};

/// Plays a session.
pub(super) async fn play(
    options: &Options,
    broker: &Broker,
    accesses: &[Access],
    progress: &Progress,
) -> Result<Played, Error> {
    let channel = channel_of(Side::Legacy, options, 1)?;
    let mut device = Device::open(broker, &channel, timeout(options)).await?;
    if device.read(0).await?.is_none() {
        return Err(no_server(Side::Legacy, options, broker, 1));
    }
    let mut memory =
        vec![0; SectorCache::<'_, u16>::required_bytes(FIRMWARE_SLOTS, SECTOR_LENGTH).unwrap_or(0)];
    let mut cache =
        SectorCache::new(&mut memory, FIRMWARE_SLOTS, SECTOR_LENGTH, Eviction::Lru).map_err(unplayable)?;
    let mut written = Written::default();
    let mut played = Played { wait_seconds: 0.0, hits: 0, misses: 0, wrong: 0, lost: 0, flush_seconds: None };
    let mut wait = Duration::ZERO;
    for (number, access) in accesses.iter().enumerate() {
        progress.reached(number, accesses.len());
        let key = SectorKey::try_new(access.drive, access.sector.into()).map_err(unplayable)?;
        let begin = Instant::now();
        match access.operation {
            Operation::Write { hash } => {
                let bytes = written.write(access.sector, hash);
                cache.put(key, &bytes).map_err(unplayable)?;
                device.write(access.sector.into(), &bytes).await?;
            }
            Operation::Read => match cache.get(key) {
                Some(_) => played.hits += 1,
                None => {
                    played.misses += 1;
                    match device.read(access.sector.into()).await? {
                        Some(bytes) => {
                            cache.put(key, &bytes).map_err(unplayable)?;
                            played.wrong += u64::from(!written.is_right(access.sector, &bytes));
                        }
                        None => played.lost += 1,
                    }
                }
            },
        }
        wait += begin.elapsed();
    }
    played.wait_seconds = wait.as_secs_f64();
    Ok(played)
}

/// A device that speaks version 1, and has one request on its way.
struct Device {
    connection: Connection,
    timeout: Duration,
    read_topic: String,
    write_topic: String,
    data_topic: String,
}

impl Device {
    async fn open(broker: &Broker, channel: &Channel, timeout: Duration) -> Result<Self, Error> {
        let data_topic = topic_name(Topic::LegacyData, channel);
        Ok(Self {
            connection: Connection::open(broker, &identifier(), &[&data_topic]).await?,
            timeout,
            read_topic: topic_name(Topic::LegacyRead, channel),
            write_topic: topic_name(Topic::LegacyWrite, channel),
            data_topic,
        })
    }

    /// A sector; `None` if it does not come in time.
    async fn read(&mut self, sector: u32) -> Result<Option<[u8; SECTOR_LENGTH]>, Error> {
        let offset = offset(sector);
        let mut out = Vec::new();
        wire::publish(self.read_topic.as_bytes(), &Read { offset }.encode(), &mut out);
        self.connection.send(&out).await?;
        let end = tokio::time::Instant::now() + self.timeout;
        let mut found = None;
        while found.is_none() {
            match timeout_at(end, self.connection.receive()).await {
                Ok(received) => received?,
                Err(_) => return Ok(None),
            }
            let topic = self.data_topic.as_bytes();
            self.connection.take(|packet| match packet {
                Packet::Publish { topic: on, payload, is_retained: false } if on == topic => {
                    found = found.or(Write::decode(payload)
                        .ok()
                        .filter(|data| data.offset == offset)
                        .map(|data| *data.sector));
                }
                _ => {}
            })?;
        }
        Ok(found)
    }

    /// Sends a sector. Nothing is answered.
    async fn write(&mut self, sector: u32, bytes: &[u8; SECTOR_LENGTH]) -> Result<(), Error> {
        let mut out = Vec::new();
        let write = Write { offset: offset(sector), sector: bytes };
        wire::publish(self.write_topic.as_bytes(), &write.encode(), &mut out);
        self.connection.send(&out).await
    }
}
