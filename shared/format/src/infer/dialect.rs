//! How delimited text is written, from a sample of it: the delimiter by which
//! rows are of one width, and whether the first of them names the columns.

use millrace_contract::{CsvOptions, DataType, Escape, FileFormat};

use super::Guess;
use crate::block::{Rows, field};
use crate::csv::{Dialect, Shape, scan};
use crate::lines::LineEnd;

/// The beginning of a text.
#[derive(Clone, Copy)]
pub(super) struct SampleText<'a> {
    /// UTF-8, or nearly.
    pub(super) bytes: &'a [u8],
    /// Whether it is all of the text.
    pub(super) at_end: bool,
}

/// Rows that are looked at.
const ROWS: usize = 1000;

/// Detects how a text is written. `prior` is the delimiter where nothing speaks
/// for any, or for several alike.
pub(super) fn detect(text: SampleText<'_>, prior: char) -> CsvOptions {
    let mut delimiters = vec![prior];
    delimiters.extend([',', '\t', ';', '|'].into_iter().filter(|other| *other != prior));
    let table = |delimiter| Table::read(text, &CsvOptions { delimiter, ..CsvOptions::default() });
    let mut best = (table(prior), prior, 0);
    for delimiter in delimiters {
        let table = table(delimiter);
        let score = table.score();
        if score > best.2 {
            best = (table, delimiter, score);
        }
    }
    let (mut table, delimiter, _) = best;
    let mut options = CsvOptions { delimiter, ..CsvOptions::default() };
    if table.malformed > 0 && memchr::memmem::find(text.bytes, b"\\\"").is_some() {
        let escaped = CsvOptions { escape: Escape::Backslash, ..options.clone() };
        let read = Table::read(text, &escaped);
        if read.malformed < table.malformed {
            (table, options) = (read, escaped);
        }
    }
    if table.begins_with_comment() {
        options.comment = Some("#".to_owned());
        table = Table::read(text, &options);
    }
    options.skip_lines = table.take_preamble();
    options.trailing_delimiter = table.ends_in_delimiters();
    options.header = table.has_header();
    options
}

/// The rows of a sample, as one dialect reads them.
struct Table {
    rows: Vec<Row>,
    malformed: usize,
}

struct Row {
    fields: Vec<Vec<u8>>,
    /// Lines in front of it.
    line: usize,
}

impl Table {
    fn read(text: SampleText<'_>, options: &CsvOptions) -> Self {
        let mut table = Self { rows: Vec::new(), malformed: 0 };
        // What `detect` puts together is always a dialect.
        let Ok(mut dialect) = Dialect::new(FileFormat::Csv, options) else { return table };
        let SampleText { bytes, at_end } = text;
        dialect.line_end = dialect.find_line_end(bytes, true).unwrap_or(LineEnd::Lf);
        let shape = Shape { fields: None, most_rows: 1 };
        let (mut at, mut line) = (0, 0);
        while at < bytes.len() && table.rows.len() + table.malformed < ROWS {
            let (mut rows, mut malformed) = (Rows::default(), Vec::new());
            let rest = &bytes[at..];
            let scanned = scan(&dialect, shape, rest, at_end, &mut rows, &mut malformed);
            let consumed = &rest[..scanned.consumed];
            if consumed.is_empty() {
                break;
            }
            let lines = dialect.line_end.count(consumed);
            if !malformed.is_empty() {
                table.malformed += malformed.len();
            } else if scanned.read > scanned.blank + scanned.comments {
                let text = |pair: &[u32]| dialect.quoting.content(field(rest, pair)).into_owned();
                let fields: Vec<_> = rows.marks.windows(2).map(text).collect();
                let start = rows.marks.first().map_or(0, |mark| mark.wrapping_add(1) as usize);
                let before = dialect.line_end.count(&rest[..start.min(rest.len())]);
                table.rows.push(Row { fields, line: line + before });
            }
            (at, line) = (at + consumed.len(), line + lines);
        }
        table
    }

    /// The width that most rows have, and how many have it; of several the one
    /// that came first.
    fn width(&self) -> (usize, usize) {
        let mut widths: Vec<(usize, usize)> = Vec::new();
        for row in &self.rows {
            match widths.iter_mut().find(|(width, _)| *width == row.fields.len()) {
                Some((_, count)) => *count += 1,
                None => widths.push((row.fields.len(), 1)),
            }
        }
        let most = widths.iter().map(|(_, count)| *count).max().unwrap_or_default();
        widths.into_iter().find(|(_, count)| *count == most).unwrap_or_default()
    }

    /// How much speaks for a dialect: above all that rows are of one width, then
    /// that they are wide. 0 if nothing does.
    fn score(&self) -> usize {
        const WIDEST: usize = 1 << 20;
        let (width, count) = self.width();
        let rows = self.rows.len() + self.malformed;
        let agreement = match count {
            _ if width < 2 || count * 2 < rows => return 0,
            _ if count == rows => 3,
            _ if count * 10 >= rows * 9 => 2,
            _ => 1,
        };
        agreement * WIDEST + width.min(WIDEST - 1)
    }

    /// Whether the text begins with `#` lines that are not shaped as its rows are.
    fn begins_with_comment(&self) -> bool {
        let (width, _) = self.width();
        self.rows.first().is_some_and(|row| {
            row.fields.len() != width
                && row.fields.first().is_some_and(|field| field.starts_with(b"#"))
        })
    }

    /// Takes lines of one field off the front of a table that has three columns
    /// or more: titles and notes. Answers how many lines that is.
    fn take_preamble(&mut self) -> u32 {
        let (width, count) = self.width();
        let title = self.rows.iter().take_while(|row| row.fields.len() == 1).count();
        if width < 3 || count < 2 || title == 0 {
            return 0;
        }
        self.rows.drain(..title);
        let lines = self.rows.first().map_or(0, |row| row.line);
        u32::try_from(lines).unwrap_or_default()
    }

    /// Whether every row ends with a delimiter.
    fn ends_in_delimiters(&self) -> bool {
        let is_closed =
            |row: &Row| row.fields.len() > 1 && row.fields.last().is_some_and(Vec::is_empty);
        self.rows.len() > 1 && self.rows.iter().all(is_closed)
    }

    fn has_header(&self) -> bool {
        let Some((first, rest)) = self.rows.split_first() else { return true };
        let mut contradicted = Vec::new();
        for (position, name) in first.fields.iter().enumerate() {
            let below = rest.iter().filter_map(|row| row.fields.get(position));
            match (is_typed([name]), is_typed(below)) {
                // A text above numbers or dates is their name.
                (false, true) if !name.trim_ascii().is_empty() => return true,
                (true, true) => contradicted.push(name),
                _ => {}
            }
        }
        contradicted.is_empty() || are_years(&contradicted)
    }
}

/// Whether values are numbers or dates, all of them, and there are any.
fn is_typed<'a>(values: impl IntoIterator<Item = &'a Vec<u8>>) -> bool {
    let mut guess = Guess::default();
    for value in values.into_iter().filter(|value| !value.trim_ascii().is_empty()) {
        guess.add_text(value);
    }
    guess.data_type().is_some_and(|found| !matches!(found, DataType::String | DataType::Bool))
}

/// Whether texts are the years of a table that has a column for each.
fn are_years(texts: &[&Vec<u8>]) -> bool {
    let year = |text: &&Vec<u8>| {
        let text = std::str::from_utf8(text.trim_ascii()).ok()?;
        text.parse().ok().filter(|year: &u16| (1800..=2200).contains(year))
    };
    let years: Option<Vec<_>> = texts.iter().map(year).collect();
    let distinct = |years: Vec<u16>| years.windows(2).all(|pair| pair[0] < pair[1]);
    texts.len() > 1 && years.is_some_and(distinct)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(text: &str) -> CsvOptions {
        detect(SampleText { bytes: text.as_bytes(), at_end: true }, ',')
    }

    #[test]
    fn the_delimiter_is_what_makes_rows_of_one_width() {
        for (text, delimiter) in [
            ("a,b\n1,2\n", ','),
            ("a;b\n1,5;2,5\n2,5;1\n", ';'),
            ("a\tb\n1,2\t3\n", '\t'),
            ("a|b|c\nx, y|1|2\n", '|'),
            ("a,b\n\"x;y;z\",2\n", ','),
            ("a;b\n\"x,y\",\";2\n", ';'),
            ("name\nfoo, bar\nbaz\n", ','),
            ("", ','),
        ] {
            assert_eq!(detected(text).delimiter, delimiter, "{text:?}");
        }
    }

    #[test]
    fn a_first_row_of_values_is_no_header() {
        for (text, header) in [
            ("a,b\n1,2\n", true),
            ("1,x\n2,y\n", false),
            ("2024-01-01,x\n2024-01-02,y\n", false),
            ("country,2019,2020\nAU,5.1,6\n", true),
            ("AU,1,2\nUS,3,4\n", false),
            ("a,b\nx,y\n", true),
            ("1,2\n", true),
            (",a\n1,x\n", true),
            ("id,1\n7,2\n", true),
        ] {
            assert_eq!(detected(text).header, header, "{text:?}");
        }
    }

    #[test]
    fn comments_titles_trailing_delimiters_and_escapes_are_seen() {
        assert_eq!(detected("# made by\na,b\n1,2\n").comment.as_deref(), Some("#"));
        assert_eq!(detected("#id,b\n1,2\n").comment, None);
        assert_eq!(detected("Sales\n\na,b,c\n1,2,3\n4,5,6\n").skip_lines, 2);
        let tbl = detected("1|a|\n2|b|\n");
        assert_eq!((tbl.trailing_delimiter, tbl.header, tbl.delimiter), (true, false, '|'));
        let escaped = detected("a,b\n\"x\\\"y\",2\n\"z\",3\n");
        assert_eq!(escaped.escape, Escape::Backslash);
    }
}
