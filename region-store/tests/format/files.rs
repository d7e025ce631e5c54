//! Files to test with, put together block by block from the crate's own encoders.

use std::ops::Range;

use region_store::format::{
    BlockBuilder, Crc32c, HEADER_LENGTH, Header, IndexEntry, Kind, RegionId, SEAL_LENGTH, Seal, index, v1,
};

/// A file of version 2 that grows.
pub(crate) struct File {
    header: Header,
    bytes: Vec<u8>,
    entries: Vec<IndexEntry>,
    blobs: u64,
    blob_bytes: u64,
    blocks_checksum: Crc32c,
    /// The zeros between blocks, which no reader looks at.
    paddings: Vec<Range<usize>>,
}

impl File {
    pub(crate) fn new(header: Header) -> Self {
        Self {
            header,
            bytes: header.encode().to_vec(),
            entries: Vec::new(),
            blobs: 0,
            blob_bytes: 0,
            blocks_checksum: Crc32c::new(),
            paddings: Vec::new(),
        }
    }

    /// Appends a block of blobs.
    pub(crate) fn block<B: AsRef<[u8]>>(mut self, kind: Kind, blobs: &[B]) -> Self {
        let mut builder = BlockBuilder::new(kind, 0);
        for blob in blobs {
            builder.push(blob.as_ref()).unwrap();
        }
        let offset = self.bytes.len() as u64;
        let length = builder.length();
        let block = builder.finish(self.header.region_id, offset, self.blobs, self.header.alignment);
        self.append(block, length);
        self.entries.push(IndexEntry { offset, first_ordinal: self.blobs });
        if kind.has_blobs() {
            self.blobs += blobs.len() as u64;
            self.blob_bytes += blobs.iter().map(|blob| blob.as_ref().len() as u64).sum::<u64>();
        }
        self
    }

    /// Appends a block as it is found elsewhere, with its padding.
    pub(crate) fn copied(mut self, block: &[u8], length: usize) -> Self {
        self.entries.push(IndexEntry { offset: self.bytes.len() as u64, first_ordinal: self.blobs });
        self.append(block, length);
        self
    }

    fn append(&mut self, block: &[u8], length: usize) {
        self.blocks_checksum = self.blocks_checksum.update(&block[4..8]);
        self.paddings.push(self.bytes.len() + length..self.bytes.len() + block.len());
        self.bytes.extend_from_slice(block);
    }

    /// Completes a region: appends index and seal.
    pub(crate) fn seal(mut self) -> Sealed {
        let Header { region_id, alignment, .. } = self.header;
        let blocks = self.entries.len() as u64;
        let index_offset = self.bytes.len() as u64;
        let index = index::encode(&self.entries, region_id, index_offset, self.blobs, alignment).unwrap();
        let length = 40 + index::ENTRY_LENGTH * self.entries.len();
        self.paddings.push(self.bytes.len() + length..self.bytes.len() + index.len());
        self.bytes.extend_from_slice(&index);
        let seal_offset = self.bytes.len() as u64;
        let seal = Seal {
            index_offset,
            blobs: self.blobs,
            blob_bytes: self.blob_bytes,
            blocks,
            file_length: seal_offset + SEAL_LENGTH as u64,
            blocks_checksum: self.blocks_checksum.value(),
        };
        self.bytes.extend_from_slice(&seal.encode(region_id, seal_offset));
        Sealed { bytes: self.bytes, paddings: self.paddings }
    }

    /// Makes a journal of it: zeros up to its length.
    #[cfg_attr(fuzzing, allow(dead_code, reason = "what is fuzzed is regions"))]
    pub(crate) fn journal(mut self, length: usize) -> Vec<u8> {
        self.bytes.resize(length, 0);
        self.bytes
    }
}

/// A region of version 2.
pub(crate) struct Sealed {
    pub(crate) bytes: Vec<u8>,
    paddings: Vec<Range<usize>>,
}

impl Sealed {
    /// Whether the format's tables call the byte at this offset one that is not looked at.
    pub(crate) fn is_padding(&self, offset: usize) -> bool {
        self.paddings.iter().any(|padding| padding.contains(&offset))
    }
}

/// A file of version 1.
pub(crate) fn version_1<B: AsRef<[u8]>>(blobs: &[B]) -> Vec<u8> {
    let mut file = v1::HEADER.to_vec();
    for blob in blobs {
        file.extend_from_slice(&v1::blob_prefix(blob.as_ref().len()).unwrap());
        file.extend_from_slice(blob.as_ref());
    }
    file
}

/// A header in which no two fields are alike.
pub(crate) const fn header(alignment: u32) -> Header {
    Header {
        may_ignore: 0x8000_0001,
        alignment,
        region_id: RegionId(*b"0123456789abcdef"),
        domain: 0x0102_0304_0506_0708,
        view: 0x1112_1314_1516_1718,
        generation_clock: 0x2122_2324_2526_2728,
        slice_key: 0x3132_3334,
        region_index: 3,
        region_count: 8,
        created_ns: 0x4142_4344_4546_4748,
        generation_digest: 0x5152_5354_5556_5758,
    }
}

/// Makes all checksums right that can be found, so that what they cover can be wrong.
pub(crate) fn mend(file: &mut [u8]) {
    let Some((page, rest)) = file.split_first_chunk_mut::<HEADER_LENGTH>() else { return };
    let checksum = Crc32c::new().update(&page[..4_092]).value();
    page[4_092..].copy_from_slice(&checksum.to_le_bytes());
    let region_id: [u8; 16] = page[24..40].try_into().unwrap();
    let alignment = u32_at(page, 20).clamp(8, 4_096) as usize;
    let place = |offset: usize| Crc32c::new().update(&region_id).update(&(offset as u64).to_le_bytes());

    let mut offset = 0;
    let mut blocks_checksum = Crc32c::new();
    while let Some(block) = rest.get_mut(offset..).filter(|block| block.starts_with(b"BLK2")) {
        if block.len() < 40 {
            return;
        }
        let length = u32_at(block, 8) as usize;
        let Some(checked) = block.get(8..length) else { break };
        let checksum = place(HEADER_LENGTH + offset).update(checked).value().to_le_bytes();
        block[4..8].copy_from_slice(&checksum);
        if block[28..30] != [1, 0] {
            blocks_checksum = blocks_checksum.update(&checksum);
        }
        offset += length.next_multiple_of(alignment);
    }

    let Some(seal_offset) = rest.len().checked_sub(SEAL_LENGTH).filter(|at| *at >= offset) else { return };
    let seal = &mut rest[seal_offset..];
    seal[48..52].copy_from_slice(&blocks_checksum.value().to_le_bytes());
    let checksum = place(HEADER_LENGTH + seal_offset).update(&seal[8..]).value();
    seal[4..8].copy_from_slice(&checksum.to_le_bytes());
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(bytes[offset..offset + 4].try_into().unwrap())
}
