//! Every rule at once, for a whole file in memory.

use super::{
    Block, Crc32c, Damage, HEADER_LENGTH, Header, Index, IndexEntry, Kind, Problem, Seal, Version, v1,
    version_of,
};

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Its format.
    pub version: Version,
    /// Blobs in it.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// Blocks that they are in; 0 in version 1.
    pub blocks: u64,
}

/// Checks all of a file: one of version 1, or a sealed one of version 2.
///
/// # Errors
/// [`Damage`] that names the first field, from the start of the file on, that is not as the tables say; but the seal is
/// looked at before the blocks.
pub fn check(file: &[u8]) -> Result<Summary, Damage> {
    match version_of(file)? {
        Version::One => check_v1(file),
        Version::Two => check_v2(file),
    }
}

fn check_v1(file: &[u8]) -> Result<Summary, Damage> {
    let mut summary = Summary { version: Version::One, blobs: 0, blob_bytes: 0, blocks: 0 };
    for blob in v1::Blobs::new(file)? {
        summary.blobs += 1;
        summary.blob_bytes += blob?.len() as u64;
    }
    Ok(summary)
}

fn check_v2(file: &[u8]) -> Result<Summary, Damage> {
    let header = Header::decode(file)?;
    let seal_offset = Seal::offset_in(file);
    let seal =
        Seal::decode(file.get(seal_offset..).unwrap_or_default(), header.region_id, seal_offset as u64)?;
    let mut checker = Checker::new(&header);
    loop {
        let rest = usize::try_from(checker.offset).ok().and_then(|offset| file.get(offset..));
        let Some(block) = Block::decode(rest.unwrap_or_default(), checker.offset)? else {
            return Err(checker.no_index());
        };
        if !checker.accept(&block)? {
            return checker.finish(&block, &seal, seal_offset as u64);
        }
    }
}

/// The blocks so far, from the first on.
#[derive(Debug)]
pub(crate) struct Checker {
    header: Header,
    /// Where the next block starts.
    offset: u64,
    blobs: u64,
    blob_bytes: u64,
    entries: Vec<IndexEntry>,
    blocks_checksum: Crc32c,
}

impl Checker {
    pub(crate) fn new(header: &Header) -> Self {
        Self {
            header: *header,
            offset: HEADER_LENGTH as u64,
            blobs: 0,
            blob_bytes: 0,
            entries: Vec::new(),
            blocks_checksum: Crc32c::new(),
        }
    }

    /// Where the next block starts.
    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }

    /// There should have been another block.
    pub(crate) fn no_index(&self) -> Damage {
        Damage::new(
            "tag",
            self.offset,
            Problem::Value { found: 0, expected: "the tag of a block: there is no index" },
        )
    }

    /// Checks the next block, and counts it; `false` if it is the index.
    pub(crate) fn accept(&mut self, block: &Block<'_>) -> Result<bool, Damage> {
        block.verify(self.header.region_id)?;
        let head = block.head();
        expect(
            "first ordinal",
            self.offset + 16,
            head.first_ordinal,
            self.blobs,
            "the number of blobs before it",
        )?;
        if head.kind == Kind::Index {
            return Ok(false);
        }
        if head.kind.has_blobs() {
            block.check_ends()?;
            self.blobs += block.len() as u64;
            for blob in block.blobs() {
                self.blob_bytes += blob?.len() as u64;
            }
        }
        self.entries.push(IndexEntry { offset: self.offset, first_ordinal: head.first_ordinal });
        self.blocks_checksum = self.blocks_checksum.update(&head.checksum.to_le_bytes());
        self.offset += head.padded_length(self.header.alignment);
        Ok(true)
    }

    /// Compares index and seal with the blocks.
    pub(crate) fn finish(
        self,
        index_block: &Block<'_>,
        seal: &Seal,
        seal_offset: u64,
    ) -> Result<Summary, Damage> {
        let index = Index::decode(index_block)?;
        for (number, (found, wanted)) in index.entries().zip(&self.entries).enumerate() {
            let at = index_block.offset() + 40 + 16 * number as u64;
            expect("block offset", at, found.offset, wanted.offset, "where the block starts")?;
            expect("first ordinal", at + 8, found.first_ordinal, wanted.first_ordinal, "the block's")?;
        }
        let blocks = self.entries.len() as u64;
        let listed = 16 * index.len() as u64;
        expect("data length", index_block.offset() + 24, listed, 16 * blocks, "16 x the number of blocks")?;
        let end = index_block.offset() + index_block.head().padded_length(self.header.alignment);
        expect("seal", end, seal_offset, end, "where the seal starts: behind the index")?;
        expect(
            "index offset",
            seal_offset + 8,
            seal.index_offset,
            index_block.offset(),
            "where the index starts",
        )?;
        expect("blobs", seal_offset + 16, seal.blobs, self.blobs, "how many there are")?;
        expect("blob bytes", seal_offset + 24, seal.blob_bytes, self.blob_bytes, "how many there are")?;
        expect("blocks", seal_offset + 32, seal.blocks, blocks, "how many there are")?;
        let (stored, computed) = (seal.blocks_checksum, self.blocks_checksum.value());
        if stored != computed {
            let problem = Problem::Checksum { stored, computed };
            return Err(Damage::new("blocks checksum", seal_offset + 48, problem));
        }
        Ok(Summary { version: Version::Two, blobs: self.blobs, blob_bytes: self.blob_bytes, blocks })
    }
}

fn expect(
    field: &'static str,
    offset: u64,
    found: u64,
    wanted: u64,
    expected: &'static str,
) -> Result<(), Damage> {
    if found == wanted { Ok(()) } else { Err(Damage::new(field, offset, Problem::Value { found, expected })) }
}
