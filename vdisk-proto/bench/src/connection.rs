//! A client's connection to the broker: let in, subscribed, and then bytes.

use std::io;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;
use vdisk_proto::client::ConnectionFailure;

use crate::Error;
use crate::broker::{Broker, CONNECT_TIMEOUT, Stream};
use crate::wire::{self, Packet};

/// Room that is made for what comes next.
const CHUNK: usize = 8 << 10;

/// A client's connection.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    /// What was received and is not taken yet: less than a packet, when all whole ones were taken.
    received: BytesMut,
    broker: String,
}

impl Connection {
    /// Connects, and subscribes to these topics.
    pub(crate) async fn open(broker: &Broker, identifier: &str, filters: &[&str]) -> Result<Self, Error> {
        let mut connection =
            Self { stream: broker.reach().await?, received: BytesMut::new(), broker: broker.name() };
        let greeted = timeout(CONNECT_TIMEOUT, connection.greet(broker, identifier, filters)).await;
        greeted.unwrap_or_else(|_| Err(broker.unreachable("it does not answer a client in time")))?;
        Ok(connection)
    }

    async fn greet(&mut self, broker: &Broker, identifier: &str, filters: &[&str]) -> Result<(), Error> {
        let mut out = Vec::new();
        wire::connect(identifier, broker.credentials(), &mut out);
        self.send(&out).await?;
        let code = self.wait_for(|packet| match packet {
            Packet::ConnAck { code } => Some(code),
            _ => None,
        });
        let code = code.await?;
        if code != 0 {
            return Err(ConnectionFailure::Denied {
                broker: self.broker.clone(),
                reason: refusal(code).to_owned(),
            }
            .into());
        }
        if filters.is_empty() {
            return Ok(());
        }
        out.clear();
        wire::subscribe(filters.iter().copied(), &mut out);
        self.send(&out).await?;
        let refused = self.wait_for(|packet| match packet {
            Packet::SubAck { codes } => Some(codes.iter().position(|code| code & 0x80 != 0)),
            _ => None,
        });
        match refused.await? {
            Some(index) => {
                let topic = filters.get(index).copied().unwrap_or_default().to_owned();
                Err(ConnectionFailure::NotSubscribed { broker: self.broker.clone(), topic }.into())
            }
            None => Ok(()),
        }
    }

    async fn wait_for<T>(&mut self, mut find: impl FnMut(Packet<'_>) -> Option<T>) -> Result<T, Error> {
        loop {
            self.receive().await?;
            let mut found = None;
            self.take(|packet| found = found.take().or_else(|| find(packet)))?;
            if let Some(found) = found {
                return Ok(found);
            }
        }
    }

    /// Sends packets.
    pub(crate) async fn send(&mut self, packets: &[u8]) -> Result<(), Error> {
        let sent = async {
            self.stream.write_all(packets).await?;
            // TLS keeps what the system does not take at once, and sends that when it is flushed.
            self.stream.flush().await
        };
        sent.await.map_err(|error: io::Error| self.lost(&error.to_string()))
    }

    /// Waits for bytes. A future that is dropped has lost none.
    pub(crate) async fn receive(&mut self) -> Result<(), Error> {
        self.received.reserve(CHUNK);
        match self.stream.read_buf(&mut self.received).await {
            Ok(0) => Err(self.lost("the broker closed it")),
            Ok(_) => Ok(()),
            Err(error) => Err(self.lost(&error.to_string())),
        }
    }

    /// Hands out the packets that are whole.
    pub(crate) fn take(&mut self, mut each: impl FnMut(Packet<'_>)) -> Result<(), Error> {
        let mut rest = &*self.received;
        let result = loop {
            match wire::take(&mut rest) {
                Ok(Some(packet)) => each(packet),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        let taken = self.received.len() - rest.len();
        self.received.advance(taken);
        result.map_err(|error| self.lost(&error.to_string()))
    }

    fn lost(&self, reason: &str) -> Error {
        ConnectionFailure::Lost { broker: self.broker.clone(), reason: reason.to_owned() }.into()
    }
}

const fn refusal(code: u8) -> &'static str {
    match code {
        1 => "it does not speak MQTT 3.1.1",
        2 => "it does not want this client identifier",
        3 => "it is not available",
        4 => "user or password is wrong",
        5 => "it is not authorised",
        _ => "it does not say why",
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{BufStream, duplex};

    use super::*;

    #[tokio::test]
    async fn what_is_sent_does_not_stay_in_the_stream() {
        let (near, mut far) = duplex(CHUNK);
        let stream = Box::new(BufStream::new(near));
        let mut connection = Connection { stream, received: BytesMut::new(), broker: String::new() };
        connection.send(b"packet").await.unwrap();
        drop(connection);
        let mut arrived = Vec::new();
        far.read_to_end(&mut arrived).await.unwrap();
        assert_eq!(arrived, b"packet");
    }
}
