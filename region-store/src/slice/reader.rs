//! Reading a slice.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use super::files::{SliceFile, Spindle};
use super::publication;
use super::scanners::Scanners;
use crate::error::{Error, Result};
use crate::format::{Header, Manifest, ManifestRegion, Seal, SnapId};
use crate::medium::{Disk, Medium};
use crate::region::{OpenOptions, Region, Verify};

/// A slice that is open to be read, by any number of threads.
#[derive(Clone, Debug)]
pub struct Slice {
    manifest: Arc<Manifest>,
    regions: Vec<Arc<SliceRegion>>,
}

/// A region of a slice.
#[derive(Debug)]
pub struct SliceRegion {
    index: u32,
    region: Region,
}

impl SliceRegion {
    /// Which region of the slice it is.
    #[must_use]
    pub const fn index(&self) -> u32 {
        self.index
    }
}

impl Deref for SliceRegion {
    type Target = Region;

    fn deref(&self) -> &Region {
        &self.region
    }
}

impl Slice {
    /// Opens a slice that is on some spindles; `None` if none of them has a manifest of it.
    ///
    /// Each region must be what the manifest says, by its length, header and seal. Those of version 1, which have none, are
    /// read as a whole for that, unless the options say [`Verify::Never`].
    ///
    /// # Errors
    /// [`Error::SpindleMissing`] if a region is on another spindle. If the slice is not whole, [`Error::SliceMismatch`],
    /// [`Error::Damaged`], or [`Error::Io`] with [`NotFound`](std::io::ErrorKind::NotFound). [`Error::Locked`],
    /// [`Error::TooLarge`] and [`Error::Io`] say nothing about that.
    pub fn open(spindles: &[Spindle], snap_id: SnapId, options: OpenOptions) -> Result<Option<Self>> {
        Self::open_on(&Disk, spindles, snap_id, options)
    }

    /// The same on a medium.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on<M: Medium>(
        medium: &M,
        spindles: &[Spindle],
        snap_id: SnapId,
        options: OpenOptions,
    ) -> Result<Option<Self>> {
        let Some(manifest) = publication::read(medium, spindles, snap_id)? else { return Ok(None) };
        let regions = manifest.regions.iter().map(|said| {
            let spindle = spindle_of(&manifest, said, spindles)?;
            let path = SliceFile::region(snap_id, said.index).path(&spindle.folder);
            open_region(medium, &path, &manifest, said, options)
        });
        let regions = regions.collect::<Result<_>>()?;
        Ok(Some(Self { manifest: Arc::new(manifest), regions }))
    }

    /// One without blobs, of which there is nothing to open.
    pub(crate) const fn without_regions(manifest: Arc<Manifest>) -> Self {
        Self { manifest, regions: Vec::new() }
    }

    /// What the manifest says.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    pub(crate) fn shared_manifest(&self) -> Arc<Manifest> {
        Arc::clone(&self.manifest)
    }

    /// Those regions that have blobs, by their index.
    #[must_use]
    pub fn regions(&self) -> &[Arc<SliceRegion>] {
        &self.regions
    }

    /// How many blobs it has.
    #[must_use]
    pub fn blobs(&self) -> u64 {
        self.manifest.blobs()
    }

    /// How many bytes they have.
    #[must_use]
    pub fn blob_bytes(&self) -> u64 {
        self.manifest.blob_bytes()
    }

    /// Lends all blobs, region by region, in this thread.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn scan(&self, mut visit: impl FnMut(&[u8])) -> Result<()> {
        self.regions.iter().try_for_each(|region| region.scan(&mut visit))
    }

    /// Has each region folded by the thread that it is bound to, and waits for what comes of them, by their index.
    ///
    /// # Errors
    /// The first one of a fold, by the regions' index.
    ///
    /// # Panics
    /// If a fold does.
    pub fn fold<T: Send + 'static>(
        &self,
        scanners: &Scanners,
        fold: impl Fn(&SliceRegion) -> Result<T> + Send + Sync + 'static,
    ) -> Result<Vec<T>> {
        let regions = self.regions.iter().map(|region| (region.index, Arc::clone(region)));
        scanners.fold(self.manifest.snap_id, regions, fold)
    }
}

/// Where a region is, of the spindles that are there.
fn spindle_of<'a>(
    manifest: &Manifest,
    said: &ManifestRegion,
    spindles: &'a [Spindle],
) -> Result<&'a Spindle> {
    // Decoding has seen to it that there is a name.
    let name = manifest.spindles.get(said.spindle as usize).map_or("", String::as_str);
    let missing = || Error::SpindleMissing { snap_id: manifest.snap_id, name: name.to_owned() };
    spindles.iter().find(|spindle| spindle.name == name).ok_or_else(missing)
}

fn open_region<M: Medium>(
    medium: &M,
    path: &Path,
    manifest: &Manifest,
    said: &ManifestRegion,
    options: OpenOptions,
) -> Result<Arc<SliceRegion>> {
    let region = Region::open_on(medium, path, options)?;
    match differing_field(&region, manifest, said, options.verifies())? {
        None => Ok(Arc::new(SliceRegion { index: said.index, region })),
        Some(field) => Err(Error::SliceMismatch { path: path.to_owned(), field }),
    }
}

/// In what a region differs from what the manifest says.
fn differing_field(
    region: &Region,
    manifest: &Manifest,
    said: &ManifestRegion,
    verify: Verify,
) -> Result<Option<&'static str>> {
    if region.file_length() != said.file_length {
        return Ok(Some("length"));
    }
    if region.version() != said.version {
        return Ok(Some("version"));
    }
    let (Some(header), Some(seal)) = (region.header(), region.seal()) else {
        let differs = verify != Verify::Never && region.file_checksum()? != said.checksum;
        return Ok(differs.then_some("checksum"));
    };
    Ok(sealed_differs(manifest, said, header, seal))
}

/// In what a region of version 2 differs from what the manifest says, by its header and its seal.
pub(crate) fn sealed_differs(
    manifest: &Manifest,
    said: &ManifestRegion,
    header: &Header,
    seal: &Seal,
) -> Option<&'static str> {
    let expected = Header {
        region_id: said.region_id,
        domain: manifest.identity.domain,
        view: manifest.identity.view,
        generation_clock: manifest.identity.generation_clock,
        generation_digest: manifest.identity.generation_digest,
        slice_key: manifest.identity.slice_key,
        region_index: said.index,
        region_count: manifest.region_count,
        ..*header
    };
    let counted = (seal.blobs, seal.blob_bytes, seal.blocks) == (said.blobs, said.blob_bytes, said.blocks);
    match () {
        () if *header != expected => Some("header"),
        () if !counted => Some("number of blobs"),
        () if seal.blocks_checksum != said.checksum => Some("checksum"),
        () => None,
    }
}
