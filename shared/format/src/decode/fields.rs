//! Columns from delimited text: column by column, a few hundred rows at a time
//! in effect, since a block fits the cache.

use arrow::array::ArrayRef;

use crate::FormatError;
use crate::bind::{Binding, Origin};
use crate::block::Block;
use crate::column::{ColumnBuilder, Constant, Fields, NullTexts, builder};
use crate::csv::Dialect;
use crate::fault::Faults;

/// Decodes the fields of delimited rows.
pub(super) struct FieldDecoder {
    columns: Vec<Column>,
    nulls: NullTexts,
    dialect: Dialect,
}

enum Column {
    Field { position: usize, required: bool, builder: Box<dyn ColumnBuilder> },
    Constant(Constant),
}

impl FieldDecoder {
    /// A decoder for files of one dialect.
    pub(super) fn new(
        nulls: &[String],
        dialect: Dialect,
        binding: &Binding,
    ) -> Result<Self, FormatError> {
        let nulls = NullTexts::new(nulls, dialect.latin1);
        let column = |(column, origin): (_, &Origin)| {
            let column: &millrace_contract::ColumnDef = column;
            Ok(match origin {
                Origin::File { position, .. } => Column::Field {
                    position: *position,
                    required: column.required,
                    builder: builder(column, &nulls)?,
                },
                Origin::Capture(value) => Column::Constant(Constant::new(column, Some(value))?),
                Origin::Absent => Column::Constant(Constant::new(column, None)?),
            })
        };
        let columns: Result<_, FormatError> =
            binding.columns.iter().zip(&binding.origins).map(column).collect();
        Ok(Self { columns: columns?, nulls, dialect })
    }

    /// The columns of a block.
    pub(super) fn decode(
        &mut self,
        block: &Block,
        faults: &mut Faults,
    ) -> Result<Vec<ArrayRef>, FormatError> {
        let Self { columns, nulls, dialect } = self;
        let array = |(index, column): (usize, &mut Column)| match column {
            Column::Constant(constant) => constant.array(block.rows.len()),
            Column::Field { position, required, builder } => {
                let fields = Fields {
                    bytes: &block.bytes,
                    rows: &block.rows,
                    position: *position,
                    quote: dialect.quote,
                    latin1: dialect.latin1,
                    nulls,
                    column: index,
                    required: *required,
                };
                builder.extend(&fields, faults);
                Ok(builder.finish())
            }
        };
        columns.iter_mut().enumerate().map(array).collect()
    }
}
