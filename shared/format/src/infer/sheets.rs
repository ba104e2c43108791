//! Samples of the sheets of workbooks.

use std::io::Read;

use millrace_contract::{Dataset, FileFormat};

use super::delimited::look_at_field;
use super::{Guess, Malformed, Sample, Sampled};
use crate::bind::stable_names;
use crate::block::{Block, Lines, field};
use crate::column::NullTexts;
use crate::records::sheet::Sheet;
use crate::records::{cells, spool};
use crate::source::{Content, Source};
use crate::{FormatError, Limits};

/// Looks at rows until their cells come to as many bytes as the schema says.
pub(super) fn sample(source: impl Read, dataset: &Dataset) -> Result<Sampled, FormatError> {
    let limits = Limits::default();
    let mut source = Source::open_as(source, Content::Binary(FileFormat::Xlsx), &limits)?;
    let file = spool(&mut source, FileFormat::Xlsx, &limits)?;
    let mut sheet = Sheet::open(file, &dataset.xlsx, &limits)?;
    let width = sheet.width();
    let names = match sheet.header() {
        Some(header) => stable_names(header),
        None => stable_names(&vec![String::new(); width]),
    };
    let (dialect, nulls) = (cells()?, NullTexts::new(&dataset.xlsx.null));
    let mut guesses = vec![Guess::default(); width];
    let (mut rows, mut bytes, mut malformed) = (0, 0, Malformed::default());
    sheet.read(width, &mut |block: Block| {
        for marks in block.rows.marks.chunks_exact(block.rows.stride) {
            rows += 1;
            for (guess, pair) in guesses.iter_mut().zip(marks.windows(2)) {
                look_at_field(guess, field(&block.bytes, pair), &dialect, &nulls);
            }
        }
        let mut lines = Lines::new(&block);
        for row in &block.malformed {
            malformed.add(|| format!("{}: {}", lines.place_of(row.start, None), row.fault));
        }
        bytes += block.bytes.len() as u64;
        Ok(bytes < dataset.schema.sample_bytes)
    })?;
    let columns = names.into_iter().zip(guesses);
    Ok(Sampled {
        columns: columns.map(|(name, guess)| Sample { name, from: None, guess }).collect(),
        rows,
        bytes,
        malformed,
    })
}
