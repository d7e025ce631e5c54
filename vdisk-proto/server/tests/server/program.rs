//! A process of `vdisk-server`, and what it says.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use crate::{LONG, wait_until};

/// A process, which is killed with this.
pub(crate) struct Program {
    child: Child,
    pub(crate) output: Said,
    pub(crate) errors: Said,
}

/// What was said until now, line by line.
#[derive(Clone, Default)]
pub(crate) struct Said(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    text: String,
    is_over: bool,
}

/// `vdisk-server`, to be run with these arguments.
pub(crate) fn command<A: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vdisk-server"));
    command.args(arguments).env_remove("NOTIFY_SOCKET").env_remove("STATE_DIRECTORY").stdin(Stdio::null());
    command
}

impl Program {
    pub(crate) fn run(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let output = Said::hear(child.stdout.take().unwrap());
        let errors = Said::hear(child.stderr.take().unwrap());
        Self { child, output, errors }
    }

    /// Its exit status, once it has ended by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until("the program ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name, as `-TERM`.
    pub(crate) fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.id().to_string()]).status().unwrap().success());
    }

    pub(crate) fn kill(&mut self) {
        // It may have ended by itself.
        let _gone = self.child.kill();
        self.child.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Said {
    fn hear(pipe: impl Read + Send + 'static) -> Self {
        let said = Self::default();
        let to_write = said.clone();
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                to_write.change(|state| state.text.extend([&line, "\n"]));
            }
            to_write.change(|state| state.is_over = true);
        });
        said
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let (state, changed) = &*self.0;
        change(&mut state.lock().unwrap());
        changed.notify_all();
    }

    /// What was said until now.
    pub(crate) fn text(&self) -> String {
        self.0.0.lock().unwrap().text.clone()
    }

    /// All that was said, by a program that has ended.
    pub(crate) fn all(&self) -> String {
        self.wait(|_| false)
    }

    /// What was said, once this is among it.
    pub(crate) fn wait_for(&self, what: &str) -> String {
        let text = self.wait(|text| text.contains(what));
        assert!(text.contains(what), "{what:?} is not said, but:\n{text}");
        text
    }

    /// What was said, once something is so of it, or nothing more will be said, or it took too long.
    fn wait(&self, is_so: impl Fn(&str) -> bool) -> String {
        let (state, changed) = &*self.0;
        let waits = |state: &mut State| !state.is_over && !is_so(&state.text);
        let (state, _) = changed.wait_timeout_while(state.lock().unwrap(), LONG, waits).unwrap();
        state.text.clone()
    }
}
