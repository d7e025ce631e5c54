//! The folder of a server's disks.

use std::fs;
use std::path::{Path, PathBuf};

use crate::broker::Folder;
use crate::{SECTOR, SECTORS};

/// A folder of disks, which goes with this.
pub(crate) struct Data(Folder);

/// What a sector of a numbered disk is full of.
pub(crate) fn filling(sector: u32) -> u8 {
    (sector % 251) as u8
}

/// An image whose sectors can be told from each other.
pub(crate) fn numbered_image() -> Vec<u8> {
    (0..SECTORS).flat_map(|sector| [filling(sector); SECTOR]).collect()
}

impl Data {
    /// An empty one, as on the first day.
    pub(crate) fn new() -> Self {
        Self(Folder::new())
    }

    /// One with a template for drive B that is numbered.
    pub(crate) fn numbered() -> Self {
        let data = Self::new();
        fs::create_dir(data.path("templates")).unwrap();
        fs::write(data.template(), numbered_image()).unwrap();
        data
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0.0
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    pub(crate) fn template(&self) -> PathBuf {
        self.path("templates/b.dsk")
    }

    /// A channel's drive B.
    pub(crate) fn image(&self, channel: &str) -> PathBuf {
        self.path(&format!("channels/{channel}/b.dsk"))
    }

    /// A sector of a channel's drive B, as it is in the file.
    pub(crate) fn sector(&self, channel: &str, number: u32) -> Vec<u8> {
        let bytes = fs::read(self.image(channel)).unwrap();
        bytes[number as usize * SECTOR..][..SECTOR].to_vec()
    }

    /// The segments of the journal, from the oldest on.
    pub(crate) fn segments(&self) -> Vec<PathBuf> {
        names(&self.path("journal"))
    }

    /// The server ended well: of the journal there is one small segment, with sessions and nothing to apply.
    pub(crate) fn assert_closed(&self) {
        let segments = self.segments();
        let lengths: Vec<_> = segments.iter().map(|path| fs::metadata(path).unwrap().len()).collect();
        assert!(matches!(lengths[..], [length] if length <= 64 << 10), "{segments:?} of {lengths:?} bytes");
    }

    /// Everything below `channels`.
    pub(crate) fn channels(&self) -> Vec<PathBuf> {
        names(&self.path("channels")).iter().flat_map(|channel| names(channel)).collect()
    }
}

fn names(folder: &Path) -> Vec<PathBuf> {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names
}
