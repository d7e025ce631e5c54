//! What can be chosen, on the command line or in a file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use serde::{Deserialize, Serialize};

use crate::error::ServerError;

/// Virtual disks for Altair 8800 emulators, over MQTT.
///
/// Without options it starts a broker of its own on 127.0.0.1:1883, keeps its disks in a folder of yours, and says what to
/// tell a board or an emulator.
#[derive(Debug, Parser)]
#[command(version, about, args_conflicts_with_subcommands = true, after_long_help = EXAMPLES)]
pub struct Cli {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to serve.
    #[command(flatten)]
    pub serve: Serve,
}

const EXAMPLES: &str = "\
Examples:
  vdisk-server
          serve this machine
  vdisk-server --listen 0.0.0.0:1883 --password-file passwords
          serve the network, to those whom the file names (see `vdisk-server password --help`)
  vdisk-server certs --host vdisk.example.org --device 12345678
  vdisk-server --tls
          serve boards that speak TLS with client certificates, on port 8884
  vdisk-server --broker mqtts://broker.example.org --broker-ca ca.pem
          serve through a broker that is there already
  vdisk-server replace --channel 12345678 b games.dsk
          put another disk into a device's drive B

It ends with 0 after SIGTERM or Ctrl-C, when all that was accepted is on the disk; with 2 for options that it does not
know; 78 if a person has to do something before it can start; 74 if a disk failed; 69 if something else was in the way.";

/// What to do instead of serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Makes the certificates that `--tls` and boards need: an authority, the server's, and one for each device.
    Certs(CertsOptions),
    /// Asks for a password, and prints the line that lets a user in, for the file of `--password-file`.
    Password {
        /// The user's name, which is the channel that it may use.
        user: String,
        /// Other channels that it may use; `*` for all.
        #[arg(long, value_name = "CHANNELS", value_delimiter = ',')]
        channels: Vec<String>,
    },
    /// Puts a copy of an image in the place of a drive's, under a server that runs or while none does.
    Replace {
        /// Where the disks are.
        #[command(flatten)]
        data: DataFolder,
        /// The device; without it, the template that all devices read until they first write.
        #[arg(long)]
        channel: Option<String>,
        /// The drive: a to p.
        drive: String,
        /// The image.
        image: PathBuf,
    },
    /// Recovers what the journal has, and ends. A server does so whenever it starts.
    Recover {
        /// Where the disks are.
        #[command(flatten)]
        data: DataFolder,
        /// Go on behind damage that no power cut leaves, and lose what is there.
        #[arg(long)]
        force: bool,
    },
}

/// Where the disks are.
#[derive(Debug, Args)]
pub struct DataFolder {
    /// The folder of the disks [default: as the server's]
    #[arg(long, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
}

impl DataFolder {
    /// The folder.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(default_data_folder)
    }
}

/// Which certificates to make.
#[derive(Debug, Args)]
pub struct CertsOptions {
    /// Where the disks are.
    #[command(flatten)]
    pub data: DataFolder,
    /// Where to put them [default: certs in the data folder]
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// A name or an address that devices know the server by; this machine's, if none is given.
    #[arg(long = "host", value_name = "NAME")]
    pub hosts: Vec<String>,
    /// A device, by its channel.
    #[arg(long = "device", value_name = "CHANNEL")]
    pub devices: Vec<String>,
}

/// How to serve. What is not set has its default.
#[derive(Args, Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Serve {
    /// A file with any of these options, as lines like `listen = "0.0.0.0:1883"`; the command line wins.
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,

    /// The folder of the disks [default: $STATE_DIRECTORY, or vdisk-server in your folder for data]
    #[arg(long, value_name = "FOLDER", help_heading = "Disks")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<PathBuf>,
    /// Allow a folder on another machine, whose syncs and locks may not be what they are on a disk.
    #[arg(long, help_heading = "Disks", num_args = 0..=1, default_missing_value = "true", require_equals = true, hide_possible_values = true, value_name = "TRUE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_remote_folder: Option<bool>,
    /// Images that are open at a time [default: half of the files that it may open, 4096 at most]
    #[arg(long, value_name = "COUNT", help_heading = "Disks")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_files: Option<usize>,
    /// The length of a segment of the journal, 4 to 1024 MiB [default: 64]
    #[arg(long, value_name = "MIB", help_heading = "Disks")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment_mib: Option<u64>,
    /// What the journal may take in all, 8 to 1048576 MiB, beside its next segment, and two segments in any case
    /// [default: 1024]
    #[arg(long, value_name = "MIB", help_heading = "Disks")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal_mib: Option<u64>,
    /// Free space that new images leave alone, in MiB [default: 64]
    #[arg(long, value_name = "MIB", help_heading = "Disks")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reserve_mib: Option<u64>,

    /// Where devices connect, without TLS [default: 127.0.0.1:1883]
    #[arg(long, value_name = "ADDRESS:PORT", help_heading = "Broker of its own")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listen: Option<SocketAddr>,
    /// Let anybody in, on an address that others reach.
    #[arg(long, help_heading = "Broker of its own", num_args = 0..=1, default_missing_value = "true", require_equals = true, hide_possible_values = true, value_name = "TRUE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_anonymous: Option<bool>,
    /// Who may use the disks: lines that `vdisk-server password` makes. SIGHUP has it read again.
    #[arg(long, value_name = "FILE", help_heading = "Broker of its own")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// Where devices connect by TLS, each with a certificate of its own, too [default with --tls alone: 0.0.0.0:8884]
    #[arg(long, value_name = "ADDRESS:PORT", help_heading = "Broker of its own", num_args = 0..=1,
        default_missing_value = "0.0.0.0:8884", require_equals = true)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<SocketAddr>,
    /// The PEM file of the server's certificate [default: server.pem in certs in the data folder]
    #[arg(long, value_name = "FILE", help_heading = "Broker of its own")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_cert: Option<PathBuf>,
    /// The PEM file of its key [default: server.key there]
    #[arg(long, value_name = "FILE", help_heading = "Broker of its own")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_key: Option<PathBuf>,
    /// The PEM file of the authority that signed the devices' certificates [default: ca.pem there]
    #[arg(long, value_name = "FILE", help_heading = "Broker of its own")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_ca: Option<PathBuf>,
    /// Devices connected at a time [default: 10000]
    #[arg(long, value_name = "COUNT", help_heading = "Broker of its own")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_clients: Option<usize>,

    /// Join this broker instead: mqtt://host:port or mqtts://host:port.
    #[arg(long, value_name = "URL", help_heading = "Somebody else's broker")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broker: Option<String>,
    /// The PEM file of the authority that signed the broker's certificate; mqtts:// needs it.
    #[arg(long, value_name = "FILE", help_heading = "Somebody else's broker")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broker_ca: Option<PathBuf>,
    /// The PEM file of this server's certificate for the broker, if that asks for one.
    #[arg(long, value_name = "FILE", help_heading = "Somebody else's broker")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broker_cert: Option<PathBuf>,
    /// The PEM file of its key.
    #[arg(long, value_name = "FILE", help_heading = "Somebody else's broker")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broker_key: Option<PathBuf>,
    /// The user's name for the broker.
    #[arg(long, value_name = "NAME", help_heading = "Somebody else's broker")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broker_user: Option<String>,
    /// A file whose first line is the user's password.
    #[arg(long, value_name = "FILE", help_heading = "Somebody else's broker")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broker_password_file: Option<PathBuf>,
    /// Put this server in the place of another one on the same broker.
    #[arg(long, help_heading = "Somebody else's broker", num_args = 0..=1, default_missing_value = "true", require_equals = true, hide_possible_values = true, value_name = "TRUE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub take_over: Option<bool>,
    /// Serve this channel alone; needs --broker.
    #[arg(long, value_name = "CHANNEL", help_heading = "Somebody else's broker")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,

    /// Channels that may have written or have a session; more are told to come later [default: 65536]
    #[arg(long, value_name = "COUNT", help_heading = "Devices")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<usize>,
    /// Writes that a device may have unacknowledged, 1 to 64 [default: 64]
    #[arg(long, value_name = "COUNT", help_heading = "Devices")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<u8>,
    /// Messages that a device may send in a second; what is more waits, or with --broker is dropped [default: as many as it
    /// can]
    #[arg(long, value_name = "COUNT", help_heading = "Devices")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// Wait so long with each answer to a device of version 1, for those that lose what comes at once; 5 s at most
    /// [default: 0]
    #[arg(long, value_name = "MICROSECONDS", help_heading = "Devices")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legacy_delay_us: Option<u64>,

    /// What to log: error, warn, info, debug or trace, or of what, as in `vdisk_server=debug,warn` [default: info]
    #[arg(long, value_name = "LEVEL", help_heading = "Talk")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
    /// Log lines as people read them, or as programs do.
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = "Talk")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_format: Option<LogFormat>,
    /// Do not say what to tell boards and emulators.
    #[arg(long, help_heading = "Talk", num_args = 0..=1, default_missing_value = "true", require_equals = true, hide_possible_values = true, value_name = "TRUE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet: Option<bool>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One object a line.
    Json,
}

impl Serve {
    /// The options with those of the file that they name, if they name one.
    ///
    /// # Errors
    /// The file cannot be read, or has what is no option.
    pub fn with_file(self) -> Result<Self, ServerError> {
        let Some(path) = self.config.clone() else { return Ok(self) };
        let fault =
            |error: String| ServerError::Settings(format!("{}: {}", path.display(), error.trim_end()));
        let text =
            std::fs::read_to_string(&path).map_err(|error| fault(format!("cannot be read: {error}")))?;
        let file: Self = toml::from_str(&text).map_err(|error| fault(error.to_string()))?;
        let mut table = toml::Table::try_from(file).map_err(|error| fault(error.to_string()))?;
        table.extend(toml::Table::try_from(self).map_err(|error| fault(error.to_string()))?);
        table.try_into().map_err(|error: toml::de::Error| fault(error.to_string()))
    }
}

/// Where the disks are, if nobody says.
#[must_use]
pub fn default_data_folder() -> PathBuf {
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || from("HOME").map(|home| home.join(".local/share"));
    from("STATE_DIRECTORY").unwrap_or_else(|| {
        let data = from("XDG_DATA_HOME").or_else(|| from("LOCALAPPDATA")).or_else(home);
        data.unwrap_or_else(|| Path::new(".").to_owned()).join("vdisk-server")
    })
}
