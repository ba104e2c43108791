//! Columns from lines in which every column has its place.
//!
//! Places are counted in characters. Spaces around a value are taken off. A line
//! that ends early has no values behind its end: many writers cut trailing
//! spaces off. Text behind the last column rejects the row, unless the schema
//! says to ignore what is extra.

use arrow::array::ArrayRef;
use millrace_contract::{ColumnDef, ExtraColumns};

use super::rescue::Rescue;
use crate::bind::{Binding, Origin};
use crate::block::Block;
use crate::column::{ColumnBuilder, Constant, MemberRules, NullTexts, builder};
use crate::fault::{Faults, Malformed, Refusal, shown};
use crate::{FormatError, Plan};

/// Decodes lines of fixed width.
pub(super) struct FixedDecoder {
    columns: Vec<Column>,
    /// Where the last column ends, in characters.
    width: usize,
    ignores_extra: bool,
    /// Where texts go that fit no column, if they are kept.
    rescue: Option<Rescue>,
}

enum Column {
    Place {
        name: String,
        from: usize,
        to: usize,
        required: bool,
        nulls: NullTexts,
        builder: Box<dyn ColumnBuilder>,
    },
    Constant(Box<Constant>),
    Rescued,
}

impl FixedDecoder {
    /// A decoder for lines with the places of the bound columns.
    pub(super) fn new(binding: &Binding, plan: &Plan) -> Result<Self, FormatError> {
        let column = |(column, origin): (&ColumnDef, &Origin)| match origin {
            Origin::File { .. } => place(column, &plan.fixed.null),
            Origin::Capture(value) => {
                Ok(Column::Constant(Box::new(Constant::new(column, Some(value))?)))
            }
            Origin::Absent => Ok(Column::Constant(Box::new(Constant::new(column, None)?))),
            Origin::Rescued => Ok(Column::Rescued),
        };
        let columns: Result<Vec<_>, FormatError> =
            binding.columns.iter().zip(&binding.origins).map(column).collect();
        let columns = columns?;
        let end = |column: &Column| match column {
            Column::Place { to, .. } => *to,
            Column::Constant(_) | Column::Rescued => 0,
        };
        let width = columns.iter().map(end).max().unwrap_or_default();
        let ignores_extra = plan.extra == ExtraColumns::Ignore;
        let rescue = plan.rescues().then(Rescue::default);
        Ok(Self { columns, width, ignores_extra, rescue })
    }

    /// The columns of a block.
    pub(super) fn decode(
        &mut self,
        block: &Block,
        faults: &mut Faults,
    ) -> Result<Vec<ArrayRef>, FormatError> {
        let rows = block.rows.len();
        for row in 0..rows {
            let line = block.row(row);
            let rest = slice(line, self.width, usize::MAX).trim_ascii();
            if !rest.is_empty() && !self.ignores_extra {
                let fault = Malformed::TextBehindColumns(shown(rest));
                match &mut self.rescue {
                    Some(rescue) => rescue.keep(row, fault.rule().as_bytes(), rest),
                    None => {
                        faults.note(row, 0, || Refusal::Malformed(fault));
                    }
                }
            }
            self.append_row(line, row, faults);
        }
        let rescue = &mut self.rescue;
        let array = |column: &mut Column| match column {
            Column::Place { builder, .. } => Ok(builder.finish()),
            Column::Constant(constant) => constant.array(rows),
            Column::Rescued => Ok(rescue.get_or_insert_default().array(rows)),
        };
        self.columns.iter_mut().map(array).collect()
    }

    fn append_row(&mut self, line: &[u8], row: usize, faults: &mut Faults) {
        for (index, column) in self.columns.iter_mut().enumerate() {
            let Column::Place { name, from, to, required, nulls, builder } = column else {
                continue;
            };
            let text = slice(line, *from, *to).trim_ascii();
            if !nulls.contain(text) {
                if !builder.push(text)
                    && faults.note(row, index, || Refusal::Type { value: shown(text) })
                    && let Some(rescue) = &mut self.rescue
                {
                    rescue.keep(row, name.as_bytes(), text);
                }
            } else if *required {
                builder.push(b"");
                faults.note(row, index, || Refusal::Required);
            } else {
                builder.push_null();
            }
        }
    }
}

fn place(column: &ColumnDef, nulls: &[String]) -> Result<Column, FormatError> {
    let (Some(start), Some(width)) = (column.start, column.width) else {
        let what = format!("column `{}` has no `start` and `width`", column.name);
        return Err(FormatError::Plan { what });
    };
    let from = (start as usize).saturating_sub(1);
    let nulls = NullTexts::new(column.null.as_deref().unwrap_or(nulls));
    Ok(Column::Place {
        name: column.source_name().to_owned(),
        from,
        to: from + width as usize,
        required: column.required,
        builder: builder(column, &NullTexts::default(), MemberRules::default())?,
        nulls,
    })
}

/// The characters of a line from one place to another, as far as it has them.
fn slice(line: &[u8], from: usize, to: usize) -> &[u8] {
    if line.is_ascii() {
        let to = to.min(line.len());
        return line.get(from..to).unwrap_or_default();
    }
    // Characters start where a byte does not continue one.
    let starts = |place: usize| {
        let mut starts = (0..line.len()).filter(|&at| line[at] & 0xC0 != 0x80);
        starts.nth(place).unwrap_or(line.len())
    };
    &line[starts(from)..starts(to).max(starts(from))]
}
