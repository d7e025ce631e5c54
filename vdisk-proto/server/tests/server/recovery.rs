//! Journals that a server left: recovered by the next one or by `vdisk-server recover`, or damaged.

use std::fs;
use std::process::Output;

use crate::data::{Data, filling};
use crate::program::command;
use crate::server::Server;
use crate::{CHANNEL, SECTOR, disk, read, sector};

/// Blocks of a journal begin at multiples of it.
const BLOCK: usize = 4_096;

/// A folder whose server was killed after so many writes, each in a block of its own.
fn killed_after(writes: u32) -> Data {
    let data = Data::numbered();
    let server = Server::start_with(&data, &["--segment-mib", "4", "--journal-mib", "8"]);
    let disk = disk(&server, CHANNEL);
    for number in 0..writes {
        disk.write(sector(number), &[0x99; SECTOR]).unwrap();
        disk.flush().unwrap();
    }
    server.kill();
    data
}

fn recover(data: &Data, options: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } =
        command(["recover", "--data"]).arg(data.folder()).args(options).output().unwrap();
    (status.code(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

#[test]
fn a_journal_is_recovered_without_a_server() {
    let data = killed_after(20);
    // As after a power cut, before which nothing reached the image.
    fs::write(data.image(CHANNEL), crate::data::numbered_image()).unwrap();
    let server = Server::start(&data);
    let (code, said) = recover(&data, &[]);
    assert_eq!(code, Some(69), "a server has the folder: {said}");
    server.kill();
    let (code, said) = recover(&data, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("every disk has all that was written to it"), "{said}");
    data.assert_closed();
    for number in 0..20 {
        assert_eq!(data.sector(CHANNEL, number), [0x99; SECTOR]);
    }
    assert_eq!(data.sector(CHANNEL, 20), [filling(20); SECTOR]);
}

#[test]
fn a_damaged_journal_is_refused_until_somebody_gives_up_what_is_behind_it() {
    let data = killed_after(20);
    let segment = &data.segments()[0];
    let mut bytes = fs::read(segment).unwrap();
    let written = bytes.chunks(BLOCK).rposition(|block| block.iter().any(|byte| *byte != 0)).unwrap();
    let damaged = written - 10;
    bytes[damaged * BLOCK + 100] ^= 1;
    fs::write(segment, bytes).unwrap();

    let refusal = Server::refused(&data, &["--listen", "127.0.0.1:0"]);
    let (code, said) = recover(&data, &[]);
    assert_eq!((refusal.code, code), (78, Some(78)));
    for text in [&refusal.text, &said] {
        assert!(text.contains(&format!("offset {}", damaged * BLOCK)) && text.contains("--force"), "{text}");
    }
    let (code, said) = recover(&data, &["--force"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("what was behind the damage is lost"), "{said}");
    data.assert_closed();
    let server = Server::start(&data);
    let disk = disk(&server, CHANNEL);
    for number in 0..20 {
        // All had reached the image already.
        assert_eq!(read(&disk, number), [0x99; SECTOR]);
    }
}
