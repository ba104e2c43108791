//! One of every chart, with the rows that are hard to draw, to be looked at:
//! `cargo run -p millrace-chart --example gallery -- FOLDER`.

use std::path::PathBuf;

use millrace_chart::{Cell, Page, Rows, page, picture};
use millrace_contract::{ChartKind, ExportSource, ReportChart};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "gallery".into()));
    std::fs::create_dir_all(&folder)?;
    let all: Vec<(ReportChart, Rows)> =
        numbers().into_iter().chain(bars()).chain(lines()).collect();
    for (index, (chart, rows)) in all.iter().enumerate() {
        std::fs::write(folder.join(format!("{:02}.svg", index + 1)), picture(chart, rows)?)?;
    }
    let charts: Vec<_> = all.iter().map(|(chart, rows)| (chart, rows)).collect();
    let text = "One of every chart.\n\nWith the rows that are hard to draw.";
    let about = "gallery · for 31 January 2026";
    let html = page(&Page { title: "Gallery", text: Some(text), about, charts: &charts })?;
    std::fs::write(folder.join("index.html"), html)?;
    Ok(())
}

fn chart(title: &str, kind: ChartKind, format: &str) -> ReportChart {
    ReportChart {
        title: title.into(),
        text: None,
        kind,
        query: ExportSource::Query(Vec::new()),
        x: None,
        y: Vec::new(),
        series: None,
        format: format.parse().ok(),
        stacked: None,
    }
}

fn text(text: &str) -> Cell {
    Cell::Text(text.into())
}

fn rows(columns: &[&str], lines: &[&[&str]]) -> Rows {
    let cell = |word: &&str| match *word {
        "" => Cell::Null,
        word if word.starts_with(|c: char| c.is_ascii_digit() || c == '-')
            && !word[1..].contains('-') =>
        {
            Cell::of_digits(word)
        }
        word => text(word),
    };
    Rows::of(columns, lines.iter().map(|line| line.iter().map(cell).collect()).collect())
}

fn numbers() -> Vec<(ReportChart, Rows)> {
    let balance = [&["2025-12", "-1204.10"][..], &["2026-01", "338.75"]];
    let share = [&["2025-12", "0.312"][..], &["2026-01", "0.287"]];
    vec![
        (
            chart("Balance", ChartKind::Number, "currency:AUD"),
            rows(&["month", "balance"], &balance),
        ),
        (chart("Share of rent", ChartKind::Number, "0.0%"), rows(&["month", "share"], &share)),
        (chart("Entries", ChartKind::Number, ""), rows(&["entries"], &[&["30298"]])),
    ]
}

fn bars() -> Vec<(ReportChart, Rows)> {
    let few = [&["Rent", "2100"][..], &["Food", "812.4"], &["Travel", "-120"], &["Other", ""]];
    let names: Vec<Cell> = (0..46)
        .map(|n| text(&format!("Category number {n} with quite a long name that goes on")))
        .collect();
    let many = names.into_iter().enumerate().map(|(n, name)| {
        vec![
            name,
            Cell::of_float(40_000.0 / (n + 1) as f64 - if n % 9 == 8 { 9_000.0 } else { 0.0 }),
        ]
    });
    let months = |count: u32| (0..count).map(|n| format!("{}-{:02}", 2024 + n / 12, n % 12 + 1));
    let two = months(14).enumerate().map(|(n, month)| {
        let n = n as f64;
        vec![
            text(&month),
            Cell::of_float(5_000.0 + 700.0 * (n * 0.9).sin()),
            Cell::of_float(-4_200.0 - 900.0 * (n * 0.7).cos()),
        ]
    });
    let modes = [
        "Cash",
        "Card",
        "Transfer",
        "Direct debit",
        "Cheque",
        "Phone",
        "Voucher",
        "Coupon",
        "Barter",
        "IOU",
    ];
    let by_mode = months(6).flat_map(|month| {
        modes.iter().enumerate().map(move |(n, mode)| {
            vec![text(&month), text(mode), Cell::of_float(900.0 / (n + 1) as f64)]
        })
    });
    let slices = [
        "Rent",
        "Food",
        "Travel",
        "Clothes",
        "Health",
        "Books",
        "Music",
        "Gifts",
        "Taxes <b>&amp;",
        "Fees",
        "Nothing",
    ];
    let shares = slices.iter().enumerate().map(|(n, name)| {
        vec![text(name), Cell::of_float(if n == 10 { 0.0 } else { 1_000.0 / (n * n + 1) as f64 })]
    });
    let mut grouped = chart("In and out", ChartKind::Bar, "currency:AUD");
    grouped.text = Some("Two series, one below zero.".into());
    let mut stacked = chart("By mode, stacked", ChartKind::Bar, "#,##0");
    (stacked.stacked, stacked.series) = (Some(true), Some("mode".into()));
    vec![
        (chart("A few", ChartKind::Bar, "currency:AUD"), rows(&["category", "amount"], &few)),
        (
            chart("Many with long names", ChartKind::Bar, "currency:AUD"),
            Rows::of(&["category", "amount"], many.collect()),
        ),
        (grouped, Rows::of(&["month", "income", "expenses"], two.collect())),
        (stacked, Rows::of(&["month", "mode", "amount"], by_mode.collect())),
        (
            chart("Shares", ChartKind::Pie, "currency:EUR"),
            Rows::of(&["category", "amount"], shares.collect()),
        ),
        (chart("All of it", ChartKind::Pie, ""), rows(&["a", "b"], &[&["Rent", "5"]])),
        (
            chart("Below zero in a pie", ChartKind::Pie, ""),
            rows(&["a", "b"], &[&["Rent", "5"], &["Back", "-2"]]),
        ),
        (chart("Nothing", ChartKind::Bar, ""), rows(&["a", "b"], &[])),
        (
            chart("A table", ChartKind::Table, "#,##0.00"),
            rows(
                &["category", "amount", "note"],
                &[
                    &["Rent", "2100.5", "<script>alert(1)</script>"],
                    &[
                        "Food",
                        "",
                        "a note that is so long that it has to be cut in a picture but never in a page, where it wraps",
                    ],
                ],
            ),
        ),
    ]
}

fn lines() -> Vec<(ReportChart, Rows)> {
    let day = |n: u64| {
        let first = chrono::NaiveDate::from_ymd_opt(2025, 11, 17).unwrap_or_default();
        Cell::Moment((first + chrono::Days::new(n)).and_time(chrono::NaiveTime::MIN))
    };
    let daily = (0..75).map(|n| {
        let value = |phase: f64| Cell::of_float(120.0 + 30.0 * ((n as f64) / 9.0 + phase).sin());
        let gap = (20..26).contains(&n) && n != 23;
        vec![day(n), if gap { Cell::Null } else { value(0.0) }, value(1.4), value(2.9)]
    });
    let daily: Vec<Vec<Cell>> = daily.collect();
    let columns = ["day", "Groceries", "Transport", "Going out"];
    let years =
        [&["1990", "0.021"][..], &["2000", "0.034"], &["2010", "-0.008"], &["2020", "0.012"]];
    let hours = (0..30_i64).map(|n| {
        let first =
            chrono::DateTime::from_timestamp(1_769_000_000, 0).unwrap_or_default().naive_utc();
        vec![
            Cell::Moment(first + chrono::TimeDelta::minutes(47 * n)),
            Cell::of_float((n * n % 17) as f64),
        ]
    });
    let mut stacked = chart("Areas on each other", ChartKind::Area, "0");
    stacked.text = Some("A gap counts as nothing here.".into());
    vec![
        (chart("Three lines with a gap", ChartKind::Line, ""), Rows::of(&columns, daily.clone())),
        (stacked, Rows::of(&columns, daily.clone())),
        (
            chart("One area", ChartKind::Area, "currency:USD"),
            Rows::of(&columns[..2], daily.iter().map(|row| row[..2].to_vec()).collect()),
        ),
        (chart("Growth", ChartKind::Line, "0.0%"), rows(&["year", "growth"], &years)),
        (chart("By the hour", ChartKind::Line, ""), Rows::of(&["at", "count"], hours.collect())),
        (chart("One point", ChartKind::Line, ""), rows(&["month", "n"], &[&["2026-01", "5"]])),
        (
            chart("Names", ChartKind::Line, ""),
            rows(
                &["step", "n"],
                &[
                    &["First step", "5"],
                    &["Second step of all", "7"],
                    &["Third", ""],
                    &["Last", "1"],
                ],
            ),
        ),
    ]
}
