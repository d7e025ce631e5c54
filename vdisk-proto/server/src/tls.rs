//! The TLS listener: it asks for a certificate, and relays what comes to the embedded broker's plain listener.
//!
//! ```text
//!  device ---- TLS 1.2 or 1.3 ---- Front ---- loopback, from a port of its own ---- broker
//!                                    |                                                |
//!                                    `-- this port is 12345678 --> Peers <-- who is this port? --
//! ```
//!
//! A certificate's common name is the identity, which the broker could not tell by itself. It is in [`Peers`] before
//! the first byte reaches the broker, and until the broker has hung up: it may read a CONNECT after its sender has gone.

mod files;
mod name;
mod peers;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncWriteExt as _, copy, sink, split};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{debug, info, warn};

pub use files::{TlsError, TlsFiles};
pub use peers::Peers;

use crate::access::Identity;
use crate::access::origin::Origin;
use name::NameError;

/// A listener that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct Front {
    /// Sent or dropped, it ends the task.
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// What somebody without a certificate can use up.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// At once, of all.
    connections: usize,
    /// At once, of those that take part in one; the others wait.
    handshakes: usize,
    /// At once, of one address, of those that wait too.
    handshakes_of_one: usize,
}

const LIMITS: Limits = Limits { connections: 10_000, handshakes: 256, handshakes_of_one: 64 };
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(5);
/// After a failure to accept, which is likely to come again at once: out of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why a connection did not get through.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("its address has too many handshakes going on")]
    Crowd,
    #[error("the handshake took longer than {} s", HANDSHAKE_TIMEOUT.as_secs())]
    Slow,
    #[error("the handshake failed: {0}")]
    Handshake(io::Error),
    #[error("the certificate's common name is no identity: {0}")]
    Name(#[from] NameError),
    #[error("the broker cannot be reached: {0}")]
    Broker(io::Error),
}

impl Front {
    /// Begins to listen, within a runtime of tokio. Connections go on to the broker on this machine at `broker`, which
    /// asks `peers` who they are.
    ///
    /// # Errors
    /// [`TlsError`] for files that cannot be used.
    pub fn start(
        listener: TcpListener,
        files: &TlsFiles,
        broker: SocketAddr,
        peers: Arc<Peers>,
    ) -> Result<Self, TlsError> {
        Self::start_with(LIMITS, listener, files, broker, peers)
    }

    fn start_with(
        limits: Limits,
        listener: TcpListener,
        files: &TlsFiles,
        broker: SocketAddr,
        peers: Arc<Peers>,
    ) -> Result<Self, TlsError> {
        let gate = Arc::new(Gate {
            acceptor: TlsAcceptor::from(files.config()?),
            handshakes: Semaphore::new(limits.handshakes),
            by_origin: Mutex::default(),
            limits,
            broker,
            peers,
        });
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(listen(listener, gate, stopped));
        Ok(Self { stop, task })
    }

    /// Accepts nobody any more and ends what is relayed. Returns when that is done.
    pub async fn stop(self) {
        drop(self.stop);
        if let Err(error) = self.task.await {
            warn!(%error, "the TLS listener did not end well");
        }
    }
}

async fn listen(listener: TcpListener, gate: Arc<Gate>, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) if connections.len() < gate.limits.connections => {
                    connections.spawn(Arc::clone(&gate).serve(stream, peer));
                }
                Ok((_, peer)) => info!(%peer, "refused: there are too many connections"),
                Err(error) => {
                    warn!(%error, "no connection can be accepted for the moment");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    connections.shutdown().await;
}

/// What connections pass, and share.
struct Gate {
    acceptor: TlsAcceptor,
    handshakes: Semaphore,
    /// How many handshakes of each go on or wait. None is zero, so there are at most as many as connections.
    by_origin: Mutex<HashMap<Origin, usize>>,
    limits: Limits,
    broker: SocketAddr,
    peers: Arc<Peers>,
}

impl Gate {
    async fn serve(self: Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        match self.let_through(stream, peer).await {
            Ok(identity) => debug!(%peer, %identity, "left"),
            Err(refusal) => info!(%peer, "refused: {refusal}"),
        }
    }

    async fn let_through(&self, stream: TcpStream, peer: SocketAddr) -> Result<Identity, Refusal> {
        let mut tls = self.shake_hands(stream, Origin::of(peer.ip())).await?;
        let (_, session) = tls.get_ref();
        let identity = match name::identity(session.peer_certificates()) {
            Ok(identity) => identity,
            Err(error) => {
                let _gone_anyway = timeout(GOODBYE_TIMEOUT, tls.shutdown()).await;
                return Err(error.into());
            }
        };
        let (mut broker, port) = self.reach_broker().await.map_err(Refusal::Broker)?;
        // Behind the stream, so that it is dropped before: the port may be another's as soon as it is free.
        let _registration = self.peers.register(port, identity);
        debug!(%peer, %identity, %port, "let through");
        relay(tls, &mut broker).await;
        Ok(identity)
    }

    /// A connection to the broker, and its address there. It is bound first, which makes the port its own: one that
    /// `connect` chooses may be used by another process too, for a connection to another address of the broker's.
    async fn reach_broker(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let socket = if self.broker.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.bind(SocketAddr::new(self.broker.ip(), 0))?;
        let stream = socket.connect(self.broker).await?;
        stream.set_nodelay(true)?;
        let address = stream.local_addr()?;
        Ok((stream, address))
    }

    async fn shake_hands(&self, stream: TcpStream, origin: Origin) -> Result<TlsStream<TcpStream>, Refusal> {
        let _place = self.enter(origin).ok_or(Refusal::Crowd)?;
        stream.set_nodelay(true).map_err(Refusal::Handshake)?;
        let handshake = async {
            let _permit = self.handshakes.acquire().await;
            self.acceptor.accept(stream).await
        };
        let outcome = timeout(HANDSHAKE_TIMEOUT, handshake).await.map_err(|_| Refusal::Slow)?;
        outcome.map_err(Refusal::Handshake)
    }

    fn enter(&self, origin: Origin) -> Option<Place<'_>> {
        let mut by_origin = self.by_origin.lock().unwrap_or_else(PoisonError::into_inner);
        let count = by_origin.entry(origin).or_insert(0);
        // It is not zero here unless one may enter.
        (*count < self.limits.handshakes_of_one).then(|| {
            *count += 1;
            Place { gate: self, origin }
        })
    }
}

/// One of an address's handshakes.
struct Place<'a> {
    gate: &'a Gate,
    origin: Origin,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut by_origin = self.gate.by_origin.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_origin.get_mut(&self.origin) {
            *count -= 1;
            if *count == 0 {
                by_origin.remove(&self.origin);
            }
        }
    }
}

/// Carries bytes both ways until one end hangs up, and to the client what the broker says to that. Returns when the
/// broker has hung up.
async fn relay(tls: TlsStream<TcpStream>, broker: &mut TcpStream) {
    let (mut from_client, mut to_client) = split(tls);
    let (mut from_broker, mut to_broker) = broker.split();
    let up = async {
        let _hung_up = copy(&mut from_client, &mut to_broker).await;
        let _gone_anyway = to_broker.shutdown().await;
    };
    {
        let mut down = pin!(copy(&mut from_broker, &mut to_client));
        tokio::select! {
            () = up => {
                let _last_words = timeout(GOODBYE_TIMEOUT, down).await;
            }
            _ = &mut down => {}
        }
    }
    let _gone_anyway = timeout(GOODBYE_TIMEOUT, to_client.shutdown()).await;
    let _gone_anyway = to_broker.shutdown().await;
    let _nobody_reads = copy(&mut from_broker, &mut sink()).await;
}

#[cfg(test)]
mod tests;
