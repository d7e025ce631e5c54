//! Files that a few bytes stand for, and what holds of any file. A test draws the bytes by proptest, and the fuzz target
//! `region_decode` takes them from its input.

use region_store::format::{
    self, Block, Damage, HEADER_LENGTH, Header, Kind, Problem, SEAL_LENGTH, Seal, Summary, Version, v1,
};

use crate::files::{File, Sealed, header, mend, version_1};

/// Does what the bytes say. The first tells what the others are.
pub(crate) fn run(bytes: &[u8]) {
    match bytes {
        [0, file @ ..] => check_any(file),
        [1, alignment, rest @ ..] => {
            let mut file = header(alignment_of(*alignment)).encode().to_vec();
            file.extend_from_slice(rest);
            mend(&mut file);
            check_any(&file);
        }
        [2, start @ ..] => {
            let mut page = [0; HEADER_LENGTH];
            page.iter_mut().zip(start).for_each(|(byte, given)| *byte = *given);
            mend(&mut page);
            check_header(&page);
        }
        [3, damage @ .., place, more_place, xor] if !damage.is_empty() => {
            let place = usize::from(u16::from_le_bytes([*place, *more_place]));
            Script::decode(damage).write_read_and_damage(place, *xor);
        }
        _ => {}
    }
}

fn alignment_of(choice: u8) -> u32 {
    8 << (choice % 10)
}

/// A region to write.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) alignment: u32,
    pub(crate) blocks: Vec<(Kind, Vec<Vec<u8>>)>,
}

impl Script {
    /// Any bytes stand for one. The first is its alignment, and then each is a blob, or one in four the end of a block.
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        let (&alignment, steps) = bytes.split_first().unwrap_or((&2, &[]));
        let mut blocks = Vec::new();
        let mut blobs = Vec::new();
        for &step in steps {
            if step % 4 == 3 {
                let kinds =
                    [Kind::Blobs, Kind::Blobs, Kind::JournalGroup, Kind::Skippable(0x8000 | u16::from(step))];
                blocks.push((kinds[usize::from(step / 4 % 4)], core::mem::take(&mut blobs)));
            } else {
                blobs.push(vec![step; usize::from(step / 4)]);
            }
        }
        blocks.push((Kind::Blobs, blobs));
        Self { alignment: alignment_of(alignment), blocks }
    }

    /// All of its blobs, in order.
    pub(crate) fn blobs(&self) -> Vec<&[u8]> {
        let blocks = self.blocks.iter().filter(|(kind, _)| kind.has_blobs());
        blocks.flat_map(|(_, blobs)| blobs.iter().map(Vec::as_slice)).collect()
    }

    pub(crate) fn write(&self) -> Sealed {
        let file = File::new(header(self.alignment));
        self.blocks.iter().fold(file, |file, (kind, blobs)| file.block(*kind, blobs)).seal()
    }

    /// Writes it in both versions, reads it, changes a byte, and sees that this is noticed where it has to be.
    fn write_read_and_damage(&self, place: usize, xor: u8) {
        let blobs = self.blobs();
        let old = version_1(&blobs);
        assert_eq!(blobs_of(&old), blobs);
        check_any(&old);

        let mut new = self.write();
        let summary = format::check(&new.bytes).unwrap();
        assert_eq!(summary.blocks, self.blocks.len() as u64);
        assert_eq!(blobs_of(&new.bytes), blobs);
        check_any(&new.bytes);

        let place = place % new.bytes.len();
        new.bytes[place] ^= xor;
        let is_seen = format::check(&new.bytes).is_err();
        assert_eq!(is_seen, xor != 0 && !new.is_padding(place), "{xor:02x} at {place} of {self:?}");
    }
}

/// Checks what holds of any bytes, taken for a file.
pub(crate) fn check_any(file: &[u8]) {
    match format::check(file) {
        Ok(summary) => check_whole(file, &summary),
        Err(damage) => check_damage(&damage, file.len()),
    }
    for offset in (0..file.len()).step_by(if cfg!(miri) { 128 } else { 8 }) {
        check_block(&file[offset..], offset as u64);
    }
}

/// Checks that damage is at a place that the file has, or at which its next block would be.
fn check_damage(damage: &Damage, length: usize) {
    let end = length.next_multiple_of(HEADER_LENGTH) as u64;
    assert!(damage.offset <= end.max(HEADER_LENGTH as u64), "{damage}: of {length} bytes");
    if let Problem::Truncated { needed, left } = damage.problem {
        assert!(left < needed, "{damage}");
        assert_eq!(left, (length as u64).saturating_sub(damage.offset), "{damage}: of {length} bytes");
    }
}

/// Checks a file that passes as whole: what was read of it makes the same file.
fn check_whole(file: &[u8], summary: &Summary) {
    let blobs = blobs_of(file);
    assert_eq!(summary.blobs, blobs.len() as u64);
    assert_eq!(summary.blob_bytes, blobs.iter().map(|blob| blob.len() as u64).sum::<u64>());
    match summary.version {
        Version::One => assert_eq!(version_1(&blobs), file),
        Version::Two => {
            check_header(file.first_chunk().unwrap());
            let again = rewrite(file);
            assert_eq!(again.len(), file.len());
            assert_eq!(blobs_of(&again), blobs);
            assert_eq!(rewrite(&again), again);
            // Only reserved bytes and padding may differ, and then the checksums over them.
            let (seal, sealed) = [file, &again[..]].map(seal_of).into();
            assert_eq!(Seal { blocks_checksum: 0, ..seal }, Seal { blocks_checksum: 0, ..sealed });
        }
    }
}

/// The seal of a whole file.
fn seal_of(file: &[u8]) -> Seal {
    let offset = file.len() - SEAL_LENGTH;
    Seal::decode(&file[offset..], Header::decode(file).unwrap().region_id, offset as u64).unwrap()
}

fn check_header(page: &[u8; HEADER_LENGTH]) {
    let Ok(header) = Header::decode(page) else { return };
    let again = header.encode();
    assert_eq!(Header::decode(&again), Ok(header));
    assert_eq!(again[..76], page[..76]);
    assert_eq!(again[80..96], page[80..96]);
    let reserved_are_zero = page[76..80].iter().chain(&page[96..4_092]).all(|byte| *byte == 0);
    assert_eq!(again[4_092..] == page[4_092..], reserved_are_zero);
}

/// Checks that the ways to the blobs of a block agree, whether its ends make sense or not.
fn check_block(bytes: &[u8], offset: u64) {
    let block = match Block::decode(bytes, offset) {
        Ok(Some(block)) => block,
        Ok(None) => return assert_eq!(bytes[..4], [0; 4]),
        Err(damage) => return check_damage(&damage, bytes.len() + offset as usize),
    };
    assert_eq!(block.len(), block.head().blob_count as usize);
    assert!(block.head().length as usize <= bytes.len());
    let mut blobs = block.blobs();
    let mut length = 0;
    for number in 0..block.len() {
        match blobs.next().unwrap() {
            Ok(blob) => {
                assert_eq!(block.blob(number), Ok(Some(blob)));
                length += blob.len();
            }
            Err(damage) => {
                assert_eq!(block.blob(number), Err(damage));
                assert_eq!(block.check_ends(), Err(damage));
                break;
            }
        }
    }
    assert_eq!(blobs.next(), None);
    assert_eq!(block.blob(block.len()), Ok(None));
    assert!(length <= block.data().len());
}

/// The blobs of a whole file.
pub(crate) fn blobs_of(file: &[u8]) -> Vec<&[u8]> {
    match format::version_of(file).unwrap() {
        Version::One => v1::Blobs::new(file).unwrap().map(Result::unwrap).collect(),
        Version::Two => {
            let blocks = blocks_of(file).into_iter().filter(|block| block.head().kind.has_blobs());
            blocks.flat_map(|block| block.blobs().map(Result::unwrap)).collect()
        }
    }
}

/// The blocks of a whole file of version 2, before its index.
fn blocks_of(file: &[u8]) -> Vec<Block<'_>> {
    let alignment = Header::decode(file).unwrap().alignment;
    let mut blocks = Vec::new();
    let mut offset = HEADER_LENGTH;
    loop {
        let block = Block::decode(&file[offset..], offset as u64).unwrap().unwrap();
        if block.head().kind == Kind::Index {
            return blocks;
        }
        offset += block.head().padded_length(alignment) as usize;
        blocks.push(block);
    }
}

/// Writes anew what a whole file of version 2 holds.
fn rewrite(file: &[u8]) -> Vec<u8> {
    let header = Header::decode(file).unwrap();
    let blocks = blocks_of(file).into_iter().fold(File::new(header), |again, block| {
        if block.head().kind.has_blobs() {
            let blobs: Vec<&[u8]> = block.blobs().map(Result::unwrap).collect();
            return again.block(block.head().kind, &blobs);
        }
        let start = block.offset() as usize;
        let padded = block.head().padded_length(header.alignment) as usize;
        again.copied(&file[start..start + padded], block.head().length as usize)
    });
    blocks.seal().bytes
}
