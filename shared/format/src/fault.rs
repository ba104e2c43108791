//! What can be wrong with one row, before it is written down as a reject.

use std::fmt;

use crate::source::Charset;

/// A row that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// Too few or too many fields.
    FieldCount {
        /// Columns of the header.
        expected: usize,
        /// Fields of the row.
        found: usize,
    },
    /// The file ends within quotes that are opened in this row.
    UnclosedQuote,
    /// The file ends within quotes that are opened some lines above.
    BehindUnclosedQuote {
        /// How many.
        lines: u64,
    },
    /// Something between a closing quote and the next delimiter.
    TextAfterQuote,
    /// A quote within a field that does not start with one.
    StrayQuote,
    /// A carriage return within an unquoted field, or a line feed in a file
    /// whose lines end in carriage returns.
    StrayLineEnd(u8),
    /// A byte that the encoding does not have.
    Encoding {
        /// Offset of the byte in the row, as the source has it.
        at: u64,
        /// The byte.
        byte: u8,
        /// The encoding.
        charset: Charset,
    },
    /// The character U+0000, which PostgreSQL can't store.
    Nul {
        /// Offset of the byte in the row, as the source has it.
        at: u64,
    },
    /// Not a JSON object.
    Json {
        /// Offset in the row.
        at: usize,
        /// What is wrong there.
        what: &'static str,
    },
    /// Text behind the last column of a line of fixed width.
    TextBehindColumns(String),
    /// JSON, but not an object: what it is instead.
    NotAnObject(&'static str),
    /// A key that no column has.
    UnknownField(String),
    /// A key that stands twice in an object.
    DuplicateKey(String),
    /// A cell of a sheet whose formula came to an error.
    ErrorCell {
        /// The field of the row.
        field: usize,
        /// What the cell says, as in `#N/A`.
        error: String,
    },
}

impl Malformed {
    /// A short name; rejects are grouped by it.
    pub(crate) fn rule(&self) -> &'static str {
        match self {
            Self::FieldCount { .. } => "field_count",
            Self::UnclosedQuote | Self::BehindUnclosedQuote { .. } => "unclosed_quote",
            Self::TextAfterQuote => "text_after_quote",
            Self::StrayQuote => "stray_quote",
            Self::StrayLineEnd(_) => "stray_line_end",
            Self::Encoding { .. } => "encoding",
            Self::Nul { .. } => "nul_character",
            Self::Json { .. } => "json",
            Self::TextBehindColumns(_) => "text_behind_columns",
            Self::NotAnObject(_) => "not_an_object",
            Self::UnknownField(_) => "unknown_field",
            Self::DuplicateKey(_) => "duplicate_key",
            Self::ErrorCell { .. } => "error_cell",
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FieldCount { expected, found } => {
                write!(f, "expected {expected} fields, found {found}")
            }
            Self::UnclosedQuote => f.write_str("a quote is opened and never closed"),
            Self::BehindUnclosedQuote { lines } => {
                write!(f, "the quote opened {lines} lines above is never closed")
            }
            Self::TextAfterQuote => {
                f.write_str("text follows a closing quote; a quote within quotes is doubled")
            }
            Self::StrayQuote => {
                f.write_str("a quote stands in an unquoted field; quote the field and double it")
            }
            Self::StrayLineEnd(b'\r') => {
                f.write_str("a carriage return stands in an unquoted field; quote the field")
            }
            Self::StrayLineEnd(_) => {
                f.write_str("a line feed stands in a file whose lines end in carriage returns")
            }
            Self::Encoding { at, charset: Charset::Utf16Le | Charset::Utf16Be, .. } => {
                write!(f, "byte {} of the row begins half a surrogate pair: not UTF-16", at + 1)
            }
            Self::Encoding { at, byte, charset } => {
                write!(f, "byte {} of the row, `0x{byte:02X}`, is not {charset}", at + 1)
            }
            Self::Nul { at } => {
                write!(f, "byte {} of the row is U+0000, which tables can't hold", at + 1)
            }
            Self::Json { at, what } => write!(f, "{what} at byte {} of the row", at + 1),
            Self::TextBehindColumns(text) => {
                write!(f, "`{text}` stands behind the last column")
            }
            Self::NotAnObject(found) => write!(f, "expected a JSON object, found {found}"),
            Self::DuplicateKey(key) => write!(f, "the key `{key}` stands twice"),
            Self::ErrorCell { error, .. } => write!(f, "a cell holds the error {error}"),
            Self::UnknownField(key) => write!(f, "no column is named `{key}`"),
        }
    }
}

/// Why a row was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Its text is not of the type.
    Type {
        /// The text, cut short.
        value: String,
    },
    /// Something within a list or a struct is wrong.
    Inside {
        /// The way to it, as in `[3].price`; empty for the whole value.
        path: String,
        /// What is wrong.
        what: String,
    },
    /// It is null and may not be.
    Required,
    /// It stands in a row that could not be read.
    Malformed(Malformed),
}

/// A row that is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The row in its block.
    pub(crate) row: usize,
    /// The column whose value it is; 0 where it is the row's fault.
    pub(crate) column: usize,
    /// Why.
    pub(crate) refusal: Refusal,
}

/// A value that is not of its column's type and is kept elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Misfit {
    /// The row in its block.
    pub(crate) row: usize,
    /// The column.
    pub(crate) column: usize,
}

/// The faults of a block's rows: the first one of each row.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    list: Vec<Fault>,
    faulty: Vec<bool>,
    /// Columns whose values may be kept elsewhere if they are not of the type.
    rescuable: Vec<bool>,
    misfits: Vec<Misfit>,
    /// Columns that the filter looks at.
    watched: Vec<usize>,
    /// Rows that the filter can't judge.
    unjudged: Vec<usize>,
    /// Rows and watched columns that have no value although one is required.
    missing: Vec<(usize, usize)>,
}

impl Faults {
    /// No faults yet. `watched` are the columns that the filter looks at.
    pub(crate) fn watching(watched: &[usize]) -> Self {
        Self { watched: watched.to_vec(), ..Self::default() }
    }

    /// Some columns' values do not reject rows by their type.
    pub(crate) fn rescuing(self, rescuable: &[bool]) -> Self {
        Self { rescuable: rescuable.to_vec(), ..self }
    }

    /// The values that are to be kept elsewhere.
    pub(crate) fn misfits(&self) -> &[Misfit] {
        &self.misfits
    }

    /// Notes a fault, unless the row has one already. True if the row is none the
    /// worse for it, since the value is kept elsewhere.
    pub(crate) fn note(
        &mut self,
        row: usize,
        column: usize,
        refusal: impl FnOnce() -> Refusal,
    ) -> bool {
        // What the filter looks at it has to see as it is.
        let is_rescuable = self.rescuable.get(column) == Some(&true);
        if is_rescuable && !self.watched.contains(&column) {
            return self.note_in_rescuable(row, column, refusal());
        }
        self.note_first(row, column, refusal);
        false
    }

    fn note_in_rescuable(&mut self, row: usize, column: usize, refusal: Refusal) -> bool {
        let is_misfit = matches!(refusal, Refusal::Type { .. } | Refusal::Inside { .. });
        if is_misfit {
            self.misfits.push(Misfit { row, column });
        } else {
            self.note_first(row, column, || refusal);
        }
        is_misfit
    }

    fn note_first(&mut self, row: usize, column: usize, refusal: impl FnOnce() -> Refusal) {
        if self.faulty.len() <= row {
            self.faulty.resize(row + 1, false);
        }
        let is_first = !std::mem::replace(&mut self.faulty[row], true);
        if is_first || !self.watched.is_empty() {
            let refusal = refusal();
            self.watch(row, column, &refusal);
            if is_first {
                self.list.push(Fault { row, column, refusal });
            }
        }
    }

    /// Notes what a fault means to the filter.
    fn watch(&mut self, row: usize, column: usize, refusal: &Refusal) {
        let is_watched = self.watched.contains(&column);
        match refusal {
            // Its other members are as they are.
            Refusal::Malformed(Malformed::UnknownField(_)) => {}
            Refusal::Malformed(_) if !self.watched.is_empty() => self.unjudged.push(row),
            Refusal::Type { .. } | Refusal::Inside { .. } if is_watched => self.unjudged.push(row),
            Refusal::Required if is_watched => self.missing.push((row, column)),
            Refusal::Malformed(_)
            | Refusal::Type { .. }
            | Refusal::Inside { .. }
            | Refusal::Required => {}
        }
    }

    /// Rows that the filter can't judge: they are no rows, or a value it looks
    /// at is not of its type. In no particular order.
    pub(crate) fn unjudged(&self) -> &[usize] {
        &self.unjudged
    }

    /// Rows in which a watched column has no value although one is required.
    pub(crate) fn missing(&self, column: usize) -> impl Iterator<Item = usize> + '_ {
        self.missing.iter().filter(move |(_, missing)| *missing == column).map(|(row, _)| *row)
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether a row has one.
    pub(crate) fn has(&self, row: usize) -> bool {
        self.faulty.get(row).copied().unwrap_or(false)
    }

    /// The faults in no particular order.
    pub(crate) fn into_list(self) -> Vec<Fault> {
        self.list
    }
}

/// A value as it is quoted in messages: cut after 100 characters, control
/// characters escaped.
pub(crate) fn shown(value: &[u8]) -> String {
    const LONGEST: usize = 100;
    let text = String::from_utf8_lossy(&value[..value.len().min(4 * LONGEST + 4)]);
    let mut shown: String = text.chars().take(LONGEST).flat_map(printable).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

fn printable(character: char) -> impl Iterator<Item = char> {
    let escaped = character.is_control().then(|| character.escape_default());
    let plain = (!character.is_control()).then_some(character);
    escaped.into_iter().flatten().chain(plain)
}
