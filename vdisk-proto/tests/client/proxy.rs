//! What is between a disk and its broker, for tests that look at connections, or hold them up.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use vdisk_proto::client::{Disk, Options};

use crate::LONG;
use crate::broker::Broker;
use crate::server::CHANNEL;

/// Where a disk connects to.
pub(crate) struct Proxy(TcpListener);

impl Proxy {
    pub(crate) fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    pub(crate) fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.0.local_addr().unwrap().port())
    }

    /// Opens a disk whose broker is behind this. With it come its connection, and what is told when that ends.
    pub(crate) fn open(&self, broker: &Broker) -> (Disk, TcpStream, Receiver<()>) {
        let options = Options::new(&self.url(), CHANNEL).timeout(LONG).connect_timeout(LONG);
        let opening = thread::spawn(move || Disk::open(&options));
        let link = self.accept();
        let ended = join(&link, &TcpStream::connect(("127.0.0.1", broker.port())).unwrap(), &[]);
        (opening.join().unwrap().unwrap(), link, ended)
    }

    /// The next connection, within bounds.
    pub(crate) fn accept(&self) -> TcpStream {
        let (sender, receiver) = mpsc::channel();
        let listener = self.0.try_clone().unwrap();
        thread::spawn(move || sender.send(listener.accept().unwrap().0));
        let stream = receiver.recv_timeout(LONG).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream
    }

    /// Whether another connection waits to be accepted.
    pub(crate) fn has_another(&self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let accepted = self.0.accept();
        self.0.set_nonblocking(false).unwrap();
        match accepted {
            Ok(_) => true,
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            Err(error) => panic!("{error}"),
        }
    }
}

/// The next packet, which is shorter than 128 bytes.
pub(crate) fn packet(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = vec![0; 2];
    stream.read_exact(&mut bytes).unwrap();
    assert!(bytes[1] < 128, "a longer packet than is expected here");
    bytes.resize(2 + usize::from(bytes[1]), 0);
    stream.read_exact(&mut bytes[2..]).unwrap();
    bytes
}

/// Joins a disk's end with a broker's, which gets these bytes first, until either ends: then that is told.
pub(crate) fn join(disk: &TcpStream, broker: &TcpStream, first: &[u8]) -> Receiver<()> {
    let (ending, ended) = mpsc::channel();
    let mut first_to = broker;
    first_to.write_all(first).unwrap();
    for (from, to) in [(disk, broker), (broker, disk)] {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        from.set_read_timeout(None).unwrap();
        let ending = ending.clone();
        thread::spawn(move || {
            let _ended = io::copy(&mut from, &mut to);
            let _gone = to.shutdown(Shutdown::Both);
            // Not every test waits for it.
            let _unheard = ending.send(());
        });
    }
    ended
}
