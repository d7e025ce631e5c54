//! What `vdisk-server` does beside serving.

use std::path::{Path, PathBuf};

use region_store::journal::Mode;
use region_store::medium::Disk;
use sector_cache::Drive;
use vdisk_proto::codec::Channel;
use vdisk_proto::store::{FileStore, FileStoreOptions};

use crate::access::{self, Grant, Identity};
use crate::certs::{self, Order};
use crate::engine::wall_ns;
use crate::error::ServerError;
use crate::options::CertsOptions;

/// Puts a copy of an image in the place of a channel's drive, or without a channel, of the template. A server that serves
/// the folder notices within a second.
///
/// # Errors
/// What is wrong with the image or the folder; the drive has its old image then, or its new one.
pub fn replace(data: &Path, channel: Option<&str>, drive: &str, image: &Path) -> Result<String, ServerError> {
    let channel = channel.map(Channel::new).transpose();
    let channel = channel.map_err(|error| ServerError::Settings(format!("--channel: {error}")))?;
    let drive = drive_of(drive)
        .ok_or_else(|| ServerError::Settings(format!("{drive:?} is no drive: they are a to p")))?;
    // A channel is easily mistyped, and then has no folder.
    let is_new = channel.is_some_and(|channel| !data.join("channels").join(channel.as_str()).exists());
    FileStore::replace_in(&Disk, data, channel, drive, image)?;
    let whose =
        channel.map_or_else(|| "the template of".to_owned(), |channel| format!("channel {channel}'s"));
    let remark = if is_new { "; the channel is new: it had no disk of its own" } else { "" };
    Ok(format!("{whose} drive {drive} is a copy of {} now{remark}", image.display()))
}

/// Recovers the disks of a folder. With `force`, what is behind damage in the journal is lost.
///
/// # Errors
/// What keeps them from being recovered.
pub fn recover(data: PathBuf, force: bool) -> Result<Vec<String>, ServerError> {
    let mode = if force { Mode::Force } else { Mode::Strict };
    let options = FileStoreOptions { mode, ..FileStoreOptions::default() };
    let store = FileStore::open(Disk, &data, &options, wall_ns())?;
    let notices = store.notices().iter().map(ToString::to_string).collect();
    store.close()?;
    Ok(notices)
}

/// Makes certificates, and says which.
///
/// # Errors
/// What keeps them from being made; those that were are there.
pub fn certs(options: &CertsOptions) -> Result<String, ServerError> {
    let folder = options.out.clone().unwrap_or_else(|| options.data.path().join("certs"));
    let devices = options.devices.iter().map(|name| identity("--device", name)).collect::<Result<_, _>>()?;
    let hosts = if options.hosts.is_empty() { certs::default_hosts() } else { options.hosts.clone() };
    let report = certs::make(&Order { folder, hosts, devices })?;
    let made = report.made.iter().map(|path| format!("made  {}\n", path.display()));
    let kept = report.kept.iter().map(|path| format!("kept  {}\n", path.display()));
    Ok(made.chain(kept).collect())
}

/// The line of a password file for a user with a password.
///
/// # Errors
/// A name or a channel that is none, or a password that is too short or too long.
pub fn password(user: &str, channels: &[String], password: &str) -> Result<String, ServerError> {
    let user = identity("the user", user)?;
    let grant = if channels.iter().any(|channel| channel == "*") {
        Grant::Operator
    } else {
        let channel = |name: &String| {
            Channel::new(name).map_err(|error| ServerError::Settings(format!("--channels: {error}")))
        };
        Grant::Channels(channels.iter().map(channel).collect::<Result<_, _>>()?)
    };
    Ok(access::hash_password(user, password.as_bytes(), &grant)?)
}

fn identity(what: &str, name: &str) -> Result<Identity, ServerError> {
    Identity::new(name).map_err(|error| ServerError::Settings(format!("{what}: {error}")))
}

/// A drive by its letter, with a colon or without.
fn drive_of(text: &str) -> Option<Drive> {
    let mut letters = text.strip_suffix(':').unwrap_or(text).chars();
    let (letter, None) = (letters.next()?.to_ascii_lowercase(), letters.next()) else { return None };
    let number = u8::try_from(u32::from(letter).checked_sub(u32::from('a'))?).ok()?;
    Drive::new(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drives_have_letters() {
        for (text, number) in [("a", 0), ("B", 1), ("b:", 1), ("P:", 15)] {
            assert_eq!(drive_of(text).map(Drive::number), Some(number), "{text}");
        }
        for text in ["", ":", "q", "1", "ab", "\u{1e9e}", "b::"] {
            assert_eq!(drive_of(text), None, "{text}");
        }
    }
}
