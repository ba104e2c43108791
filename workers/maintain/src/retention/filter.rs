//! Which keys are kept, in a few bytes for each: a Bloom filter. It may take a key for
//! a kept one that is not, which then stays until another run, whose filter errs
//! elsewhere; it never takes a kept one for another.

use std::hash::{BuildHasher, RandomState};

/// Bits: eight million bytes, with which a million keys err one time in a billion,
/// and ten million one time in fifty.
const BITS: u64 = 1 << 26;

/// Bits of one key.
const HASHES: u64 = 7;

/// Keys that are kept.
pub(super) struct KeptKeys {
    bits: Vec<u64>,
    one: RandomState,
    other: RandomState,
}

impl KeptKeys {
    /// None.
    pub(super) fn new() -> Self {
        let words = usize::try_from(BITS / 64).unwrap_or_default();
        Self { bits: vec![0; words], one: RandomState::new(), other: RandomState::new() }
    }

    /// Keeps a key.
    pub(super) fn insert(&mut self, key: &str) {
        for bit in self.places(key) {
            if let Some((word, mask)) = at(bit) {
                self.bits[word] |= mask;
            }
        }
    }

    /// Whether a key may be kept; false only if it is not.
    pub(super) fn may_have(&self, key: &str) -> bool {
        self.places(key).into_iter().filter_map(at).all(|(word, mask)| self.bits[word] & mask != 0)
    }

    fn places(&self, key: &str) -> Vec<u64> {
        let (one, other) = (self.one.hash_one(key), self.other.hash_one(key) | 1);
        (0..HASHES).map(|number| one.wrapping_add(number.wrapping_mul(other)) % BITS).collect()
    }
}

fn at(bit: u64) -> Option<(usize, u64)> {
    Some((usize::try_from(bit / 64).ok()?, 1 << (bit % 64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kept_key_is_found_and_hardly_any_other() {
        let mut kept = KeptKeys::new();
        let keys = |of: &str| (0..20_000).map(move |n| format!("{of}/{n}.parquet")).collect();
        let (ours, others): (Vec<String>, Vec<String>) = (keys("ours"), keys("others"));
        ours.iter().for_each(|key| kept.insert(key));
        assert!(ours.iter().all(|key| kept.may_have(key)));
        assert!(others.iter().filter(|key| kept.may_have(key)).count() < 3);
    }
}
