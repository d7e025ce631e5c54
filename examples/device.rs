//! A device in Rust: it boots as a recorded machine did, with its drive B on a server.

use std::io::{Write, stdout};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use lexopt::prelude::{Long, Short, ValueExt};
use platter_examples::{Operation, Trace, grouped};
use sector_cache::{Drive, SectorKey};
use vdisk_proto::client::{Disk, Error, Options};

const HELP: &str = "\
Boots a CP/M machine as one was recorded, with its drive B on a virtual disk
server: the machine lists the disk and asks how full it is. It only reads.

    cargo run --release --bin vdisk-server        in one terminal
    cargo run --release --example device          in another

  --broker URL     where the server is met: mqtt://127.0.0.1:1883
  --channel NAME   the device: example
  --help           this text
";

const BOOT: &[u8] = include_bytes!("traces/01_boot_dir_stat.trace");

struct Arguments {
    broker: String,
    channel: String,
}

fn main() -> ExitCode {
    let report = match arguments() {
        Ok(Some(Arguments { broker, channel })) => boot(&broker, &channel).map_err(|error| error.to_string()),
        Ok(None) => Ok(HELP.to_owned()),
        Err(error) => Err(format!("{error}; --help lists the arguments")),
    };
    match report {
        Ok(report) => stdout().write_all(report.as_bytes()).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS),
        Err(message) => {
            eprintln!("device: {message}");
            ExitCode::from(2)
        }
    }
}

fn arguments() -> Result<Option<Arguments>, lexopt::Error> {
    let mut arguments =
        Arguments { broker: "mqtt://127.0.0.1:1883".to_owned(), channel: "example".to_owned() };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("broker") => arguments.broker = parser.value()?.string()?,
            Long("channel") => arguments.channel = parser.value()?.string()?,
            Long("help") | Short('h') => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some(arguments))
}

/// Reads from the server what the recorded machine read from its drive B, and says how it went.
fn boot(broker: &str, channel: &str) -> Result<String, Error> {
    let disk = Disk::open(&Options::new(broker, channel))?;
    let trace = Trace::parse(BOOT).map(|trace| trace.of_drive(Drive::B.number())).unwrap_or_default();
    let mut sector = [0; 137];
    let (mut reads, mut waited) = (0_u64, Duration::ZERO);
    for access in trace {
        if access.operation == Operation::Read
            && let Ok(key) = SectorKey::try_new(Drive::B.number(), access.sector.into())
        {
            let started = Instant::now();
            disk.read(key, &mut sector)?;
            waited += started.elapsed();
            reads += 1;
        }
    }
    let stats = disk.stats()?;
    let drives: Vec<_> = disk.drives()?.iter().map(|drive| drive.drive.to_string()).collect();
    disk.close()?;
    Ok(format!(
        "channel {channel} has drives {}\n\
         {} sectors read, {} of them from the cache; {} messages sent; {waited:.1?} waited\n",
        drives.join(" "),
        grouped(reads),
        stats.cache.hits,
        grouped(stats.session.sent.into()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vdisk_server::options::Serve;
    use vdisk_server::{Server, Settings};

    #[test]
    fn a_device_boots_against_a_server() {
        let folder = tempfile::tempdir().unwrap();
        let options = Serve {
            data: Some(folder.path().to_owned()),
            listen: Some("127.0.0.1:0".parse().unwrap()),
            ..Serve::default()
        };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let server = runtime.block_on(Server::start(&Settings::new(&options).unwrap())).unwrap();
        let report = boot(&format!("mqtt://{}", server.address().unwrap()), "12345678").unwrap();
        assert!(report.starts_with("channel 12345678 has drives B:\n105 sectors read, "), "{report}");
        runtime.block_on(server.stop()).unwrap();
    }

    #[test]
    fn without_a_server_it_says_so() {
        let error = boot("mqtt://127.0.0.1:1", "12345678").unwrap_err().to_string();
        assert!(error.contains("127.0.0.1:1 cannot be reached"), "{error}");
    }
}
