//! Column builders: text in, Arrow arrays out, one block at a time.

mod binary;
mod build;
mod constant;
mod nested;
mod text;
mod token;
mod typed;

use arrow::array::ArrayRef;
use millrace_contract::{DuplicateKeys, ExtraColumns};

use crate::block::field;
use crate::csv::Quoting;
use crate::fault::{Faults, Refusal, shown};

pub(crate) use build::builder;
pub(crate) use constant::Constant;
pub(crate) use token::append_token;

/// What holds for the members of JSON objects within a column.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MemberRules {
    /// What becomes of members that the type does not have.
    pub(crate) extra: ExtraColumns,
    /// What becomes of a member that stands twice.
    pub(crate) duplicates: DuplicateKeys,
}

/// Builds one column of a batch.
pub(crate) trait ColumnBuilder: Send {
    /// Appends the fields of one column of some CSV rows. A value that is refused
    /// is noted and a placeholder stands for it.
    fn extend(&mut self, fields: &Fields<'_>, faults: &mut Faults);

    /// Appends a value from its text. False if the text is not of the type; a
    /// placeholder then stands for it.
    fn push(&mut self, text: &[u8]) -> bool;

    /// Appends a null.
    fn push_null(&mut self);

    /// Why the last text was refused, where more can be said than that it is not
    /// of the column's type.
    fn refusal(&mut self) -> Option<Refusal> {
        None
    }

    /// What was appended since the last time.
    fn finish(&mut self) -> ArrayRef;
}

/// The fields of one column in some rows of a CSV block.
pub(crate) struct Fields<'a> {
    /// The block's bytes.
    pub(crate) bytes: &'a [u8],
    /// Where the rows' fields lie, `stride` marks per row.
    pub(crate) marks: &'a [u32],
    /// Marks per row.
    pub(crate) stride: usize,
    /// The first row's place in the block.
    pub(crate) first_row: usize,
    /// The field's position in its row.
    pub(crate) position: usize,
    /// How fields are enclosed and escaped.
    pub(crate) quoting: Quoting,
    /// Texts that mean null when unquoted.
    pub(crate) nulls: &'a NullTexts,
    /// The column in the plan.
    pub(crate) column: usize,
    /// Whether a null is a fault.
    pub(crate) required: bool,
}

impl<'a> Fields<'a> {
    /// The rows and their fields, quotes and all.
    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &'a [u8])> + use<'a> {
        let (bytes, position) = (self.bytes, self.position);
        let fields = self
            .marks
            .chunks_exact(self.stride)
            .map(move |marks| field(bytes, &marks[position..position + 2]));
        (self.first_row..).zip(fields)
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.marks.len() / self.stride
    }

    /// Whether a field is null in a column that is not text.
    ///
    /// Null texts count only unquoted, except the empty one: writers that quote
    /// every field can't say null in a number or a date otherwise.
    pub(crate) fn means_null(&self, field: &[u8]) -> bool {
        match self.quoting.inner(field) {
            Some(inner) => inner.is_empty() && self.nulls.contain(b""),
            None => self.nulls.contain(field),
        }
    }
}

/// Extends a column of texts that each have to be something, and that are not
/// many enough to be read all at once.
fn extend_checked(column: &mut dyn ColumnBuilder, fields: &Fields<'_>, faults: &mut Faults) {
    for (row, field) in fields.iter() {
        if fields.means_null(field) {
            column.push_null();
            if fields.required {
                faults.note(row, fields.column, || Refusal::Required);
            }
            continue;
        }
        let plain = fields.quoting.content(field);
        if !column.push(&plain) {
            let refusal = column.refusal();
            let refused = || refusal.unwrap_or_else(|| Refusal::Type { value: shown(&plain) });
            faults.note(row, fields.column, refused);
        }
    }
}

/// The texts that mean null, told from values by their lengths first.
#[derive(Debug, Clone, Default)]
pub(crate) struct NullTexts {
    texts: Vec<Vec<u8>>,
    lengths: u64,
}

impl NullTexts {
    /// Null texts as they are declared.
    pub(crate) fn new(texts: &[String]) -> Self {
        let texts: Vec<_> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
        let lengths = texts.iter().fold(0, |lengths, text| lengths | length_bit(text.len()));
        Self { texts, lengths }
    }

    /// Whether an unquoted field means null.
    #[inline]
    pub(crate) fn contain(&self, field: &[u8]) -> bool {
        self.lengths & length_bit(field.len()) != 0 && self.texts.iter().any(|text| text == field)
    }

    /// The texts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.texts.iter().map(Vec::as_slice)
    }
}

/// All lengths from 63 up share a bit.
#[inline]
fn length_bit(length: usize) -> u64 {
    1 << length.min(63)
}
