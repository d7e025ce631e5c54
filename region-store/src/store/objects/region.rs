//! A region that comes from a store of objects.

use super::got::Got;
use crate::error::{Error, Result};
use crate::format::{
    BLOCK_HEAD_LENGTH, Block, BlockHead, Checker, Crc32c, Damage, HEADER_LENGTH, Header, Manifest,
    ManifestRegion, Problem, SEAL_LENGTH, Seal, Version, v1, version_of,
};
use crate::parcel::Parcel;
use crate::slice::sealed_differs;
use crate::store::load::Load;

/// Of version 1, so many bytes or one blob become a block.
const PARCEL_BYTES: usize = 1 << 20;

/// Has a region written, and checks that it is what the manifest says.
pub(super) async fn load(
    mut got: Got<'_>,
    manifest: &Manifest,
    said: &ManifestRegion,
    load: &Load<'_>,
) -> Result<()> {
    let differs = match said.version {
        Version::One => load_v1(&mut got, said, load).await?,
        Version::Two => load_v2(&mut got, manifest, said, load).await?,
    };
    match differs {
        None => Ok(()),
        Some(field) => Err(Error::SliceMismatch { path: got.path().as_ref().into(), field }),
    }
}

/// Tells in what the region differs from what the manifest says.
async fn load_v2(
    got: &mut Got<'_>,
    manifest: &Manifest,
    said: &ManifestRegion,
    load: &Load<'_>,
) -> Result<Option<&'static str>> {
    let damaged = got.damaged();
    let header = Header::decode(got.want(HEADER_LENGTH as u64).await?).map_err(&damaged)?;
    got.pass(HEADER_LENGTH as u64);
    let mut checker = Checker::new(&header);
    let index_length = loop {
        let offset = got.offset();
        let head = BlockHead::decode(got.want(BLOCK_HEAD_LENGTH as u64).await?, offset).map_err(&damaged)?;
        let length = head.map_or(0, |head| head.padded_length(header.alignment));
        let block = Block::decode(got.want(length).await?, offset).map_err(&damaged)?;
        let block = block.ok_or_else(|| damaged(checker.no_index()))?;
        if !checker.accept(&block).map_err(&damaged)? {
            break length;
        }
        if block.head().kind.has_blobs() {
            load.queue_received(parcel_of(&block).map_err(&damaged)?, length)?;
        }
        got.pass(length);
    };
    let (index_offset, left) = (got.offset(), got.left());
    let end = got.want(index_length + SEAL_LENGTH as u64).await?;
    let seal = finish(checker, end, &header, index_offset, index_offset + left).map_err(&damaged)?;
    Ok(sealed_differs(manifest, said, &header, &seal))
}

/// Checks the index and the seal, which is the rest of a file of some length from an offset on.
fn finish(
    checker: Checker,
    end: &[u8],
    header: &Header,
    index_offset: u64,
    file_length: u64,
) -> core::result::Result<Seal, Damage> {
    let index = Block::decode(end, index_offset)?.ok_or_else(|| checker.no_index())?;
    let index_length = index.head().padded_length(header.alignment);
    let behind = usize::try_from(index_length).ok().and_then(|length| end.get(length..));
    let seal = Seal::decode(behind.unwrap_or_default(), header.region_id, index_offset + index_length)?;
    checker.finish(&index, &seal, file_length.saturating_sub(SEAL_LENGTH as u64))?;
    Ok(seal)
}

/// The blobs of a block, each behind its length.
fn parcel_of(block: &Block<'_>) -> core::result::Result<Parcel, Damage> {
    let mut slots = Vec::with_capacity(block.data().len() + v1::PREFIX_LENGTH * block.len());
    for blob in block.blobs() {
        let blob = blob?;
        // No block is too long for it.
        slots.extend_from_slice(&v1::blob_prefix(blob.len()).unwrap_or_default());
        slots.extend_from_slice(blob);
    }
    let too_long = Problem::Value { found: slots.len() as u64, expected: "bytes of blobs, at most 2^30" };
    Parcel::raw(slots.into()).map_err(|_| Damage::new("block length", block.offset() + 8, too_long))
}

/// Tells in what the region differs from what the manifest says.
async fn load_v1(got: &mut Got<'_>, said: &ManifestRegion, load: &Load<'_>) -> Result<Option<&'static str>> {
    let damaged = got.damaged();
    let version = version_of(got.want(v1::HEADER.len() as u64).await?).map_err(damaged)?;
    if version != Version::One {
        return Ok(Some("version"));
    }
    let mut checksum = Crc32c::new().update(&got.take(v1::HEADER.len()));
    let (mut blobs, mut blob_bytes) = (0, 0);
    let mut wanted = PARCEL_BYTES as u64;
    while got.left() > 0 {
        let (offset, left) = (got.offset(), got.left());
        let damaged = got.damaged();
        let bytes = got.want(wanted).await?;
        let taken = whole_blobs(bytes);
        if taken == 0 {
            // The blob is longer than what was wanted, or than the file.
            let longer = v1::blob_end(bytes).filter(|&end| wanted < end && end <= left);
            wanted = longer.ok_or_else(|| damaged(v1::Blobs::damage_at(bytes, offset, left)))?;
            continue;
        }
        wanted = PARCEL_BYTES as u64;
        let slots = got.take(taken);
        checksum = checksum.update(&slots);
        let parcel = Parcel::raw(slots).map_err(|_| Error::BlobTooLong { length: taken })?;
        blobs += parcel.blob_count() as u64;
        blob_bytes += parcel.blob_bytes();
        load.queue_received(parcel, taken as u64)?;
    }
    Ok(match () {
        () if checksum.value() != said.checksum => Some("checksum"),
        () if (blobs, blob_bytes) != (said.blobs, said.blob_bytes) => Some("number of blobs"),
        () => None,
    })
}

/// Where the blobs end that are whole, as far as they are for one parcel.
fn whole_blobs(bytes: &[u8]) -> usize {
    let mut blobs = v1::Blobs::from_offset(bytes, 0);
    let mut end = 0;
    while end < PARCEL_BYTES && matches!(blobs.next(), Some(Ok(_))) {
        end = blobs.offset();
    }
    end
}
