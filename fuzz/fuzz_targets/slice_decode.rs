//! What comes from elsewhere into a slice: manifests, of any bytes or with their length and checksum made right, and
//! parcels in Burst's framing, from memory and from the wire.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use region_store::Parcel;
use region_store::format::manifest::SIGNATURE;
use region_store::format::{Manifest, crc32c};
use region_store::parcel::burst::Message;

/// Snappy makes 64 bytes of 3 at most.
const MOST_INFLATION: usize = 22;

fuzz_target!(|data: &[u8]| {
    let Some((kind, bytes)) = data.split_first() else { return };
    match kind % 4 {
        0 => manifest(bytes),
        1 => manifest(&made_right(bytes)),
        2 => {
            if let Ok(found) = Parcel::from_burst_memory(&Bytes::copy_from_slice(bytes)) {
                parcel(&found, bytes.len());
            }
        }
        _ => {
            if let Ok(Message::Parcel(found)) = Message::from_burst_wire(bytes) {
                parcel(&found, bytes.len());
            }
        }
    }
});

/// What is decoded says the same when it is encoded, in as many bytes; damage is in the file.
fn manifest(bytes: &[u8]) {
    match Manifest::decode(bytes) {
        Ok(manifest) => {
            let encoded = manifest.encode().expect("what could be read can be said");
            assert_eq!(encoded.len(), bytes.len());
            assert_eq!(Manifest::decode(&encoded).as_ref(), Ok(&manifest));
        }
        Err(damage) => assert!(damage.offset <= bytes.len() as u64, "{damage}"),
    }
}

/// The same with signature, version, length and checksum of a manifest.
fn made_right(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let length = bytes.len();
    if let Some(start) = bytes.first_chunk_mut::<12>() {
        start[..6].copy_from_slice(&SIGNATURE);
        start[6..8].copy_from_slice(&[1, 0]);
        start[8..].copy_from_slice(&(length as u32).to_le_bytes());
        let (covered, checksum) = bytes.split_at_mut(length - 4);
        checksum.copy_from_slice(&crc32c(covered).to_le_bytes());
    }
    bytes
}

/// What a parcel has is bounded, and its blobs are all of it.
fn parcel(parcel: &Parcel, length: usize) {
    assert!(parcel.slots().len() <= MOST_INFLATION * length);
    assert_eq!(parcel.blobs().count(), parcel.blob_count());
    assert_eq!(parcel.blobs().map(|blob| blob.len() as u64).sum::<u64>(), parcel.blob_bytes());
}
