//! A device that writes as much as it can and waits for no answer, so that groups are long, and the journal goes from
//! segment to segment.

use std::fs;

use crate::data::Data;
use crate::device::{Device, publish};
use crate::written::{BLANK, stamped};
use crate::{SECTOR, SECTORS};

/// Writes every sector, again and again, for as long as there is a server.
pub(crate) fn make(device: &mut Device) {
    let _passes = (0..).find(|pass| !write_a_disk(device, *pass));
}

/// Whether there was one to write to.
fn write_a_disk(device: &mut Device, pass: u32) -> bool {
    let packets = (0..SECTORS).flat_map(|number| {
        let offset = number * SECTOR as u32;
        let payload = [&offset.to_le_bytes()[..], &stamped(pass * SECTORS + number)].concat();
        publish("altair/noise/vdisk/write", &payload)
    });
    device.write(&packets.collect::<Vec<_>>()).is_ok()
}

/// No sector of what is left is torn.
pub(crate) fn check(data: &Data) {
    let disk = fs::read(data.image("noise")).unwrap_or_default();
    for (number, bytes) in (0..).zip(disk.chunks(SECTOR)).filter(|(_, bytes)| *bytes != BLANK) {
        let stamp = u32::from_le_bytes(bytes[..4].try_into().unwrap());
        assert!(bytes == stamped(stamp) && stamp % SECTORS == number, "the noise's sector {number} is torn");
    }
}
