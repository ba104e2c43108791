//! A CSV dialect in bytes: the form of [`CsvOptions`] that the scanner works
//! with.

use millrace_contract::{CsvOptions, Escape, FileFormat, LineEnds, Ragged};

use super::Quoting;
use crate::FormatError;
use crate::lines::LineEnd;

/// The bytes that structure a delimited file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// Separates fields.
    pub(crate) delimiter: u8,
    /// Encloses and escapes.
    pub(crate) quoting: Quoting,
    /// Ends lines. Unless any may, what the first line ends with.
    pub(crate) line_end: LineEnd,
    /// Begins lines that are no rows.
    pub(crate) comment: Option<Prefix>,
    /// Whether rows end with a delimiter.
    pub(crate) trailing_delimiter: bool,
    /// What becomes of rows of another width.
    pub(crate) ragged: Ragged,
}

/// A short text at the start of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prefix {
    bytes: [u8; Self::LONGEST],
    length: usize,
}

impl Prefix {
    /// Bytes of the longest prefix.
    const LONGEST: usize = 8;

    fn new(text: &str) -> Option<Self> {
        let mut bytes = [0; Self::LONGEST];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        let fits = !text.is_empty() && !text.contains(['\r', '\n']);
        fits.then_some(Self { bytes, length: text.len() })
    }

    /// Whether a line begins with it.
    #[inline]
    pub(crate) fn begins(&self, line: &[u8]) -> bool {
        line.starts_with(&self.bytes[..self.length])
    }
}

impl Dialect {
    /// The dialect of a CSV or TSV file whose lines end in LF, or in anything.
    pub(crate) fn new(format: FileFormat, options: &CsvOptions) -> Result<Self, FormatError> {
        let delimiter = match (format, options.delimiter) {
            // The default delimiter of a format that is named after tabs.
            (FileFormat::Tsv, ',') => b'\t',
            (_, delimiter) => one_byte("delimiter", delimiter)?,
        };
        let quote = options.quote.map(|quote| one_byte("quote", quote)).transpose()?;
        let escape = (options.escape == Escape::Backslash).then_some(b'\\');
        refuse_same("the delimiter and the quote", Some(delimiter), quote)?;
        refuse_same("the delimiter and the escape", Some(delimiter), escape)?;
        refuse_same("the quote and the escape", quote, escape)?;
        Ok(Self {
            delimiter,
            quoting: Quoting { quote, escape },
            line_end: match options.line_ends {
                LineEnds::Auto => LineEnd::Lf,
                LineEnds::Mixed => LineEnd::Mixed,
            },
            comment: options.comment.as_deref().map(comment).transpose()?,
            trailing_delimiter: options.trailing_delimiter,
            ragged: options.ragged,
        })
    }

    /// Whether a line that starts like this is a comment.
    #[inline]
    pub(crate) fn is_comment(&self, line: &[u8]) -> bool {
        self.comment.is_some_and(|prefix| prefix.begins(line))
    }

    /// How the first line of `start` ends. `None` if it does not end there.
    pub(crate) fn find_line_end(&self, start: &[u8], at_end: bool) -> Option<LineEnd> {
        if self.line_end == LineEnd::Mixed {
            return Some(LineEnd::Mixed);
        }
        if self.is_comment(start) {
            return LineEnd::of_first_line(start, at_end);
        }
        let Quoting { quote, escape } = self.quoting;
        let (mut quoted, mut escaped, mut field_start) = (false, false, true);
        for (at, &byte) in start.iter().enumerate() {
            let is_quote = Some(byte) == quote && !escaped;
            match byte {
                _ if is_quote => quoted = quoted != (quoted || field_start),
                b'\n' | b'\r' if !quoted && !escaped => {
                    return LineEnd::of_first_line(&start[at..], at_end);
                }
                _ => {}
            }
            field_start = !escaped && (byte == self.delimiter || (is_quote && !quoted));
            escaped = !escaped && Some(byte) == escape;
        }
        at_end.then_some(LineEnd::Lf)
    }
}

fn one_byte(name: &str, character: char) -> Result<u8, FormatError> {
    match u8::try_from(character) {
        Ok(byte) if byte.is_ascii() && !matches!(byte, b'\r' | b'\n' | 0) => Ok(byte),
        _ => Err(FormatError::Plan {
            what: format!(
                "the {name} `{}` is not one ASCII character that can stand in a line",
                character.escape_debug()
            ),
        }),
    }
}

fn refuse_same(what: &str, one: Option<u8>, other: Option<u8>) -> Result<(), FormatError> {
    match (one, other) {
        (Some(one), Some(other)) if one == other => Err(FormatError::Plan {
            what: format!("{what} are both `{}`", char::from(one).escape_debug()),
        }),
        _ => Ok(()),
    }
}

fn comment(text: &str) -> Result<Prefix, FormatError> {
    Prefix::new(text).ok_or_else(|| FormatError::Plan {
        what: format!(
            "the comment prefix `{}` has to be 1 to {} bytes within one line",
            text.escape_debug(),
            Prefix::LONGEST
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialect(format: FileFormat, options: CsvOptions) -> Result<Dialect, FormatError> {
        Dialect::new(format, &options)
    }

    #[test]
    fn tsv_has_tabs_unless_told_otherwise() {
        let tsv = dialect(FileFormat::Tsv, CsvOptions::default()).expect("valid");
        assert_eq!(tsv.delimiter, b'\t');
        let options = CsvOptions { delimiter: ';', ..CsvOptions::default() };
        assert_eq!(dialect(FileFormat::Tsv, options).expect("valid").delimiter, b';');
    }

    #[test]
    fn impossible_dialects_are_refused() {
        let comment = |text: &str| Some(text.to_owned());
        for options in [
            CsvOptions { delimiter: '€', ..CsvOptions::default() },
            CsvOptions { delimiter: '\n', ..CsvOptions::default() },
            CsvOptions { delimiter: '"', ..CsvOptions::default() },
            CsvOptions { quote: Some('é'), ..CsvOptions::default() },
            CsvOptions { delimiter: '\\', escape: Escape::Backslash, ..CsvOptions::default() },
            CsvOptions { quote: Some('\\'), escape: Escape::Backslash, ..CsvOptions::default() },
            CsvOptions { comment: comment(""), ..CsvOptions::default() },
            CsvOptions { comment: comment("#\n"), ..CsvOptions::default() },
            CsvOptions { comment: comment("123456789"), ..CsvOptions::default() },
        ] {
            assert!(dialect(FileFormat::Csv, options.clone()).is_err(), "{options:?}");
        }
    }

    #[test]
    fn the_first_line_shows_how_lines_end() {
        let options = CsvOptions {
            escape: Escape::Backslash,
            comment: Some("#".into()),
            ..CsvOptions::default()
        };
        let csv = dialect(FileFormat::Csv, options).expect("valid");
        for (start, at_end, line_end) in [
            ("a,b\n1,2\r", true, Some(LineEnd::Lf)),
            ("a,b\r\n1", true, Some(LineEnd::Lf)),
            ("a,b\r1,2\r", true, Some(LineEnd::Cr)),
            ("a,\"x\r\ny\"\n", true, Some(LineEnd::Lf)),
            ("a,\"x\"\"\r\"\n", true, Some(LineEnd::Lf)),
            ("a,\"x\\\"\r\"\n", true, Some(LineEnd::Lf)),
            ("#\"\r1\n", true, Some(LineEnd::Cr)),
            ("a\\\r,b\n1", true, Some(LineEnd::Lf)),
            ("a\"b,c\r1", true, Some(LineEnd::Cr)),
            ("a,b\r", false, None),
            ("a,b\r", true, Some(LineEnd::Cr)),
            ("a,b", false, None),
            ("a,b", true, Some(LineEnd::Lf)),
        ] {
            assert_eq!(csv.find_line_end(start.as_bytes(), at_end), line_end, "{start:?}");
        }
    }
}
