//! Sample files for the finance example, made up, and the same every time: two
//! years of a shared household book, a file per month and kind.
//!
//! Among them what real folders hold: dates in four notations, notes with commas,
//! quotes and line breaks, a byte order mark with Windows line ends, a file that
//! is compressed though its name does not say so, one with bad rows, and one
//! that was cut off on its way.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

/// The file with rows that break the rules.
pub(crate) const REJECTS_KEY: &str = "raw/Expenses/2024/2024-06.csv";

/// The file that cannot be read to its end.
pub(crate) const BROKEN_KEY: &str = "raw/Expenses/2024/2024-09-scan.csv";

/// The file that is compressed without saying so.
const COMPRESSED_KEY: &str = "raw/Expenses/2023/2023-11.csv";

/// The file as a Windows program writes it.
const WINDOWS_KEY: &str = "raw/Incomes/2024/2024-03.csv";

/// What is said of a file with nothing special about it.
pub(crate) const IN_ORDER: &str = "in order";

const HEADER: &str = "Date,Mode,Category,Subcategory,Note,Amount,Income/Expense,Currency\n";

/// What was written.
pub(crate) struct Samples {
    /// The files in the order of their keys.
    pub(crate) files: Vec<SampleFile>,
}

/// One file.
pub(crate) struct SampleFile {
    /// Its key in the raw bucket; also its path in the folder.
    pub(crate) key: String,
    /// What is special about it.
    pub(crate) note: &'static str,
}

/// Writes the samples into a folder.
pub(crate) fn write_samples(dir: &Path) -> io::Result<Samples> {
    let mut files = Vec::new();
    for kind in [Kind::Expense, Kind::Income] {
        for year in [2023, 2024] {
            for month in 1..=12 {
                files.push(write_month(dir, kind, year, month)?);
            }
        }
    }
    let cut_off = cut_off(&gzip(month(Kind::Expense, 2024, 9).as_bytes())?);
    files.push(write(dir, BROKEN_KEY.to_owned(), &cut_off, "cut off while it was copied")?);
    files.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(Samples { files })
}

fn write_month(dir: &Path, kind: Kind, year: i32, number: u32) -> io::Result<SampleFile> {
    let key = format!("raw/{}/{year}/{year}-{number:02}.csv", kind.folder());
    let text = month(kind, year, number);
    match key.as_str() {
        REJECTS_KEY => {
            write(dir, key, with_bad_rows(&text).as_bytes(), "eight rows break the rules")
        }
        COMPRESSED_KEY => write(dir, key, &gzip(text.as_bytes())?, "gzip, whatever its name says"),
        WINDOWS_KEY => {
            let windows = format!("\u{feff}{}\r\n\r\n", text.replace('\n', "\r\n"));
            write(dir, key, windows.as_bytes(), "from Windows, with blank lines at the end")
        }
        _ => write(dir, key, text.as_bytes(), IN_ORDER),
    }
}

fn write(dir: &Path, key: String, bytes: &[u8], note: &'static str) -> io::Result<SampleFile> {
    let path = dir.join(&key);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&path, bytes)?;
    Ok(SampleFile { key, note })
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn cut_off(bytes: &[u8]) -> Vec<u8> {
    bytes[..bytes.len() / 2].to_vec()
}

/// Puts eight bad rows among the good ones, each bad in its own way.
fn with_bad_rows(text: &str) -> String {
    let bad = [
        "31/06/2024,Cash,Food,Groceries,there is no such day,12.50,Expense,EUR",
        "06.13.2024,Cash,Food,Groceries,a notation nobody declared,8.20,Expense,EUR",
        "14/06/2024,Card,Transport,Train,the amount is missing,,Expense,EUR",
        "15/06/2024,Card,Household,Furniture,\"a comma in the amount\",\"1,250.00\",Expense,EUR",
        "16/06/2024,Card,Food,Restaurant,a refund has no place here,-31.90,Expense,EUR",
        "17/06/2024,Cash,Gifts,,a currency nobody declared,20.00,Expense,XYZ",
        "18/06/2024,Cash,Food,Groceries,an unquoted, comma,9.99,Expense,EUR",
        "19/06/2024,Cash,,,the category is missing,4.00,Expense,EUR",
    ];
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let bad: Vec<String> = bad.iter().map(|row| format!("{row}\n")).collect();
    // Rows whose notes go over two lines are kept together: bad rows stand in
    // front of lines that begin with a date.
    let starts: Vec<usize> = (1..lines.len())
        .filter(|&line| lines[line].starts_with(|c: char| c.is_ascii_digit()))
        .filter(|&line| lines[line].matches('"').count().is_multiple_of(2))
        .collect();
    for (nth, row) in bad.iter().enumerate().rev() {
        lines.insert(starts[(nth + 1) * starts.len() / (bad.len() + 1)], row);
    }
    lines.concat()
}

/// Which of the two books.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Expense,
    Income,
}

impl Kind {
    fn folder(self) -> &'static str {
        match self {
            Self::Expense => "Expenses",
            Self::Income => "Incomes",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Expense => "Expense",
            Self::Income => "Income",
        }
    }

    /// Category, subcategory, and the least and most that is spent or earned, in
    /// cents.
    fn categories(self) -> &'static [(&'static str, &'static str, u64, u64)] {
        match self {
            Self::Expense => &[
                ("Food", "Groceries", 450, 18_000),
                ("Food", "Groceries", 450, 18_000),
                ("Food", "Restaurant", 900, 14_000),
                ("Transport", "Train", 240, 9_000),
                ("Transport", "Fuel", 3_000, 11_000),
                ("Household", "Rent", 80_000, 240_000),
                ("Household", "Electricity", 4_000, 22_000),
                ("Household", "Furniture", 5_000, 505_000),
                ("Health", "Pharmacy", 300, 9_500),
                ("Culture", "Books", 800, 7_000),
                ("Culture", "Cinema", 1_100, 4_800),
                ("Gifts", "", 500, 20_000),
            ],
            Self::Income => &[
                ("Salary", "", 180_000, 620_000),
                ("Salary", "Bonus", 10_000, 300_000),
                ("Freelance", "Design", 15_000, 280_000),
                ("Freelance", "Teaching", 4_000, 60_000),
                ("Interest", "Savings", 5, 4_000),
                ("Refund", "Tax", 2_000, 150_000),
                ("Sale", "Second hand", 300, 25_000),
            ],
        }
    }

    fn rows(self, dice: &mut Dice) -> u64 {
        match self {
            Self::Expense => 800 + dice.below(900),
            Self::Income => 200 + dice.below(200),
        }
    }
}

const MODES: [&str; 5] = ["Cash", "Card", "Card", "Bank transfer", "Direct debit"];

/// Notes as people write them; the quotes and line breaks are CSV's own.
const NOTES: [&str; 12] = [
    "",
    "",
    "weekly",
    "for Anna",
    "\"milk, bread and eggs\"",
    "\"the \"\"good\"\" shop\"",
    "\"two lines,\nlike this\"",
    "Café Zoë",
    "東京",
    "50 % off",
    "paid back later",
    "'single quotes'",
];

/// A month's file.
fn month(kind: Kind, year: i32, month: u32) -> String {
    let seed = (year as u64) << 8 | u64::from(month) << 1 | u64::from(kind == Kind::Income);
    let mut dice = Dice(seed);
    let rows = kind.rows(&mut dice);
    let mut text = HEADER.to_owned();
    for row in 0..rows {
        // Entries come in the order of their days.
        let day = 1 + (row * u64::from(days_in(year, month))) / rows;
        push_row(&mut text, kind, (year, month, day), &mut dice);
    }
    text
}

fn push_row(text: &mut String, kind: Kind, date: (i32, u32, u64), dice: &mut Dice) {
    let &(category, subcategory, least, most) = dice.pick(kind.categories());
    let date = written(date, dice);
    let mode = dice.pick(&MODES);
    let note = dice.pick(&NOTES);
    let cents = least + dice.below(most - least);
    let currency = dice.pick(&["EUR", "EUR", "EUR", "EUR", "AUD", "USD"]);
    let (whole, part) = (cents / 100, cents % 100);
    let word = kind.word();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{date},{mode},{category},{subcategory},{note},{whole}.{part:02},{word},{currency}"
    );
}

/// A date in one of the notations the pipeline file declares.
fn written((year, month, day): (i32, u32, u64), dice: &mut Dice) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    match dice.below(8) {
        0..=3 => {
            let (hour, minute, second) = (6 + dice.below(17), dice.below(60), dice.below(60));
            format!("{day:02}/{month:02}/{year} {hour:02}:{minute:02}:{second:02}")
        }
        4 | 5 => format!("{day:02}/{month:02}/{year}"),
        6 => format!("{year}-{month:02}-{day:02}"),
        _ => format!("{day:02}-{}-{year}", MONTHS[month as usize - 1]),
    }
}

fn days_in(year: i32, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): a few lines that roll the same in
/// every version of every library, so that the figures can be stated.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `end`, without it.
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn pick<'p, T>(&mut self, from: &'p [T]) -> &'p T {
        // A list's length fits.
        &from[self.below(from.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows in a file's text: line ends outside of quotes, without the header's.
    fn rows(text: &str) -> usize {
        let outside = |(at, _): &(usize, &str)| text[..*at].matches('"').count().is_multiple_of(2);
        text.match_indices('\n').filter(outside).count() - 1
    }

    fn rows_of(kind: Kind) -> usize {
        let months = [2023, 2024].into_iter().flat_map(|year| (1..=12).map(move |m| (year, m)));
        months.map(|(year, number)| rows(&month(kind, year, number))).sum()
    }

    #[test]
    fn the_rows_are_as_many_as_the_readme_says() {
        assert_eq!((rows_of(Kind::Expense), rows_of(Kind::Income)), (30_298, 7_233));
        let june = month(Kind::Expense, 2024, 6);
        assert_eq!((rows(&june), rows(&with_bad_rows(&june))), (1_142, 1_150));
    }

    #[test]
    fn the_samples_are_the_same_every_time() {
        let folders = [tempfile::tempdir(), tempfile::tempdir()].map(|folder| folder.expect("one"));
        let [first, again] = folders.each_ref().map(|folder| {
            let written = write_samples(folder.path()).expect("samples");
            assert_eq!(written.files.len(), 49);
            let read = |file: &SampleFile| fs::read(folder.path().join(&file.key)).expect("a file");
            written.files.iter().map(read).collect::<Vec<_>>()
        });
        assert!(first == again);
    }
}
