//! Writing a slice, once.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::defect::{self, Defect};
use super::files::{SliceFile, Spindle};
use super::impeller::{Lane, Order, PARCEL_PLACE_BYTES};
use super::impellers::{Impellers, check_count};
use super::progress::{Phase, Progress};
use super::provisional::Written;
use super::publication;
use super::work::RegionWork;
use super::written::Watermark;
use crate::error::{Error, Result};
use crate::format::header::is_alignment;
use crate::format::manifest::{
    MAX_MANIFEST_LENGTH, MAX_SPINDLE_NAME_LENGTH, MAX_SPINDLES, REGION_ENTRY_LENGTH,
};
use crate::format::{
    BLOCK_HEAD_LENGTH, Header, MAX_BLOCK_LENGTH, Manifest, ManifestRegion, RegionId, SliceIdentity, SnapId,
    Version,
};
use crate::medium::{Disk, Medium};
use crate::parcel::Parcel;
use crate::writer::{Options, Sealed, check_free};

/// The most regions of a slice.
pub const MAX_REGIONS: usize = 65_536;
/// The most bytes of a note.
pub const MAX_NOTE_LENGTH: usize = 1 << 20;

// Whatever is written, its manifest can be: it would be late to learn of it at the end.
const _: () = assert!(
    MAX_REGIONS * REGION_ENTRY_LENGTH
        + MAX_SPINDLES * (2 + MAX_SPINDLE_NAME_LENGTH)
        + MAX_NOTE_LENGTH
        + (1 << 10)
        <= MAX_MANIFEST_LENGTH
);

/// What a slice is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SliceOptions {
    /// Which writing of the slice it is. Make it a [random](SnapId::random) one: the names of the files begin with it.
    pub snap_id: SnapId,
    /// What the slice is of.
    pub identity: SliceIdentity,
    /// When it is created, in nanoseconds since 1970.
    pub created_ns: u64,
    /// Over how many regions it is written.
    pub regions: usize,
    /// The format of the regions.
    pub version: Version,
    /// Where blocks begin, in version 2.
    pub alignment: u32,
    /// How long all files together will be, if that is known: a disk that is too full shows at once.
    pub expected_bytes: u64,
    /// Whether results that are scanned before the slice is on its disks are wanted more than that it gets there: nothing is
    /// brought to the disks before all is written then. Results come sooner, and the slice is durable later.
    pub results_first: bool,
    /// What the manifest is to keep beside, up to a mebibyte.
    pub note: Vec<u8>,
}

impl Default for SliceOptions {
    /// As many regions as there are processors, in version 2.
    fn default() -> Self {
        Self {
            snap_id: SnapId::default(),
            identity: SliceIdentity::default(),
            created_ns: 0,
            regions: std::thread::available_parallelism().map_or(1, usize::from),
            version: Version::Two,
            alignment: Header::default().alignment,
            expected_bytes: 0,
            results_first: false,
            note: Vec::new(),
        }
    }
}

/// Writes a slice: parcels, in turns, to regions on several disks, and then manifests that make them a whole.
///
/// It is [opened for writes](Self::open_for_writes) once, then parcels are [queued](Self::queue), by any number of threads;
/// then the [writes are waited for](Self::wait_for_writes), and then it is [closed](Self::close). What is called out of
/// this order is refused with [`Error::SliceOrder`].
///
/// A write or sync that fails is final. All calls are refused with [`Error::SliceFailed`] from then on, which tells the
/// path and the cause. A writer that is dropped before it is closed leaves nothing behind.
///
/// ```
/// use region_store::format::SnapId;
/// use region_store::slice::{ImpellerOptions, Impellers, Slice, SliceOptions, SliceWriter, Spindle};
/// use region_store::{OpenOptions, Parcel};
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let spindles = vec![Spindle::new("d1", folder)];
/// let impellers = Impellers::start(spindles.clone(), ImpellerOptions::default())?;
/// let snap_id = SnapId::random()?;
/// let writer = SliceWriter::new(&impellers, SliceOptions { snap_id, regions: 2, ..SliceOptions::default() });
/// writer.open_for_writes()?;
/// writer.queue(Parcel::of(["one"])?)?;
/// writer.queue(Parcel::of(["three"])?)?;
/// writer.wait_for_writes()?;
/// let manifest = writer.close()?; // from here on it survives a power cut
/// assert_eq!((manifest.blobs(), manifest.blob_bytes()), (2, 8));
///
/// let slice = Slice::open(&spindles, snap_id, OpenOptions::default())?.expect("it is there");
/// assert_eq!(slice.regions().len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SliceWriter<M: Medium = Disk> {
    impellers: Impellers<M>,
    options: SliceOptions,
    progress: Arc<Progress>,
    /// Once it is open.
    regions: OnceLock<Vec<OpenRegion>>,
    /// Which region gets the next parcel.
    next: Mutex<usize>,
    parcels: AtomicU64,
    queue_wait_ns: AtomicU64,
    /// Whether there may be a manifest.
    is_published: AtomicBool,
}

#[derive(Debug)]
struct OpenRegion {
    lane: Lane,
    watermark: Arc<Watermark>,
}

impl<M: Medium> SliceWriter<M> {
    /// A writer that has done nothing yet.
    #[must_use]
    pub fn new(impellers: &Impellers<M>, options: SliceOptions) -> Self {
        Self {
            impellers: impellers.clone(),
            progress: Arc::new(Progress::new(options.snap_id, options.regions)),
            regions: OnceLock::new(),
            // Not the same for all slices, so that those of few parcels are not all on the first disk.
            next: Mutex::new(usize::from(options.snap_id.0[0]) % options.regions.max(1)),
            parcels: AtomicU64::new(0),
            queue_wait_ns: AtomicU64::new(0),
            is_published: AtomicBool::new(false),
            options,
        }
    }

    /// Which writing of the slice it is.
    #[must_use]
    pub const fn snap_id(&self) -> SnapId {
        self.options.snap_id
    }

    /// How many parcels were queued.
    #[must_use]
    pub fn parcels(&self) -> u64 {
        self.parcels.load(Ordering::Relaxed)
    }

    /// How long all threads together have waited for queues that were full.
    #[must_use]
    pub fn queue_wait(&self) -> Duration {
        Duration::from_nanos(self.queue_wait_ns.load(Ordering::Relaxed))
    }

    /// How long after the writer was made each region was on its disk, of those that are and have blobs.
    #[must_use]
    pub fn region_times(&self) -> Vec<Duration> {
        self.progress.region_times()
    }

    /// Creates the files.
    ///
    /// # Errors
    /// [`Error::SliceOrder`]; [`Error::SliceFailed`] with [`Error::SliceShape`], [`Error::Alignment`], [`Error::Exists`]
    /// or [`Error::Io`] as its cause.
    pub fn open_for_writes(&self) -> Result<()> {
        const ATTEMPTED: &str = "open it for writes";
        self.progress.advance(ATTEMPTED, Phase::New, Phase::Opening)?;
        match self.create_regions() {
            Ok(regions) => drop(self.regions.set(regions)),
            Err(error) => self.progress.fail(error),
        }
        self.progress.advance(ATTEMPTED, Phase::Opening, Phase::Open)
    }

    /// Has the blobs of a parcel written, by the region whose turn it is. Waits while the queue of its impeller is full.
    ///
    /// # Errors
    /// [`Error::BlobTooLong`] if no block holds the parcel, which changes nothing. [`Error::SliceOrder`],
    /// [`Error::SliceFailed`].
    pub fn queue(&self, parcel: Parcel) -> Result<()> {
        if !fits_a_block(&parcel, MAX_BLOCK_LENGTH) {
            return Err(Error::BlobTooLong { length: parcel.slots().len() });
        }
        self.progress.begin_parcel()?;
        let number = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let number = *next;
            *next = (number + 1) % self.options.regions.max(1);
            number
        };
        if let Some(region) = self.open_regions().get(number) {
            let bytes = PARCEL_PLACE_BYTES + parcel.slots().len() as u64;
            let waited = region.lane.order(Order::Write(parcel), bytes);
            self.parcels.fetch_add(1, Ordering::Relaxed);
            let waited_ns = u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX);
            self.queue_wait_ns.fetch_add(waited_ns, Ordering::Relaxed);
        }
        self.progress.check_alive()
    }

    /// Takes no more parcels, and waits until the writes of all that were queued have returned. They are in the page cache
    /// then, and can be scanned; that they get to the disk begins now.
    ///
    /// # Errors
    /// [`Error::SliceOrder`], [`Error::SliceFailed`].
    pub fn wait_for_writes(&self) -> Result<()> {
        self.progress.advance("wait for its writes", Phase::Open, Phase::Completing)?;
        self.progress.wait_for_parcels()?;
        for region in self.open_regions() {
            region.lane.order(Order::Seal, 0);
        }
        self.progress.advance("wait for its writes", Phase::Completing, Phase::Complete)
    }

    /// Waits until all regions are on their disks, and makes them a slice. When this returns, it survives a power cut.
    ///
    /// # Errors
    /// [`Error::SliceOrder`], [`Error::SliceFailed`].
    pub fn close(&self) -> Result<Manifest> {
        self.close_with(|| self.options.note.clone())
    }

    /// The same with a note that is asked for once all regions are on their disks, instead of that of the options.
    ///
    /// # Errors
    /// As [`close`](Self::close).
    pub fn close_with(&self, note: impl FnOnce() -> Vec<u8>) -> Result<Manifest> {
        self.progress.advance("close it", Phase::Complete, Phase::Closing)?;
        let sealed = self.progress.wait_for_regions()?;
        let manifest = self.manifest(&sealed, note());
        let published = check_note(&manifest.note).and_then(|()| {
            self.is_published.store(true, Ordering::Relaxed);
            publication::publish(self.impellers.medium(), self.spindles(), &manifest)
        });
        if let Err(error) = published {
            self.progress.fail(error);
        }
        self.progress.advance("close it", Phase::Closing, Phase::Closed)?;
        Ok(manifest)
    }

    /// What is written now, to be scanned though it may not be on its disk yet. Later writes are not in it.
    ///
    /// # Errors
    /// [`Error::SliceOrder`] before it is open, [`Error::SliceFailed`]; [`Error::Io`] if a file cannot be mapped, and
    /// [`Error::TooLarge`].
    pub fn written(&self) -> Result<Written> {
        self.progress.check_open("scan what is written")?;
        let views = self.open_regions().iter().filter_map(|region| region.watermark.view().transpose());
        Ok(Written::new(views.collect::<Result<_>>()?, Arc::clone(&self.progress)))
    }

    /// What may be on disk of it, whatever becomes of it.
    pub(crate) fn leavings(&self) -> Manifest {
        self.leavings_of(self.options.regions)
    }

    /// What may be on disk of its first regions.
    fn leavings_of(&self, regions: usize) -> Manifest {
        let unknown = Sealed {
            path: PathBuf::new(),
            region_id: RegionId::default(),
            file_length: 0,
            blobs: 0,
            blob_bytes: 0,
            blocks: 0,
            checksum: 0,
        };
        let regions: Vec<_> = (0..regions).map(|number| (as_u32(number), unknown.clone())).collect();
        self.manifest(&regions, Vec::new())
    }

    fn open_regions(&self) -> &[OpenRegion] {
        self.regions.get().map_or(&[], Vec::as_slice)
    }

    /// Those that it has regions on.
    fn spindles(&self) -> &[Spindle] {
        let spindles = self.impellers.spindles();
        spindles.get(..self.options.regions).unwrap_or(spindles)
    }

    /// On which of them a region is: they take turns.
    fn spindle_number(&self, region: usize) -> usize {
        region % self.spindles().len().max(1)
    }

    fn create_regions(&self) -> Result<Vec<OpenRegion>> {
        check_count("regions", self.options.regions, MAX_REGIONS)?;
        if !is_alignment(self.options.alignment) {
            return Err(Error::Alignment { alignment: self.options.alignment });
        }
        check_note(&self.options.note)?;
        for spindle in self.spindles() {
            let manifest = SliceFile::manifest(self.options.snap_id).path(&spindle.folder);
            check_free(self.impellers.medium(), &manifest)?;
        }
        let mut regions = Vec::with_capacity(self.options.regions);
        for index in 0..self.options.regions {
            match self.create_region(index) {
                Ok(region) => regions.push(region),
                Err(error) => {
                    self.remove(regions);
                    return Err(error);
                }
            }
        }
        Ok(regions)
    }

    fn create_region(&self, number: usize) -> Result<OpenRegion> {
        let SliceOptions { snap_id, identity, regions, .. } = self.options;
        let spindle_number = self.spindle_number(number);
        let no_spindle = || Error::SliceShape { what: "spindles", found: 0, least: 1, most: regions };
        let spindle = self.spindles().get(spindle_number).ok_or_else(no_spindle)?;
        let index = as_u32(number);
        let region_id =
            RegionId::random().map_err(Error::io(&spindle.folder, "make an id for a region in"))?;
        let header = Header {
            alignment: self.options.alignment,
            region_id,
            domain: identity.domain,
            view: identity.view,
            generation_clock: identity.generation_clock,
            slice_key: identity.slice_key,
            region_index: index,
            region_count: as_u32(regions),
            created_ns: self.options.created_ns,
            generation_digest: identity.generation_digest,
            ..Header::default()
        };
        let options = Options {
            version: self.options.version,
            header,
            // Each parcel is a block of its own.
            block_bytes: 0,
            expected_bytes: self.options.expected_bytes / regions as u64,
        };
        let path = SliceFile::region(snap_id, index).path(&spindle.folder);
        let medium = self.impellers.medium().clone();
        let results_first = self.options.results_first;
        let work =
            RegionWork::create(medium, path, index, &options, results_first, Arc::clone(&self.progress))?;
        let watermark = work.watermark();
        let lane = self.impellers.attach(spindle_number, work).ok_or_else(no_spindle)?;
        Ok(OpenRegion { lane, watermark })
    }

    fn manifest(&self, sealed: &[(u32, Sealed)], note: Vec<u8>) -> Manifest {
        let spindles = self.spindles();
        let region = |(index, sealed): &(u32, Sealed)| ManifestRegion {
            index: *index,
            spindle: as_u32(self.spindle_number(*index as usize)),
            version: self.options.version,
            checksum: sealed.checksum,
            region_id: sealed.region_id,
            file_length: sealed.file_length,
            blobs: sealed.blobs,
            blob_bytes: sealed.blob_bytes,
            blocks: sealed.blocks,
        };
        Manifest {
            snap_id: self.options.snap_id,
            identity: self.options.identity,
            created_ns: self.options.created_ns,
            region_count: as_u32(self.options.regions),
            spindles: spindles.iter().map(|spindle| spindle.name.clone()).collect(),
            regions: sealed.iter().map(region).collect(),
            note,
        }
    }

    /// Removes regions, once no impeller is at work with them. It is the first error that tells what is wrong; whether files
    /// can be removed does not.
    fn remove(&self, regions: Vec<OpenRegion>) {
        let leavings = self.leavings_of(regions.len());
        // It waits until none is.
        drop(regions);
        let _ = publication::remove_regions(self.impellers.medium(), self.spindles(), &leavings);
    }
}

/// Leaves nothing behind that is not whole.
impl<M: Medium> Drop for SliceWriter<M> {
    fn drop(&mut self) {
        self.progress.give_up();
        let regions = self.regions.take().unwrap_or_default();
        if self.progress.is_closed() {
            return;
        }
        let is_published = *self.is_published.get_mut();
        let withdraw = || {
            !is_published
                || publication::withdraw(self.impellers.medium(), self.spindles(), self.options.snap_id)
                    .is_ok()
        };
        if defect::planted(Defect::RegionsBeforeManifests) {
            self.remove(regions);
            withdraw();
        } else if withdraw() {
            self.remove(regions);
        }
    }
}

fn check_note(note: &[u8]) -> Result<()> {
    let (what, found, least, most) = ("bytes of a note", note.len(), 0, MAX_NOTE_LENGTH);
    if found <= most { Ok(()) } else { Err(Error::SliceShape { what, found, least, most }) }
}

/// Whether a block of so many bytes holds a parcel, with each blob padded to 8 and its end in 4.
pub(super) fn fits_a_block(parcel: &Parcel, most: usize) -> bool {
    let most = most.saturating_sub(BLOCK_HEAD_LENGTH) as u64;
    let at_most = parcel.blob_bytes() + 11 * parcel.blob_count() as u64;
    at_most <= most
        || parcel.blobs().map(|blob| blob.len().next_multiple_of(8) as u64 + 4).sum::<u64>() <= most
}

/// A number of regions or spindles, which are no more.
fn as_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
