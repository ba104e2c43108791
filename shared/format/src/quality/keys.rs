//! The keys of rows: values of one or several columns, as 128 bits.
//!
//! Two different keys share their bits with a probability of 2⁻¹²⁸ a pair: among
//! a billion keys, 10⁻²¹. That is less than a memory error would do to exact
//! keys. SipHash under keys that are drawn per process and never shown lets
//! nobody make two values that collide. Nothing that is written depends on which
//! keys are drawn.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};

use super::{FileCheck, FileRule};
use crate::FormatError;
use crate::block::{Block, Lines};

/// A key.
pub(crate) type Key = [u64; 2];

/// Makes keys of the values of some columns.
pub(super) struct KeyMaker(RowConverter);

impl KeyMaker {
    /// Keys over columns of these types, in this order.
    pub(super) fn new(types: impl IntoIterator<Item = DataType>) -> Result<Self, ArrowError> {
        let fields = types.into_iter().map(SortField::new).collect();
        Ok(Self(RowConverter::new(fields)?))
    }

    /// The key of every row; none where a value is null.
    pub(super) fn keys(&self, columns: &[ArrayRef]) -> Result<Vec<Option<Key>>, ArrowError> {
        let rows = self.0.convert_columns(columns)?;
        let has_null = |row| columns.iter().any(|column| column.is_null(row));
        let key = |row| (!has_null(row)).then(|| digest(rows.row(row).as_ref()));
        Ok((0..rows.num_rows()).map(key).collect())
    }
}

fn digest(bytes: &[u8]) -> Key {
    static SECRETS: OnceLock<[RandomState; 2]> = OnceLock::new();
    let secrets = SECRETS.get_or_init(|| [RandomState::new(), RandomState::new()]);
    secrets.each_ref().map(|secret| secret.hash_one(bytes))
}

/// Makes the keys of all `unique` rules of a plan.
pub(crate) struct Keys(Vec<(Vec<usize>, KeyMaker)>);

impl Keys {
    /// Of the `unique` rules among `rules`, for batches of this schema.
    pub(crate) fn of(rules: &[FileRule], schema: &Schema) -> Result<Self, FormatError> {
        let mut makers = Vec::new();
        for rule in rules {
            let FileCheck::Unique { columns } = &rule.check else { continue };
            let types = columns.iter().map(|&column| schema.field(column).data_type().clone());
            let what = |error| FormatError::Plan { what: format!("rule `{}`: {error}", rule.text) };
            makers.push((columns.clone(), KeyMaker::new(types).map_err(what)?));
        }
        Ok(Self(makers))
    }

    /// Whether there is no such rule.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys of a batch's rows, by rule.
    pub(crate) fn of_rows(
        &self,
        batch: &RecordBatch,
    ) -> Result<Vec<Vec<Option<Key>>>, FormatError> {
        let by_rule = self.0.iter().map(|(columns, maker)| {
            let columns: Vec<ArrayRef> =
                columns.iter().map(|&column| batch.column(column).clone()).collect();
            maker.keys(&columns).map_err(|error| FormatError::Encode(error.to_string()))
        });
        by_rule.collect()
    }
}

/// The rows of a batch as the rules see them that look at more than one, and what
/// it takes to reject one of them.
pub(crate) struct Keyed {
    /// By rule, then by row of the batch.
    pub(super) keys: Vec<Vec<Option<Key>>>,
    /// The line of each row of the batch.
    pub(super) lines: Vec<u64>,
    /// The row of the block that each row of the batch came from.
    pub(super) rows: Vec<u32>,
    /// The text.
    pub(super) block: Block,
    /// The archive's member it is from.
    pub(super) member: Option<String>,
}

impl Keyed {
    /// The rows of a batch that came from these `rows` of `block`.
    pub(crate) fn new(
        keys: Vec<Vec<Option<Key>>>,
        rows: Vec<u32>,
        block: Block,
        member: Option<String>,
    ) -> Self {
        let mut lines = Lines::new(&block);
        let line_of = |&row: &u32| lines.line_of(block.rows.span(row as usize).0);
        let lines = rows.iter().map(line_of).collect();
        Self { keys, lines, rows, block, member }
    }
}
