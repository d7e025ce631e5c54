//! What the command line says.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use sector_cache::Drive;

const EXAMPLES: &str = "\
EXAMPLES
  Does it work, and how quick is it? A few seconds against a server on this machine, which only reads:
      vdisk-bench
  What can it do? A hundred devices, 32 requests each on their way, beside a bare echo on the same broker:
      vdisk-bench --protocol legacy --channels 100 --window 32 --echo --pid $(pidof vdisk-server)
  How quick are durable writes? This WRITES to the disks of channels bench-v2-1 to bench-v2-100:
      vdisk-bench --protocol v2 --channels 100 --window 8 --writes 100
  The same load for the server that it is to replace:
      vdisk-bench --broker mqtt://old.example --legacy-target --channels 10
  Which of the two is quicker, the server here or the one there?
      vdisk-bench --protocol legacy --channels 10 --beside mqtt://127.0.0.1:1884
  How long would a CPU wait for its disk, 50 ms away? This WRITES what the session writes:
      vdisk-bench --trace 11_mixed_tools_on_B.trace --delay-ms 50
  How long until 3,000 devices are back after a power cut? Allow that many files first:
      ulimit -n 8192; vdisk-bench --connect 3000 --timeout-ms 60000

Rates mean something beside others of the same run only: devices, broker and server share the machine. The load comes
from one thread unless --threads says more. It ends with 0, or with 1 and a word why it could not measure; lost or wrong
answers are counted and shown, and the run goes on.";

/// Measures a server of virtual disks over MQTT: latency, rate, and what it costs.
///
/// Without options it reads for a few seconds, in both versions of the protocol, from the server behind the broker on this
/// machine. Nothing is written unless --writes or --trace asks for it.
#[derive(Clone, Debug, Parser)]
#[command(name = "vdisk-bench", version, after_help = EXAMPLES)]
pub struct Options {
    /// The broker: `mqtt://host`, or `mqtts://host` for TLS, with a port behind it if that is not 1883, or 8883.
    #[arg(long, value_name = "URL", default_value = "mqtt://127.0.0.1:1883", help_heading = "Where")]
    pub broker: String,
    /// With mqtts: the PEM file of the authority that signed the broker's certificate.
    #[arg(long, value_name = "FILE", help_heading = "Where")]
    pub ca: Option<PathBuf>,
    /// With mqtts: the PEM file of a client certificate, where the broker wants one.
    #[arg(long, value_name = "FILE", requires = "key", help_heading = "Where")]
    pub cert: Option<PathBuf>,
    /// The key of that certificate.
    #[arg(long, value_name = "FILE", requires = "cert", help_heading = "Where")]
    pub key: Option<PathBuf>,
    /// The user, where the broker wants one.
    #[arg(long, value_name = "NAME", requires = "password_file", help_heading = "Where")]
    pub user: Option<String>,
    /// A file with the user's password in its first line.
    #[arg(long, value_name = "FILE", requires = "user", help_heading = "Where")]
    pub password_file: Option<PathBuf>,

    /// Which version of the protocol is spoken; each by devices of its own.
    #[arg(long, value_enum, default_value_t, help_heading = "Load")]
    pub protocol: Protocol,
    /// The target is any server of version 1: nothing of version 2 is sent.
    #[arg(long, conflicts_with_all = ["protocol", "trace"], help_heading = "Load")]
    pub legacy_target: bool,
    /// How many devices, each with a channel and a connection of its own.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = "Load")]
    pub channels: u32,
    /// How their channels are named: PREFIX-1 and so on, or PREFIX-v2-1 for version 2.
    #[arg(long, value_name = "PREFIX", default_value = "bench", help_heading = "Load")]
    pub channel_prefix: String,
    /// Requests of a device that are on their way at a time: 1 is a closed loop, more are pipelined.
    #[arg(long, value_name = "W", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1_024), help_heading = "Load")]
    pub window: u16,
    /// The drives, a to p, as in `a,b`. Version 1 has b alone.
    #[arg(long = "drive", value_name = "DRIVES", default_value = "b", value_delimiter = ',', value_parser = drive, help_heading = "Load")]
    pub drives: Vec<Drive>,
    /// How many of a hundred requests are writes. This WRITES to the disks of those channels.
    #[arg(long, value_name = "PERCENT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=100), help_heading = "Load")]
    pub writes: u8,
    /// With version 2: sectors that a read asks for.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64), help_heading = "Load")]
    pub sectors: u16,
    /// How long each is measured.
    #[arg(long, value_name = "S", default_value = "3", value_parser = seconds, help_heading = "Load")]
    pub seconds: f64,
    /// Measures so many requests in all instead, or plays so many accesses of a session.
    #[arg(long, value_name = "N", conflicts_with = "seconds", help_heading = "Load")]
    pub requests: Option<NonZeroU64>,
    /// Into how many rounds that is split, in which those that are compared take turns.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1_000), help_heading = "Load")]
    pub rounds: u32,
    /// After how long a request counts as lost, or with --connect a device gives up. The emulator in the field waits 8 s.
    #[arg(long, value_name = "MS", default_value_t = 8_000, value_parser = clap::value_parser!(u32).range(1..=600_000), help_heading = "Load")]
    pub timeout_ms: u32,
    /// What decides which sectors are asked for, and what is written.
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Load")]
    pub seed: u64,
    /// Threads for the load, and as many for the echo: broker and server need the other cores.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "Load")]
    pub threads: u16,

    /// Also measures reads of a bare echo on the same broker, the most that any server could do there, and prints the ratio.
    #[arg(long, conflicts_with_all = ["trace", "connect", "writes"], help_heading = "Compare")]
    pub echo: bool,
    /// Also measures the same legacy load at another broker, with whatever server is there, and prints the ratio. May be repeated.
    #[arg(long, value_name = "URL", conflicts_with_all = ["trace", "connect"], help_heading = "Compare")]
    pub beside: Vec<String>,
    /// Also tells CPU and memory of that process, the server's or the broker's (Linux).
    #[arg(long, value_name = "PID", help_heading = "Compare")]
    pub pid: Option<NonZeroU32>,

    /// Plays a recorded session instead, by what devices do today and by Platter's client, and prints how long the CPU waits in both.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["connect", "window", "writes", "channels"], help_heading = "Other runs")]
    pub trace: Option<PathBuf>,
    /// With --trace: the delay that is added to each round trip.
    #[arg(long, value_name = "MS", default_value_t = 50, value_parser = clap::value_parser!(u32).range(0..=60_000), requires = "trace", help_heading = "Other runs")]
    pub delay_ms: u32,
    /// Measures instead how long it takes until so many devices, which all come at once, are connected and subscribed.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = "Other runs")]
    pub connect: Option<u32>,

    /// Prints one JSON object, and nothing else, on stdout.
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// No progress bar, no warnings, and no picture.
    #[arg(long, short, help_heading = "Output")]
    pub quiet: bool,
}

/// Which version of the protocol is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// One after the other, in turns.
    #[default]
    Both,
    /// Version 1, as the emulator in the field speaks it.
    Legacy,
    /// Version 2.
    V2,
}

impl Options {
    pub(crate) fn speaks_legacy(&self) -> bool {
        self.legacy_target || self.protocol != Protocol::V2
    }

    pub(crate) fn speaks_version_2(&self) -> bool {
        !self.legacy_target && self.protocol != Protocol::Legacy
    }
}

fn drive(name: &str) -> Result<Drive, String> {
    let number = match name.as_bytes() {
        [letter @ b'a'..=b'p'] => letter - b'a',
        [letter @ b'A'..=b'P'] => letter - b'A',
        _ => return Err("drives are a to p".to_owned()),
    };
    Drive::new(number).map_err(|error| error.to_string())
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok().filter(|seconds| (0.01..=1e6).contains(seconds));
    seconds.ok_or_else(|| "it is a number of seconds, from 0.01 on".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_makes_sense_to_clap() {
        Options::command().debug_assert();
    }

    #[test]
    fn options_are_taken_and_nonsense_is_refused() {
        let parse = |line: &str| Options::try_parse_from(line.split(' '));
        let options = parse("vdisk-bench --drive a,P --legacy-target --requests 7").unwrap();
        assert_eq!(options.drives.iter().map(|drive| drive.number()).collect::<Vec<_>>(), [0, 15]);
        assert!(options.speaks_legacy() && !options.speaks_version_2());
        let both = parse("vdisk-bench").unwrap();
        assert!(both.speaks_legacy() && both.speaks_version_2());
        for nonsense in [
            "--drive q",
            "--drive ab",
            "--seconds 0",
            "--seconds nan",
            "--window 0",
            "--writes 101",
            "--cert x",
            "--legacy-target --protocol v2",
            "--delay-ms 5",
            "--trace x --connect 3",
            "--requests 0",
        ] {
            assert!(parse(&format!("vdisk-bench {nonsense}")).is_err(), "{nonsense}");
        }
    }
}
