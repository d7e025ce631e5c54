//! Any bytes at all.

use proptest::prelude::*;
use region_store::format;

use crate::files::{header, mend};
use crate::script::{self, Script, check_any};

proptest! {
    #[test]
    fn any_bytes_are_a_file_or_damaged(
        start in prop_oneof![Just(vec![]), Just(vec![85, 1]), Just(header(8).encode().to_vec())],
        rest in prop::collection::vec(prop_oneof![3 => 0..4_u8, 1 => any::<u8>()], 0..200),
    ) {
        check_any(&[start, rest].concat());
    }

    #[test]
    fn any_script_is_run(bytes in prop::collection::vec(any::<u8>(), 0..if cfg!(miri) { 20 } else { 300 }), what in 1..4_u8) {
        script::run(&[vec![what], bytes].concat());
    }

    #[test]
    fn any_change_of_a_region_with_its_checksums_mended_is_a_file_or_damage(
        script in prop::collection::vec(any::<u8>(), 0..20),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut file = Script::decode(&script).write().bytes;
        let behind_header = &mut file[4_096..];
        for (place, byte) in changes {
            behind_header[place.index(behind_header.len())] = byte;
        }
        mend(&mut file);
        check_any(&file);
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes hours there")]
fn every_change_of_one_byte_shows_unless_it_is_padding() {
    let region = Script::decode(&[3, 20, 3, 41, 0, 90, 3, 3, 11, 8]).write();
    let mut file = region.bytes.clone();
    let mut unseen = 0;
    for place in 0..file.len() {
        // In the header page the checksum is all that looks at most bytes.
        let every = if (96..4_092).contains(&place) { 8 } else { 255 };
        for xor in (0..every).map(|bit| if every == 8 { 1 << bit } else { bit + 1 }) {
            file[place] ^= xor;
            let is_seen = format::check(&file).is_err();
            file[place] ^= xor;
            assert_eq!(is_seen, !region.is_padding(place), "{xor:02x} at {place}");
            unseen += usize::from(!is_seen);
        }
    }
    assert!(unseen > 0, "there is padding");
}
