//! What differs between operating systems.

use std::future::Future;
use std::io::{self, IsTerminal as _};

/// Waits until somebody wants the process to end.
///
/// # Errors
/// The signals cannot be listened to.
#[cfg(unix)]
pub fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Waits until somebody wants the process to end.
///
/// # Errors
/// The signals cannot be listened to.
#[cfg(windows)]
pub fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    let mut close = tokio::signal::windows::ctrl_close()?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = close.recv() => {}
        }
    })
}

/// Somebody's wish that files be read again.
#[cfg(unix)]
pub struct Reload(tokio::signal::unix::Signal);

/// Somebody's wish that files be read again, which nobody can have here.
#[cfg(windows)]
pub struct Reload;

/// Listens for that wish.
///
/// # Errors
/// The signal cannot be listened to.
pub fn reload_signal() -> io::Result<Reload> {
    #[cfg(unix)]
    return tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).map(Reload);
    #[cfg(windows)]
    return Ok(Reload);
}

impl Reload {
    /// Waits for it.
    pub async fn received(&mut self) {
        #[cfg(unix)]
        if self.0.recv().await.is_some() {
            return;
        }
        std::future::pending::<()>().await;
    }
}

/// Lets the process open as many files as it is allowed to at most: every connection is one.
#[cfg(unix)]
pub fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // None is more than any number.
    let is_most = current.is_none() || (maximum.is_some() && current >= maximum);
    if !is_most && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(%error, "the limit of open files stays at {current:?}");
    }
}

/// Lets the process open as many files as it is allowed to at most: every connection is one.
#[cfg(windows)]
pub const fn raise_file_limit() {}

/// Asks for a password, on a terminal without showing it; else the first line of the input is one.
///
/// # Errors
/// There is none.
pub fn ask_password() -> io::Result<String> {
    if io::stdin().is_terminal() {
        return rpassword::prompt_password("Password: ");
    }
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Tells the service manager how the process is, if there is one that wants to know.
#[cfg(unix)]
pub fn notify(state: &str) {
    use std::os::unix::net::UnixDatagram;
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let sent = UnixDatagram::unbound().and_then(|socket| socket.send_to(state.as_bytes(), path));
    if let Err(error) = sent {
        tracing::warn!(%error, "the service manager cannot be told: {state}");
    }
}

/// Tells the service manager how the process is, if there is one that wants to know.
#[cfg(windows)]
pub const fn notify(_state: &str) {}
