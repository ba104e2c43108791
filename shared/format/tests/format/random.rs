//! Any table in any dialect reads back, however its bytes arrive; any bytes at
//! all are accounted for.

use std::num::NonZeroUsize;

use crate::support::{Outcome, Trickle, csv, ndjson, run, run_from};
use millrace_contract::{CsvOptions, Encoding, Escape, FileFormat};
use proptest::prelude::*;

#[derive(Debug, Clone)]
struct Written {
    options: CsvOptions,
    text: Vec<u8>,
    rows: Vec<Vec<Option<String>>>,
}

/// A value: mostly plain, sometimes made of nothing but trouble.
fn value() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        1 => Just(None),
        4 => "[a-z0-9]{1,8}".prop_map(Some),
        4 => "[,;|\t\"'\r\na ]{0,6}".prop_map(Some),
        2 => "\\PC{0,12}".prop_map(Some),
    ]
}

fn written() -> impl Strategy<Value = Written> {
    let table = (2usize..6).prop_flat_map(|width| {
        proptest::collection::vec(proptest::collection::vec(value(), width), 1..30)
    });
    let dialect = (
        prop_oneof![Just(','), Just(';'), Just('|'), Just('\t')],
        prop_oneof![Just('"'), Just('\'')],
        prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
    );
    let encoding = prop_oneof![
        4 => Just(Encoding::Utf8), 1 => Just(Encoding::Utf16Le), 1 => Just(Encoding::Utf16Be)
    ];
    (table, dialect, encoding, any::<[bool; 6]>()).prop_map(
        |(rows, dialect, encoding, switches)| {
            let (delimiter, quote, line_end) = dialect;
            let [quote_all, bom, last_line_end, backslash, trailing_delimiter, comments] = switches;
            let escape = if backslash { Escape::Backslash } else { Escape::Double };
            let header: Vec<_> =
                (0..rows[0].len()).map(|index| Some(format!("c{index}"))).collect();
            let line = |row: &Vec<Option<String>>| {
                let fields = row
                    .iter()
                    .map(|value| field(value.as_deref(), delimiter, quote, quote_all, backslash));
                let mut line = fields.collect::<Vec<_>>().join(&delimiter.to_string());
                if trailing_delimiter {
                    line.push(delimiter);
                }
                line
            };
            let mut lines: Vec<_> = std::iter::once(&header).chain(&rows).map(line).collect();
            if comments {
                // One that nobody could take for a row's end or a quote's.
                lines.insert(1, format!("#c {quote}{delimiter}"));
            }
            let mut text = if bom { "\u{FEFF}".to_owned() } else { String::new() };
            text += &lines.join(line_end);
            if last_line_end {
                text += line_end;
            }
            let options = CsvOptions {
                delimiter,
                quote: Some(quote),
                escape,
                encoding,
                trailing_delimiter,
                comment: comments.then(|| "#c ".to_owned()),
                ..CsvOptions::default()
            };
            Written { options, text: encoded(&text, encoding), rows }
        },
    )
}

fn encoded(text: &str, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Encoding::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        Encoding::Utf8 | Encoding::Latin1 | Encoding::Windows1252 => text.as_bytes().to_vec(),
    }
}

fn field(
    value: Option<&str>,
    delimiter: char,
    quote: char,
    always: bool,
    backslash: bool,
) -> String {
    let Some(value) = value else { return String::new() };
    let needs_quotes = value.is_empty() || value.contains([delimiter, quote, '\r', '\n', '#']);
    if backslash {
        let mut escaped = value.replace('\\', "\\\\");
        if always || needs_quotes {
            escaped = escaped.replace(quote, &format!("\\{quote}"));
            return format!("{quote}{escaped}{quote}");
        }
        return escaped;
    }
    if !always && !needs_quotes {
        return value.to_owned();
    }
    let doubled = value.replace(quote, &format!("{quote}{quote}"));
    format!("{quote}{doubled}{quote}")
}

fn strings(outcome: &Outcome) -> Vec<Vec<Option<String>>> {
    use arrow::array::AsArray;
    let mut rows = Vec::new();
    for batch in outcome.batches() {
        for row in 0..batch.num_rows() {
            let cell = |column: &arrow::array::ArrayRef| {
                let strings = column.as_string::<i32>();
                strings.iter().nth(row).unwrap().map(str::to_owned)
            };
            rows.push(batch.columns().iter().map(cell).collect());
        }
    }
    rows
}

fn columns(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("c{index} string")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_table_in_any_dialect_reads_back(written in written(), block in 1usize..200, threads in 1usize..4) {
        let names = columns(written.rows[0].len());
        let mut plan = csv(&names.iter().map(String::as_str).collect::<Vec<_>>());
        plan.csv = written.options.clone();
        plan.limits.block_bytes = block;
        plan.threads = NonZeroUsize::new(threads).unwrap();
        let outcome = run(&written.text, &plan).unwrap();
        prop_assert_eq!(outcome.messages(), Vec::<&str>::new());
        // A row of nulls only, written without quotes, is a row all the same:
        // it has delimiters.
        prop_assert_eq!(strings(&outcome), written.rows);
    }

    #[test]
    fn any_way_of_arriving_gives_the_same_rows(
        written in written(),
        sizes in proptest::collection::vec(1usize..40, 1..5),
        block in 1usize..100,
    ) {
        let names = columns(written.rows[0].len());
        let mut plan = csv(&names.iter().map(String::as_str).collect::<Vec<_>>());
        plan.csv = written.options.clone();
        let whole = run(&written.text, &plan).unwrap();
        plan.limits.block_bytes = block;
        let trickle = Trickle { bytes: &written.text, sizes, turn: 0 };
        let outcome = run_from(trickle, &plan).unwrap();
        prop_assert_eq!(strings(&outcome), strings(&whole));
        prop_assert_eq!(outcome.rejects, whole.rejects);
    }

    #[test]
    fn any_bytes_are_accounted_for_whatever_the_blocks(
        text in "[a1,\"\n\ré]{0,300}",
        block in 1usize..50,
        header: bool,
    ) {
        let mut plan = csv(&["a int64", "b string"]);
        plan.csv.header = header;
        let text = if header { format!("a,b\n{text}") } else { text };
        let Ok(whole) = run(&text, &plan) else { return Ok(()) };
        plan.limits.block_bytes = block;
        let outcome = run(&text, &plan).unwrap();
        prop_assert_eq!(outcome.rows(), whole.rows());
        prop_assert_eq!(&outcome.rejects, &whole.rejects);
        prop_assert_eq!(outcome.report.balance, whole.report.balance);
        for reject in &outcome.rejects {
            let at = reject.byte_offset as usize;
            prop_assert!(text.as_bytes()[at..].starts_with(reject.raw.as_bytes()));
        }
    }

    #[test]
    fn json_is_taken_where_serde_takes_it_and_means_the_same(
        line in "(\\{(\"[ab]\":([0-9]{1,3}|\"[a-z\\\\n\"]{0,3}\"|null|true|[\\[\\]{}:,1-3 ]{0,8}),?){0,3}\\}|[{}\\[\\]\":,a1 ]{0,12})"
    ) {
        let outcome = match run(format!("{line}\n"), &ndjson(&["a json", "b json"])) {
            // What looks like an array of objects is read, and refused, as one.
            Err(error) if line.trim().starts_with('[') => {
                prop_assert!(error.to_string().contains(", column "), "{}", error);
                return Ok(());
            }
            outcome => outcome.unwrap(),
        };
        let parsed = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&line).ok();
        let known = |object: &serde_json::Map<_, _>| object.keys().all(|key| key == "a" || key == "b");
        match parsed {
            _ if line.trim().is_empty() => prop_assert_eq!(outcome.report.balance.skipped_total(), 1),
            Some(object) if known(&object) => {
                let rows = strings(&outcome);
                for (name, cell) in ["a", "b"].iter().zip(&rows[0]) {
                    let expected = object.get(*name).filter(|value| !value.is_null());
                    let read = cell.as_ref().map(|cell| serde_json::from_str(cell).unwrap());
                    prop_assert_eq!(read.as_ref(), expected);
                }
            }
            _ => prop_assert_eq!(outcome.rejects.len(), 1, "{}", line),
        }
    }

    #[test]
    fn tsv_is_csv_with_tabs(written in written()) {
        let names = columns(written.rows[0].len());
        let mut plan = crate::support::plan(FileFormat::Tsv, &names.iter().map(String::as_str).collect::<Vec<_>>());
        plan.csv = CsvOptions { delimiter: ',', ..written.options.clone() };
        if written.options.delimiter == '\t' {
            prop_assert_eq!(strings(&run(&written.text, &plan).unwrap()), written.rows);
        }
    }
}
