//! Who may connect to the embedded broker, and what they may do there.
//!
//! - **Anonymous**: anybody may connect and do what is not the server's. Whoever comes with a certificate is that
//!   identity all the same, with its channel and no other.
//! - **Identified**: a name in the password file, or in a certificate of the TLS listener, is who somebody is, which
//!   channel is theirs, and what their MQTT client identifier has to be. What is not allowed is refused, and a password
//!   file that failed to be read again lets nobody in, nor go on, certificate or not.
//!
//! Rights are looked up at each message, so that whoever is removed from the file has lost them. A certificate has none
//! beyond its channel, unless the file has a line for the same name.

mod identity;
mod limiter;
pub(crate) mod origin;
mod passwords;
mod rules;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

pub use identity::{Identity, IdentityError, Proof, User};
pub use passwords::{Grant, LineError, PasswordError, PasswordFileError, hash_password};

use limiter::Limiter;
use origin::Origin;
use passwords::Table;
use rules::Reach;

/// Decides who gets in, and what they may do.
#[derive(Debug)]
pub struct Access {
    mode: Mode,
    limiter: Mutex<Limiter>,
}

#[derive(Debug)]
enum Mode {
    Anonymous,
    Identified {
        /// Without one only certificates count.
        file: Option<PathBuf>,
        /// `None` after a failure to read the file. Locked for a moment only, never while a password is hashed.
        table: RwLock<Option<Arc<Table>>>,
    },
}

/// What somebody who wants to connect brings.
pub struct Attempt {
    /// From where. Of a connection of the TLS listener it does not matter.
    pub address: IpAddr,
    /// The MQTT client identifier.
    pub client: String,
    /// The user of the CONNECT packet.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<Vec<u8>>,
    /// Whom the certificate names, if the TLS listener relays the connection: `Peers::identity` knows.
    pub certificate: Option<Identity>,
    /// What is to be published when the connection is lost.
    pub will: Option<Will>,
}

/// A will.
pub struct Will {
    /// Where it goes to.
    pub topic: String,
    /// Whether it is to be retained.
    pub is_retained: bool,
}

/// Why somebody does not get in. The text is for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The client identifier is not one that anybody may have.
    #[error(
        "the client identifier is longer than {MAX_CLIENT} bytes, or has control characters, +, # or a leading $"
    )]
    Client,
    /// The client identifier is not what the identity's has to be.
    #[error("the client identifier is {client:?}; {expected}'s has to be {expected}")]
    OtherClient {
        /// What it is.
        client: String,
        /// What it has to be.
        expected: Identity,
    },
    /// Neither a certificate nor a user came.
    #[error("neither a certificate nor a user with a password came")]
    Nobody,
    /// The password is not the user's, or nobody is called so.
    #[error("the password of user {user:?} is wrong, or there is no such user")]
    Password {
        /// Who was named.
        user: String,
    },
    /// There were too many wrong passwords from this address.
    #[error("too many wrong passwords came from {origin}; the next is looked at in {} s", .wait.as_secs() + 1)]
    LockedOut {
        /// From where they came.
        origin: String,
        /// How long.
        wait: Duration,
    },
    /// The password file could not be read the last time.
    #[error("the password file failed to be read, so nobody gets in; mend it, and have it read again")]
    Broken,
    /// The will is to be kept, and its properties are as long as no message that is.
    #[error("the will is to be retained, and its properties are too long for that")]
    LongWill,
    /// The will may not be published.
    #[error("the will's topic {topic:?} is one that {who} may not publish to, or not retain messages at")]
    Will {
        /// Where it was to go.
        topic: String,
        /// Who wanted it.
        who: String,
    },
}

/// Bytes of the longest client identifier.
const MAX_CLIENT: usize = 128;

impl Access {
    /// Lets anybody in.
    #[must_use]
    pub fn anonymous() -> Self {
        Self { mode: Mode::Anonymous, limiter: Mutex::default() }
    }

    /// Lets those in who are in a password file, or have a certificate.
    ///
    /// # Errors
    /// [`PasswordFileError`] for a file that cannot be read, has nobody in it, or a line that is none.
    pub fn identified(password_file: Option<&Path>) -> Result<Self, PasswordFileError> {
        let table = password_file.map_or_else(|| Ok(Table::empty()), Table::read)?;
        let table = RwLock::new(Some(Arc::new(table)));
        let mode = Mode::Identified { file: password_file.map(Path::to_path_buf), table };
        Ok(Self { mode, limiter: Mutex::default() })
    }

    /// Reads the password file again, if there is one. If that fails, nobody gets in or does anything until it succeeds.
    ///
    /// # Errors
    /// [`PasswordFileError`] as at first.
    pub fn reload(&self) -> Result<(), PasswordFileError> {
        let Mode::Identified { file: Some(path), table } = &self.mode else { return Ok(()) };
        let (read, outcome) = match Table::read(path) {
            Ok(read) => (Some(Arc::new(read)), Ok(())),
            Err(error) => (None, Err(error)),
        };
        *table.write().unwrap_or_else(PoisonError::into_inner) = read;
        if outcome.is_ok() {
            tracing::info!("the password file was read again");
        }
        outcome
    }

    /// Whether [`authenticate`](Self::authenticate) has to hash a password for this.
    #[must_use]
    pub fn hashes(&self, attempt: &Attempt) -> bool {
        matches!(self.mode, Mode::Identified { .. })
            && attempt.certificate.is_none()
            && attempt.user.is_some()
    }

    /// Lets somebody in: as a user, or as `None` where anybody may come. Whoever asks keeps the user's text, and gives
    /// it back with every message.
    ///
    /// Where it [`hashes`](Self::hashes) it takes tens of milliseconds and as many mebibytes: async code calls it by
    /// `spawn_blocking`, behind a semaphore of a few permits, which also bounds how many guesses are looked at before
    /// the first of them counts.
    ///
    /// # Errors
    /// [`Refusal`], for the log. What a client is told should be less.
    pub fn authenticate(&self, attempt: &Attempt, now: Instant) -> Result<Option<User>, Refusal> {
        if !is_sane(&attempt.client) {
            return Err(Refusal::Client);
        }
        let user = self.identify(attempt, now)?;
        let text = user.map(|user| user.to_string());
        if let Some(user) = user {
            self.check_client(&attempt.client, user.identity)?;
        }
        if let Some(Will { topic, is_retained }) = &attempt.will {
            let may = if *is_retained { Self::may_retain } else { Self::may_publish };
            if !may(self, text.as_deref(), topic) {
                let who = text.unwrap_or_else(|| "anybody".to_owned());
                return Err(Refusal::Will { topic: beginning(topic), who });
            }
        }
        Ok(user)
    }

    /// Whether a message may be published by somebody who was let in, as the text of that user.
    #[must_use]
    pub fn may_publish(&self, user: Option<&str>, topic: &str) -> bool {
        self.within_reach(user, |reach| reach.may_publish(topic))
    }

    /// Whether it may be, with the retain flag.
    #[must_use]
    pub fn may_retain(&self, user: Option<&str>, topic: &str) -> bool {
        self.within_reach(user, |reach| reach.may_retain(topic))
    }

    /// Whether a filter may be subscribed to.
    #[must_use]
    pub fn may_subscribe(&self, user: Option<&str>, filter: &str) -> bool {
        self.within_reach(user, |reach| reach.may_subscribe(filter))
    }

    fn identify(&self, attempt: &Attempt, now: Instant) -> Result<Option<User>, Refusal> {
        let certified = attempt.certificate.map(|identity| User { identity, proof: Proof::Certificate });
        let table = match &self.mode {
            Mode::Anonymous => return Ok(certified),
            Mode::Identified { table, .. } => {
                table.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Refusal::Broken)?
            }
        };
        if certified.is_some() {
            return Ok(certified);
        }
        let user = attempt.user.as_deref().ok_or(Refusal::Nobody)?;
        let origin = Origin::of(attempt.address);
        if let Some(wait) = self.limiter().wait(origin, now) {
            return Err(Refusal::LockedOut { origin: origin.to_string(), wait });
        }
        match table.check(user, attempt.password.as_deref().unwrap_or_default()) {
            Some(identity) => Ok(Some(User { identity, proof: Proof::Password })),
            None => {
                self.limiter().failed(origin, now);
                Err(Refusal::Password { user: beginning(user) })
            }
        }
    }

    fn limiter(&self) -> MutexGuard<'_, Limiter> {
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_client(&self, client: &str, identity: Identity) -> Result<(), Refusal> {
        let is_operators = || client.starts_with(identity.as_str()) && self.is_operator(identity);
        if client == identity.as_str() || is_operators() {
            return Ok(());
        }
        Err(Refusal::OtherClient { client: client.to_owned(), expected: identity })
    }

    fn is_operator(&self, identity: Identity) -> bool {
        let Mode::Identified { table, .. } = &self.mode else { return false };
        let table = table.read().unwrap_or_else(PoisonError::into_inner);
        table.as_deref().and_then(|table| table.get(&identity)).is_some_and(passwords::Entry::is_operator)
    }

    /// Judges by what the rights of a user are now; no user is anybody. Nobody has any if it cannot be told.
    fn within_reach(&self, user: Option<&str>, judge: impl FnOnce(Reach<'_>) -> bool) -> bool {
        let user = match (user, &self.mode) {
            (Some(text), _) => User::parse(text),
            (None, Mode::Anonymous) => return judge(Reach::Everything),
            (None, Mode::Identified { .. }) => None,
        };
        let Some(User { identity, proof }) = user else { return false };
        let own = identity.channel();
        match &self.mode {
            Mode::Anonymous => proof == Proof::Certificate && judge(Reach::Channels { own, more: &[] }),
            Mode::Identified { table, .. } => {
                let table = table.read().unwrap_or_else(PoisonError::into_inner);
                let Some(table) = table.as_deref() else { return false };
                match table.get(&identity) {
                    Some(entry) => judge(entry.reach(own)),
                    None => proof == Proof::Certificate && judge(Reach::Channels { own, more: &[] }),
                }
            }
        }
    }
}

/// As much of a stranger's text as the log has room for.
fn beginning(text: &str) -> String {
    text.chars().take(MAX_CLIENT).collect()
}

/// Whether a client identifier can be kept and logged. Of an empty one the broker makes one.
fn is_sane(client: &str) -> bool {
    let is_odd = |character: char| character.is_control() || character == '+' || character == '#';
    client.len() <= MAX_CLIENT && !client.starts_with('$') && !client.contains(is_odd)
}

#[cfg(test)]
mod tests;
