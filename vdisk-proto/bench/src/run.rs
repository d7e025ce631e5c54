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
    let is_written = options.trace.is_some() || (options.writes > 0 && options.connect.is_none());
    let prefix = &options.channel_prefix;
    let beside = match options.beside.as_slice() {
        [] => String::new(),
        brokers => format!(", and at {} to those of {prefix}-beside-1 and so on", brokers.join(", ")),
    };
    is_written
        .then(|| format!("this writes to the disks of channels {prefix}-1, {prefix}-v2-1 and so on{beside}"))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn what_is_written_is_told_before() {
        let options = |line: &str| Options::try_parse_from(format!("vdisk-bench {line}").split_whitespace());
        let warning = |line: &str| warning(&options(line).unwrap());
        for line in ["", "--beside mqtt://b", "--connect 3 --writes 50"] {
            assert_eq!(warning(line), None, "{line}");
        }
        let here = "this writes to the disks of channels x-1, x-v2-1 and so on";
        for line in ["--writes 1", "--trace session"] {
            assert_eq!(warning(&format!("{line} --channel-prefix x")).unwrap(), here, "{line}");
        }
        let both = warning("--writes 1 --channel-prefix x --beside mqtt://b --beside mqtt://c").unwrap();
        assert_eq!(both, format!("{here}, and at mqtt://b, mqtt://c to those of x-beside-1 and so on"));
    }
}
