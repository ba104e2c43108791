//! Columns that hold one value in every row: captures of the path, and declared
//! columns that a file does not have.

use arrow::array::{Array, ArrayRef};
use millrace_contract::ColumnDef;

use super::{MemberRules, NullTexts, builder};
use crate::FormatError;

/// A column with one value for all rows of a file.
pub(crate) struct Constant {
    column: ColumnDef,
    value: Option<String>,
    /// As many rows as were needed so far.
    longest: ArrayRef,
}

impl Constant {
    /// A column that holds `value`, read as the column's type.
    pub(crate) fn new(column: &ColumnDef, value: Option<&str>) -> Result<Self, FormatError> {
        let longest = repeat(column, value, 1)?;
        Ok(Self { column: column.clone(), value: value.map(str::to_owned), longest })
    }

    /// The column for `rows` rows.
    pub(crate) fn array(&mut self, rows: usize) -> Result<ArrayRef, FormatError> {
        if self.longest.len() < rows {
            self.longest = repeat(&self.column, self.value.as_deref(), rows)?;
        }
        Ok(self.longest.slice(0, rows))
    }
}

fn repeat(column: &ColumnDef, value: Option<&str>, rows: usize) -> Result<ArrayRef, FormatError> {
    let mut builder = builder(column, &NullTexts::default(), MemberRules::default())?;
    for _ in 0..rows {
        match value {
            None => builder.push_null(),
            Some(value) if builder.push(value.as_bytes()) => {}
            Some(value) => {
                return Err(FormatError::Capture {
                    column: column.name.clone(),
                    value: value.to_owned(),
                    data_type: column.data_type,
                });
            }
        }
    }
    Ok(builder.finish())
}
