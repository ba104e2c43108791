//! A CSV dialect in bytes: the form of [`CsvOptions`] that the scanner works
//! with.

use millrace_contract::{CsvOptions, Encoding, FileFormat};

use crate::FormatError;

/// The bytes that structure a delimited file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// Separates fields.
    pub(crate) delimiter: u8,
    /// Encloses fields.
    pub(crate) quote: u8,
    /// Ends lines: LF (a CR before it belongs to it) or, in old files, CR.
    pub(crate) line_end: u8,
    /// Whether bytes are ISO 8859-1 rather than UTF-8.
    pub(crate) latin1: bool,
}

impl Dialect {
    /// The dialect of a CSV or TSV file whose lines end in LF.
    pub(crate) fn new(format: FileFormat, options: &CsvOptions) -> Result<Self, FormatError> {
        let delimiter = match (format, options.delimiter) {
            // The default delimiter of a format that is named after tabs.
            (FileFormat::Tsv, ',') => b'\t',
            (_, delimiter) => one_byte("delimiter", delimiter)?,
        };
        let quote = one_byte("quote", options.quote)?;
        if delimiter == quote {
            let what = format!("the delimiter and the quote are both `{}`", options.quote);
            return Err(FormatError::Plan { what });
        }
        let latin1 = options.encoding == Encoding::Latin1;
        Ok(Self { delimiter, quote, line_end: b'\n', latin1 })
    }

    /// How the first line of `start` ends. `None` if it does not end there.
    pub(crate) fn find_line_end(&self, start: &[u8], at_end: bool) -> Option<u8> {
        let mut quoted = false;
        let mut field_start = true;
        for (at, &byte) in start.iter().enumerate() {
            match byte {
                byte if byte == self.quote => quoted = quoted != (quoted || field_start),
                b'\n' if !quoted => return Some(b'\n'),
                b'\r' if !quoted => match start.get(at + 1) {
                    Some(b'\n') => return Some(b'\n'),
                    None if !at_end => return None,
                    Some(_) | None => return Some(b'\r'),
                },
                _ => {}
            }
            field_start = byte == self.delimiter || (byte == self.quote && !quoted);
        }
        at_end.then_some(b'\n')
    }
}

fn one_byte(name: &str, character: char) -> Result<u8, FormatError> {
    match u8::try_from(character) {
        Ok(byte) if byte.is_ascii() && !matches!(byte, b'\r' | b'\n' | 0) => Ok(byte),
        _ => Err(FormatError::Plan {
            what: format!("the {name} `{}` is not one ASCII character", character.escape_debug()),
        }),
    }
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
        for options in [
            CsvOptions { delimiter: '€', ..CsvOptions::default() },
            CsvOptions { delimiter: '\n', ..CsvOptions::default() },
            CsvOptions { delimiter: '"', ..CsvOptions::default() },
            CsvOptions { quote: 'é', ..CsvOptions::default() },
        ] {
            assert!(dialect(FileFormat::Csv, options.clone()).is_err(), "{options:?}");
        }
    }

    #[test]
    fn the_first_line_shows_how_lines_end() {
        let csv = dialect(FileFormat::Csv, CsvOptions::default()).expect("valid");
        for (start, at_end, line_end) in [
            ("a,b\n1,2\r", true, Some(b'\n')),
            ("a,b\r\n1", true, Some(b'\n')),
            ("a,b\r1,2\r", true, Some(b'\r')),
            ("a,\"x\r\ny\"\n", true, Some(b'\n')),
            ("a,\"x\"\"\r\"\n", true, Some(b'\n')),
            ("a\"b,c\r1", true, Some(b'\r')),
            ("a,b\r", false, None),
            ("a,b\r", true, Some(b'\r')),
            ("a,b", false, None),
            ("a,b", true, Some(b'\n')),
        ] {
            assert_eq!(csv.find_line_end(start.as_bytes(), at_end), line_end, "{start:?}");
        }
    }
}
