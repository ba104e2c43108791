//! Rejects: from a fault to a line of NDJSON, and from many of them to groups.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use millrace_contract::{ColumnDef, DataType, Reject, RejectCause};

use crate::RejectGroup;
use crate::block::{Block, Lines, MalformedRow};
use crate::error::article;
use crate::fault::{Fault, Malformed, Refusal};

/// Rejects of one block.
#[derive(Debug, Default)]
pub(crate) struct RejectLines {
    /// The rejects in the order of the file, a line of JSON each.
    pub(crate) ndjson: Vec<u8>,
    /// Where in the block the row of each of them starts.
    pub(crate) starts: Vec<u32>,
    /// The same, counted by reason.
    pub(crate) groups: Groups,
}

impl RejectLines {
    /// Puts further rejects of the same block where they belong.
    pub(crate) fn merge(&mut self, other: Self) {
        let mine = std::mem::take(self);
        let (mut left, mut right) = (mine.lines().peekable(), other.lines().peekable());
        loop {
            let is_left = match (left.peek(), right.peek()) {
                (Some((mine, _)), Some((other, _))) => mine <= other,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => break,
            };
            let next = if is_left { left.next() } else { right.next() };
            let Some((start, line)) = next else { break };
            self.starts.push(start);
            self.ndjson.extend_from_slice(line);
        }
        drop((left, right));
        self.groups = mine.groups;
        self.groups.merge(other.groups);
    }

    fn lines(&self) -> impl Iterator<Item = (u32, &[u8])> {
        self.starts.iter().copied().zip(self.ndjson.split_inclusive(|&byte| byte == b'\n'))
    }
}

/// Writes down rejects.
pub(crate) struct Rejecter<'p> {
    columns: &'p [ColumnDef],
    member: Option<String>,
    raw_bytes: usize,
}

impl<'p> Rejecter<'p> {
    /// Rejects of rows with these columns. Raw text is cut after `raw_bytes`.
    /// `member` is what an archive calls the file they are in.
    pub(crate) fn new(columns: &'p [ColumnDef], member: Option<String>, raw_bytes: usize) -> Self {
        Self { columns, member, raw_bytes }
    }

    /// Starts on the rejects of a block.
    pub(crate) fn start<'a>(&'a self, block: &'a Block) -> BlockRejects<'a> {
        BlockRejects { rejecter: self, block, found: Vec::new() }
    }

    fn raw(&self, row: &[u8]) -> String {
        let cut = &row[..row.len().min(self.raw_bytes)];
        let mut raw = String::from_utf8_lossy(cut).into_owned();
        if cut.len() < row.len() {
            raw.push('…');
        }
        raw
    }
}

/// The rejects of one block while they are collected.
pub(crate) struct BlockRejects<'a> {
    rejecter: &'a Rejecter<'a>,
    block: &'a Block,
    found: Vec<(u32, u32, Reason<'a>)>,
}

/// Why a row is rejected.
enum Reason<'a> {
    Malformed(&'a Malformed),
    Type(&'a ColumnDef, &'a str),
    /// Something within the column's value: the way to it, and what is wrong.
    Inside(&'a ColumnDef, &'a str, &'a str),
    Required(&'a ColumnDef),
    Expectation(&'a str),
    /// The rule, and the line that has the same key.
    Repeated(&'a str, u64),
}

impl<'a> BlockRejects<'a> {
    /// A row that the splitter or the text check could not read.
    pub(crate) fn add_malformed(&mut self, row: &'a MalformedRow) {
        self.found.push((row.start, row.end, Reason::Malformed(&row.fault)));
    }

    /// A row with a value that is not taken.
    pub(crate) fn add_fault(&mut self, fault: &'a Fault) {
        let (start, end) = self.block.rows.span(fault.row);
        let column = &self.rejecter.columns[fault.column];
        let reason = match &fault.refusal {
            Refusal::Malformed(fault) => Reason::Malformed(fault),
            Refusal::Required => Reason::Required(column),
            Refusal::Type { value } => Reason::Type(column, value),
            Refusal::Inside { path, what } => Reason::Inside(column, path, what),
        };
        self.found.push((start, end, reason));
    }

    /// A row that breaks a rule.
    pub(crate) fn add_breach(&mut self, row: usize, rule: &'a str) {
        let (start, end) = self.block.rows.span(row);
        self.found.push((start, end, Reason::Expectation(rule)));
    }

    /// A row whose key stands in an earlier line.
    pub(crate) fn add_repeated(&mut self, row: usize, rule: &'a str, first_line: u64) {
        let (start, end) = self.block.rows.span(row);
        self.found.push((start, end, Reason::Repeated(rule, first_line)));
    }

    /// Writes all of them down in the order of the file.
    pub(crate) fn finish(mut self) -> RejectLines {
        let mut lines = RejectLines::default();
        self.found.sort_unstable_by_key(|(start, ..)| *start);
        let mut numbers = Lines::new(self.block);
        for (start, end, reason) in &self.found {
            let line = numbers.line_of(*start);
            let byte_offset = numbers.offset_of(*start);
            let message = reason.message(*start, &mut numbers);
            let reject = Reject {
                member: self.rejecter.member.clone(),
                line,
                byte_offset,
                column: reason.column().map(str::to_owned),
                cause: reason.cause(),
                rule: reason.rule(),
                message,
                raw: self.rejecter.raw(&self.block.bytes[*start as usize..*end as usize]),
            };
            // Writing strings and numbers to memory does not fail.
            let _ = serde_json::to_writer(&mut lines.ndjson, &reject);
            lines.ndjson.push(b'\n');
            lines.starts.push(*start);
            lines.groups.add(reject);
        }
        lines
    }
}

impl Reason<'_> {
    fn cause(&self) -> RejectCause {
        match self {
            Self::Malformed(_) => RejectCause::Malformed,
            Self::Type(..) | Self::Inside(..) => RejectCause::Type,
            Self::Required(_) => RejectCause::Required,
            Self::Expectation(_) | Self::Repeated(..) => RejectCause::Expectation,
        }
    }

    fn rule(&self) -> String {
        match self {
            Self::Malformed(fault) => fault.rule().to_owned(),
            Self::Type(column, _) | Self::Inside(column, ..) => column.data_type.to_string(),
            Self::Required(_) => "required".to_owned(),
            Self::Expectation(rule) | Self::Repeated(rule, _) => (*rule).to_owned(),
        }
    }

    fn column(&self) -> Option<&str> {
        match self {
            Self::Malformed(Malformed::UnknownField(key)) => Some(key),
            Self::Malformed(_) | Self::Expectation(_) | Self::Repeated(..) => None,
            Self::Type(column, _) | Self::Inside(column, ..) | Self::Required(column) => {
                Some(&column.name)
            }
        }
    }

    /// What is wrong with the row that begins at `start`.
    fn message(&self, start: u32, lines: &mut Lines<'_>) -> String {
        let line = lines.line_of(start);
        match self {
            Self::Malformed(Malformed::Json { at, what }) => {
                let at = start + *at as u32;
                format!("line {}: {what} at column {}", lines.line_of(at), lines.column_of(at))
            }
            Self::Malformed(fault) => format!("line {line}: {fault}"),
            Self::Type(column, value) => format!(
                "column `{}` at line {line}: `{value}` is not {}{}",
                column.name,
                article(column.data_type),
                Hint { column, value }
            ),
            Self::Inside(column, path, what) => {
                format!("column `{0}` at line {line}: `{0}{path}`: {what}", column.name)
            }
            Self::Required(column) => {
                format!("column `{}` at line {line}: a value is required", column.name)
            }
            Self::Expectation(rule) => format!("line {line}: `{rule}` does not hold"),
            Self::Repeated(rule, first) => {
                format!("line {line}: `{rule}` does not hold, line {first} has the same")
            }
        }
    }
}

/// What could be done about a value that is not of its type.
struct Hint<'a> {
    column: &'a ColumnDef,
    value: &'a str,
}

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ColumnDef { data_type, format, .. } = self.column;
        match data_type {
            DataType::Date | DataType::Time | DataType::Timestamp { .. } if !format.is_empty() => {
                write!(f, " written as `{}`", format.0.join("` or `"))
            }
            DataType::Timestamp { utc: false, .. } if self.has_zone() => {
                f.write_str("; it has a time zone, which timestamptz keeps")
            }
            DataType::Date => f.write_str(" (YYYY-MM-DD); give the column a `format`"),
            DataType::Timestamp { .. } => f.write_str(" (ISO 8601); give the column a `format`"),
            _ => Ok(()),
        }
    }
}

impl Hint<'_> {
    fn has_zone(&self) -> bool {
        let value = self.value.trim_matches('"').as_bytes();
        crate::value::parse_timestamp(value).is_some_and(|read| read.offset.is_some())
    }
}

/// How many groups are told apart; what comes later is counted without its
/// column.
const MOST_GROUPS: usize = 1000;

type GroupKey = (RejectCause, String, Option<String>);

/// Rejects counted by cause, rule and column.
#[derive(Debug, Default)]
pub(crate) struct Groups(BTreeMap<GroupKey, (u64, Reject)>);

impl Groups {
    /// Counts a reject.
    pub(crate) fn add(&mut self, reject: Reject) {
        let key = (reject.cause, reject.rule.clone(), reject.column.clone());
        self.count(key, 1, reject);
    }

    /// Adds those of a later block.
    pub(crate) fn merge(&mut self, later: Self) {
        for (key, (count, example)) in later.0 {
            self.count(key, count, example);
        }
    }

    fn count(&mut self, key: GroupKey, count: u64, example: Reject) {
        let is_known = self.0.contains_key(&key);
        let key = if is_known || self.0.len() < MOST_GROUPS { key } else { (key.0, key.1, None) };
        self.0.entry(key).or_insert((0, example)).0 += count;
    }

    /// The groups, the most frequent first.
    pub(crate) fn into_groups(self) -> Vec<RejectGroup> {
        let group = |((cause, rule, column), (count, example))| RejectGroup {
            cause,
            rule,
            column,
            count,
            example,
        };
        let mut groups: Vec<_> = self.0.into_iter().map(group).collect();
        groups.sort_by_key(|group| Reverse(group.count));
        groups
    }
}
