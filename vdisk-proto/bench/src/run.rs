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
    if !options.quiet {
        warn(options);
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

/// Says what will be written, where somebody looks.
fn warn(options: &Options) {
    let prefix = &options.channel_prefix;
    let is_written = options.writes > 0 || options.trace.is_some();
    if is_written && std::io::stderr().is_terminal() {
        eprintln!("vdisk-bench: this writes to the disks of channels {prefix}-1, {prefix}-v2-1 and so on");
    }
}
