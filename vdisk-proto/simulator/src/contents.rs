//! What is in sectors: each write is one of its kind, so that a sector tells which one it is.

use sector_cache::Geometry;

/// A write's number, or that of the bytes that a disk begins with.
pub(crate) type Content = u64;

/// The bytes of a sector that a write of this number leaves.
pub(crate) fn encode(content: Content, sector: &mut [u8]) {
    let bytes = content.to_le_bytes();
    for (place, index) in sector.iter_mut().zip(0_usize..) {
        let byte = bytes.get(index % bytes.len()).copied().unwrap_or_default();
        // No two places of a sector go alike, so that pieces of two writes never look like one.
        *place = byte ^ u8::try_from(index & 0xff).unwrap_or_default().rotate_left(3);
    }
}

/// Which write left these bytes; `None` if no single one did.
pub(crate) fn decode(sector: &[u8]) -> Option<Content> {
    let mut bytes = [0; 8];
    for ((byte, place), index) in bytes.iter_mut().zip(sector).zip(0_u8..) {
        *byte = place ^ index.rotate_left(3);
    }
    let content = u64::from_le_bytes(bytes);
    let mut whole = [0; 512];
    let whole = whole.get_mut(..sector.len())?;
    encode(content, whole);
    (*whole == *sector).then_some(content)
}

/// A disk of which each sector has contents of its own, from `first` on.
pub(crate) fn disk(geometry: Geometry, first: Content) -> Vec<u8> {
    let length = usize::from(geometry.sector_length());
    let mut image = vec![0; usize::try_from(geometry.bytes()).unwrap_or_default()];
    for (sector, content) in image.chunks_exact_mut(length).zip(first..) {
        encode(content, sector);
    }
    image
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sector_tells_its_write_and_a_torn_one_tells_none() {
        let (mut old, mut new) = ([0; 137], [0; 137]);
        encode(0x0102_0304, &mut old);
        encode(u64::MAX, &mut new);
        assert_eq!((decode(&old), decode(&new)), (Some(0x0102_0304), Some(u64::MAX)));
        for cut in 1..137 {
            let torn = [&old[..cut], &new[cut..]].concat();
            assert_eq!(decode(&torn), None, "{cut}");
        }
    }
}
