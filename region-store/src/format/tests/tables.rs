//! The tables, by literal bytes both ways. What breaks a rule is in `tests/format/`.

use super::*;

const ID: RegionId = RegionId(*b"0123456789abcdef");

/// Bytes in hexadecimal, with spaces where they help.
pub(super) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(|digit| !digit.is_ascii_whitespace()).collect();
    let pairs = digits.as_chunks::<2>().0.iter().map(|pair| str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

#[test]
fn the_version_is_the_second_byte() {
    assert_eq!(version_of(&[85, 1]), Ok(Version::One));
    assert_eq!(version_of(&[85, 2, 0]), Ok(Version::Two));
    let expected = "85, with which every region file starts";
    let problem = Problem::Value { found: 1, expected };
    assert_eq!(version_of(&[1, 85]), Err(Damage { field: "magic", offset: 0, problem }));
    let problem = Problem::Truncated { needed: 2, left: 1 };
    assert_eq!(version_of(&[85]), Err(Damage { field: "magic and version", offset: 0, problem }));
}

#[test]
fn version_1_is_lengths_and_bytes() {
    let file = hex("55 01  03000000 616263  00000000  01000000 ff");
    let blobs: Vec<&[u8]> = v1::Blobs::new(&file).unwrap().map(Result::unwrap).collect();
    assert_eq!(blobs, [&b"abc"[..], b"", b"\xff"]);
    let mut later = v1::Blobs::from_offset(&file, 9);
    assert_eq!(later.next(), Some(Ok(&b""[..])));
    assert_eq!(later.offset(), 13);
    let other = v1::Blobs::new(&telling_header().encode()).map(drop).unwrap_err();
    assert_eq!((other.field, other.offset), ("version", 1));

    assert_eq!(v1::HEADER, [0x55, 1]);
    assert_eq!(v1::blob_prefix(0x0102_0304), Some([4, 3, 2, 1]));
    assert_eq!(v1::blob_prefix(v1::MAX_BLOB_LENGTH), Some([0xff, 0xff, 0xff, 0x7f]));
    assert_eq!(v1::blob_prefix(v1::MAX_BLOB_LENGTH + 1), None);
}

#[test]
fn the_header_is_a_page() {
    let header = telling_header();
    let mut page = hex("55 02 52474e0d0a1a  00100000  00000000 01000080  20000000
        30313233343536373839616263646566
        1817161514131211 2827262524232221 3837363534333231  44434241 03000000 08000000  00000000
        00002a36fe9c9717 5857565554535251");
    page.resize(HEADER_LENGTH - 4, 0);
    page.extend(hex("3f34e97f"));
    assert_eq!(header.encode()[..], page);
    assert_eq!(Header::decode(&page), Ok(header));
    let mut converted = page.clone();
    converted[5] = b'\n';
    let problem = Header::decode(&converted).unwrap_err().problem;
    assert!(matches!(problem, Problem::Value { found: 0x5247_4e0a_0a1a, .. }), "{problem}");
    assert_eq!(ID.to_string(), "30313233343536373839616263646566");

    assert!([8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096].into_iter().all(header::is_alignment));
    assert!(![0, 1, 2, 4, 7, 12, 24, 4_095, 8_192, 1 << 31, u32::MAX].into_iter().any(header::is_alignment));
}

#[test]
fn blocks_and_indexes_say_how_much_is_in_them() {
    let file = sealed(&telling_header(), &[&[b"one", b"two"]]);
    let block = Block::decode(&file[4_096..], 4_096).unwrap().unwrap();
    assert!(!block.is_empty());
    let mut blobs = block.blobs();
    assert_eq!(blobs.size_hint(), (0, Some(2)), "an error ends them");
    blobs.next();
    assert_eq!(blobs.size_hint(), (0, Some(1)));

    let index_offset = file.len() - SEAL_LENGTH - 64;
    let block = Block::decode(&file[index_offset..], index_offset as u64).unwrap().unwrap();
    assert!(block.is_empty(), "an index has no blobs");
    assert!(!Index::decode(&block).unwrap().is_empty());
}

#[test]
fn a_block_is_its_blobs_and_their_ends() {
    let offset = 0x01_0000_0040;
    let block =
        hex("424c4b32 ad1e61f9  44000000 03000000  0504030201000000  10000000 1000 0000  0000000000000000
        6162630000000000 7800000000000000  03000000 08000000 09000000");
    let mut builder = BlockBuilder::new(Kind::JournalGroup, 0);
    for blob in [&b"abc"[..], b"", b"x"] {
        builder.push(blob).unwrap();
    }
    assert_eq!((builder.length(), builder.blob_count()), (block.len(), 3));
    let written = builder.finish(ID, offset, 0x01_0203_0405, 32);
    let padded = [&block[..], &[0; 28]].concat();
    assert_eq!(written, padded);

    let decoded = Block::decode(&padded, offset).unwrap().unwrap();
    assert_eq!(decoded.verify(ID), Ok(()));
    assert_eq!(decoded.check_ends(), Ok(()));
    let head = decoded.head();
    assert_eq!((head.checksum, head.length, head.data_length), (0xf961_1ead, 68, 16));
    assert_eq!((head.blob_count, head.first_ordinal, head.kind), (3, 0x01_0203_0405, Kind::JournalGroup));
    assert_eq!([8, 32, 4_096].map(|alignment| head.padded_length(alignment)), [72, 96, 4_096]);
    assert_eq!(decoded.blobs().collect::<Vec<_>>(), [Ok(&b"abc"[..]), Ok(b""), Ok(b"x")]);
    assert_eq!(decoded.blob(2), Ok(Some(&b"x"[..])));
    assert_eq!(decoded.blob(3), Ok(None));

    let elsewhere = Block::decode(&padded, offset + 8).unwrap().unwrap();
    for stranger in [elsewhere.verify(ID), decoded.verify(RegionId::default())] {
        assert_eq!(stranger.unwrap_err().field, "block checksum");
    }
}

#[test]
fn a_tag_of_zero_is_the_end_of_the_blocks() {
    assert_eq!(Block::decode(&[0; 4], 0).map(|block| block.is_none()), Ok(true));
    assert_eq!(Block::decode(&[0, 0, 0, 0, 9], 0).map(|block| block.is_none()), Ok(true));
    let problem = Problem::Truncated { needed: 40, left: 3 };
    let damage = Damage { field: "block head", offset: 96, problem };
    assert_eq!(Block::decode(&[0; 3], 96).map(|block| block.is_none()), Err(damage));
}

#[test]
fn a_builder_is_used_again() {
    let mut builder = BlockBuilder::new(Kind::Blobs, 100);
    let empty = builder.finish(ID, 0, 0, 8).to_vec();
    assert_eq!(empty.len(), 40);
    builder.clear();
    builder.push(b"abc").unwrap();
    let one = builder.finish(ID, 64, 7, 8).to_vec();
    assert_eq!(builder.exchange(Vec::new()), one);
    assert!(builder.is_empty());
    assert_eq!(builder.finish(ID, 0, 0, 8), empty);
    builder.clear();
    builder.push(b"abc").unwrap();
    assert_eq!(builder.finish(ID, 64, 7, 8), one);
}

#[test]
fn a_kind_to_skip_is_never_taken_for_another() {
    let mut builder = BlockBuilder::new(Kind::Skippable(1), 0);
    let block = Block::decode(builder.finish(ID, 0, 0, 8), 0).unwrap().unwrap().head().kind;
    assert_eq!(block, Kind::Skippable(0x8001));
}

#[test]
#[cfg(target_pointer_width = "64")]
#[cfg_attr(miri, ignore = "takes 2 GiB of addresses")]
fn a_block_has_a_longest_length() {
    // Zeros that nobody touches take no memory.
    let zeros = vec![0; MAX_BLOCK_LENGTH];
    let mut builder = BlockBuilder::new(Kind::Blobs, 0);
    builder.push(b"abc").unwrap();
    // As many as are left behind the head, the first blob and its end, and the end of this one: a multiple of 8.
    let left = MAX_BLOCK_LENGTH - 40 - 8 - 4 - 4;
    for length in [MAX_BLOCK_LENGTH, left, left - left % 8 + 1] {
        assert_eq!(builder.push(&zeros[..length]), Err(TooLarge), "{length}");
    }
    assert_eq!((builder.length(), builder.blob_count()), (40 + 8 + 4, 1));
}

#[test]
fn an_index_is_pairs_of_offset_and_ordinal() {
    let entries =
        [(4_096, 0), (0x01_0000_0040, 5)].map(|(offset, first_ordinal)| IndexEntry { offset, first_ordinal });
    let block =
        hex("424c4b32 387a85fd  48000000 00000000  0900000000000000  20000000 0100 0000  0000000000000000
        0010000000000000 0000000000000000  4000000001000000 0500000000000000");
    let written = index::encode(&entries, ID, 8_192, 9, 8).unwrap();
    assert_eq!(written, block);

    let block = Block::decode(&block, 8_192).unwrap().unwrap();
    assert_eq!(block.verify(ID), Ok(()));
    let index = Index::decode(&block).unwrap();
    assert_eq!(index.entries().collect::<Vec<_>>(), entries);
    assert_eq!((index.get(1), index.get(2)), (Some(entries[1]), None));
    assert_eq!([0, 4, 5, u64::MAX].map(|ordinal| index.find(ordinal)), [Some(0), Some(0), Some(1), Some(1)]);

    let mut builder = BlockBuilder::new(Kind::JournalGroup, 0);
    let no_index = Block::decode(builder.finish(ID, 64, 0, 8), 64).unwrap().unwrap();
    let problem = Problem::Value { found: 16, expected: "that of an index, 1" };
    assert_eq!(Index::decode(&no_index).unwrap_err(), Damage { field: "kind", offset: 92, problem });
}

#[test]
fn an_ordinal_is_in_the_last_block_that_may_have_it() {
    // The second block has no blobs, and the fourth has none either.
    let entries = [0, 3, 3, 7].map(|first_ordinal| IndexEntry { offset: 0, first_ordinal });
    let block = index::encode(&entries, ID, 0, 7, 8).unwrap();
    let index = Index::decode(&Block::decode(&block, 0).unwrap().unwrap()).unwrap();
    assert_eq!([0, 2, 3, 6].map(|ordinal| index.find(ordinal)), [Some(0), Some(0), Some(2), Some(2)]);

    let none = index::encode(&[], ID, 0, 0, 8).unwrap();
    let index = Index::decode(&Block::decode(&none, 0).unwrap().unwrap()).unwrap();
    assert!(index.is_empty());
    assert_eq!(index.find(0), None);
}

#[test]
fn the_seal_is_what_the_region_holds() {
    let offset = 0x06_0000_0000;
    let seal = Seal {
        index_offset: 0x01_0203_0405,
        blobs: 0x11_1213_1415,
        blob_bytes: 0x21_2223_2425,
        blocks: 0x31_3233_3435,
        file_length: offset + 64,
        blocks_checksum: 0x4142_4344,
    };
    let bytes = hex("5345414c c0d26e6b  0504030201000000 1514131211000000 2524232221000000 3534333231000000
        4000000006000000  44434241  000000000000000000000000");
    assert_eq!(seal.encode(ID, offset)[..], bytes);
    assert_eq!(Seal::decode(&bytes, ID, offset), Ok(seal));

    for stranger in [Seal::decode(&bytes, RegionId::default(), offset), Seal::decode(&bytes, ID, offset + 8)]
    {
        assert_eq!(stranger.unwrap_err().field, "seal checksum");
    }
    let longer = Seal { file_length: offset + 65, ..seal }.encode(ID, offset);
    let damage = Seal::decode(&longer, ID, offset).unwrap_err();
    assert_eq!((damage.field, damage.offset), ("file length", offset + 40));
}

#[test]
fn ends_that_make_no_sense_are_refused_by_name() {
    let mut builder = BlockBuilder::new(Kind::Blobs, 0);
    ["abc", "def"].iter().for_each(|blob| builder.push(blob.as_bytes()).unwrap());
    let mut block = builder.finish(RegionId::default(), 0, 0, 8).to_vec();
    for (first, second, offset) in
        [(9_u32, 11_u32, 60), (17, 11, 56), (3, 17, 60), (3, 7, 60), (u32::MAX, 3, 56)]
    {
        block[56..60].copy_from_slice(&first.to_le_bytes());
        block[60..64].copy_from_slice(&second.to_le_bytes());
        let decoded = Block::decode(&block, 0).unwrap().unwrap();
        let damage = decoded.check_ends().unwrap_err();
        assert_eq!((damage.field, damage.offset), ("blob end", offset), "{first}, {second}");
        assert!(decoded.blob(0).is_err() || decoded.blob(1).is_err());
    }
    block[56..64].copy_from_slice(&[3, 0, 0, 0, 8, 0, 0, 0]);
    assert_eq!(Block::decode(&block, 0).unwrap().unwrap().check_ends().unwrap_err().field, "data length");
}

#[test]
fn damage_says_what_and_where() {
    let damage = |problem| Damage { field: "block checksum", offset: 4_100, problem }.to_string();
    assert_eq!(
        damage(Problem::Checksum { stored: 0x5f, computed: 0x11c0_ffee }),
        "block checksum at offset 4100: checksum mismatch (stored 0000005f, computed 11c0ffee)"
    );
    assert_eq!(
        damage(Problem::Value { found: 7, expected: "a multiple of 8" }),
        "block checksum at offset 4100: 7 is not a multiple of 8"
    );
}
