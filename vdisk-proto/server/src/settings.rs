//! What the options mean, checked.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use vdisk_proto::client::Options as BrokerOptions;
use vdisk_proto::codec::Channel;
use vdisk_proto::service::Limits;
use vdisk_proto::store::FileStoreOptions;

use crate::certs::listener_files;
use crate::checks::check;
use crate::error::ServerError;
use crate::options::{Serve, default_data_folder};
use crate::tls::TlsFiles;

const MIB: u64 = 1 << 20;
/// Writes of a channel that wait for the disk. An emulator that formats one writes 2,464 sectors, and is not told that one
/// is dropped.
const CHANNEL_RECORDS: usize = 4_096;

/// How a server serves.
pub struct Settings {
    /// The folder of the disks.
    pub data: PathBuf,
    /// What the store may take.
    pub store: FileStoreOptions,
    /// What the service takes on.
    pub limits: Limits,
    /// How long an answer to a device of version 1 waits.
    pub legacy_delay: Duration,
    /// How many messages a channel may send in a second; `None` for as many as it can.
    pub rate: Option<u32>,
    /// Where devices are met.
    pub broker: BrokerSettings,
}

/// Where devices are met.
pub enum BrokerSettings {
    /// At a broker inside the server.
    Embedded {
        /// Where it listens.
        listen: SocketAddr,
        /// Connections at a time.
        max_clients: usize,
        /// Who is let in; without it, everybody.
        password_file: Option<PathBuf>,
        /// Where those are met who speak TLS, and the files for that.
        tls: Option<(SocketAddr, TlsFiles)>,
    },
    /// At somebody else's.
    Joined {
        /// Where it is, and how to get in, but for the client identifier.
        options: Box<BrokerOptions>,
        /// Its URL.
        url: String,
        /// The one channel to serve, or `None` for all.
        channel: Option<Channel>,
        /// Whether to put another server out.
        takes_over: bool,
    },
}

impl Settings {
    /// Checks the options.
    ///
    /// # Errors
    /// [`ServerError::Settings`] says which are out of bounds, do not go together, or name a file that is none.
    pub fn new(options: &Serve) -> Result<Self, ServerError> {
        check(options)?;
        let defaults = FileStoreOptions::default();
        let bytes = |mib: Option<u64>, default| mib.map_or(default, |mib| mib.saturating_mul(MIB));
        let store = FileStoreOptions {
            segment_bytes: bytes(options.segment_mib, defaults.segment_bytes),
            journal_bytes: bytes(options.journal_mib, defaults.journal_bytes),
            reserve_bytes: bytes(options.reserve_mib, defaults.reserve_bytes),
            open_files: options.open_files.unwrap_or(defaults.open_files),
            allow_remote: options.allow_remote_folder.unwrap_or(false),
            ..defaults
        };
        let defaults = Limits::default();
        let limits = Limits {
            channels: options.channels.unwrap_or(defaults.channels),
            window: options.window.unwrap_or(defaults.window),
            channel_records: CHANNEL_RECORDS,
            ..defaults
        };
        let data = options.data.clone().unwrap_or_else(default_data_folder);
        Ok(Self {
            broker: broker(options, &data)?,
            data,
            store,
            limits,
            legacy_delay: Duration::from_micros(options.legacy_delay_us.unwrap_or(0)),
            rate: options.rate,
        })
    }
}

fn broker(options: &Serve, data: &Path) -> Result<BrokerSettings, ServerError> {
    let Some(url) = &options.broker else {
        let listen = options.listen.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 1883)));
        let is_open = options.password_file.is_none() && !listen.ip().is_loopback();
        if is_open && !options.allow_anonymous.unwrap_or(false) {
            return Err(ServerError::Settings(
                "others can reach this address: say who may use the disks by --password-file, or let everybody read and \
                write them by --allow-anonymous"
                    .to_owned(),
            ));
        }
        return Ok(BrokerSettings::Embedded {
            listen,
            max_clients: options.max_clients.unwrap_or(10_000),
            password_file: options.password_file.clone(),
            tls: options.tls.map(|address| (address, tls_files(options, data))),
        });
    };
    let channel = options.channel.as_deref().map(Channel::new).transpose();
    let channel = channel.map_err(|error| ServerError::Settings(format!("--channel: {error}")))?;
    Ok(BrokerSettings::Joined {
        options: Box::new(joining(options, url)?),
        url: url.clone(),
        channel,
        takes_over: options.take_over.unwrap_or(false),
    })
}

/// The files that `vdisk-server certs` makes, where no others are named.
fn tls_files(options: &Serve, data: &Path) -> TlsFiles {
    let made = listener_files(&data.join("certs"));
    TlsFiles {
        certificate: options.tls_cert.clone().unwrap_or(made.certificate),
        key: options.tls_key.clone().unwrap_or(made.key),
        client_authority: options.tls_ca.clone().unwrap_or(made.client_authority),
    }
}

fn joining(options: &Serve, url: &str) -> Result<BrokerOptions, ServerError> {
    // The channel is for disks; a server has topics of its own.
    let mut joining = BrokerOptions::new(url, "server");
    if let Some(path) = &options.broker_ca {
        joining = joining.authority_file(path);
    }
    if let (Some(certificate), Some(key)) = (&options.broker_cert, &options.broker_key) {
        joining = joining.certificate_files(certificate, key);
    }
    if let (Some(user), Some(path)) = (&options.broker_user, &options.broker_password_file) {
        joining = joining.credentials(user, &first_line(path)?);
    }
    Ok(joining)
}

fn first_line(path: &Path) -> Result<String, ServerError> {
    let unreadable = |error| ServerError::Settings(format!("{}: cannot be read: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Cli;
    use clap::Parser as _;

    fn settings(arguments: &[&str]) -> Result<Settings, ServerError> {
        let arguments = std::iter::once("vdisk-server").chain(arguments.iter().copied());
        Settings::new(&Cli::try_parse_from(arguments).unwrap().serve)
    }

    fn refusal(arguments: &[&str]) -> String {
        match settings(arguments) {
            Ok(_) => panic!("{arguments:?} are taken"),
            Err(error) => {
                assert_eq!(error.exit_code(), 78);
                error.to_string()
            }
        }
    }

    #[test]
    fn without_options_this_machine_is_served() {
        let settings = settings(&[]).unwrap();
        let BrokerSettings::Embedded { listen, .. } = settings.broker else { panic!("a broker was joined") };
        assert_eq!(listen, "127.0.0.1:1883".parse().unwrap());
        assert_eq!((settings.rate, settings.legacy_delay), (None, Duration::ZERO));
    }

    #[test]
    fn an_address_that_others_reach_needs_words() {
        for address in ["0.0.0.0:1883", "[::]:1883", "192.0.2.1:1883"] {
            assert!(refusal(&["--listen", address]).contains("--password-file"), "{address}");
            assert!(settings(&["--listen", address, "--allow-anonymous"]).is_ok());
            assert!(settings(&["--listen", address, "--allow-anonymous=false"]).is_err());
            assert!(settings(&["--listen", address, "--password-file", "x"]).is_ok());
            assert!(settings(&["--listen", address, "--password-file", "x", "--allow-anonymous"]).is_err());
        }
        assert!(settings(&["--listen", "[::1]:1883"]).is_ok());
    }

    #[test]
    fn what_is_named_is_looked_at() {
        let url = ["--broker", "mqtt://broker.example"];
        for (arguments, problem) in [
            (&["--channel", "a/b"][..], "--channel"),
            (&["--broker-user", "x", "--broker-password-file", "/nowhere"], "/nowhere"),
        ] {
            let refusal = refusal(&[&url[..], arguments].concat());
            assert!(refusal.contains(problem), "{refusal}");
        }
    }
}
