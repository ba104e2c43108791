//! Columns from values that have types already, as Parquet has them.
//!
//! What a declared type holds exactly is taken over column by column. Every
//! other value is read from its text, by the same parsers as text files: it is
//! of the type or its row is rejected.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::DataType as ArrowType;
use millrace_contract::{ColumnDef, DataType};

use crate::bind::{Binding, Origin};
use crate::block::{Block, Places};
use crate::column::{ColumnBuilder, Constant, MemberRules, NullTexts, builder};
use crate::fault::{Faults, Refusal, shown};
use crate::values::{Texts, append_row, taken_over};
use crate::{FormatError, arrow_type};

/// Decodes the values of record batches.
pub(super) struct ValueDecoder {
    columns: Vec<Column>,
}

enum Column {
    Field(Box<FieldColumn>),
    Constant(Box<Constant>),
}

struct FieldColumn {
    /// Its place in the batches, which have the bound columns only.
    place: usize,
    /// Its place in the plan.
    index: usize,
    data_type: DataType,
    target: ArrowType,
    required: bool,
    /// Whether values count as they stand.
    as_they_are: bool,
    nulls: NullTexts,
    builder: Box<dyn ColumnBuilder>,
}

impl ValueDecoder {
    /// A decoder for batches that have the columns which `binding` binds, in the
    /// order of the file.
    pub(super) fn new(binding: &Binding, rules: MemberRules) -> Result<Self, FormatError> {
        let places = bound_positions(binding);
        let mut columns = Vec::with_capacity(binding.columns.len());
        for (index, (column, origin)) in binding.columns.iter().zip(&binding.origins).enumerate() {
            columns.push(match origin {
                Origin::File { position, .. } => {
                    let place = places.binary_search(position).unwrap_or_default();
                    Column::Field(Box::new(FieldColumn::new(column, index, place, rules)?))
                }
                Origin::Capture(value) => {
                    Column::Constant(Box::new(Constant::new(column, Some(value))?))
                }
                Origin::Absent => Column::Constant(Box::new(Constant::new(column, None)?)),
                Origin::Rescued => {
                    let what = "`rescue` keeps texts that fit no column; of a Parquet file's \
                                columns the types are known: declare them, or leave them out \
                                with `extra = \"ignore\"`";
                    return Err(FormatError::Plan { what: what.to_owned() });
                }
            });
        }
        Ok(Self { columns })
    }

    /// The columns of a block.
    pub(super) fn decode(
        &mut self,
        block: &Block,
        faults: &mut Faults,
    ) -> Result<Vec<ArrayRef>, FormatError> {
        let rows = block.rows.len();
        let array = |column: &mut Column| match (column, &block.values) {
            (Column::Constant(constant), _) => constant.array(rows),
            (Column::Field(field), Some(batch)) => field.array(batch.column(field.place), faults),
            (Column::Field(field), None) => Ok(field.builder.finish()),
        };
        self.columns.iter_mut().map(array).collect()
    }
}

/// The columns of the file that are bound, in its order.
pub(crate) fn bound_positions(binding: &Binding) -> Vec<usize> {
    let position = |origin: &Origin| match origin {
        Origin::File { position, .. } => Some(*position),
        Origin::Capture(_) | Origin::Absent | Origin::Rescued => None,
    };
    let mut positions: Vec<_> = binding.origins.iter().filter_map(position).collect();
    positions.sort_unstable();
    positions.dedup();
    positions
}

impl FieldColumn {
    fn new(
        column: &ColumnDef,
        index: usize,
        place: usize,
        rules: MemberRules,
    ) -> Result<Self, FormatError> {
        let is_checked = matches!(column.data_type, DataType::Json | DataType::Uuid);
        let nulls = NullTexts::new(column.null.as_deref().unwrap_or_default());
        Ok(Self {
            place,
            index,
            data_type: column.data_type,
            target: arrow_type(column.data_type),
            required: column.required,
            as_they_are: column.null.is_none()
                && !column.trim
                && column.zone.is_none()
                && !is_checked,
            builder: builder(column, &NullTexts::default(), rules)?,
            nulls,
        })
    }

    fn array(&mut self, source: &ArrayRef, faults: &mut Faults) -> Result<ArrayRef, FormatError> {
        if self.as_they_are
            && (!self.required || source.null_count() == 0)
            && let Some(array) = taken_over(source, &self.target)
            && !holds_nul(&array)
        {
            return Ok(array);
        }
        let texts = Texts::new(source, self.data_type)?;
        let mut text = Vec::new();
        for row in 0..source.len() {
            text.clear();
            if source.is_null(row) {
                self.append_null(row, faults);
                continue;
            }
            let is_text = texts.append(row, &mut text);
            if is_text && self.nulls.contain(&text) {
                self.append_null(row, faults);
                continue;
            }
            let is_good = is_text && memchr::memchr(0, &text).is_none();
            if !is_good || !self.builder.push(&text) {
                if !is_good {
                    self.builder.push(b"");
                }
                faults.note(row, self.index, || Refusal::Type { value: shown(&text) });
            }
        }
        Ok(self.builder.finish())
    }

    fn append_null(&mut self, row: usize, faults: &mut Faults) {
        if self.required {
            self.builder.push(b"");
            faults.note(row, self.index, || Refusal::Required);
        } else {
            self.builder.push_null();
        }
    }
}

/// Whether a text holds U+0000, which PostgreSQL can't store; in a list or a
/// struct, too.
fn holds_nul(array: &ArrayRef) -> bool {
    match array.data_type() {
        ArrowType::Utf8 => memchr::memchr(0, array.as_string::<i32>().values()).is_some(),
        ArrowType::List(_) => holds_nul(array.as_list::<i32>().values()),
        ArrowType::Struct(_) => array.as_struct().columns().iter().any(holds_nul),
        _ => false,
    }
}

/// Makes a block of a batch whose first row is `number` of the file.
pub(crate) fn block_of(batch: RecordBatch, number: u64) -> Block {
    let rows = batch.num_rows();
    let mut block = Block {
        line: number,
        read: rows as u64,
        places: Places::Rows,
        values: Some(batch),
        ..Block::default()
    };
    write_rows(&mut block, Vec::new());
    block
}

/// Writes the lines of a block: an object for each of `rows`, nothing for the
/// others.
pub(super) fn write_rows(block: &mut Block, mut rows: Vec<usize>) {
    rows.sort_unstable();
    let Block { values: Some(batch), bytes, rows: lines, .. } = block else { return };
    bytes.clear();
    lines.reset(1);
    for row in 0..batch.num_rows() {
        let start = bytes.len() as u32;
        if rows.binary_search(&row).is_ok() {
            append_row(batch, row, bytes);
        }
        lines.marks.extend([start.wrapping_sub(1), bytes.len() as u32]);
        bytes.push(b'\n');
    }
}
