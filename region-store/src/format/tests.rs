#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::cast_possible_truncation)]

mod manifest;
mod tables;

use super::*;

/// Bytes of a whole sealed file of version 2 with these blocks of blobs, put together by the format's own parts.
pub(crate) fn sealed(header: &Header, blocks: &[&[&[u8]]]) -> Vec<u8> {
    let blocks: Vec<_> = blocks.iter().map(|blobs| (Kind::Blobs, *blobs)).collect();
    sealed_of(header, &blocks)
}

/// The same with blocks of these kinds.
pub(crate) fn sealed_of(header: &Header, blocks: &[(Kind, &[&[u8]])]) -> Vec<u8> {
    let mut file = header.encode().to_vec();
    let (mut entries, mut blobs, mut blob_bytes) = (Vec::new(), 0, 0);
    let mut checksum = Crc32c::new();
    for (kind, block) in blocks {
        let mut builder = BlockBuilder::new(*kind, 0);
        block.iter().for_each(|blob| builder.push(blob).unwrap());
        let offset = file.len() as u64;
        let bytes = builder.finish(header.region_id, offset, blobs, header.alignment);
        checksum = checksum.update(&bytes[4..8]);
        file.extend_from_slice(bytes);
        entries.push(IndexEntry { offset, first_ordinal: blobs });
        if kind.has_blobs() {
            blobs += block.len() as u64;
            blob_bytes += block.iter().map(|blob| blob.len() as u64).sum::<u64>();
        }
    }
    let index_offset = file.len() as u64;
    let index = index::encode(&entries, header.region_id, index_offset, blobs, header.alignment).unwrap();
    file.extend_from_slice(&index);
    let offset = file.len() as u64;
    let seal = Seal {
        index_offset,
        blobs,
        blob_bytes,
        blocks: blocks.len() as u64,
        file_length: offset + SEAL_LENGTH as u64,
        blocks_checksum: checksum.value(),
    };
    file.extend_from_slice(&seal.encode(header.region_id, offset));
    file
}

/// Bytes of a file of version 1.
pub(crate) fn version_1(blobs: &[&[u8]]) -> Vec<u8> {
    let mut file = v1::HEADER.to_vec();
    for blob in blobs {
        file.extend_from_slice(&v1::blob_prefix(blob.len()).unwrap());
        file.extend_from_slice(blob);
    }
    file
}

/// A header in which every field has another value.
pub(crate) fn telling_header() -> Header {
    Header {
        may_ignore: 0x8000_0001,
        alignment: 32,
        region_id: RegionId(*b"0123456789abcdef"),
        domain: 0x1112_1314_1516_1718,
        view: 0x2122_2324_2526_2728,
        generation_clock: 0x3132_3334_3536_3738,
        slice_key: 0x4142_4344,
        region_index: 3,
        region_count: 8,
        created_ns: 1_700_000_000_000_000_000,
        generation_digest: 0x5152_5354_5556_5758,
    }
}

/// All blobs of a file in memory.
pub(crate) fn blobs_of(file: &[u8]) -> Vec<Vec<u8>> {
    match version_of(file).unwrap() {
        Version::One => v1::Blobs::new(file).unwrap().map(|blob| blob.unwrap().to_vec()).collect(),
        Version::Two => {
            let alignment = Header::decode(file).unwrap().alignment;
            let mut blobs = Vec::new();
            let mut offset = HEADER_LENGTH;
            while let Some(block) = Block::decode(&file[offset..], offset as u64).unwrap()
                && block.head().kind != Kind::Index
            {
                blobs.extend(block.blobs().map(|blob| blob.unwrap().to_vec()));
                offset += block.head().padded_length(alignment) as usize;
            }
            blobs
        }
    }
}
