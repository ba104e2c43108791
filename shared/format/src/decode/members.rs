//! Columns from JSON objects.
//!
//! Keys are matched exactly; where objects are flattened, a column is named after
//! the keys on the way to it, joined by dots. A missing member is null; a key
//! that no column has rejects the row, in every schema mode, since dropping it
//! would lose data without a word, unless the schema says to ignore it; of a
//! repeated key the last value counts, unless the dataset says otherwise. A string
//! is read as the text of the column's type, so `"12.50"` is a decimal and `"[1]"`
//! a list; a number or boolean in a string column keeps its spelling.

use std::borrow::Cow;
use std::collections::HashMap;

use arrow::array::ArrayRef;
use millrace_contract::{ColumnDef, DataType, DuplicateKeys, ExtraColumns, JsonOptions};

use super::rescue::Rescue;
use crate::bind::{Binding, Origin};
use crate::block::Block;
use crate::column::{ColumnBuilder, Constant, MemberRules, NullTexts, append_token, builder};
use crate::fault::{Faults, Malformed, Refusal, shown};
use crate::json::{JsonError, Kind, Token, Tokens, unescape};
use crate::{FormatError, Plan};

/// Decodes JSON objects.
pub(super) struct MemberDecoder {
    columns: Vec<Column>,
    /// Columns by key.
    by_key: HashMap<Vec<u8>, usize>,
    /// Keys by column.
    keys: Vec<Vec<u8>>,
    /// The same as they mostly stand in a row: `"key":`.
    spelled: Vec<Vec<u8>>,
    /// The column of the first, second, … key of the last rows: the next row
    /// tends to have the same order.
    order: Vec<usize>,
    /// The values of the current row.
    values: Vec<Option<Token>>,
    /// Room for a string without its escapes.
    plain: Vec<u8>,
    /// Whether keys that no column has are left out.
    ignores_extra: bool,
    /// Where what fits no column goes, if it is kept.
    rescue: Option<Rescue>,
    /// The current row in its block.
    row: usize,
    options: JsonOptions,
    /// The keys on the way to the current object, joined by dots.
    path: Vec<u8>,
    /// The first key of the current row that no column has, if that matters.
    unknown: Option<Malformed>,
}

enum Column {
    Member {
        kind: DataType,
        required: bool,
        otherwise: Option<String>,
        /// What an object has that does not have the key; one whose value is null
        /// has null.
        default: Option<String>,
        /// Texts that mean null in this column.
        nulls: NullTexts,
        builder: Box<dyn ColumnBuilder>,
    },
    Constant(Box<Constant>),
    Rescued,
}

impl MemberDecoder {
    /// A decoder for objects with the keys of the bound columns.
    pub(super) fn new(
        binding: &Binding,
        plan: &Plan,
        rules: MemberRules,
    ) -> Result<Self, FormatError> {
        let mut by_key = HashMap::new();
        let mut columns = Vec::with_capacity(binding.columns.len());
        for (index, (column, origin)) in binding.columns.iter().zip(&binding.origins).enumerate() {
            columns.push(match origin {
                Origin::File { otherwise, .. } => {
                    by_key.insert(column.source_name().as_bytes().to_vec(), index);
                    member(column, otherwise.clone(), rules)?
                }
                Origin::Capture(value) => {
                    Column::Constant(Box::new(Constant::new(column, Some(value))?))
                }
                Origin::Absent => Column::Constant(Box::new(Constant::new(column, None)?)),
                Origin::Rescued => Column::Rescued,
            });
        }
        let key = |column: &ColumnDef| column.source_name().as_bytes().to_vec();
        let keys: Vec<_> = binding.columns.iter().map(key).collect();
        let spelled: Vec<_> = binding.columns.iter().map(spelled).collect();
        let (order, values) = ((0..spelled.len()).collect(), vec![None; spelled.len()]);
        Ok(Self {
            columns,
            by_key,
            keys,
            spelled,
            order,
            values,
            plain: Vec::new(),
            ignores_extra: plan.extra == ExtraColumns::Ignore || plan.rescues(),
            rescue: plan.rescues().then(Rescue::default),
            row: 0,
            options: plan.json,
            path: Vec::new(),
            unknown: None,
        })
    }

    /// The columns of a block.
    pub(super) fn decode(
        &mut self,
        block: &Block,
        faults: &mut Faults,
    ) -> Result<Vec<ArrayRef>, FormatError> {
        let rows = block.rows.len();
        for row in 0..rows {
            self.values.fill(None);
            self.row = row;
            let line = block.row(row);
            let found = self.find_members(line);
            if found.is_err() {
                self.values.fill(None);
                self.rescue.iter_mut().for_each(|rescue| rescue.forget(row));
            }
            if let Some(fault) = found.err().or(self.unknown.take()) {
                faults.note(row, 0, || Refusal::Malformed(fault));
            }
            self.append_row(line, row, faults);
        }
        let rescue = &mut self.rescue;
        let array = |column: &mut Column| match column {
            Column::Member { builder, .. } => Ok(builder.finish()),
            Column::Constant(constant) => constant.array(rows),
            Column::Rescued => Ok(rescue.get_or_insert_default().array(rows)),
        };
        self.columns.iter_mut().map(array).collect()
    }

    fn find_members(&mut self, line: &[u8]) -> Result<(), Malformed> {
        let mut tokens = Tokens::new(line);
        if !tokens.is_object() {
            return Err(no_object(tokens));
        }
        self.path.clear();
        self.unknown = None;
        self.find_in_object(&mut tokens, line, 0)?;
        tokens.end().map_err(malformed)
    }

    fn find_in_object(
        &mut self,
        tokens: &mut Tokens<'_>,
        line: &[u8],
        depth: usize,
    ) -> Result<(), Malformed> {
        let mut more = tokens.open_object().map_err(malformed)?;
        let mut index = 0;
        while more {
            if self.options.flatten {
                let key = tokens.key().map_err(malformed)?;
                self.find_flattened(tokens, &key, line, depth)?;
            } else if let Some((column, key)) = self.expected(tokens, index) {
                let value = tokens.value().map_err(malformed)?;
                self.keep(Some(column), value, &key, line)?;
            } else {
                let key = tokens.key().map_err(malformed)?;
                let column = self.look_up(&key, index, key.text(line));
                let value = tokens.value().map_err(malformed)?;
                self.keep(column, value, &key, line)?;
            }
            more = tokens.next_member().map_err(malformed)?;
            index += 1;
        }
        Ok(())
    }

    /// Takes a member by its path, or what is in it.
    fn find_flattened(
        &mut self,
        tokens: &mut Tokens<'_>,
        key: &Token,
        line: &[u8],
        depth: usize,
    ) -> Result<(), Malformed> {
        let length = self.path.len();
        if length > 0 {
            self.path.push(b'.');
        }
        let text = key.text(line);
        if key.kind != Kind::Escaped || unescape(text, &mut self.path).is_none() {
            self.path.extend_from_slice(text);
        }
        let column = self.by_key.get(&self.path).copied();
        if column.is_none() && depth < DEEPEST_PATH && tokens.is_object() {
            self.find_in_object(tokens, line, depth + 1)?;
        } else {
            if column.is_none() && !self.ignores_extra {
                self.unknown.get_or_insert_with(|| Malformed::UnknownField(shown(&self.path)));
            }
            let value = tokens.value().map_err(malformed)?;
            self.keep(column, value, key, line)?;
        }
        self.path.truncate(length);
        Ok(())
    }

    #[inline]
    fn keep(
        &mut self,
        column: Option<usize>,
        value: Token,
        key: &Token,
        line: &[u8],
    ) -> Result<(), Malformed> {
        let Some(column) = column else {
            self.rescue_member(&value, key, line);
            return Ok(());
        };
        match (self.values[column], self.options.duplicate_keys) {
            (Some(_), DuplicateKeys::Reject) => {
                return Err(Malformed::DuplicateKey(shown(key.text(line))));
            }
            (Some(_), DuplicateKeys::First) => {}
            (None, _) | (Some(_), DuplicateKeys::Last) => self.values[column] = Some(value),
        }
        Ok(())
    }

    /// Keeps a member that no column has, if such are kept. Null fits anywhere.
    #[cold]
    fn rescue_member(&mut self, value: &Token, key: &Token, line: &[u8]) {
        let Some(rescue) = &mut self.rescue else { return };
        if value.kind == Kind::Null {
            return;
        }
        let name = match self.options.flatten {
            true => Cow::Borrowed(&self.path[..]),
            false => said(key, line),
        };
        rescue.keep(self.row, &name, &said(value, line));
    }

    /// Takes the key that stood at `index` in the rows before, if it is there
    /// again, spelled as usual.
    #[inline]
    fn expected(&self, tokens: &mut Tokens<'_>, index: usize) -> Option<(usize, Token)> {
        let column = *self.order.get(index)?;
        Some((column, tokens.take_key(&self.spelled[column])?))
    }

    /// The column of the key at `index` in its row. `None` if there is none, which
    /// is noted unless it does not matter.
    fn look_up(&mut self, key: &Token, index: usize, text: &[u8]) -> Option<usize> {
        self.plain.clear();
        let is_escaped = key.kind == Kind::Escaped && unescape(text, &mut self.plain).is_some();
        let name = if is_escaped { &self.plain[..] } else { text };
        let column = self.by_key.get(name).copied();
        match (column, self.order.get_mut(index)) {
            (Some(column), Some(expected)) => *expected = column,
            (Some(_), None) => {}
            (None, _) if self.ignores_extra => {}
            (None, _) => {
                self.unknown.get_or_insert_with(|| Malformed::UnknownField(shown(text)));
            }
        }
        column
    }

    fn append_row(&mut self, line: &[u8], row: usize, faults: &mut Faults) {
        for (index, (column, value)) in self.columns.iter_mut().zip(&self.values).enumerate() {
            let Column::Member { kind, required, otherwise, default, nulls, builder } = column
            else {
                continue;
            };
            let means_null = |value: &Token| match value.kind {
                Kind::Null => true,
                Kind::Plain => nulls.contain(value.text(line)),
                Kind::Bool | Kind::Number | Kind::Escaped | Kind::Nested => false,
            };
            let default = default.as_ref().filter(|_| value.is_none());
            let value = value.filter(|value| !means_null(value));
            let taken = match (&value, otherwise.as_ref().or(default)) {
                (Some(value), _) => {
                    append_token(value, line, *kind, builder.as_mut(), &mut self.plain)
                }
                (None, Some(capture)) => builder.push(capture.as_bytes()),
                (None, None) if *required => {
                    builder.push(b"");
                    faults.note(row, index, || Refusal::Required);
                    continue;
                }
                (None, None) => {
                    builder.push_null();
                    continue;
                }
            };
            if !taken {
                let source = value.map_or(&b""[..], |value| value.source(line));
                let refusal = builder.refusal();
                let refused = || refusal.unwrap_or_else(|| Refusal::Type { value: shown(source) });
                let is_kept = faults.note(row, index, refused);
                if let (true, Some(value), Some(rescue)) = (is_kept, &value, &mut self.rescue) {
                    rescue.keep(row, &self.keys[index], &said(value, line));
                }
            }
        }
    }
}

/// A column's key as JSON, with its colon.
fn spelled(column: &ColumnDef) -> Vec<u8> {
    // A string always serialises.
    let key = serde_json::to_string(column.source_name()).unwrap_or_default();
    format!("{key}:").into_bytes()
}

/// What a string says; of other values, how they are written.
fn said<'a>(value: &Token, line: &'a [u8]) -> Cow<'a, [u8]> {
    match value.kind {
        Kind::Plain => Cow::Borrowed(value.text(line)),
        Kind::Escaped => {
            let mut plain = Vec::new();
            match unescape(value.text(line), &mut plain) {
                Some(()) => Cow::Owned(plain),
                None => Cow::Borrowed(value.text(line)),
            }
        }
        Kind::Null | Kind::Bool | Kind::Number | Kind::Nested => Cow::Borrowed(value.source(line)),
    }
}

fn member(
    column: &ColumnDef,
    otherwise: Option<String>,
    rules: MemberRules,
) -> Result<Column, FormatError> {
    // A capture that is not of the type is the file's fault, not a row's.
    Constant::new(column, otherwise.as_deref())?;
    let default = column.default.clone();
    Constant::new(column, default.as_deref())?;
    let nulls = NullTexts::new(column.null.as_deref().unwrap_or_default());
    let builder = builder(column, &NullTexts::default(), rules)?;
    let (kind, required) = (column.data_type, column.required);
    Ok(Column::Member { kind, required, otherwise, default, nulls, builder })
}

/// Keys on the way to a column, at most; what lies deeper is one value.
const DEEPEST_PATH: usize = 64;

/// Why a row is no object: it is something else, or not JSON at all.
fn no_object(mut tokens: Tokens<'_>) -> Malformed {
    let value = tokens.value().and_then(|value| tokens.end().map(|()| value));
    match value {
        Err(error) => malformed(error),
        Ok(value) => Malformed::NotAnObject(match value.kind {
            Kind::Null => "null",
            Kind::Bool => "a boolean",
            Kind::Number => "a number",
            Kind::Plain | Kind::Escaped => "a string",
            Kind::Nested => "an array",
        }),
    }
}

fn malformed(error: JsonError) -> Malformed {
    Malformed::Json { at: error.at, what: error.what }
}
