//! Samples of newline-delimited JSON.

use std::collections::HashMap;
use std::io::Read;

use super::{Guess, Malformed, Sample, Sampled};
use crate::FormatError;
use crate::bind::stable_names;
use crate::block::{Block, Lines};
use crate::json::{JsonError, Kind, Token, Tokens, unescape};
use crate::split::{Cut, Splitter};

/// Looks at the objects of the first `bytes` bytes.
pub(super) fn sample<R: Read>(
    splitter: &mut Splitter<R>,
    bytes: u64,
) -> Result<Sampled, FormatError> {
    splitter.detect_line_end(None)?;
    let mut sampler = Sampler::default();
    let mut spare = Block::default();
    while let Some(block) = splitter.next(Cut::Lines, spare)? {
        sampler.look_at(&block);
        if block.offset + block.bytes.len() as u64 >= bytes {
            break;
        }
        spare = block;
    }
    if let (0, Some(first)) = (sampler.rows, &sampler.malformed.first) {
        let what = format!("no row of the sample is a JSON object; {first}");
        return Err(FormatError::Unreadable { byte: 0, what });
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
}

impl Sampler {
    fn look_at(&mut self, block: &Block) {
        let mut lines = Lines::new(block);
        for row in 0..block.rows.len() {
            let text = block.row(row);
            match std::str::from_utf8(text) {
                Err(error) => self.malformed.add(|| error.to_string()),
                Ok(_) => match members(text) {
                    Ok(members) => self.add(text, members),
                    Err(error) => self.malformed.add(|| {
                        let line = lines.line_of(block.rows.span(row).0);
                        format!("line {line}: {} at column {}", error.what, error.at + 1)
                    }),
                },
            }
        }
    }

    fn add(&mut self, line: &[u8], members: HashMap<Vec<u8>, (usize, Token)>) {
        self.rows += 1;
        let mut in_order: Vec<_> = members.into_iter().collect();
        in_order.sort_unstable_by_key(|(_, (order, _))| *order);
        for (key, (_, value)) in in_order {
            let next = self.columns.len();
            let position = *self.positions.entry(key).or_insert_with_key(|key| {
                self.columns.push((String::from_utf8_lossy(key).into_owned(), Guess::default()));
                next
            });
            look_at_value(&mut self.columns[position].1, line, &value);
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
        }
    }
}

/// The members of an object by key: where the key first came, and its last
/// value.
fn members(line: &[u8]) -> Result<HashMap<Vec<u8>, (usize, Token)>, JsonError> {
    let mut members: HashMap<Vec<u8>, (usize, Token)> = HashMap::new();
    let mut tokens = Tokens::new(line);
    let mut more = tokens.open_object()?;
    while more {
        let key = tokens.key()?;
        let value = tokens.value()?;
        let order = members.len();
        members.entry(plain(&key, line)).or_insert((order, value)).1 = value;
        more = tokens.next_member()?;
    }
    tokens.end()?;
    Ok(members)
}

fn plain(token: &Token, line: &[u8]) -> Vec<u8> {
    let text = token.text(line);
    let mut plain = Vec::with_capacity(text.len());
    match token.kind == Kind::Escaped && unescape(text, &mut plain).is_some() {
        true => plain,
        false => text.to_vec(),
    }
}

fn look_at_value(guess: &mut Guess, line: &[u8], value: &Token) {
    match value.kind {
        Kind::Null => {}
        Kind::Bool => guess.add_bool(),
        Kind::Number => guess.add_number(value.text(line)),
        Kind::Plain | Kind::Escaped => guess.add_string(&plain(value, line)),
        Kind::Nested => guess.add_nested(),
    }
}
