//! Keys in a temporary file: a hash table of pages, which doubles when a page is
//! full. It holds a page in memory, however many keys there are, and goes away
//! with the process.

use std::collections::HashMap;
use std::fs::File;
use std::hash::BuildHasher;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use super::keys::Key;
use super::seen::Place;

/// Bytes of a page.
const PAGE: usize = 4096;

/// Bytes of a key and its place. Zeros are a free entry: lines count from 1.
const ENTRY: usize = 24;

/// Entries of a page.
const ENTRIES: usize = PAGE / ENTRY;

/// Bytes that are read or written at a time while the table doubles.
const STRETCH: usize = 1 << 20;

type Page = [u8; PAGE];

/// A table of keys in a temporary file. The first bits of a key say its page.
pub(super) struct Spill {
    file: File,
    bits: u32,
    /// The page that was looked at last.
    page: Box<Page>,
    number: Option<u64>,
}

impl Spill {
    /// A table of these keys.
    pub(super) fn create<S: BuildHasher>(keys: HashMap<Key, Place, S>) -> io::Result<Self> {
        let pages = (keys.len() / (ENTRIES / 3)).next_power_of_two();
        let file = tempfile::tempfile()?;
        file.set_len((pages * PAGE) as u64)?;
        let bits = pages.trailing_zeros();
        let mut spill = Self { file, bits, page: Box::new([0; PAGE]), number: None };
        for (key, place) in keys {
            spill.enter(&key, place)?;
        }
        Ok(spill)
    }

    /// Where a key was seen first.
    pub(super) fn find(&mut self, key: &Key) -> io::Result<Option<Place>> {
        self.load(page_of(key, self.bits))?;
        let taken = entries(&self.page).map_while(read_entry);
        Ok(taken.into_iter().find(|(known, _)| known == key).map(|(_, place)| place))
    }

    /// Enters a key that is not there.
    pub(super) fn enter(&mut self, key: &Key, place: Place) -> io::Result<()> {
        loop {
            let number = page_of(key, self.bits);
            self.load(number)?;
            if let Some(index) = free_entry(&self.page) {
                let at = index * ENTRY;
                let entry = write_entry(key, place);
                self.page[at..at + ENTRY].copy_from_slice(&entry);
                self.file.seek(SeekFrom::Start(number * PAGE as u64 + at as u64))?;
                return self.file.write_all(&entry);
            }
            self.double()?;
        }
    }

    fn load(&mut self, number: u64) -> io::Result<()> {
        if self.number != Some(number) {
            self.number = None;
            self.file.seek(SeekFrom::Start(number * PAGE as u64))?;
            self.file.read_exact(&mut self.page[..])?;
            self.number = Some(number);
        }
        Ok(())
    }

    /// Twice as many pages: each becomes two neighbours, front to back.
    fn double(&mut self) -> io::Result<()> {
        let mut doubled = tempfile::tempfile()?;
        self.file.rewind()?;
        let mut source = BufReader::with_capacity(STRETCH, &self.file);
        let mut target = BufWriter::with_capacity(STRETCH, &mut doubled);
        let bits = self.bits + 1;
        let mut page = [0; PAGE];
        for number in 0..1u64 << self.bits {
            source.read_exact(&mut page)?;
            let mut halves = [[0; PAGE]; 2];
            let mut lengths = [0; 2];
            for (key, place) in entries(&page).map_while(read_entry) {
                let half = (page_of(&key, bits) - 2 * number) as usize;
                let at = lengths[half];
                halves[half][at..at + ENTRY].copy_from_slice(&write_entry(&key, place));
                lengths[half] += ENTRY;
            }
            target.write_all(halves.as_flattened())?;
        }
        target.flush()?;
        drop((source, target));
        (self.file, self.bits, self.number) = (doubled, bits, None);
        Ok(())
    }
}

fn page_of(key: &Key, bits: u32) -> u64 {
    key[1].checked_shr(u64::BITS - bits).unwrap_or_default()
}

fn entries(page: &Page) -> impl Iterator<Item = &[u8; ENTRY]> {
    page.as_chunks().0.iter()
}

fn free_entry(page: &Page) -> Option<usize> {
    entries(page).position(|entry| read_entry(entry).is_none())
}

fn read_entry(entry: &[u8; ENTRY]) -> Option<(Key, Place)> {
    let [first, second, place] = *entry.as_chunks::<8>().0 else { return None };
    let place = u64::from_le_bytes(place);
    let key = [u64::from_le_bytes(first), u64::from_le_bytes(second)];
    (place > 0).then_some((key, Place(place)))
}

fn write_entry(key: &Key, place: Place) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    for (chunk, number) in entry.chunks_mut(8).zip([key[0], key[1], place.0]) {
        chunk.copy_from_slice(&number.to_le_bytes());
    }
    entry
}
