//! `vdisk-server`: serves virtual disks until it is told to end.

#![forbid(unsafe_code)]

use std::future::Future;
use std::io::{IsTerminal as _, Write as _};
use std::pin::{Pin, pin};
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;
use vdisk_server::options::{Cli, Command, LogFormat, Serve};
use vdisk_server::{BrokerSettings, Server, ServerError, Settings, commands, platform, screen};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vdisk-server: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(cli: Cli) -> Result<(), ServerError> {
    match cli.command {
        None => serve(cli.serve.with_file()?),
        Some(Command::Certs(options)) => {
            print!("{}", commands::certs(&options)?);
            Ok(())
        }
        Some(Command::Password { user, channels }) => {
            let password = platform::ask_password()
                .map_err(|source| ServerError::System { what: "password", source })?;
            println!("{}", commands::password(&user, &channels, &password)?);
            Ok(())
        }
        Some(Command::Replace { data, channel, drive, image }) => {
            println!("{}", commands::replace(&data.path(), channel.as_deref(), &drive, &image)?);
            Ok(())
        }
        Some(Command::Recover { data, force }) => {
            for notice in commands::recover(data.path(), force)? {
                println!("{notice}");
            }
            println!("every disk has all that was written to it");
            Ok(())
        }
    }
}

fn serve(options: Serve) -> Result<(), ServerError> {
    start_log(&options)?;
    // Before the settings, which make as much of it as there is.
    platform::raise_file_limit();
    let settings = Settings::new(&options)?;
    let mut threads = match settings.broker {
        BrokerSettings::Embedded { .. } => tokio::runtime::Builder::new_multi_thread(),
        // One connection has no use for more, which would be woken for nothing at each message.
        BrokerSettings::Joined { .. } => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime =
        threads.enable_all().build().map_err(|source| ServerError::System { what: "threads", source })?;
    runtime.block_on(async {
        let stop =
            platform::stop_signal().map_err(|source| ServerError::System { what: "signals", source })?;
        // Before the start, which may take its time: a wish that nobody listens to ends the process.
        let mut reload =
            platform::reload_signal().map_err(|source| ServerError::System { what: "signals", source })?;
        let mut stop = pin!(stop);
        let mut server = tokio::select! {
            started = Server::start(&settings) => started?,
            // A broker may take its time. Nobody was told of anything yet.
            () = &mut stop => return Ok(()),
        };
        if !options.quiet.unwrap_or(false) {
            // Who closed the output does not want to read it.
            let _said = write!(std::io::stdout(), "{}", screen::first_screen(&settings, server.address()));
        }
        platform::notify("READY=1");
        let failure = run_until(stop, &mut reload, &mut server).await;
        platform::notify("STOPPING=1");
        let ended = server.stop().await;
        match failure {
            Some(failure) => Err(failure),
            None => ended,
        }
    })
}

/// Serves until somebody wants it to end, or it cannot go on.
async fn run_until(
    mut stop: Pin<&mut impl Future<Output = ()>>,
    reload: &mut platform::Reload,
    server: &mut Server,
) -> Option<ServerError> {
    loop {
        tokio::select! {
            () = &mut stop => return None,
            failure = server.failed() => return Some(failure),
            () = reload.received() => {
                if let Err(error) = server.reload() {
                    tracing::error!("nobody gets in any more: {error}");
                }
            }
        }
    }
}

fn start_log(options: &Serve) -> Result<(), ServerError> {
    let level = options.log.as_deref().unwrap_or("info");
    // The crates below say more than anybody wants to hear every day. The broker's accept loop says without end that no file
    // is free for a connection, as fast as it can.
    let directives = if level.contains(['=', ',']) {
        level.to_owned()
    } else {
        format!("warn,mqtt5=error,mqtt5::broker::server=off,vdisk_server={level},vdisk_proto={level}")
    };
    let filter = EnvFilter::try_new(directives)
        .map_err(|error| ServerError::Settings(format!("--log {level}: {error}")))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // The journal of systemd has the time already.
    let is_journal = std::env::var_os("JOURNAL_STREAM").is_some();
    match options.log_format.unwrap_or_default() {
        LogFormat::Json => log.json().init(),
        LogFormat::Text if is_journal => log.without_time().with_ansi(false).init(),
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).init(),
    }
    Ok(())
}
