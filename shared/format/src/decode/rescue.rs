//! What fits no column, kept as one JSON object a row: fields of columns that are
//! not declared, members that no column has, and texts that are not of their
//! column's type. Keys are the names in the file, in alphabetical order, and
//! values are the texts as they stand in the file.

use std::collections::BTreeMap;
use std::mem::take;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, StringBuilder};
use arrow::compute::nullif;
use arrow::error::ArrowError;

use crate::fault::Misfit;

/// What was found in the rows of a block.
#[derive(Debug, Default)]
pub(super) struct Rescue {
    /// Row, name and text, the rows in ascending order.
    found: Vec<(usize, String, String)>,
}

impl Rescue {
    /// Keeps a text. Of those with one name in a row the last counts.
    pub(super) fn keep(&mut self, row: usize, name: &[u8], text: &[u8]) {
        let owned = |bytes| String::from_utf8_lossy(bytes).into_owned();
        self.found.push((row, owned(name), owned(text)));
    }

    /// Forgets what was kept of a row that can't be read to its end.
    pub(super) fn forget(&mut self, row: usize) {
        while self.found.last().is_some_and(|(last, ..)| *last == row) {
            self.found.pop();
        }
    }

    /// The column of a block of `rows` rows, and room for the next block.
    pub(super) fn array(&mut self, rows: usize) -> ArrayRef {
        let mut found = take(&mut self.found);
        found.sort_by_key(|(row, ..)| *row);
        let mut found = found.into_iter().peekable();
        let mut array = StringBuilder::with_capacity(rows, 0);
        for row in 0..rows {
            let mut members = BTreeMap::new();
            while let Some((_, name, text)) = found.next_if(|(at, ..)| *at == row) {
                members.insert(name, text);
            }
            // A map of texts is always an object.
            match serde_json::to_string(&members) {
                Ok(object) if !members.is_empty() => array.append_value(object),
                Ok(_) | Err(_) => array.append_null(),
            }
        }
        Arc::new(array.finish())
    }
}

/// Makes values null that are not of their column's type: what stands for them is
/// no value of the file.
pub(super) fn without_misfits(
    arrays: &mut [ArrayRef],
    misfits: &[Misfit],
) -> Result<(), ArrowError> {
    let mut by_column: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for misfit in misfits {
        by_column.entry(misfit.column).or_default().push(misfit.row);
    }
    for (column, rows) in by_column {
        let mut is_misfit = vec![false; arrays[column].len()];
        rows.into_iter().for_each(|row| is_misfit[row] = true);
        arrays[column] = nullif(&arrays[column], &BooleanArray::from(is_misfit))?;
    }
    Ok(())
}
