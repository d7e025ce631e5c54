//! CRC-32C, four bits at a time: a table of 64 bytes suits a microcontroller, and frames are short.

/// The CRC-32C of some bytes after others. Of `123456789` it is `e3069283`.
#[must_use]
pub fn crc32c(parts: &[&[u8]]) -> u32 {
    let mut crc = u32::MAX;
    for byte in parts.iter().copied().flatten() {
        crc = step(crc ^ u32::from(*byte));
        crc = step(crc);
    }
    !crc
}

/// Four bits.
fn step(crc: u32) -> u32 {
    crc >> 4 ^ TABLE.get((crc & 15) as usize).copied().unwrap_or_default()
}

/// What four bits become, by the reflected polynomial.
const TABLE: [u32; 16] = [
    0x0000_0000,
    0x105e_c76f,
    0x20bd_8ede,
    0x30e3_49b1,
    0x417b_1dbc,
    0x5125_dad3,
    0x61c6_9362,
    0x7198_540d,
    0x82f6_3b78,
    0x92a8_fc17,
    0xa24b_b5a6,
    0xb215_72c9,
    0xc38d_26c4,
    0xd3d3_e1ab,
    0xe330_a81a,
    0xf36e_6f75,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_is_the_one_of_the_standard() {
        assert_eq!(crc32c(&[b"123456789"]), 0xe306_9283);
        assert_eq!(crc32c(&[b"1234", b"", b"56789"]), 0xe306_9283);
        assert_eq!(crc32c(&[]), 0);
    }

    #[test]
    fn the_table_is_the_polynomial_s() {
        for (bits, entry) in (0..).zip(TABLE) {
            let crc =
                (0..4).fold(bits, |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 });
            assert_eq!(entry, crc);
        }
    }
}
