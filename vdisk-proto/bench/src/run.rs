//! A run, as the options say.

use std::io::IsTerminal as _;

use crate::broker::Broker;
use crate::progress::Progress;
use crate::report::Report;
use crate::{Error, Options, connect, load, trace};

/// Measures what the options ask for.
///
/// # Errors
/// [`Error`], if nothing can be measured.
pub fn run(options: &Options) -> Result<Report, Error> {
    let broker = Broker::new(options)?;
    if options.pid.is_some() && !cfg!(target_os = "linux") {
        return Err(Error::Option("--pid looks into /proc, which only Linux has".to_owned()));
    }
    // Where somebody looks.
    if !options.quiet
        && std::io::stderr().is_terminal()
        && let Some(warning) = warning(options)
    {
        eprintln!("vdisk-bench: {warning}");
    }
    let progress = Progress::new(options.quiet);
    let report = runtime(options)?.block_on(measure(options, &broker, &progress));
    progress.end();
    report
}

async fn measure(options: &Options, broker: &Broker, progress: &Progress) -> Result<Report, Error> {
    let mut report = Report {
        version: env!("CARGO_PKG_VERSION"),
        broker: broker.name(),
        load: None,
        trace: None,
        connect: None,
    };
    if let Some(path) = &options.trace {
        report.trace = Some(trace::measure(options, path, broker, progress).await?);
    } else if let Some(devices) = options.connect {
        report.connect = Some(connect::measure(options, devices, broker, progress).await?);
    } else {
        report.load = Some(load::measure(options, broker, progress).await?);
    }
    Ok(report)
}

/// One thread, this one, is quicker than tokio's one worker.
fn runtime(options: &Options) -> Result<tokio::runtime::Runtime, Error> {
    let mut builder = match options.threads {
        1 => tokio::runtime::Builder::new_current_thread(),
        threads => {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.worker_threads(threads.into());
            builder
        }
    };
    builder.enable_all().build().map_err(|source| Error::System { what: "starting threads", source })
}

/// What will be written, if anything will be.
fn warning(options: &Options) -> Option<String> {
    let (prefix, plays) = (&options.channel_prefix, options.trace.is_some());
    if !plays && (options.writes == 0 || options.connect.is_some()) {
        return None;
    }
    // A session is played both ways, by a device each.
    let legacy = (plays || options.speaks_legacy()).then(|| prefix.clone());
    let version_2 = (plays || options.speaks_version_2()).then(|| format!("{prefix}-v2"));
    let devices = |prefix: String| match options.channels {
        channels if plays || channels == 1 => format!("{prefix}-1"),
        channels => format!("{prefix}-1 to {prefix}-{channels}"),
    };
    let here: Vec<String> = legacy.into_iter().chain(version_2).map(devices).collect();
    let beside = match options.beside.as_slice() {
        [] => String::new(),
        brokers => {
            format!(", and at {} of channels {}", brokers.join(", "), devices(format!("{prefix}-beside")))
        }
    };
    Some(format!("this writes to the disks of channels {}{beside}", here.join(" and ")))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn what_is_written_is_told_before() {
        let warning = |line: &str| {
            let line = format!("vdisk-bench --channel-prefix x {line}");
            warning(&Options::try_parse_from(line.split_whitespace()).unwrap())
        };
        for line in ["", "--beside mqtt://b", "--connect 3 --writes 50"] {
            assert_eq!(warning(line), None, "{line}");
        }
        for (line, disks) in [
            ("--writes 1", "x-1 to x-4 and x-v2-1 to x-v2-4"),
            ("--writes 1 --channels 1", "x-1 and x-v2-1"),
            ("--writes 1 --protocol v2", "x-v2-1 to x-v2-4"),
            ("--writes 1 --legacy-target", "x-1 to x-4"),
            ("--trace session", "x-1 and x-v2-1"),
            ("--trace session --protocol v2", "x-1 and x-v2-1"),
            (
                "--writes 1 --protocol legacy --channels 2 --beside mqtt://b --beside mqtt://c",
                "x-1 to x-2, and at mqtt://b, mqtt://c of channels x-beside-1 to x-beside-2",
            ),
        ] {
            assert_eq!(
                warning(line).unwrap(),
                format!("this writes to the disks of channels {disks}"),
                "{line}"
            );
        }
    }
}
