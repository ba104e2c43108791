//! Charts and pages as a whole: what is in them, and that nothing of the data is
//! ever markup.

#![allow(clippy::unwrap_used)]

use millrace_contract::{ChartKind, ExportSource, ReportChart};
use quick_xml::Reader;
use quick_xml::events::Event;

use crate::{Cell, ChartError, Page, Rows, figures, page, picture};

const KINDS: [ChartKind; 6] = [
    ChartKind::Bar,
    ChartKind::Line,
    ChartKind::Area,
    ChartKind::Pie,
    ChartKind::Table,
    ChartKind::Number,
];

fn chart(kind: ChartKind) -> ReportChart {
    ReportChart {
        title: "Spending".into(),
        text: None,
        kind,
        query: ExportSource::Query(Vec::new()),
        x: None,
        y: Vec::new(),
        series: None,
        format: None,
        stacked: None,
    }
}

/// Rows of texts and numbers; an empty word is null.
fn rows(columns: &[&str], lines: &[&[&str]]) -> Rows {
    let cell = |word: &&str| match *word {
        "" => Cell::Null,
        word => match Cell::of_digits(word) {
            Cell::Number(number) => Cell::Number(number),
            _ => Cell::Text(word.into()),
        },
    };
    let lines = lines.iter().map(|line| line.iter().map(cell).collect());
    Rows::of(columns, lines.collect())
}

fn spending() -> Rows {
    rows(&["category", "amount"], &[&["Rent", "900.00"], &["Food", "112.75"], &["Back", "-20.10"]])
}

/// Names of the tags of well-formed XML, or what is wrong with it.
fn tags(xml: &str) -> Vec<String> {
    let mut reader = Reader::from_str(xml);
    let (mut open, mut tags) = (0, Vec::new());
    loop {
        match reader.read_event().unwrap_or_else(|error| panic!("{error}: {xml}")) {
            Event::Start(tag) => {
                open += 1;
                tags.push(String::from_utf8(tag.name().as_ref().to_vec()).unwrap());
                tag.attributes().for_each(|attribute| drop(attribute.unwrap()));
            }
            Event::Empty(tag) => {
                tags.push(String::from_utf8(tag.name().as_ref().to_vec()).unwrap());
                tag.attributes().for_each(|attribute| drop(attribute.unwrap()));
            }
            Event::End(_) => open -= 1,
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(open, 0, "{xml}");
    tags
}

fn count(xml: &str, tag: &str) -> usize {
    tags(xml).iter().filter(|name| *name == tag).count()
}

/// The page of one chart.
fn page_of(chart: &ReportChart, rows: &Rows) -> String {
    page(&Page { title: "Title", text: Some("Text"), about: "about", charts: &[(chart, rows)] })
        .unwrap()
}

#[test]
fn a_picture_of_every_kind_is_well_formed_and_says_what_it_shows() {
    for kind in KINDS {
        let svg = picture(&chart(kind), &spending()).unwrap();
        assert_eq!(&tags(&svg)[..3], ["svg", "title", "desc"], "{kind}");
        assert!(svg.contains("<title id=\"t\">Spending</title>"), "{svg}");
        insta::assert_snapshot!(format!("picture_{kind}"), svg);
    }
}

#[test]
fn a_page_has_everything_in_it_and_no_script() {
    let numbers = rows(&["month", "spent"], &[&["2025-12", "100"], &["2026-01", "112.5"]]);
    let (number, bar) = (chart(ChartKind::Number), chart(ChartKind::Bar));
    let charts = [(&number, &numbers), (&bar, &spending())];
    let text = Some("One.\n\nTwo & three.");
    let html =
        page(&Page { title: "Spending", text, about: "for today", charts: &charts }).unwrap();
    insta::assert_snapshot!(html);
    for absent in ["<script", "http://", "https://", "url(", "@import", "<img", "<link", " on"] {
        let in_body = html.split("</style>").nth(1).unwrap();
        assert!(!in_body.contains(absent), "{absent}");
    }
    for needed in ["prefers-color-scheme:dark", "@media print", "Content-Security-Policy"] {
        assert!(html.contains(needed), "{needed}");
    }
}

#[test]
fn nothing_of_titles_columns_or_values_is_markup() {
    let hostile = "</title></text><script>alert(1)</script>\"'&\u{0}<b onload=x>";
    let mut chart = chart(ChartKind::Bar);
    chart.title = hostile.into();
    chart.text = Some(hostile.into());
    for kind in KINDS {
        chart.kind = kind;
        chart.format = format!("0 <{}>", "i").parse().ok();
        let lines = vec![
            vec![Cell::Text(hostile.into()), Cell::of_digits("1")],
            vec![Cell::Text(format!("{hostile}2")), Cell::of_digits("2")],
        ];
        let rows = Rows::of(&[hostile, hostile.trim_end_matches('>')], lines);
        let svg = picture(&chart, &rows).unwrap();
        assert!(
            !tags(&svg).iter().any(|tag| tag == "script" || tag == "b" || tag == "i"),
            "{kind}"
        );
        let html =
            page(&Page { title: hostile, text: None, about: hostile, charts: &[(&chart, &rows)] });
        let html = html.unwrap();
        for markup in ["<script", "<b ", "<i>"] {
            assert!(!html.contains(markup), "{kind}: {html}");
        }
    }
}

#[test]
fn no_rows_are_said_and_not_drawn() {
    for kind in KINDS {
        let none = rows(&["category", "amount"], &[]);
        let html = page_of(&chart(kind), &none);
        assert!(html.contains("no rows"), "{kind}: {html}");
        assert_eq!(count(&picture(&chart(kind), &none).unwrap(), "rect"), 1, "{kind}: the surface");
        let void = rows(&["category", "amount"], &[&["", ""]]);
        assert!(picture(&chart(kind), &void).is_ok(), "{kind}");
    }
}

#[test]
fn a_null_is_a_gap_in_a_line_and_no_bar() {
    let line = rows(
        &["day", "n"],
        &[
            &["2026-01-01", "1"],
            &["2026-01-02", "2"],
            &["2026-01-03", ""],
            &["2026-01-04", "3"],
            &["2026-01-05", "1"],
        ],
    );
    let svg = picture(&chart(ChartKind::Line), &line).unwrap();
    assert_eq!(count(&svg, "path"), 2, "two runs: {svg}");
    assert_eq!(count(&svg, "circle"), 4);
    let bars = rows(&["c", "n"], &[&["a", "1"], &["b", ""], &["c", "2"]]);
    // The surface and two bars.
    assert_eq!(count(&picture(&chart(ChartKind::Bar), &bars).unwrap(), "rect"), 3);
}

#[test]
fn one_point_is_a_dot_and_one_slice_a_whole() {
    let one = rows(&["month", "n"], &[&["2026-01", "5"]]);
    assert_eq!(count(&picture(&chart(ChartKind::Line), &one).unwrap(), "circle"), 1);
    let pie = picture(&chart(ChartKind::Pie), &one).unwrap();
    assert!(pie.contains("Jan 2026: 5 (100.0%)"), "{pie}");
}

#[test]
fn a_column_splits_the_rows_into_series_and_what_meets_is_added() {
    let mut split = chart(ChartKind::Bar);
    (split.series, split.stacked) = (Some("mode".into()), Some(true));
    let rows = rows(
        &["month", "mode", "n"],
        &[
            &["2026-01", "Cash", "1"],
            &["2026-01", "Card", "2"],
            &["2026-02", "Cash", "3"],
            &["2026-01", "Cash", "0.5"],
        ],
    );
    let html = page_of(&split, &rows);
    assert!(html.contains("Jan 2026, Cash: 1.5"), "{html}");
    assert!(html.contains("Feb 2026, Cash: 3") && !html.contains("Feb 2026, Card"), "{html}");
    assert!(html.contains("their sum is drawn"), "{html}");
}

#[test]
fn a_pie_of_values_below_zero_is_bars_that_say_so() {
    let html = page_of(&chart(ChartKind::Pie), &spending());
    assert!(html.contains("some values are below zero, so these are bars"), "{html}");
}

#[test]
fn many_names_go_across_and_those_beyond_are_in_the_table() {
    let names: Vec<String> = (0..60).map(|n| format!("Category {n}")).collect();
    let lines = names.iter().map(|name| vec![Cell::Text(name.clone()), Cell::of_digits("5")]);
    let html = page_of(&chart(ChartKind::Bar), &Rows::of(&["c", "n"], lines.collect()));
    assert!(html.contains("the first 40 of 60 are drawn"), "{html}");
    assert!(html.contains("<td>Category 59</td>"));
    let long = rows(&["c", "n"], &[&[&"A long name ".repeat(9), "1"], &["b", "2"]]);
    let svg = picture(&chart(ChartKind::Bar), &long).unwrap();
    assert!(svg.contains('…') && svg.contains(&"A long name ".repeat(8)), "whole in its title");
}

#[test]
fn a_number_is_the_last_rows_with_its_change_against_the_one_before() {
    let mut balance = chart(ChartKind::Number);
    balance.format = "currency:AUD".parse().ok();
    let two = rows(&["month", "balance"], &[&["2025-12", "1000"], &["2026-01", "1250.505"]]);
    let [figure] = &figures(&balance, &two).unwrap()[..] else { panic!("one") };
    assert_eq!(figure.value, "A$1,250.51");
    let change = figure.change.as_ref().unwrap().to_string();
    assert_eq!(change, "+25.1% against A$1,000.00 in Dec 2025");
    let alone = rows(&["balance"], &[&["7"]]);
    assert_eq!(figures(&balance, &alone).unwrap()[0].change, None);
}

#[test]
fn columns_that_are_not_there_or_no_numbers_are_named() {
    let mut wrong = chart(ChartKind::Bar);
    wrong.y = vec!["amuont".into()];
    let error = picture(&wrong, &spending()).unwrap_err();
    assert!(matches!(error, ChartError::NoColumn { key: "y", .. }), "{error}");
    wrong.y = vec!["category".into()];
    let error = picture(&wrong, &spending()).unwrap_err().to_string();
    assert!(error.contains("column `category` has `Rent`, which is no number"), "{error}");
    let texts = rows(&["a", "b"], &[&["x", "y"]]);
    let error = picture(&chart(ChartKind::Line), &texts).unwrap_err().to_string();
    assert!(error.contains("no column has numbers beside `a`"), "{error}");
}

#[test]
fn a_page_says_that_there_were_more_rows() {
    let columns = crate::schema(&[("n", arrow::datatypes::DataType::Int64)]);
    let array: arrow::array::ArrayRef =
        std::sync::Arc::new(arrow::array::Int64Array::from(vec![1, 2, 3]));
    let batch = arrow::array::RecordBatch::try_new(columns.clone(), vec![array]).unwrap();
    let mut rows = Rows::new(&columns, 2);
    rows.push(&batch).unwrap();
    let html = page_of(&chart(ChartKind::Table), &rows);
    assert!(html.contains("only the first 2 rows are here; there are more"), "{html}");
}
