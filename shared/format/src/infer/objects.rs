//! Samples of JSON objects.

use std::collections::HashMap;
use std::io::Read;

use millrace_contract::{Dataset, SchemaMode};

use super::{Guess, Malformed, Sample, Sampled};
use crate::FormatError;
use crate::bind::stable_names;
use crate::block::{Block, Lines};
use crate::json::{JsonError, Kind, Token, Tokens, unescape};
use crate::split::Splitter;

/// Looks at the objects of the first `bytes` bytes.
pub(super) fn sample<R: Read>(
    splitter: &mut Splitter<R>,
    dataset: &Dataset,
    bytes: u64,
) -> Result<Sampled, FormatError> {
    let cut = splitter.cut_of_json(dataset.format)?;
    let mut sampler = Sampler {
        flatten: dataset.json.flatten,
        // What evolves has to take any later member, which JSON does.
        into_nested: dataset.schema.mode != SchemaMode::Evolve,
        ..Sampler::default()
    };
    let mut spare = Block::default();
    while let Some(block) = splitter.next(cut, spare)? {
        sampler.look_at(&block);
        sampler.bytes = block.offset + block.bytes.len() as u64;
        if sampler.bytes >= bytes {
            break;
        }
        spare = block;
    }
    Ok(sampler.finish())
}

#[derive(Default)]
struct Sampler {
    /// Columns by key.
    positions: HashMap<Vec<u8>, usize>,
    /// Keys and values in the order in which keys first came.
    columns: Vec<(String, Guess)>,
    rows: u64,
    malformed: Malformed,
    /// Bytes that were looked at.
    bytes: u64,
    /// Whether members of nested objects are columns of their own.
    flatten: bool,
    /// Whether lists and objects are looked into, so that they get types of their
    /// own.
    into_nested: bool,
}

impl Sampler {
    fn look_at(&mut self, block: &Block) {
        let mut lines = Lines::new(block);
        for row in 0..block.rows.len() {
            let text = block.row(row);
            match std::str::from_utf8(text) {
                Err(error) => self.malformed.add(|| error.to_string()),
                Ok(_) => match members(text, self.flatten) {
                    Ok(members) => {
                        let line = || lines.line_of(block.rows.span(row).0);
                        self.add(text, members, line);
                    }
                    Err(error) => self.malformed.add(|| {
                        let line = lines.line_of(block.rows.span(row).0);
                        format!("line {line}: {} at column {}", error.what, error.at + 1)
                    }),
                },
            }
        }
    }

    fn add(
        &mut self,
        line: &[u8],
        members: HashMap<Vec<u8>, (usize, Token)>,
        mut number: impl FnMut() -> u64,
    ) {
        self.rows += 1;
        let mut in_order: Vec<_> = members.into_iter().collect();
        in_order.sort_unstable_by_key(|(_, (order, _))| *order);
        for (key, (_, value)) in in_order {
            let next = self.columns.len();
            let position = *self.positions.entry(key).or_insert_with_key(|key| {
                self.columns.push((String::from_utf8_lossy(key).into_owned(), Guess::default()));
                next
            });
            let guess = &mut self.columns[position].1;
            look_at_value(guess, line, &value, self.into_nested.then_some(0));
            guess.at_line(&mut number);
        }
    }

    fn finish(self) -> Sampled {
        let keys: Vec<_> = self.columns.iter().map(|(key, _)| key.clone()).collect();
        let columns = self.columns.into_iter().zip(stable_names(&keys));
        let sample = |((key, guess), name): ((String, Guess), String)| Sample {
            from: (key != name).then_some(key),
            name,
            guess,
        };
        Sampled {
            columns: columns.map(sample).collect(),
            rows: self.rows,
            malformed: self.malformed,
            bytes: self.bytes,
        }
    }
}

/// Members by key: where the key first came, and its last value.
type Members = HashMap<Vec<u8>, (usize, Token)>;

/// The members of an object, or of all objects in it by their paths.
fn members(line: &[u8], flatten: bool) -> Result<Members, JsonError> {
    let mut members = Members::new();
    let mut tokens = Tokens::new(line);
    add_members(&mut tokens, line, flatten.then_some(b""), &mut members)?;
    tokens.end()?;
    Ok(members)
}

fn add_members(
    tokens: &mut Tokens<'_>,
    line: &[u8],
    path: Option<&[u8]>,
    members: &mut Members,
) -> Result<(), JsonError> {
    let mut more = tokens.open_object()?;
    while more {
        let mut key = plain(&tokens.key()?, line);
        if let Some(path) = path {
            let dot: &[u8] = if path.is_empty() { b"" } else { b"." };
            key = [path, dot, &key].concat();
        }
        // A path as long as this is no column any more.
        if path.is_some() && key.len() < LONGEST_PATH && tokens.is_object() {
            add_members(tokens, line, Some(&key), members)?;
        } else {
            let value = tokens.value()?;
            let order = members.len();
            members.entry(key).or_insert((order, value)).1 = value;
        }
        more = tokens.next_member()?;
    }
    Ok(())
}

/// Bytes of a path, at most: one dot and one letter a level.
const LONGEST_PATH: usize = 128;

/// The text of a string without its escapes.
pub(super) fn plain(token: &Token, line: &[u8]) -> Vec<u8> {
    let text = token.text(line);
    let mut plain = Vec::with_capacity(text.len());
    match token.kind == Kind::Escaped && unescape(text, &mut plain).is_some() {
        true => plain,
        false => text.to_vec(),
    }
}

/// Looks at a value; at lists and objects from `depth` levels on, if at all.
pub(super) fn look_at_value(guess: &mut Guess, line: &[u8], value: &Token, depth: Option<usize>) {
    match value.kind {
        Kind::Null => {}
        Kind::Bool => guess.add_bool(),
        Kind::Number => guess.add_number(value.text(line)),
        Kind::Plain | Kind::Escaped => guess.add_string(&plain(value, line)),
        Kind::Nested => guess.add_nested(value.text(line), depth),
    }
}
