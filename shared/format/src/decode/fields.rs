//! Columns from delimited text: a few hundred rows at a time, column by column.

use arrow::array::ArrayRef;

use super::rescue::Rescue;
use crate::FormatError;
use crate::bind::{Binding, Origin};
use crate::block::{Block, field};
use crate::column::{ColumnBuilder, Constant, Fields, MemberRules, NullTexts, builder};
use crate::csv::Dialect;
use crate::fault::Faults;

/// Decodes the fields of delimited rows.
pub(super) struct FieldDecoder {
    columns: Vec<Column>,
    dialect: Dialect,
    rescue: Rescue,
    /// Positions and names of the fields that no column takes.
    rescued: Vec<(usize, String)>,
    /// What each column is called in the file.
    names: Vec<String>,
    /// Texts that mean null in a field that no column takes.
    nulls: NullTexts,
}

enum Column {
    Field { position: usize, required: bool, nulls: NullTexts, builder: Box<dyn ColumnBuilder> },
    Constant(Box<Constant>),
    Rescued,
}

impl FieldDecoder {
    /// A decoder for files of one dialect.
    pub(super) fn new(
        nulls: &[String],
        dialect: Dialect,
        binding: &Binding,
        rules: MemberRules,
    ) -> Result<Self, FormatError> {
        let column = |(column, origin): (_, &Origin)| {
            let column: &millrace_contract::ColumnDef = column;
            Ok(match origin {
                Origin::File { position, .. } => {
                    let nulls = NullTexts::new(column.null.as_deref().unwrap_or(nulls));
                    Column::Field {
                        position: *position,
                        required: column.required,
                        builder: builder(column, &nulls, rules)?,
                        nulls,
                    }
                }
                Origin::Capture(value) => {
                    Column::Constant(Box::new(Constant::new(column, Some(value))?))
                }
                Origin::Absent => Column::Constant(Box::new(Constant::new(column, None)?)),
                Origin::Rescued => Column::Rescued,
            })
        };
        let columns: Result<_, FormatError> =
            binding.columns.iter().zip(&binding.origins).map(column).collect();
        let name = |column: &millrace_contract::ColumnDef| column.source_name().to_owned();
        Ok(Self {
            columns: columns?,
            dialect,
            rescue: Rescue::default(),
            rescued: binding.rescued.clone(),
            names: binding.columns.iter().map(name).collect(),
            nulls: NullTexts::new(nulls),
        })
    }

    /// The columns of a block.
    pub(super) fn decode(
        &mut self,
        block: &Block,
        faults: &mut Faults,
    ) -> Result<Vec<ArrayRef>, FormatError> {
        let stride = block.rows.stride;
        for (index, marks) in block.rows.marks.chunks(stride * MORSEL).enumerate() {
            self.extend(block, marks, index * MORSEL, faults);
        }
        self.rescue(block, faults);
        let rescue = &mut self.rescue;
        let array = |column: &mut Column| match column {
            Column::Constant(constant) => constant.array(block.rows.len()),
            Column::Field { builder, .. } => Ok(builder.finish()),
            Column::Rescued => Ok(rescue.array(block.rows.len())),
        };
        self.columns.iter_mut().map(array).collect()
    }

    fn extend(&mut self, block: &Block, marks: &[u32], first_row: usize, faults: &mut Faults) {
        for (index, column) in self.columns.iter_mut().enumerate() {
            let Column::Field { position, required, nulls, builder } = column else { continue };
            let fields = Fields {
                bytes: &block.bytes,
                marks,
                stride: block.rows.stride,
                first_row,
                position: *position,
                quoting: self.dialect.quoting,
                nulls,
                column: index,
                required: *required,
            };
            builder.extend(&fields, faults);
        }
    }
}

impl FieldDecoder {
    /// Keeps the fields that no column takes, and those that are not of their
    /// column's type.
    fn rescue(&mut self, block: &Block, faults: &Faults) {
        let Block { rows, bytes, .. } = block;
        let at = |row: usize, position: usize| {
            let first = row * rows.stride + position;
            field(bytes, &rows.marks[first..first + 2])
        };
        let quoting = self.dialect.quoting;
        for row in 0..if self.rescued.is_empty() { 0 } else { rows.len() } {
            for (position, name) in &self.rescued {
                let text = at(row, *position);
                if quoting.inner(text).is_some() || !self.nulls.contain(text) {
                    self.rescue.keep(row, name.as_bytes(), &quoting.content(text));
                }
            }
        }
        for misfit in faults.misfits() {
            let Column::Field { position, .. } = &self.columns[misfit.column] else { continue };
            let text = quoting.content(at(misfit.row, *position));
            self.rescue.keep(misfit.row, self.names[misfit.column].as_bytes(), &text);
        }
    }
}

/// Rows that are turned into columns at a time: few enough for their bytes to
/// stay in the nearest cache while each column passes over them.
const MORSEL: usize = 256;
