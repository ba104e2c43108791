//! Columns from delimited text: a few hundred rows at a time, column by column.

use arrow::array::ArrayRef;

use crate::FormatError;
use crate::bind::{Binding, Origin};
use crate::block::Block;
use crate::column::{ColumnBuilder, Constant, Fields, MemberRules, NullTexts, builder};
use crate::csv::Dialect;
use crate::fault::Faults;

/// Decodes the fields of delimited rows.
pub(super) struct FieldDecoder {
    columns: Vec<Column>,
    dialect: Dialect,
}

enum Column {
    Field { position: usize, required: bool, nulls: NullTexts, builder: Box<dyn ColumnBuilder> },
    Constant(Box<Constant>),
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
            })
        };
        let columns: Result<_, FormatError> =
            binding.columns.iter().zip(&binding.origins).map(column).collect();
        Ok(Self { columns: columns?, dialect })
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
        let array = |column: &mut Column| match column {
            Column::Constant(constant) => constant.array(block.rows.len()),
            Column::Field { builder, .. } => Ok(builder.finish()),
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

/// Rows that are turned into columns at a time: few enough for their bytes to
/// stay in the nearest cache while each column passes over them.
const MORSEL: usize = 256;
