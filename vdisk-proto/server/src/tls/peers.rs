//! Who is behind which port of the front.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::access::Identity;

/// The connections from the front to the broker, by the address that the broker sees.
#[derive(Debug, Default)]
pub struct Peers {
    /// As many as the front has connections.
    identities: Mutex<HashMap<SocketAddr, Identity>>,
}

impl Peers {
    /// Whom the certificate names behind a connection, if it comes from the front. It needs no password.
    #[must_use]
    pub fn identity(&self, address: SocketAddr) -> Option<Identity> {
        self.lock().get(&canonical(address)).copied()
    }

    /// Says who is behind an address, until what it returns is dropped.
    pub(super) fn register(self: &Arc<Self>, address: SocketAddr, identity: Identity) -> Registration {
        let address = canonical(address);
        self.lock().insert(address, identity);
        Registration { peers: Arc::clone(self), address }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SocketAddr, Identity>> {
        self.identities.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An address of IPv4 as it is, though a listener for both kinds shows it as one of IPv6.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Keeps an identity among the peers.
pub(super) struct Registration {
    peers: Arc<Peers>,
    address: SocketAddr,
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.peers.lock().remove(&self.address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_known_while_it_is_registered() {
        let peers = Arc::new(Peers::default());
        let identity = Identity::new("12345678").unwrap();
        let address: SocketAddr = "127.0.0.1:40000".parse().unwrap();
        let registration = peers.register(address, identity);
        assert_eq!(peers.identity(address), Some(identity));
        assert_eq!(peers.identity("[::ffff:127.0.0.1]:40000".parse().unwrap()), Some(identity));
        assert_eq!(peers.identity("127.0.0.1:40001".parse().unwrap()), None);
        assert_eq!(peers.identity("127.0.0.2:40000".parse().unwrap()), None);
        drop(registration);
        assert_eq!(peers.identity(address), None);
    }
}
