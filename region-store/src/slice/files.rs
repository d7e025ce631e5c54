//! Where the files of a slice are, and what they are called.

use std::path::{Path, PathBuf};

use crate::format::SnapId;
use crate::writer::PART_SUFFIX;

/// A folder for slices on a disk, and the name that manifests know it by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spindle {
    /// The name: 1 to 255 bytes, another for each. It stays the same if the folder is mounted elsewhere.
    pub name: String,
    /// The folder, which is there already.
    pub folder: PathBuf,
}

impl Spindle {
    /// A folder under a name.
    pub fn new(name: impl Into<String>, folder: impl Into<PathBuf>) -> Self {
        Self { name: name.into(), folder: folder.into() }
    }
}

/// A file of a slice, by its name: `<snap id>.slice` is a manifest and `<snap id>_<index>.region` a region. While it is
/// written, and if that did not end well, there is a `.part` behind. `<snap id>.gone` tells that there is no such slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceFile {
    /// Which writing of a slice it belongs to.
    pub snap_id: SnapId,
    /// What it is.
    pub content: Content,
    /// Whether its name is the temporary one.
    pub is_part: bool,
}

/// What a file of a slice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The manifest.
    Manifest,
    /// A region, by its index.
    Region(u32),
    /// Nothing: the slice was removed while a spindle of it was missing, and what is there of it goes when it returns.
    Gone,
}

const MANIFEST_SUFFIX: &str = ".slice";
const REGION_SUFFIX: &str = ".region";
const GONE_SUFFIX: &str = ".gone";
/// Hexadecimal digits of a snap id.
const SNAP_ID_DIGITS: usize = 32;

impl SliceFile {
    pub(super) const fn manifest(snap_id: SnapId) -> Self {
        Self { snap_id, content: Content::Manifest, is_part: false }
    }

    pub(crate) const fn region(snap_id: SnapId, index: u32) -> Self {
        Self { snap_id, content: Content::Region(index), is_part: false }
    }

    pub(super) const fn gone(snap_id: SnapId) -> Self {
        Self { snap_id, content: Content::Gone, is_part: false }
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> String {
        let part = if self.is_part { PART_SUFFIX } else { "" };
        match self.content {
            Content::Manifest => format!("{}{MANIFEST_SUFFIX}{part}", self.snap_id),
            Content::Region(index) => format!("{}_{index:04}{REGION_SUFFIX}{part}", self.snap_id),
            Content::Gone => format!("{}{GONE_SUFFIX}{part}", self.snap_id),
        }
    }

    /// Where it is in a folder.
    #[must_use]
    pub fn path(&self, folder: &Path) -> PathBuf {
        folder.join(self.name())
    }

    /// What a path says; `None` if no file of a slice is called so.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let (stem, is_part) = match name.strip_suffix(PART_SUFFIX) {
            Some(stem) => (stem, true),
            None => (name, false),
        };
        let (digits, rest) = stem.split_at_checked(SNAP_ID_DIGITS)?;
        let content = if rest == MANIFEST_SUFFIX {
            Content::Manifest
        } else if rest == GONE_SUFFIX {
            Content::Gone
        } else {
            Content::Region(rest.strip_prefix('_')?.strip_suffix(REGION_SUFFIX)?.parse().ok()?)
        };
        let file = Self { snap_id: snap_id(digits)?, content, is_part };
        // Numbers can be written in other ways, which are not ours.
        (file.path(Path::new("")) == Path::new(name)).then_some(file)
    }
}

fn snap_id(digits: &str) -> Option<SnapId> {
    let mut id = SnapId::default();
    for (byte, pair) in id.0.iter_mut().zip(digits.as_bytes().as_chunks::<2>().0) {
        *byte = u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: SnapId = SnapId([0x0a; 16]);

    #[test]
    fn names_say_what_a_file_is() {
        let id = "0a".repeat(16);
        let named = [
            (format!("{id}.slice"), SliceFile::manifest(ID)),
            (format!("{id}.slice.part"), SliceFile { is_part: true, ..SliceFile::manifest(ID) }),
            (format!("{id}.gone"), SliceFile::gone(ID)),
            (format!("{id}_0007.region"), SliceFile::region(ID, 7)),
            (format!("{id}_12345.region.part"), SliceFile { is_part: true, ..SliceFile::region(ID, 12_345) }),
        ];
        for (name, file) in named {
            let path = Path::new("d1").join(name);
            assert_eq!(file.path(Path::new("d1")), path);
            assert_eq!(SliceFile::of_path(&path), Some(file));
        }
    }

    #[test]
    fn other_names_say_nothing() {
        let id = "0a".repeat(16);
        let others = [
            String::new(),
            "00.region".to_owned(),
            id.clone(),
            format!("{id}.slices"),
            format!("{id}_7.region"),
            format!("{id}_+007.region"),
            format!("{id}_.region"),
            format!("{}.slice", id.to_uppercase()),
            format!("+{}.slice", &id[1..]),
            format!("{}é.slice", &id[1..]),
            format!("{id}.slice.part.part"),
        ];
        for name in others {
            assert_eq!(SliceFile::of_path(Path::new(&name)), None, "{name}");
        }
    }
}
