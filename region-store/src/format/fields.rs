//! Fields at their offsets.

use super::{Damage, Problem};

/// The first bytes of a field that starts at `offset` of the file.
pub(super) fn chunk<'a, const N: usize>(
    bytes: &'a [u8],
    offset: u64,
    field: &'static str,
) -> Result<&'a [u8; N], Damage> {
    let problem = Problem::Truncated { needed: N as u64, left: bytes.len() as u64 };
    bytes.first_chunk().ok_or(Damage::new(field, offset, problem))
}

/// A number of `N` bytes, as those. What a caller does not have, it cannot ask for: it holds as many bytes as its
/// table.
pub(crate) fn at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

pub(super) fn u16_at(bytes: &[u8], offset: usize) -> u16 {
    u16::from_le_bytes(at(bytes, offset))
}

pub(super) fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(at(bytes, offset))
}

pub(super) fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(at(bytes, offset))
}

/// Writes a field, all of which is within `bytes`.
pub(super) fn put(bytes: &mut [u8], offset: usize, field: &[u8]) {
    if let Some(place) = bytes.get_mut(offset..).and_then(|rest| rest.get_mut(..field.len())) {
        place.copy_from_slice(field);
    }
}
