//! The password file: who has a password, and which channels besides their own.
//!
//! ```text
//! # a device, which has the channel of its name
//! 12345678:$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$...
//! # one that has two more
//! gateway:$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$...:12345678,87654321
//! # an operator, who has all
//! alice:$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$...:*
//! ```
//!
//! Every attempt costs one hash, somebody's own or, for who is not in the file, one as costly as the costliest in it.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use argon2::password_hash::{PasswordHash, PasswordHashString, SaltString};
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use vdisk_proto::codec::{Channel, ChannelError};

use super::identity::{Identity, IdentityError};
use super::rules::Reach;

/// What somebody has besides the channel of their own name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// These channels, or none.
    Channels(Vec<Channel>),
    /// All channels, and any client identifier that begins with their name.
    Operator,
}

/// What is wrong with a password file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordFileError {
    /// It cannot be read.
    #[error("the password file {} cannot be read: {source}", .path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is longer than a file of passwords has reason to be.
    #[error(
        "the password file {} is longer than {MAX_BYTES} bytes or {MAX_LINES} lines: is it the right one?",
        .path.display()
    )]
    TooLong {
        /// Which.
        path: PathBuf,
    },
    /// Nobody is in it.
    #[error("nobody is in the password file {}: add a line that `vdisk-server password` makes", .path.display())]
    Empty {
        /// Which.
        path: PathBuf,
    },
    /// A line is none.
    #[error("the password file {}, line {line}: {problem}", .path.display())]
    Line {
        /// Which.
        path: PathBuf,
        /// The first is 1.
        line: usize,
        /// What is wrong with it.
        problem: LineError,
    },
}

/// What is wrong with a line of a password file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// There is no colon.
    #[error("a line is user:hash or user:hash:channels; `vdisk-server password` makes one")]
    Parts,
    /// The user is no identity.
    #[error("the user before the first colon: {0}")]
    User(#[from] IdentityError),
    /// The user is in a line above.
    #[error("the user is in line {first} already; remove one")]
    Twice {
        /// In which.
        first: usize,
    },
    /// The hash is none of ours.
    #[error("the hash is none of argon2id ({0}); `vdisk-server password` makes one")]
    Hash(String),
    /// Checking a password against it would cost too much.
    #[error(
        "the hash costs too much: at most m={MAX_MEMORY_KIB}, t={MAX_PASSES} and p={MAX_LANES}; \
         `vdisk-server password` makes a cheaper one"
    )]
    Cost,
    /// A channel is none.
    #[error("the channels after the last colon are * or separated by commas: {0}")]
    Channel(#[from] ChannelError),
}

/// Why there is no line for a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// It is too short or too long.
    #[error("a password has {MIN_PASSWORD} to {MAX_PASSWORD} bytes, not {0}")]
    Length(usize),
    /// The system gave no entropy, or no memory.
    #[error("the password cannot be hashed: {0}")]
    Hash(String),
}

const MAX_BYTES: u64 = 4 << 20;
const MAX_LINES: usize = 20_000;
/// What a check of a password may cost: these three together are about half a second.
const MAX_MEMORY_KIB: u32 = 65_536;
const MAX_PASSES: u32 = 8;
const MAX_LANES: u32 = 4;
const MIN_PASSWORD: usize = 8;
const MAX_PASSWORD: usize = 1_024;
const SALT_LENGTH: usize = 16;

/// Makes a line of a password file.
///
/// # Errors
/// [`PasswordError`] for a password that is too short or too long, or if the system gives no entropy.
pub fn hash_password(user: Identity, password: &[u8], grant: &Grant) -> Result<String, PasswordError> {
    if !(MIN_PASSWORD..=MAX_PASSWORD).contains(&password.len()) {
        return Err(PasswordError::Length(password.len()));
    }
    let failed = |error: argon2::password_hash::Error| PasswordError::Hash(error.to_string());
    let mut bytes = [0; SALT_LENGTH];
    getrandom::fill(&mut bytes).map_err(|error| PasswordError::Hash(error.to_string()))?;
    let salt = SaltString::encode_b64(&bytes).map_err(failed)?;
    let hash = Argon2::default().hash_password(password, &salt).map_err(failed)?;
    Ok(match grant {
        Grant::Operator => format!("{user}:{hash}:*"),
        Grant::Channels(more) if more.is_empty() => format!("{user}:{hash}"),
        Grant::Channels(more) => {
            let more: Vec<_> = more.iter().map(Channel::as_str).collect();
            format!("{user}:{hash}:{}", more.join(","))
        }
    })
}

/// Who is in a password file.
#[derive(Debug)]
pub(super) struct Table {
    entries: HashMap<Identity, Entry>,
    /// What a check costs that can only fail.
    unknown: Params,
}

pub(super) struct Entry {
    hash: PasswordHashString,
    grant: Grant,
    line: usize,
}

impl Table {
    /// One without anybody.
    pub(super) fn empty() -> Self {
        Self { entries: HashMap::new(), unknown: Params::DEFAULT }
    }

    pub(super) fn read(path: &Path) -> Result<Self, PasswordFileError> {
        let unreadable = |source| PasswordFileError::Unreadable { path: path.into(), source };
        let mut text = String::new();
        let file = File::open(path).map_err(unreadable)?;
        file.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
        if text.len() as u64 > MAX_BYTES || text.lines().count() > MAX_LINES {
            return Err(PasswordFileError::TooLong { path: path.into() });
        }
        let mut table = Self::empty();
        for (at, text) in text.lines().enumerate() {
            let line = at + 1;
            let fault = |problem| PasswordFileError::Line { path: path.into(), line, problem };
            table.add(line, text.trim()).map_err(fault)?;
        }
        if table.entries.is_empty() {
            return Err(PasswordFileError::Empty { path: path.into() });
        }
        Ok(table)
    }

    fn add(&mut self, line: usize, text: &str) -> Result<(), LineError> {
        if text.is_empty() || text.starts_with('#') {
            return Ok(());
        }
        let (user, rest) = text.split_once(':').ok_or(LineError::Parts)?;
        let (hash, grant) = match rest.split_once(':') {
            None => (rest, Grant::Channels(Vec::new())),
            Some((hash, "*")) => (hash, Grant::Operator),
            Some((hash, channels)) => {
                let channels: Result<_, _> =
                    channels.split(',').map(|name| Channel::new(name.trim())).collect();
                (hash, Grant::Channels(channels?))
            }
        };
        let user = Identity::new(user)?;
        if let Some(other) = self.entries.get(&user) {
            return Err(LineError::Twice { first: other.line });
        }
        let (hash, params) = parse(hash)?;
        if self.entries.is_empty() || cost(&params) > cost(&self.unknown) {
            self.unknown = params;
        }
        self.entries.insert(user, Entry { hash, grant, line });
        Ok(())
    }

    pub(super) fn get(&self, identity: &Identity) -> Option<&Entry> {
        self.entries.get(identity)
    }

    /// Whose password it is, if it is that of the user named. It takes as long for a name that nobody has.
    pub(super) fn check(&self, user: &str, password: &[u8]) -> Option<Identity> {
        let known = Identity::new(user).ok().and_then(|identity| Some((identity, self.get(&identity)?)));
        match known.filter(|_| password.len() <= MAX_PASSWORD) {
            Some((identity, entry)) => {
                let is_right =
                    Argon2::default().verify_password(password, &entry.hash.password_hash()).is_ok();
                is_right.then_some(identity)
            }
            None => {
                let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, self.unknown.clone());
                let password = password.get(..MAX_PASSWORD).unwrap_or(password);
                let _nobodys = argon2.hash_password_into(password, &[0; SALT_LENGTH], &mut [0; 32]);
                None
            }
        }
    }
}

/// Where it stands, and no hash.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry(line {})", self.line)
    }
}

impl Entry {
    pub(super) fn reach(&self, own: Channel) -> Reach<'_> {
        match &self.grant {
            Grant::Operator => Reach::EveryChannel,
            Grant::Channels(more) => Reach::Channels { own, more },
        }
    }

    pub(super) fn is_operator(&self) -> bool {
        self.grant == Grant::Operator
    }
}

/// A hash that can be checked, at a price that was looked at.
fn parse(text: &str) -> Result<(PasswordHashString, Params), LineError> {
    let none_of_ours = |why: &dyn ToString| LineError::Hash(why.to_string());
    let hash = PasswordHash::new(text).map_err(|error| none_of_ours(&error))?;
    if hash.algorithm != argon2::ARGON2ID_IDENT {
        return Err(none_of_ours(&format!("but of {}", hash.algorithm)));
    }
    if hash.version != Some(Version::V0x13.into()) {
        return Err(none_of_ours(&"not of version 19"));
    }
    if hash.salt.is_none() || hash.hash.is_none_or(|output| output.len() < 16) {
        return Err(none_of_ours(&"it lacks a salt, or 16 bytes of output"));
    }
    let params = Params::try_from(&hash).map_err(|error| none_of_ours(&error))?;
    if params.m_cost() > MAX_MEMORY_KIB || params.t_cost() > MAX_PASSES || params.p_cost() > MAX_LANES {
        return Err(LineError::Cost);
    }
    Ok((hash.serialize(), params))
}

fn cost(params: &Params) -> u64 {
    u64::from(params.m_cost()) * u64::from(params.t_cost())
}

#[cfg(test)]
pub(super) mod tests;
