//! `vdisk-bench`: for people who run a server of virtual disks, and wonder what it can do.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use vdisk_bench::{Options, run, text};

fn main() -> ExitCode {
    let options = Options::parse();
    let printed = run(&options).map_err(|error| error.to_string()).and_then(|report| {
        if options.json {
            serde_json::to_string_pretty(&report).map(|json| json + "\n").map_err(|error| error.to_string())
        } else {
            Ok(text(&report, !options.quiet))
        }
    });
    match printed {
        // A reader that has seen enough, such as `head`, is no reason to complain.
        Ok(printed) => {
            io::stdout().write_all(printed.as_bytes()).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
        }
        Err(message) => {
            eprintln!("vdisk-bench: {message}");
            ExitCode::FAILURE
        }
    }
}
