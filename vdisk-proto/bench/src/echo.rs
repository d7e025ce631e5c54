//! A bare echo: what answers legacy reads as quickly as can be, over a connection of its own, on topics of its own.
//!
//! A server that subscribes to all that is below `altair/` would answer there too, so its topics are as long but begin
//! otherwise.

use tokio::sync::oneshot;
use vdisk_proto::codec::legacy::{DATA_LENGTH, Read, Write};
use vdisk_proto::codec::{Channel, Topic};

use crate::Error;
use crate::broker::Broker;
use crate::connection::Connection;
use crate::sector::made_up;
use crate::speaker::topic_name;
use crate::wire::{self, Packet};

const PREFIX: &str = "echoed/";

/// The name of one of a channel's topics, where an echo answers.
pub(crate) fn echoed(topic: Topic, channel: &Channel) -> String {
    topic_name(topic, channel).replacen("altair/", PREFIX, 1)
}

/// An echo, which ends with this.
pub(crate) struct Echo {
    /// The other end is dropped when the echo ends by itself.
    _stop: oneshot::Sender<()>,
    failed: oneshot::Receiver<Error>,
}

impl Echo {
    /// Starts one, on a thread of its own, and waits until it hears.
    pub(crate) async fn start(broker: &Broker, identifier: &str) -> Result<Self, Error> {
        let filter = format!("{PREFIX}+{}", Topic::LegacyRead.suffix());
        let (broker, identifier) = (broker.clone(), format!("{identifier}-echo"));
        let (stop, stopped) = oneshot::channel();
        let (tell_ready, ready) = oneshot::channel();
        let (tell, failed) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| Error::System { what: "starting an echo", source })?;
        std::thread::spawn(move || {
            runtime.block_on(async {
                let connection = match Connection::open(&broker, &identifier, &[&filter]).await {
                    Ok(connection) => connection,
                    Err(error) => {
                        let _unheard = tell_ready.send(Err(error));
                        return;
                    }
                };
                let _unheard = tell_ready.send(Ok(()));
                tokio::select! {
                    error = answer(connection) => {
                        let _unheard = tell.send(error);
                    }
                    _ = stopped => {}
                }
            });
        });
        let gone = |_| Error::System { what: "starting an echo", source: std::io::ErrorKind::Other.into() };
        ready.await.map_err(gone)??;
        Ok(Self { _stop: stop, failed })
    }

    /// Why it has ended by itself, if it has.
    pub(crate) fn check(&mut self) -> Result<(), Error> {
        match self.failed.try_recv() {
            Ok(error) => Err(error),
            Err(_) => Ok(()),
        }
    }
}

/// Answers, until the connection fails.
async fn answer(mut connection: Connection) -> Error {
    let sector = made_up(0, 0);
    let (read, data) = (Topic::LegacyRead.suffix().as_bytes(), Topic::LegacyData.suffix().as_bytes());
    let mut out = Vec::new();
    let mut name = Vec::new();
    loop {
        if let Err(error) = connection.receive().await {
            return error;
        }
        out.clear();
        let taken = connection.take(|packet| {
            if let Packet::Publish { topic, payload, .. } = packet
                && let (Some(start), Ok(Read { offset })) = (topic.strip_suffix(read), Read::decode(payload))
            {
                name.clear();
                name.extend_from_slice(start);
                name.extend_from_slice(data);
                let answer: [u8; DATA_LENGTH] = Write { offset, sector: &sector }.encode();
                wire::publish(&name, &answer, &mut out);
            }
        });
        if let Err(error) = taken {
            return error;
        }
        if let Err(error) = connection.send(&out).await {
            return error;
        }
    }
}
