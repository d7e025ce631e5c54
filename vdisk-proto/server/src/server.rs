//! A server, from its start to its end.

use std::fs;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use region_store::medium::{Disk, Medium as _};
use sector_cache::Geometry;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use vdisk_proto::client::joining::Joining;
use vdisk_proto::service::Counters;
use vdisk_proto::store::FileStore;

use crate::access::Access;
use crate::claim::Claim;
use crate::embedded::{Door, Embedded};
use crate::engine::{Engine, wall_ns};
use crate::error::ServerError;
use crate::joined::Joined;
use crate::pace::{Pace, Tempo};
use crate::publish::Publish;
use crate::settings::{BrokerSettings, Settings};
use crate::tls::{Front, Peers, TlsFiles};

/// A byte of a disk that nobody has formatted.
const BLANK: u8 = 0xe5;

/// How long devices that go on sending are given for their answers at the end.
const PARTING: Duration = Duration::from_secs(1);
/// Files that are open beside those of images and connections: the journal's, the log's, those of the runtime.
const OTHER_FILES: usize = 64;

/// A server that serves.
pub struct Server {
    engine: Arc<Engine>,
    broker: Broker,
    threads: Vec<thread::JoinHandle<()>>,
    /// Why it cannot go on.
    failures: mpsc::UnboundedReceiver<ServerError>,
}

enum Broker {
    Embedded { broker: Embedded, access: Arc<Access>, front: Option<Front> },
    Joined { running: JoinHandle<()>, ending: watch::Sender<bool> },
}

impl Server {
    /// Recovers the disks, and serves them. Within a runtime of tokio: of several threads, if the broker is its own.
    ///
    /// # Errors
    /// Whatever keeps it from serving, and what to do about it.
    pub async fn start(settings: &Settings) -> Result<Self, ServerError> {
        let store = open_store(settings)?;
        let engine = Arc::new(Engine::new(store, settings.limits));
        let started = Self::meet_devices(settings, Arc::clone(&engine)).await;
        if started.is_err() {
            engine.end();
            // It is the first error that tells what is wrong.
            let _closed = engine.close();
        }
        let mut server = started?;
        match server.failures.try_recv() {
            Ok(failure) => {
                server.stop().await?;
                Err(failure)
            }
            Err(_) => Ok(server),
        }
    }

    /// Begins to serve, at whatever broker that is to be.
    async fn meet_devices(settings: &Settings, engine: Arc<Engine>) -> Result<Self, ServerError> {
        let tempo = Tempo { legacy_delay: settings.legacy_delay, pace: settings.rate.map(Pace::new) };
        let (failed, failures) = mpsc::unbounded_channel();
        let (broker, threads) = match &settings.broker {
            BrokerSettings::Embedded { listen, max_clients, password_file, tls } => {
                let access = Arc::new(access(password_file.as_deref())?);
                let peers = Arc::<Peers>::default();
                let door = Door::new(Arc::clone(&access), Arc::clone(&peers), Arc::clone(&engine));
                let clients = clients(*max_clients, settings.store.open_files, tls.is_some());
                let broker = Embedded::start(*listen, clients, door, tempo).await?;
                let front = match tls {
                    Some((address, files)) => match front(*address, files, broker.address(), peers).await {
                        Ok(front) => Some(front),
                        Err(error) => {
                            broker.stop().await;
                            return Err(error);
                        }
                    },
                    None => None,
                };
                let threads = threads(&engine, &broker.publisher(), &failed)?;
                (Broker::Embedded { broker, access, front }, threads)
            }
            BrokerSettings::Joined { options, channel, takes_over, .. } => {
                let server = client_identifier(&settings.data)?;
                let joining = Joining::new(&options.as_ref().clone().client_identifier(&server))?;
                let claim = Claim { server, channel: *channel, takes_over: *takes_over };
                let (ending, is_ending) = watch::channel(false);
                let joined = Joined::new(joining, claim, tempo, Arc::clone(&engine), is_ending);
                let threads = threads(&engine, &joined.outlet(), &failed)?;
                let mut serving = joined.serving();
                let running = tokio::spawn(async move {
                    if let Err(error) = joined.run().await {
                        // Nobody listens any more if the server ends.
                        let _told = failed.send(error);
                    }
                });
                // An error means that it ended, and `failures` has the reason.
                let _serving = serving.wait_for(|is_serving| *is_serving).await;
                (Broker::Joined { running, ending }, threads)
            }
        };
        Ok(Self { engine, broker, threads, failures })
    }

    /// Where devices connect, if it has a broker of its own.
    #[must_use]
    pub const fn address(&self) -> Option<SocketAddr> {
        match &self.broker {
            Broker::Embedded { broker, .. } => Some(broker.address()),
            Broker::Joined { .. } => None,
        }
    }

    /// What was counted since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.engine.counters()
    }

    /// Reads the password file again, if there is one. If that fails nobody gets in or does anything until it succeeds.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn reload(&self) -> Result<(), ServerError> {
        match &self.broker {
            Broker::Embedded { access, .. } => access.reload().map_err(ServerError::from),
            Broker::Joined { .. } => Ok(()),
        }
    }

    /// Waits until it cannot go on, and says why.
    pub async fn failed(&mut self) -> ServerError {
        match self.failures.recv().await {
            Some(failure) => failure,
            None => std::future::pending().await,
        }
    }

    /// Ends: accepts nothing more, makes durable what it accepted and answers it, and closes disks and connections. Who
    /// gets no answer any more asks again.
    ///
    /// # Errors
    /// What could not be written. The journal has all that was acknowledged.
    pub async fn stop(self) -> Result<(), ServerError> {
        match self.broker {
            Broker::Embedded { broker, front, .. } => {
                self.engine.rest(PARTING).await;
                // Behind it, all that it took is with the engine.
                broker.stop().await;
                if let Some(front) = front {
                    front.stop().await;
                }
                end(&self.engine, self.threads).await;
            }
            Broker::Joined { running, ending } => {
                end(&self.engine, self.threads).await;
                ending.send_replace(true);
                let _ended = running.await;
            }
        }
        self.engine.close().map_err(ServerError::from)
    }
}

/// Waits until all that was accepted is durable, and accepts nothing more.
async fn end(engine: &Engine, threads: Vec<thread::JoinHandle<()>>) {
    engine.end();
    let joined = tokio::task::spawn_blocking(move || {
        for thread in threads {
            // Its panic was printed.
            let _ended = thread.join();
        }
    });
    let _joined = joined.await;
}

/// How many clients there is room for, of those that are to be: one too many would keep everybody else out, too.
fn clients(wanted: usize, open_files: usize, has_tls: bool) -> usize {
    // Through TLS, what comes is passed on by another connection of our own.
    let files_each = if has_tls { 3 } else { 1 };
    let Some(files) = Disk.most_open_files() else { return wanted };
    let free =
        usize::try_from(files).unwrap_or(usize::MAX).saturating_sub(open_files.saturating_add(OTHER_FILES));
    let room = (free / files_each).max(1);
    if room < wanted {
        tracing::warn!(
            "{room} devices are connected at a time at most, and not {wanted}: this process may open {files} files only \
            (see ulimit -n, or LimitNOFILE= in systemd's unit)"
        );
    }
    room.min(wanted)
}

fn access(password_file: Option<&Path>) -> Result<Access, ServerError> {
    match password_file {
        Some(path) => Ok(Access::identified(Some(path))?),
        None => Ok(Access::anonymous()),
    }
}

/// Listens for TLS, in front of a broker.
async fn front(
    address: SocketAddr,
    files: &TlsFiles,
    broker: SocketAddr,
    peers: Arc<Peers>,
) -> Result<Front, ServerError> {
    let listener = tokio::net::TcpListener::bind(address).await;
    let listener = listener.map_err(|source| ServerError::ListenTls { address, source })?;
    // A broker that listens everywhere is also here.
    let broker = match broker.ip() {
        ip if !ip.is_unspecified() => broker,
        IpAddr::V4(_) => SocketAddr::from((Ipv4Addr::LOCALHOST, broker.port())),
        IpAddr::V6(_) => SocketAddr::from((Ipv6Addr::LOCALHOST, broker.port())),
    };
    let front = Front::start(listener, files, broker, peers)?;
    tracing::info!(%address, "listening for TLS");
    Ok(front)
}

/// The threads that write groups, and watch over images and devices.
fn threads<P: Publish>(
    engine: &Arc<Engine>,
    publisher: &Arc<P>,
    failed: &mpsc::UnboundedSender<ServerError>,
) -> Result<Vec<thread::JoinHandle<()>>, ServerError> {
    let no_thread = |source| ServerError::System { what: "thread", source };
    let runtime = Handle::current();
    let (engine, publisher, failed) = (Arc::clone(engine), Arc::clone(publisher), failed.clone());
    let watched = Arc::clone(&engine);
    let writer = thread::Builder::new().name("writer".to_owned()).spawn(move || {
        let publish = || runtime.block_on(publisher.publish_all(&engine));
        if let Err(error) = engine.write_groups(publish) {
            let _told = failed.send(ServerError::Store(error));
        }
    });
    let watcher = thread::Builder::new().name("watcher".to_owned()).spawn(move || watched.watch());
    Ok(vec![writer.map_err(no_thread)?, watcher.map_err(no_thread)?])
}

/// The disks, recovered, with a blank one if there is none.
pub(crate) fn open_store(settings: &Settings) -> Result<FileStore, ServerError> {
    let folder = &settings.data;
    fs::create_dir_all(folder).map_err(ServerError::io(folder, "create"))?;
    blank_disk(folder);
    let store = FileStore::open(Disk, folder, &settings.store, wall_ns())?;
    for notice in store.notices() {
        tracing::warn!("{notice}");
    }
    Ok(store)
}

/// Puts a blank disk where every device's drive B is read from, if nothing is there.
fn blank_disk(folder: &Path) {
    let templates = folder.join("templates");
    let disk = templates.join("b.dsk");
    // A link whose file is missing is somebody's, whose other disk is not there yet.
    if disk.symlink_metadata().is_ok() {
        if !disk.exists() {
            tracing::warn!(link = %disk.display(), "drive B has no disk: the link leads nowhere");
        }
        return;
    }
    // Whole or not at all, whenever the process is killed.
    let new = templates.join("b.dsk.new");
    let length = usize::try_from(Geometry::ALTAIR_8_INCH.bytes()).unwrap_or(0);
    let made = fs::create_dir_all(&templates)
        .and_then(|()| fs::File::create(&new))
        .and_then(|mut file| file.write_all(&vec![BLANK; length]).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&new, &disk));
    if let Err(error) = made {
        // Other drives may be there, and a folder that cannot be written to serves what it has.
        tracing::warn!(%error, folder = %templates.display(), "there is no blank disk for drive B");
    }
}

/// The client identifier of this folder's server, made up once.
fn client_identifier(folder: &Path) -> Result<String, ServerError> {
    let path = folder.join("client-identifier");
    match fs::read_to_string(&path) {
        Ok(text) if is_identifier(text.trim()) => return Ok(text.trim().to_owned()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(ServerError::io(&path, "read")(error));
        }
        _ => {}
    }
    let mut random = [0; 8];
    getrandom::fill(&mut random)
        .map_err(|error| ServerError::System { what: "random numbers", source: io::Error::other(error) })?;
    let identifier = format!("vdisk-{:016x}", u64::from_le_bytes(random));
    match fs::write(&path, format!("{identifier}\n")) {
        // What cannot be written to is served, too: as somebody else each time.
        Err(error) if is_refusal(&error) => Ok(identifier),
        written => written.map(|()| identifier).map_err(ServerError::io(&path, "write")),
    }
}

/// Whether nobody may write there, which is not the disk's fault.
fn is_refusal(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

fn is_identifier(text: &str) -> bool {
    (1..=23).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_disk_is_whole_though_the_last_one_was_killed_at_it() {
        let folder = tempfile::tempdir().unwrap();
        let templates = folder.path().join("templates");
        fs::create_dir(&templates).unwrap();
        fs::write(templates.join("b.dsk.new"), [0; 1_000]).unwrap();
        blank_disk(folder.path());
        assert_eq!(fs::read(templates.join("b.dsk")).unwrap(), [BLANK; 337_568]);
        assert!(!templates.join("b.dsk.new").exists());
        fs::write(templates.join("b.dsk"), b"somebody's").unwrap();
        blank_disk(folder.path());
        assert_eq!(fs::read(templates.join("b.dsk")).unwrap(), b"somebody's");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_disk_that_is_not_there_yet_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let templates = folder.path().join("templates");
        fs::create_dir(&templates).unwrap();
        std::os::unix::fs::symlink("/not/mounted/b.dsk", templates.join("b.dsk")).unwrap();
        blank_disk(folder.path());
        assert!(templates.join("b.dsk").is_symlink());
    }
}
