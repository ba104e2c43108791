//! Walks keys in byte order, folding those with a common prefix into one.

use std::collections::BTreeMap;
use std::ops::Bound;

use s3s::{S3Result, s3_error};

use super::index::Key;

/// The most entries one response has.
const MAX: i32 = 1000;

/// What to list.
#[derive(Debug, Default)]
pub(super) struct Walk<'a> {
    /// Only keys that begin with this.
    pub(super) prefix: &'a str,
    /// Fold keys that have this after the prefix.
    pub(super) delimiter: Option<&'a str>,
    /// Where to begin.
    pub(super) from: From<'a>,
    /// How many entries at most, folded ones included.
    pub(super) limit: usize,
}

/// Where a listing begins.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum From<'a> {
    /// With the first key.
    #[default]
    Start,
    /// With the first key after this one; if this is a folded prefix, with the
    /// first key that it does not cover.
    After(&'a str),
    /// With this key itself, if it is there.
    At(&'a str),
}

/// One entry of a listing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry<'a, T> {
    /// A key.
    Key(&'a str, T),
    /// Keys that begin with this.
    Prefix(&'a str),
}

impl<T> Entry<'_, T> {
    /// The key or the prefix.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Key(name, _) | Self::Prefix(name) => name,
        }
    }
}

/// A page of a listing.
#[derive(Debug)]
pub(super) struct Page<'a, T> {
    /// Entries in byte order.
    pub(super) entries: Vec<Entry<'a, T>>,
    /// Whether there are more.
    pub(super) truncated: bool,
}

impl Walk<'_> {
    /// Lists `map`; `show` says what a key counts as, if it is to be seen.
    pub(super) fn page<'m, V, T>(
        &self,
        map: &'m BTreeMap<Key, V>,
        mut show: impl FnMut(&'m V) -> Option<T>,
    ) -> Page<'m, T> {
        let mut page = Page { entries: Vec::new(), truncated: false };
        let mut bound = self.first();
        'jump: loop {
            let start = match &bound {
                Bound::Included(from) => Bound::Included(from.as_slice()),
                Bound::Excluded(from) => Bound::Excluded(from.as_slice()),
                Bound::Unbounded => Bound::Unbounded,
            };
            for (key, value) in map.range::<[u8], _>((start, Bound::Unbounded)) {
                let key = key.as_str();
                let Some(rest) = key.strip_prefix(self.prefix) else { break 'jump };
                let Some(shown) = show(value) else { continue };
                if page.entries.len() == self.limit {
                    page.truncated = self.limit > 0;
                    break 'jump;
                }
                match self.folded(key, rest) {
                    Some(prefix) => {
                        page.entries.push(Entry::Prefix(prefix));
                        match past(prefix.as_bytes()) {
                            Some(next) => bound = Bound::Included(next),
                            None => break 'jump,
                        }
                        continue 'jump;
                    }
                    None => page.entries.push(Entry::Key(key, shown)),
                }
            }
            break;
        }
        page
    }

    fn first(&self) -> Bound<Vec<u8>> {
        let from = match self.from {
            From::Start => Bound::Unbounded,
            From::At(key) => Bound::Included(key.as_bytes().to_vec()),
            From::After(key) => match key.strip_prefix(self.prefix) {
                Some(rest) if self.folded(key, rest) == Some(key) => {
                    past(key.as_bytes()).map_or(Bound::Unbounded, Bound::Included)
                }
                Some(_) | None => Bound::Excluded(key.as_bytes().to_vec()),
            },
        };
        match &from {
            Bound::Included(key) | Bound::Excluded(key) if **key >= *self.prefix.as_bytes() => from,
            _ => Bound::Included(self.prefix.as_bytes().to_vec()),
        }
    }

    fn folded<'k>(&self, key: &'k str, rest: &str) -> Option<&'k str> {
        let delimiter = self.delimiter.filter(|delimiter| !delimiter.is_empty())?;
        let end = rest.find(delimiter)? + delimiter.len();
        Some(&key[..self.prefix.len() + end])
    }
}

/// The least bytes that no string beginning with `prefix` comes after.
fn past(prefix: &[u8]) -> Option<Vec<u8>> {
    // UTF-8 has no byte 0xFF, so the last byte can always be counted up.
    let mut next = prefix.to_vec();
    *next.last_mut()? += 1;
    Some(next)
}

/// The number of entries a request asks for.
///
/// # Errors
/// `InvalidArgument` if it is negative.
pub(super) fn limit(asked: Option<i32>) -> S3Result<i32> {
    match asked.unwrap_or(MAX) {
        negative @ ..0 => {
            Err(s3_error!(InvalidArgument, "`{negative}` is not a number of entries"))
        }
        asked => Ok(asked.min(MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[&str]) -> BTreeMap<Key, ()> {
        keys.iter().map(|key| (Key::new(*key), ())).collect()
    }

    fn names(walk: &Walk<'_>, map: &BTreeMap<Key, ()>) -> (Vec<String>, bool) {
        let page = walk.page(map, |()| Some(()));
        (page.entries.iter().map(|entry| entry.name().to_owned()).collect(), page.truncated)
    }

    #[test]
    fn pages_join_up_to_the_whole() {
        let map = keys(&["a", "b/1", "b/2", "b/2/x", "b0", "c/", "c/d/e", "\u{10FFFF}/z", "é"]);
        let all = Walk { delimiter: Some("/"), limit: 100, ..Default::default() };
        let (whole, truncated) = names(&all, &map);
        assert_eq!(whole, ["a", "b/", "b0", "c/", "é", "\u{10FFFF}/"]);
        assert!(!truncated);
        for limit in 1..whole.len() {
            let (mut joined, mut more) = (Vec::new(), true);
            while more {
                let last = joined.last().cloned();
                let from = last.as_deref().map_or(From::Start, From::After);
                let page;
                (page, more) = names(&Walk { from, limit, ..all_of(&all) }, &map);
                joined.extend(page);
            }
            assert_eq!(joined, whole, "{limit} at a time");
        }
    }

    fn all_of<'a>(walk: &Walk<'a>) -> Walk<'a> {
        Walk { prefix: walk.prefix, delimiter: walk.delimiter, from: walk.from, limit: walk.limit }
    }

    #[test]
    fn only_keys_under_the_prefix_are_listed() {
        let map = keys(&["a", "b/1", "b/2/x", "b/2/y", "c"]);
        let walk = Walk { prefix: "b/", delimiter: Some("/"), limit: 10, ..Default::default() };
        assert_eq!(names(&walk, &map).0, ["b/1", "b/2/"]);
        let walk = Walk { prefix: "b/", from: From::After("b/1"), limit: 10, delimiter: None };
        assert_eq!(names(&walk, &map).0, ["b/2/x", "b/2/y"]);
        let walk = Walk { prefix: "b/", from: From::After("a"), limit: 10, delimiter: None };
        assert_eq!(names(&walk, &map).0.len(), 3);
    }

    #[test]
    fn nothing_asked_for_is_nothing_more() {
        let walk = Walk { limit: 0, ..Default::default() };
        assert_eq!(names(&walk, &keys(&["a"])), (vec![], false));
    }
}
