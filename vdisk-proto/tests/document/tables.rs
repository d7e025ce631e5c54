//! The tables are those of the codec: a field is where the bytes change that its value changes.

use std::ops::Range;

use sector_cache::{Drive, Geometry};
use vdisk_proto::codec::frame::{Frame, HEAD_LENGTH, MAGIC, OVERHEAD, Operation, VERSION};
use vdisk_proto::codec::hello::{ANSWER_HEAD_LENGTH, DriveInfo, HelloAnswer, HelloRequest, REQUEST_LENGTH};
use vdisk_proto::codec::legacy::{DATA_LENGTH, OFFSET_LENGTH, SECTOR_LENGTH};
use vdisk_proto::codec::{Channel, Status, Topic, channel, crc32c, topic};
use vdisk_proto::service::Limits;

use crate::{document, section, table};

const NOTHING: Frame<'_> = Frame::blank(Operation::Hello, 0, 0);

fn encoded(frame: &Frame<'_>) -> Vec<u8> {
    let mut bytes = vec![0; frame.length()];
    assert!(frame.encode(&Channel::new("12345678").unwrap(), &mut bytes));
    bytes
}

/// Where two of a length differ: from the first such byte to behind the last.
fn difference(one: &[u8], other: &[u8]) -> Range<usize> {
    assert_eq!(one.len(), other.len());
    let differs: Vec<usize> = (0..one.len()).filter(|&at| one[at] != other[at]).collect();
    differs[0]..differs[differs.len() - 1] + 1
}

/// Where a table says that a field is.
fn place(rows: &[Vec<String>], field: &str) -> Range<usize> {
    let row = rows.iter().find(|row| row[2] == field).unwrap_or_else(|| panic!("{field} is in no row"));
    let [offset, size] = [&row[0], &row[1]].map(|cell| cell.parse::<usize>().unwrap());
    offset..offset + size
}

/// Checks that the fields of a table are these, in this order.
fn fields_are(rows: &[Vec<String>], fields: &[&str]) {
    assert_eq!(rows.iter().map(|row| &row[2]).collect::<Vec<_>>(), fields);
}

#[test]
fn a_frame_is_laid_out_as_its_table_says() {
    let rows = table(&section("## The frame"), "Field");
    let fields = ["session", "sequence", "acknowledged", "sector", "count", "drive", "status"];
    fields_are(&rows, &[&["magic", "version", "operation"][..], &fields, &["body", "checksum"]].concat());
    let full = [
        Frame { session: u32::MAX, ..NOTHING },
        Frame { sequence: u32::MAX, ..NOTHING },
        Frame { acknowledged: u32::MAX, ..NOTHING },
        Frame { sector: u32::MAX, ..NOTHING },
        Frame { count: u16::MAX, ..NOTHING },
        Frame { drive: u8::MAX, ..NOTHING },
        Frame { status: Status::Busy, ..NOTHING },
    ];
    let nothing = encoded(&NOTHING);
    for (field, frame) in fields.into_iter().zip(full) {
        let frame = encoded(&frame);
        assert_eq!(
            place(&rows, field),
            difference(&frame[..HEAD_LENGTH], &nothing[..HEAD_LENGTH]),
            "{field}"
        );
    }
    assert_eq!(nothing[place(&rows, "magic")], MAGIC);
    assert_eq!(nothing[place(&rows, "version")], [VERSION]);
    assert_eq!(encoded(&Frame { is_answer: true, ..NOTHING })[place(&rows, "operation")], [0x81]);
    assert_eq!(rows[10][..3], [HEAD_LENGTH.to_string(), "n".into(), "body".into()]);
    let checksum_length = OVERHEAD - HEAD_LENGTH;
    assert_eq!(rows[11][..3], [format!("{HEAD_LENGTH}+n"), checksum_length.to_string(), "checksum".into()]);
    assert!(document().contains("its length less 28") && OVERHEAD == 28);
    assert!(document().contains("`123456789` it is 0xE3069283") && crc32c(&[b"123456789"]) == 0xe306_9283);
}

#[test]
fn operations_have_the_numbers_of_their_table() {
    let rows = table(&section("## Operations"), "Operation");
    let operations =
        [Operation::Hello, Operation::Read, Operation::Write, Operation::Flush, Operation::Invalidate];
    let told: Vec<_> = rows.iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let ours = operations.map(|operation| (operation as u8, format!("{operation:?}").to_uppercase()));
    assert_eq!(told, ours.map(|(number, name)| (number.to_string(), name)));
}

#[test]
fn statuses_have_the_numbers_of_their_table() {
    let rows = table(&section("## Statuses"), "Status");
    let told: Vec<_> = rows.iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let ours = Status::ALL.map(|status| (status.number().to_string(), in_capitals(&format!("{status:?}"))));
    assert_eq!(told, ours);
}

/// `BadRequest` is BAD_REQUEST.
fn in_capitals(name: &str) -> String {
    let words = name.char_indices().flat_map(|(at, character)| {
        let is_start = at > 0 && character.is_uppercase();
        is_start.then_some('_').into_iter().chain(character.to_uppercase())
    });
    words.collect()
}

#[test]
fn a_hello_is_laid_out_as_its_table_says() {
    let rows = table(&section("## HELLO"), "Field of the request");
    let fields = ["nonce", "previous session", "largest frame", "cacheable sectors"];
    fields_are(&rows, &["nonce", "previous session", "largest frame", "", "cacheable sectors"]);
    let nothing = HelloRequest { nonce: 0, previous: 0, largest_frame: 0, cacheable_sectors: 0 };
    let full = [
        HelloRequest { nonce: u64::MAX, ..nothing },
        HelloRequest { previous: u32::MAX, ..nothing },
        HelloRequest { largest_frame: u16::MAX, ..nothing },
        HelloRequest { cacheable_sectors: u32::MAX, ..nothing },
    ];
    for (field, request) in fields.into_iter().zip(full) {
        assert_eq!(place(&rows, field), difference(&request.encode(), &nothing.encode()), "{field}");
    }
    assert!(document().contains("this body of 20 bytes") && REQUEST_LENGTH == 20);
}

#[test]
fn the_answer_to_a_hello_is_laid_out_as_its_tables_say() {
    let rows = table(&section("## HELLO"), "Field of the answer");
    fields_are(&rows, &["nonce", "largest frame", "window", "drives"]);
    let nothing = HelloAnswer { nonce: 0, largest_frame: 0, window: 0 };
    let encoded = |answer: HelloAnswer, drives: &[DriveInfo]| {
        answer.encode(drives, &mut [0; HelloAnswer::length(1)]).unwrap().to_vec()
    };
    let full = [
        ("nonce", HelloAnswer { nonce: u64::MAX, ..nothing }),
        ("largest frame", HelloAnswer { largest_frame: u16::MAX, ..nothing }),
        ("window", HelloAnswer { window: u8::MAX, ..nothing }),
    ];
    for (field, answer) in full {
        assert_eq!(place(&rows, field), difference(&encoded(answer, &[]), &encoded(nothing, &[])), "{field}");
    }
    let geometry = Geometry::new(1, 1, 1).unwrap();
    let drive = DriveInfo { drive: Drive::A, is_read_only: false, geometry, generation: 0 };
    let one = encoded(nothing, &[drive]);
    assert_eq!(one[place(&rows, "drives")], [1]);
    assert!(document().contains("16 bytes follow, from offset 12 on") && ANSWER_HEAD_LENGTH == 12);
    assert_eq!(one.len(), 12 + 16);

    let rows = table(&section("## HELLO"), "Field of a drive");
    let last = Drive::new(Drive::COUNT - 1).unwrap();
    // Another value in every byte of the field, as large as a shape may be.
    let shape = |tracks, sectors, length| DriveInfo {
        geometry: Geometry::new(tracks, sectors, length).unwrap(),
        ..drive
    };
    let full = [
        ("drive", DriveInfo { drive: last, ..drive }),
        ("drive flags", DriveInfo { is_read_only: true, ..drive }),
        ("sector length", shape(1, 1, u16::MAX)),
        ("sectors a track", shape(1, u16::MAX, 1)),
        ("tracks", shape(u16::MAX, 1, 1)),
        ("generation", DriveInfo { generation: u64::MAX, ..drive }),
    ];
    fields_are(&rows, &full.map(|(field, _)| field));
    for (field, other) in full {
        let found = difference(&encoded(nothing, &[other]), &one);
        assert_eq!(place(&rows, field), found.start - 12..found.end - 12, "{field}");
    }
    assert_eq!(encoded(nothing, &[full[1].1])[13], 1, "bit 0");
}

#[test]
fn legacy_payloads_are_laid_out_as_their_table_says() {
    let rows = table(&section("## Legacy"), "Field");
    fields_are(&rows, &["offset", "sector"]);
    assert_eq!(place(&rows, "offset"), 0..OFFSET_LENGTH);
    assert_eq!(place(&rows, "sector"), OFFSET_LENGTH..OFFSET_LENGTH + SECTOR_LENGTH);
    assert!(document().contains("a read has 4 bytes, and a write and a data message have 141"));
    assert_eq!((OFFSET_LENGTH, DATA_LENGTH), (4, 141));
}

#[test]
fn topics_are_those_of_their_table() {
    let rows = table(&section("## Channel and topics"), "Topic");
    let order = [Topic::Request, Topic::Response, Topic::LegacyRead, Topic::LegacyWrite, Topic::LegacyData];
    let told: Vec<_> = rows.iter().map(|row| row[0].trim_matches('`').to_owned()).collect();
    assert_eq!(told, order.map(Topic::suffix));
    assert!(document().contains("1 to 32 characters") && channel::MAX_LENGTH == 32);
}

#[test]
fn the_board_s_buffers_take_what_is_said() {
    let largest_frame = |characters: usize| {
        let channel = Channel::new(&"7".repeat(characters)).unwrap();
        let mut memory = [0; topic::MAX_LENGTH];
        1_024 - 7 - Topic::Response.write(&channel, &mut memory).unwrap().len()
    };
    let geometry = Geometry::ALTAIR_8_INCH;
    let frames_a_track = |characters: usize| {
        let sectors = (largest_frame(characters) - OVERHEAD) / usize::from(geometry.sector_length());
        usize::from(geometry.sectors_per_track()).div_ceil(sectors)
    };
    assert!(document().contains("1,024 - 7 - 28 = 989 bytes") && largest_frame(8) == 989);
    assert!(document().contains("A track of 32 comes in five frames"));
    assert!(document().contains("With a channel of 11 characters or more it would be six"));
    assert_eq!([8, 10, 11].map(frames_a_track), [5, 5, 6]);
}

#[test]
fn the_service_has_the_bounds_that_are_told() {
    let limits = Limits::default();
    assert!(document().contains("runs of more than 65,536 bytes") && limits.channel_answer_bytes == 65_536);
}
