//! Finds the bytes that structure a CSV file, 64 at a time.
//!
//! Written so that the compiler turns it into vector instructions on any
//! machine: comparisons into an array of zeros and ones, then eight of them at a
//! time gathered into bits by a multiplication.

/// How many bytes one mask covers.
pub(crate) const LANES: usize = 64;

/// A mask with bit `i` set where `bytes[i]` is one of `set`.
#[inline]
pub(crate) fn mask_of(bytes: &[u8; LANES], set: [u8; 4]) -> u64 {
    let mut hits = [0u8; LANES];
    for (hit, &byte) in hits.iter_mut().zip(bytes) {
        *hit = u8::from(byte == set[0])
            | u8::from(byte == set[1])
            | u8::from(byte == set[2])
            | u8::from(byte == set[3]);
    }
    let mut mask = 0;
    for (index, eight) in hits.as_chunks::<8>().0.iter().enumerate() {
        mask |= gather(u64::from_le_bytes(*eight)) << (8 * index);
    }
    mask
}

/// The lowest bits of eight bytes that are each 0 or 1, as one byte.
#[inline]
fn gather(eight: u64) -> u64 {
    eight.wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_bit_is_set_exactly_where_a_byte_is_in_the_set(bytes: [u8; 64], set: [u8; 4]) {
            // Half the bytes are drawn from the set, or there would be few hits.
            let mut bytes = bytes;
            for at in (0..64).step_by(2) {
                bytes[at] = set[usize::from(bytes[at]) % 4];
            }
            let mask = mask_of(&bytes, set);
            for (at, byte) in bytes.iter().enumerate() {
                prop_assert_eq!(mask >> at & 1 == 1, set.contains(byte));
            }
        }
    }
}
