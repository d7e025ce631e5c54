//! Who somebody is: a name that is a channel's too, and what proved it.

use std::fmt;

use vdisk_proto::codec::{Channel, ChannelError};

/// A name of somebody who may connect. It is a channel's name, so that nothing in it means anything in a topic or a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity(Channel);

/// Why something is no identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// It is no channel's name.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// Topics of the server begin with it.
    #[error("{RESERVED} is the server's own name; take another")]
    Reserved,
}

/// The server's topics are those of a channel of this name.
const RESERVED: &str = "vdisk-server";

impl Identity {
    /// Takes a name.
    ///
    /// # Errors
    /// [`IdentityError`] for what is none.
    pub fn new(name: &str) -> Result<Self, IdentityError> {
        if name == RESERVED {
            return Err(IdentityError::Reserved);
        }
        Ok(Self(Channel::new(name)?))
    }

    /// The channel that is theirs.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.0
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What proved an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Proof {
    /// A password: whoever is removed from the file has lost it.
    Password,
    /// A certificate, of the TLS listener.
    Certificate,
}

/// Somebody who was let in. Its text is what a broker keeps as the user of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct User {
    /// Who it is.
    pub identity: Identity,
    /// What proved it.
    pub proof: Proof,
}

/// No identity ends so: a slash is in none.
const BY_CERTIFICATE: &str = "/certificate";

impl User {
    /// Reads what `Display` wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (name, proof) = match text.strip_suffix(BY_CERTIFICATE) {
            Some(name) => (name, Proof::Certificate),
            None => (text, Proof::Password),
        };
        Some(Self { identity: Identity::new(name).ok()?, proof })
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.identity.as_str())?;
        match self.proof {
            Proof::Password => Ok(()),
            Proof::Certificate => f.write_str(BY_CERTIFICATE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_elsewhere_is_no_identity() {
        for name in ["", "a/b", "+", "#", "$SYS", "a b", "..", "a\0", "a:b", "a\n", "vdisk-server"] {
            Identity::new(name).unwrap_err();
        }
        assert_eq!(Identity::new("vdisk-server2").unwrap().as_str(), "vdisk-server2");
    }

    #[test]
    fn users_are_read_as_they_are_written() {
        let identity = Identity::new("12345678").unwrap();
        for (proof, text) in [(Proof::Password, "12345678"), (Proof::Certificate, "12345678/certificate")] {
            let user = User { identity, proof };
            assert_eq!(user.to_string(), text);
            assert_eq!(User::parse(text), Some(user));
        }
        for text in ["", "/certificate", "a/certificate/certificate", "a/b", "#", "vdisk-server/certificate"]
        {
            assert_eq!(User::parse(text), None, "{text}");
        }
    }
}
