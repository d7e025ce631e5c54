//! Writing a region, once.

mod encoder;
mod output;
#[cfg(test)]
mod tests;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::format::header::is_alignment;
use crate::format::{HEADER_LENGTH, Header, RegionId, SnapId, TooLarge, Version};
use crate::medium::{Disk, Medium, folder_of};
use crate::parcel::Parcel;
pub(crate) use encoder::{Encoder, Extent};
use output::Output;

/// No more memory is taken for a block before there are blobs in it.
const MOST_EXPECTED_BYTES: usize = 1 << 20;
/// What a block grows to at most, whatever the options say: it is gathered in memory.
const MOST_BLOCK_BYTES: usize = 16 << 20;

/// What a region is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The format.
    pub version: Version,
    /// What the header page says; version 1 has none. Make the [id](RegionId::random) a random one.
    pub header: Header,
    /// How long a block grows before the next is begun, 16 MiB at most. What is longer has a block of its own.
    pub block_bytes: usize,
    /// How long the file will be, if that is known: a disk that is too full shows at once.
    pub expected_bytes: u64,
}

impl Default for Options {
    /// Version 2, with a header of defaults, and blocks of 256 KiB.
    fn default() -> Self {
        Self { version: Version::Two, header: Header::default(), block_bytes: 256 << 10, expected_bytes: 0 }
    }
}

/// A region that was written and is on its disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Where it is.
    pub path: PathBuf,
    /// Which region it is; zeros in version 1.
    pub region_id: RegionId,
    /// Bytes of the file.
    pub file_length: u64,
    /// Blobs in it.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// Blocks that they are in; 0 in version 1.
    pub blocks: u64,
    /// What tells the file from others: in version 2 the [blocks' checksum](crate::format::Seal::blocks_checksum), in
    /// version 1, which has none, the CRC-32C of the file.
    pub checksum: u32,
}

/// Writes a region: blobs one by one or parcels, then a seal.
///
/// The file has a temporary name, with `.part` behind it, until [`seal`](Self::seal) has all of it on the disk. A thread
/// writes while the next block is filled. A writer that is dropped leaves nothing behind, and neither does one that
/// failed: a region that has its name is whole. A process that is killed leaves that file, and until somebody removes it
/// [`create`](Self::create) fails with [`Error::Exists`].
///
/// ```
/// use region_store::format::{Header, RegionId};
/// use region_store::{Options, Region, RegionWriter};
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let path = folder.join("00.region");
/// let header = Header { region_id: RegionId::random()?, ..Header::default() };
/// let mut writer = RegionWriter::create(&path, &Options { header, ..Options::default() })?;
/// writer.push(b"one")?;
/// writer.push(b"three")?;
/// let sealed = writer.seal()?; // from here on it survives a power cut
/// assert_eq!((sealed.blobs, sealed.blob_bytes), (2, 8));
///
/// let region = Region::open(&path)?;
/// assert_eq!(region.get(1)?, Some(&b"three"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RegionWriter<M: Medium = Disk> {
    medium: M,
    path: PathBuf,
    /// Where the file is until it is sealed.
    part_path: PathBuf,
    /// `None` once the file has its name, or could not be given it.
    output: Option<Output<M::File>>,
    encoder: Encoder,
}

impl RegionWriter {
    /// Creates a region on the disk. There must be no file of its name.
    ///
    /// # Errors
    /// [`Error::Alignment`], [`Error::Exists`], and [`Error::Io`] with nothing left behind.
    pub fn create(path: impl AsRef<Path>, options: &Options) -> Result<Self> {
        Self::create_on(Disk, path, options)
    }
}

impl<M: Medium> RegionWriter<M> {
    /// Creates a region on a medium. There must be no file of its name.
    ///
    /// # Errors
    /// As [`create`](RegionWriter::create).
    pub fn create_on(medium: M, path: impl AsRef<Path>, options: &Options) -> Result<Self> {
        let path = path.as_ref();
        Self::create_under(medium, path, part_path(path), options)
    }

    /// The same under a temporary name that is given.
    pub(crate) fn create_under(
        medium: M,
        path: &Path,
        part_path: PathBuf,
        options: &Options,
    ) -> Result<Self> {
        let alignment = options.header.alignment;
        if !is_alignment(alignment) {
            return Err(Error::Alignment { alignment });
        }
        let path = path.to_owned();
        let file = create_at(&medium, &path, &part_path)?;
        let started = Output::start(file, &part_path, options.expected_bytes);
        let output = started.inspect_err(|_| drop(medium.remove(&part_path)))?;
        let mut writer =
            Self { output: Some(output), encoder: Encoder::new(options), medium, path, part_path };
        if let Some(header) = writer.encoder.header() {
            writer.write((header, 0))?;
        }
        Ok(writer)
    }

    /// Adds a blob.
    ///
    /// # Errors
    /// [`Error::BlobTooLong`], and the region is what it was. [`Error::Io`], possibly of an earlier write; then all
    /// other calls are refused with [`Error::WriterFailed`].
    pub fn push(&mut self, blob: &[u8]) -> Result<()> {
        self.output()?;
        if self.encoder.is_full(blob.len()) {
            self.flush()?;
        }
        self.encoder.push(blob).map_err(|TooLarge| Error::BlobTooLong { length: blob.len() })
    }

    /// Adds the blobs of a parcel: in version 2, as a block of their own.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn push_parcel(&mut self, parcel: &Parcel) -> Result<()> {
        self.flush()?;
        let pushed = self.encoder.push_parcel(parcel);
        pushed.map_err(|TooLarge| Error::BlobTooLong { length: parcel.slots().len() })?;
        self.flush()
    }

    /// How many blobs were added.
    #[must_use]
    pub const fn blobs(&self) -> u64 {
        self.encoder.extent().blobs
    }

    /// How many bytes they have.
    #[must_use]
    pub const fn blob_bytes(&self) -> u64 {
        self.encoder.extent().blob_bytes
    }

    /// Completes the region and gives it its name. When this returns, it is on the disk.
    ///
    /// # Errors
    /// [`Error::Exists`] if a file has got the name meanwhile. [`Error::Io`], with no file of that name. After a sync that
    /// failed nothing is tried again: what the disk has is unknown then, and the region has to be written anew from where
    /// it came.
    pub fn seal(mut self) -> Result<Sealed> {
        self.flush()?;
        let index =
            self.encoder.index().map_err(|TooLarge| Error::TooManyBlocks { path: self.part_path.clone() })?;
        if let Some((index, index_offset)) = index {
            self.write((index, index_offset))?;
            if !defect::planted(defect::Defect::SealBeforeBlocks) {
                self.output()?.sync()?;
            }
            let seal = self.encoder.seal(index_offset);
            self.write(seal)?;
        }
        self.output()?.sync()?;
        self.publish()?;
        Ok(self.encoder.sealed(self.path.clone()))
    }

    /// Gives the file its name.
    fn publish(&mut self) -> Result<()> {
        let output = self.output.take().ok_or_else(|| self.failed())?;
        let renamed = output.finish(self.encoder.extent().length).and_then(|()| {
            check_free(&self.medium, &self.path)?;
            self.medium.rename(&self.part_path, &self.path).map_err(Error::io(&self.part_path, "rename"))
        });
        // It is the first error that tells what is wrong; whether the file can be removed does not.
        renamed.inspect_err(|_| drop(self.medium.remove(&self.part_path)))?;
        if defect::planted(defect::Defect::NoFolderSync) {
            return Ok(());
        }
        let folder = folder_of(&self.path);
        let synced = self.medium.sync_folder(folder).map_err(Error::io(folder, "sync the folder"));
        synced.inspect_err(|_| drop(self.medium.remove(&self.path)))
    }

    /// Hands what was gathered to the thread that writes.
    fn flush(&mut self) -> Result<()> {
        let spare = self.output()?.spare();
        match self.encoder.take(spare) {
            Some(buffer) => self.write(buffer),
            None => Ok(()),
        }
    }

    /// Hands a buffer over, with its place.
    fn write(&mut self, (buffer, offset): (Vec<u8>, u64)) -> Result<()> {
        self.output()?.write(buffer, offset)
    }

    fn output(&mut self) -> Result<&mut Output<M::File>> {
        match &mut self.output {
            Some(output) if !output.has_failed() => Ok(output),
            _ => Err(Error::WriterFailed { path: self.part_path.clone() }),
        }
    }

    fn failed(&self) -> Error {
        Error::WriterFailed { path: self.part_path.clone() }
    }
}

/// Leaves nothing behind.
impl<M: Medium> Drop for RegionWriter<M> {
    fn drop(&mut self) {
        if let Some(output) = self.output.take() {
            drop(output);
            let _ = self.medium.remove(&self.part_path);
        }
    }
}

impl RegionId {
    /// One that no other region has, from the operating system's source of randomness.
    ///
    /// # Errors
    /// The source's.
    pub fn random() -> std::io::Result<Self> {
        let mut id = [0; 16];
        getrandom::fill(&mut id)?;
        Ok(Self(id))
    }
}

impl SnapId {
    /// One that no other writing of a slice has, from the operating system's source of randomness.
    ///
    /// # Errors
    /// The source's.
    pub fn random() -> std::io::Result<Self> {
        RegionId::random().map(|id| Self(id.0))
    }
}

/// Creates a file under the temporary name of one that is not there, and says what that is.
pub(crate) fn create_part<M: Medium>(medium: &M, path: &Path) -> Result<(M::File, PathBuf)> {
    let part_path = part_path(path);
    Ok((create_at(medium, path, &part_path)?, part_path))
}

/// Creates a file under a temporary name of one that is not there.
fn create_at<M: Medium>(medium: &M, path: &Path, part_path: &Path) -> Result<M::File> {
    let file = medium.create(part_path).map_err(|source| match source.kind() {
        ErrorKind::AlreadyExists => Error::Exists { path: part_path.to_owned() },
        _ => Error::io(part_path, "create")(source),
    })?;
    // Looked for behind the temporary name: from there on no other writer can give a file this one.
    check_free(medium, path).inspect_err(|_| drop(medium.remove(part_path)))?;
    Ok(file)
}

/// Fails unless it is known that there is no such file.
pub(crate) fn check_free<M: Medium>(medium: &M, path: &Path) -> Result<()> {
    match medium.open(path) {
        Ok(_) => Err(Error::Exists { path: path.to_owned() }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io(path, "see whether it is there")(error)),
    }
}

/// What is behind the name of a file while it is written.
pub(crate) const PART_SUFFIX: &str = ".part";

/// Where a file is while it is written.
pub(crate) fn part_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(PART_SUFFIX);
    name.into()
}

/// Mistakes that tests make in regions on purpose.
mod defect {
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) enum Defect {
        SealBeforeBlocks,
        NoFolderSync,
    }

    crate::defect::plantable!(Defect);
}

const _: () = assert!(HEADER_LENGTH.is_multiple_of(4_096));
