//! A proxy that makes every round trip longer: each direction by half, in order, whatever there is to say.

use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::Error;
use crate::broker::Broker;

/// So many pieces are on their way in a direction; then the sender has to wait.
const PIECES: usize = 1_024;
const PIECE: usize = 16 << 10;

/// A proxy before a broker, which ends with this.
pub(crate) struct Delay {
    /// On which it listens, on this machine only.
    pub(crate) port: u16,
    task: JoinHandle<()>,
}

impl Delay {
    pub(crate) async fn start(broker: Broker, round_trip: Duration) -> Result<Self, Error> {
        let failed = |source| Error::System { what: "starting a proxy", source };
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(join(client, broker.clone(), round_trip / 2));
            }
        });
        Ok(Self { port, task })
    }
}

impl Drop for Delay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Goes on until either end closes. Then both are closed: that is how a client learns of it.
async fn join(client: TcpStream, broker: Broker, half: Duration) {
    let _slower_only = client.set_nodelay(true);
    let Ok(server) = broker.reach().await else { return };
    let (client_in, client_out) = split(client);
    let (server_in, server_out) = split(server);
    tokio::select! {
        () = carry(client_in, server_out, half) => {}
        () = carry(server_in, client_out, half) => {}
    }
}

/// Carries what comes in one direction, each piece for as long.
async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, half: Duration) {
    let (sender, mut pieces) = mpsc::channel::<(Instant, BytesMut)>(PIECES);
    let take = async {
        loop {
            let mut piece = BytesMut::with_capacity(PIECE);
            match from.read_buf(&mut piece).await {
                Ok(read) if read > 0 && sender.send((Instant::now() + half, piece)).await.is_ok() => {}
                _ => break,
            }
        }
        drop(sender);
    };
    let give = async {
        while let Some((due, piece)) = pieces.recv().await {
            sleep_until(due).await;
            if to.write_all(&piece).await.is_err() || to.flush().await.is_err() {
                break;
            }
        }
    };
    tokio::join!(take, give);
}
