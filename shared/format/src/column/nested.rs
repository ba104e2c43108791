//! Columns of lists and structs, from JSON.
//!
//! A value is taken whole or refused with the path to what is wrong in it, as in
//! `items[3].price`. Missing members are null; of a repeated one the last value
//! counts, unless the dataset says otherwise. Where a list or a struct is
//! declared and a string stands, the string holds it as JSON.

use std::mem::take;
use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Field, Fields as ArrowFields};
use millrace_contract::{ColumnDef, DataType, DuplicateKeys, ExtraColumns, StructField};

use super::token::append_token;
use super::typed::{null_buffer, take_sized};
use super::{ColumnBuilder, Fields, MemberRules, NullTexts, builder, extend_checked};
use crate::FormatError;
use crate::error::article;
use crate::fault::{Faults, Refusal, shown};
use crate::json::{Kind, Token, Tokens, unescape};
use crate::types::{ELEMENT, arrow_type};

/// Builds a column of lists or structs.
pub(super) struct Nested {
    node: Node,
    rules: MemberRules,
    /// Why the last value was refused.
    refusal: Option<Refusal>,
}

/// A level of the column's type.
enum Node {
    Leaf {
        data_type: DataType,
        builder: Box<dyn ColumnBuilder>,
        /// Room for a string without its escapes.
        plain: Vec<u8>,
    },
    List {
        data_type: DataType,
        element: Box<Node>,
        /// Elements so far.
        length: i32,
        /// Where each list ends.
        ends: Vec<i32>,
        null_rows: Vec<u32>,
    },
    Struct {
        data_type: DataType,
        fields: &'static [StructField],
        nodes: Vec<Node>,
        /// The members of the current value.
        values: Vec<Option<Token>>,
        rows: u32,
        null_rows: Vec<u32>,
    },
}

/// What is wrong, and the way to it, innermost part first.
struct Complaint {
    path: Vec<String>,
    what: String,
}

type Taken = Result<(), Complaint>;

impl Nested {
    /// A column of a nested type; scalars within are read as the column says.
    pub(super) fn boxed(
        column: &ColumnDef,
        rules: MemberRules,
    ) -> Result<Box<dyn ColumnBuilder>, FormatError> {
        Ok(Box::new(Self {
            node: Node::new(column, column.data_type, rules)?,
            rules,
            refusal: None,
        }))
    }
}

impl ColumnBuilder for Nested {
    fn extend(&mut self, fields: &Fields<'_>, faults: &mut Faults) {
        extend_checked(self, fields, faults);
    }

    fn push(&mut self, text: &[u8]) -> bool {
        let taken = self.node.append_text(text, self.rules);
        self.refusal = taken.err().map(Complaint::into_refusal);
        self.refusal.is_none()
    }

    fn push_null(&mut self) {
        self.node.append_null();
    }

    fn refusal(&mut self) -> Option<Refusal> {
        self.refusal.take()
    }

    fn finish(&mut self) -> ArrayRef {
        self.node.finish()
    }
}

impl Node {
    fn new(
        column: &ColumnDef,
        data_type: DataType,
        rules: MemberRules,
    ) -> Result<Self, FormatError> {
        Ok(match data_type {
            DataType::List(element) => Self::List {
                data_type,
                element: Box::new(Self::new(column, *element, rules)?),
                length: 0,
                ends: Vec::new(),
                null_rows: Vec::new(),
            },
            DataType::Struct(fields) => {
                let node = |field: &StructField| Self::new(column, field.data_type, rules);
                let nodes: Result<Vec<_>, _> = fields.iter().map(node).collect();
                let values = vec![None; fields.len()];
                let (rows, null_rows) = (0, Vec::new());
                Self::Struct { data_type, fields, nodes: nodes?, values, rows, null_rows }
            }
            data_type => {
                let leaf = ColumnDef { data_type, ..column.clone() };
                let builder = builder(&leaf, &NullTexts::default(), rules)?;
                Self::Leaf { data_type, builder, plain: Vec::new() }
            }
        })
    }

    /// Appends a value, or a placeholder for one that is refused.
    fn append(&mut self, value: Token, text: &[u8], rules: MemberRules) -> Taken {
        if value.kind == Kind::Null {
            self.append_null();
            return Ok(());
        }
        if let Self::Leaf { data_type, builder, plain } = self {
            let taken = append_token(&value, text, *data_type, builder.as_mut(), plain);
            return if taken { Ok(()) } else { Err(not_a(*data_type, value.source(text))) };
        }
        match value.kind {
            Kind::Plain => self.append_text(value.text(text), rules),
            Kind::Escaped => {
                let mut plain = Vec::new();
                match unescape(value.text(text), &mut plain) {
                    Some(()) => self.append_text(&plain, rules),
                    None => self.refuse(value.source(text)),
                }
            }
            Kind::Nested => {
                let nested = value.text(text);
                match (nested.first(), &self) {
                    (Some(b'['), Self::List { .. }) => self.append_list(nested, rules),
                    (Some(b'{'), Self::Struct { .. }) => self.append_struct(nested, rules),
                    _ => self.refuse(nested),
                }
            }
            Kind::Null | Kind::Bool | Kind::Number => self.refuse(value.source(text)),
        }
    }

    /// Appends a list or struct that a string holds.
    fn append_text(&mut self, text: &[u8], rules: MemberRules) -> Taken {
        match whole_value(text) {
            // A string in a string would make this go as deep as the text does.
            Ok(value) if matches!(value.kind, Kind::Nested | Kind::Null) => {
                self.append(value, text, rules)
            }
            Ok(_) => self.refuse(text),
            Err(complaint) => {
                self.append_null();
                Err(complaint)
            }
        }
    }

    fn refuse(&mut self, value: &[u8]) -> Taken {
        self.append_null();
        Err(not_a(self.data_type(), value))
    }

    fn data_type(&self) -> DataType {
        match self {
            Self::Leaf { data_type, .. }
            | Self::List { data_type, .. }
            | Self::Struct { data_type, .. } => *data_type,
        }
    }

    fn append_list(&mut self, text: &[u8], rules: MemberRules) -> Taken {
        let Self::List { element, length, ends, .. } = self else { return Ok(()) };
        let mut tokens = Tokens::new(text);
        let mut taken = Ok(());
        let mut index = 0_usize;
        let mut more = tokens.open_array();
        while let (Ok(true), Ok(())) = (&more, &taken) {
            // It was checked when its outermost value was found.
            let Ok(value) = tokens.value() else { break };
            taken = element.append(value, text, rules).map_err(|complaint| complaint.at(index));
            *length += 1;
            index += 1;
            more = tokens.next_element();
        }
        ends.push(*length);
        taken
    }

    fn append_struct(&mut self, text: &[u8], rules: MemberRules) -> Taken {
        let Self::Struct { fields, nodes, values, rows, .. } = self else { return Ok(()) };
        values.fill(None);
        let mut taken = find_members(text, fields, values, rules);
        for ((node, field), value) in nodes.iter_mut().zip(*fields).zip(values.iter()) {
            match (&taken, value) {
                (Ok(()), Some(value)) => {
                    let appended = node.append(*value, text, rules);
                    taken = appended.map_err(|complaint| complaint.within(&field.name));
                }
                _ => node.append_null(),
            }
        }
        *rows += 1;
        taken
    }

    fn append_null(&mut self) {
        match self {
            Self::Leaf { builder, .. } => builder.push_null(),
            Self::List { length, ends, null_rows, .. } => {
                null_rows.push(ends.len() as u32);
                ends.push(*length);
            }
            Self::Struct { nodes, rows, null_rows, .. } => {
                null_rows.push(*rows);
                *rows += 1;
                nodes.iter_mut().for_each(Self::append_null);
            }
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Leaf { builder, .. } => builder.finish(),
            Self::List { element, length, ends, null_rows, .. } => {
                let nulls = null_buffer(ends.len(), &take(null_rows));
                let mut offsets = Vec::with_capacity(ends.len() + 1);
                offsets.push(0);
                offsets.append(&mut take_sized(ends));
                *length = 0;
                let field = Field::new(ELEMENT, arrow_type(element.data_type()), true);
                let offsets = OffsetBuffer::new(offsets.into());
                Arc::new(ListArray::new(Arc::new(field), offsets, element.finish(), nulls))
            }
            Self::Struct { fields, nodes, rows, null_rows, .. } => {
                let nulls = null_buffer(take(rows) as usize, &take(null_rows));
                let arrays = nodes.iter_mut().map(Self::finish).collect();
                let field = |field: &StructField| {
                    Field::new(&field.name, arrow_type(field.data_type), true)
                };
                let fields: ArrowFields = fields.iter().map(field).collect();
                Arc::new(StructArray::new(fields, arrays, nulls))
            }
        }
    }
}

/// Finds the values of a struct's members in an object.
fn find_members(
    text: &[u8],
    fields: &[StructField],
    values: &mut [Option<Token>],
    rules: MemberRules,
) -> Taken {
    let mut tokens = Tokens::new(text);
    let mut plain = Vec::new();
    let mut more = tokens.open_object();
    let mut expected = 0;
    while let Ok(true) = more {
        // The object was checked when its outermost value was found.
        let (Ok(key), Ok(value)) = (tokens.key(), tokens.value()) else { break };
        plain.clear();
        let is_escaped =
            key.kind == Kind::Escaped && unescape(key.text(text), &mut plain).is_some();
        let name = if is_escaped { &plain[..] } else { key.text(text) };
        let is_named = |field: &&StructField| field.name.as_bytes() == name;
        let position = match fields.get(expected).filter(is_named) {
            Some(_) => Some(expected),
            None => fields.iter().position(|field| is_named(&field)),
        };
        match (position, rules.extra) {
            (Some(position), _) => {
                expected = position + 1;
                keep(&mut values[position], value, rules.duplicates, name)?;
            }
            (None, ExtraColumns::Ignore) => {}
            (None, ExtraColumns::Refuse) => {
                let complaint = Complaint::of("the type has no such member");
                return Err(complaint.within(&shown(name)));
            }
        }
        more = tokens.next_member();
    }
    Ok(())
}

fn keep(kept: &mut Option<Token>, value: Token, rule: DuplicateKeys, name: &[u8]) -> Taken {
    match (&kept, rule) {
        (Some(_), DuplicateKeys::Reject) => {
            return Err(Complaint::of("the key stands twice").within(&shown(name)));
        }
        (Some(_), DuplicateKeys::First) => {}
        (None, _) | (Some(_), DuplicateKeys::Last) => *kept = Some(value),
    }
    Ok(())
}

/// The one value of a JSON text.
fn whole_value(text: &[u8]) -> Result<Token, Complaint> {
    let mut tokens = Tokens::new(text);
    let value = tokens.value().and_then(|value| tokens.end().map(|()| value));
    value.map_err(|error| {
        Complaint::of(&format!(
            "`{}` is not JSON: {} at byte {}",
            shown(text),
            error.what,
            error.at + 1
        ))
    })
}

fn not_a(data_type: DataType, value: &[u8]) -> Complaint {
    Complaint::of(&format!("`{}` is not {}", shown(value), article(data_type)))
}

impl Complaint {
    fn of(what: &str) -> Self {
        Self { path: Vec::new(), what: what.to_owned() }
    }

    fn at(mut self, index: usize) -> Self {
        self.path.push(format!("[{index}]"));
        self
    }

    fn within(mut self, name: &str) -> Self {
        self.path.push(format!(".{name}"));
        self
    }

    fn into_refusal(self) -> Refusal {
        let path = self.path.into_iter().rev().collect();
        Refusal::Inside { path, what: self.what }
    }
}
