//! Samples of delimited text.

use std::io::Read;

use millrace_contract::{CsvOptions, FileFormat, LineEnds};

use super::{Guess, Malformed, Sample, Sampled};
use crate::bind::stable_names;
use crate::block::{Block, Lines, field};
use crate::column::NullTexts;
use crate::csv::Dialect;
use crate::split::{Cut, Splitter};
use crate::{FormatError, Limits, SchemaDifference};

/// Looks at the rows of the first `bytes` bytes.
pub(super) fn sample<R: Read>(
    splitter: &mut Splitter<R>,
    format: FileFormat,
    csv: &CsvOptions,
    bytes: u64,
) -> Result<Sampled, FormatError> {
    let mut dialect = Dialect::new(format, csv)?;
    splitter.enter_block(csv.block.as_ref(), csv.line_ends == LineEnds::Mixed)?;
    splitter.skip_preamble(csv.skip_lines)?;
    splitter.detect_line_end(Some(&mut dialect))?;
    let names = column_names(splitter, &dialect, csv.header)?;
    let mut sampler = Sampler {
        dialect,
        nulls: NullTexts::new(&csv.null),
        guesses: vec![Guess::default(); names.len()],
        rows: 0,
        malformed: Malformed::default(),
    };
    let cut = Cut::Fields(dialect, names.len());
    let mut spare = Block::default();
    let mut end = 0;
    while let Some(block) = splitter.next(cut, spare)? {
        sampler.look_at(&block);
        end = block.offset + block.bytes.len() as u64;
        if end >= bytes {
            break;
        }
        spare = block;
    }
    let columns = names.into_iter().zip(sampler.guesses);
    Ok(Sampled {
        columns: columns.map(|(name, guess)| Sample { name, from: None, guess }).collect(),
        rows: sampler.rows,
        malformed: sampler.malformed,
        bytes: end,
    })
}

fn column_names<R: Read>(
    splitter: &mut Splitter<R>,
    dialect: &Dialect,
    header: bool,
) -> Result<Vec<String>, FormatError> {
    let first = match header {
        true => splitter.take_header(dialect)?,
        false => splitter.first_row(dialect)?,
    };
    let first = first.ok_or_else(|| FormatError::Schema(vec![SchemaDifference::NoHeader]))?;
    let most = Limits::default().columns;
    if first.len() > most {
        return Err(FormatError::Schema(vec![SchemaDifference::TooMany(most)]));
    }
    let unnamed = || vec![String::new(); first.len()];
    Ok(stable_names(&if header { first } else { unnamed() }))
}

struct Sampler {
    dialect: Dialect,
    nulls: NullTexts,
    guesses: Vec<Guess>,
    rows: u64,
    malformed: Malformed,
}

impl Sampler {
    fn look_at(&mut self, block: &Block) {
        let mut lines = Lines::new(block);
        for marks in block.rows.marks.chunks_exact(block.rows.stride) {
            self.rows += 1;
            for (guess, pair) in self.guesses.iter_mut().zip(marks.windows(2)) {
                look_at_field(guess, field(&block.bytes, pair), &self.dialect, &self.nulls);
                guess.at_line(|| lines.line_of(pair[0].wrapping_add(1)));
            }
        }
        for row in &block.malformed {
            self.malformed.add(|| format!("line {}: {}", lines.line_of(row.start), row.fault));
        }
    }
}

/// Looks at a field that is not null.
pub(super) fn look_at_field(guess: &mut Guess, field: &[u8], dialect: &Dialect, nulls: &NullTexts) {
    match dialect.quoting.inner(field) {
        Some(b"") if nulls.contain(b"") => guess.add_empty(),
        None if nulls.contain(field) => {}
        Some(_) | None => guess.add_text(&dialect.quoting.content(field)),
    }
}
