//! The keys that a `unique` rule has seen, and where: in memory as long as they
//! fit, in a temporary file from then on.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::io;

use super::keys::Key;
use super::spill::Spill;

/// Where a key was seen first: the line, and the member of an archive. Packed,
/// for there is one for each key; never 0, since lines count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(pub(super) u64);

/// Bits of a [`Place`] that are the line; the others are the member.
const LINE_BITS: u32 = 44;

impl Place {
    /// A line, counted from 1, of a member, counted from 0.
    pub(super) fn new(line: u64, member: u32) -> Self {
        Self((u64::from(member) << LINE_BITS) | (line & ((1 << LINE_BITS) - 1)))
    }

    /// The line.
    pub(super) fn line(self) -> u64 {
        self.0 & ((1 << LINE_BITS) - 1)
    }

    /// Whether it is in the same member as `other`.
    pub(super) fn is_in_member_of(self, other: Self) -> bool {
        self.0 >> LINE_BITS == other.0 >> LINE_BITS
    }
}

/// Keys by their first place.
pub(super) struct Seen {
    bytes: usize,
    keys: Held,
}

enum Held {
    Memory(HashMap<Key, Place, BuildHasherDefault<FirstHalf>>),
    File(Spill),
}

impl Seen {
    /// No keys; `bytes` of them may be in memory.
    pub(super) fn new(bytes: usize) -> Self {
        Self { bytes, keys: Held::Memory(HashMap::default()) }
    }

    /// Where a key was seen first.
    ///
    /// # Errors
    /// Those of the temporary file.
    pub(super) fn find(&mut self, key: &Key) -> io::Result<Option<Place>> {
        match &mut self.keys {
            Held::Memory(keys) => Ok(keys.get(key).copied()),
            Held::File(spill) => spill.find(key),
        }
    }

    /// Enters a key, unless it is there.
    ///
    /// # Errors
    /// Those of the temporary file.
    pub(super) fn enter(&mut self, key: Key, place: Place) -> io::Result<()> {
        match &mut self.keys {
            Held::Memory(keys) => {
                keys.entry(key).or_insert(place);
                let is_full = keys.len() == keys.capacity();
                if is_full && table_bytes(2 * keys.capacity()) > self.bytes {
                    self.keys = Held::File(Spill::create(std::mem::take(keys))?);
                }
                Ok(())
            }
            Held::File(spill) => match spill.find(&key)? {
                Some(_) => Ok(()),
                None => spill.enter(&key, place),
            },
        }
    }
}

/// What a hash table of this capacity takes: seven of eight places are used, and
/// each has a byte of its own.
fn table_bytes(capacity: usize) -> usize {
    (size_of::<(Key, Place)>() + 1) * capacity / 7 * 8
}

/// The hash of a key is its first half: it is one already.
#[derive(Default)]
struct FirstHalf(Option<u64>);

impl Hasher for FirstHalf {
    fn finish(&self) -> u64 {
        self.0.unwrap_or_default()
    }

    fn write(&mut self, bytes: &[u8]) {
        // Arrays of integers come as their bytes, after their length.
        if let Some((half, _)) = bytes.split_first_chunk() {
            self.write_u64(u64::from_ne_bytes(*half));
        }
    }

    fn write_u64(&mut self, half: u64) {
        self.0.get_or_insert(half);
    }

    fn write_usize(&mut self, _: usize) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key whose halves are spread as those of a hash are.
    fn key(number: u64) -> Key {
        let half = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        [half ^ (half >> 29), half.rotate_left(17)]
    }

    #[test]
    fn a_place_is_a_line_of_a_member() {
        let (one, other) = (Place::new(17, 3), Place::new(1 << 40, 3));
        assert_eq!((one.line(), other.line()), (17, 1 << 40));
        assert!(one.is_in_member_of(other));
        assert!(!one.is_in_member_of(Place::new(17, 2)));
    }

    #[test]
    fn keys_are_found_in_memory_and_in_the_file_alike() {
        let mut small = Seen::new(64 << 10);
        let mut large = Seen::new(64 << 20);
        for number in 0..50_000 {
            let place = Place::new(number + 2, (number % 3) as u32);
            for seen in [&mut small, &mut large] {
                assert_eq!(seen.find(&key(number)).expect("a file"), None, "{number}");
                seen.enter(key(number), place).expect("a file");
                seen.enter(key(number / 2), Place::new(1, 9)).expect("a file");
            }
        }
        assert!(matches!(small.keys, Held::File(_)));
        assert!(matches!(large.keys, Held::Memory(_)));
        for number in 0..50_000 {
            let place = Place::new(number + 2, (number % 3) as u32);
            assert_eq!(small.find(&key(number)).expect("a file"), Some(place));
            assert_eq!(large.find(&key(number)).expect("a file"), Some(place));
        }
    }

    #[test]
    fn a_hash_table_grows_no_further_than_its_bytes() {
        let mut seen = Seen::new(1 << 20);
        let mut most = 0;
        for number in 0..60_000 {
            seen.enter(key(number), Place::new(1, 0)).expect("a file");
            if let Held::Memory(keys) = &seen.keys {
                most = most.max(table_bytes(keys.capacity()));
            }
        }
        assert!(most <= 1 << 20, "{most}");
        assert!(most > 1 << 18, "{most}");
    }
}
