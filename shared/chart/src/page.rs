//! The page: one HTML file with everything in it, no script, and nothing from
//! elsewhere, which its own policy would refuse.

use millrace_contract::{ChartKind, ReportChart};

use crate::figure::{Figure, figures};
use crate::grid::Grid;
use crate::palette::{DARK, LIGHT, Palette, marks, strokes};
use crate::picture::Picture;
use crate::roles::ChartError;
use crate::rows::Rows;
use crate::text::{escaped, put};

/// How the page is laid out.
const LAYOUT: &str = include_str!("page.css");

/// A page of charts.
#[derive(Debug, Clone)]
pub struct Page<'a> {
    /// What stands above.
    pub title: &'a str,
    /// What stands below the title; an empty line begins a paragraph.
    pub text: Option<&'a str>,
    /// What the page is for and when it was made, in a line.
    pub about: &'a str,
    /// The charts with their rows, in order.
    pub charts: &'a [(&'a ReportChart, &'a Rows)],
}

/// Makes the page.
///
/// # Errors
/// [`ChartError`] if the rows of a chart can't be drawn as it says.
pub fn page(page: &Page<'_>) -> Result<String, ChartError> {
    let mut out = String::new();
    head(page, &mut out);
    put!(out, "<body>\n<header>\n<h1>{}</h1>\n", escaped(page.title));
    paragraphs(page.text, &mut out);
    put!(out, "<p class=\"about\">{}</p>\n</header>\n<main>\n", escaped(page.about));
    let mut index = 0;
    while index < page.charts.len() {
        let numbers = page.charts[index..].iter();
        let numbers = numbers.take_while(|(chart, _)| chart.kind == ChartKind::Number).count();
        if numbers == 0 {
            section(index, page.charts[index], &mut out)?;
            index += 1;
            continue;
        }
        // Numbers that follow each other stand side by side.
        out.push_str("<div class=\"figures\">\n");
        for (chart, rows) in &page.charts[index..index + numbers] {
            card(chart, rows, &mut out)?;
        }
        out.push_str("</div>\n");
        index += numbers;
    }
    out.push_str("</main>\n</body>\n</html>\n");
    Ok(out)
}

fn head(page: &Page<'_>, out: &mut String) {
    put!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{}</title>\n<style>\n{LAYOUT}{}\n{}{}\n\
         @media screen and (prefers-color-scheme:dark){{{}{}}}\n</style>\n</head>\n",
        escaped(page.title),
        strokes(),
        surface(&LIGHT),
        marks(&LIGHT),
        surface(&DARK),
        marks(&DARK)
    );
}

/// The colours of the page itself.
fn surface(palette: &Palette) -> String {
    let Palette { surface, text, muted, grid, .. } = palette;
    format!(
        ":root{{background:{surface};color:{text}}}.about,.note,figcaption p,summary,.null,\
         .change,.label{{color:{muted}}}th,td,.card,figure{{border-color:{grid}}}"
    )
}

fn paragraphs(text: Option<&str>, out: &mut String) {
    let lines = text.unwrap_or_default().lines().map(str::trim).collect::<Vec<_>>();
    for paragraph in lines.split(|line| line.is_empty()).filter(|lines| !lines.is_empty()) {
        put!(out, "<p>{}</p>\n", escaped(&paragraph.join("\n")));
    }
}

fn section(
    index: usize,
    (chart, rows): (&ReportChart, &Rows),
    out: &mut String,
) -> Result<(), ChartError> {
    let id = format!("c{}", index + 1);
    put!(
        out,
        "<figure id=\"{id}\" aria-labelledby=\"{id}-h\">\n<figcaption><h2 id=\"{id}-h\">{}</h2>\n",
        escaped(&chart.title)
    );
    paragraphs(chart.text.as_deref(), out);
    out.push_str("</figcaption>\n");
    let picture = Picture::draw(chart, rows)?;
    let grid = Grid::new(chart, rows);
    match chart.kind {
        ChartKind::Table => grid.html(out),
        ChartKind::Bar | ChartKind::Line | ChartKind::Area | ChartKind::Pie | ChartKind::Number => {
            out.push_str("<div class=\"scroll\">");
            picture.in_page(&chart.title, &id, out);
            out.push_str("</div>\n");
        }
    }
    notes(&picture.notes, out);
    if chart.kind != ChartKind::Table && !rows.is_empty() {
        table_below(rows, &grid, out);
    }
    out.push_str("</figure>\n");
    Ok(())
}

fn notes(notes: &[String], out: &mut String) {
    if !notes.is_empty() {
        put!(out, "<p class=\"note\">Note: {}.</p>\n", escaped(&notes.join("; ")));
    }
}

fn table_below(rows: &Rows, grid: &Grid<'_>, out: &mut String) {
    let count = rows.len();
    let noun = if count == 1 { "row" } else { "rows" };
    put!(out, "<details><summary>{count} {noun} as a table</summary>\n");
    grid.html(out);
    out.push_str("</details>\n");
}

/// Large numbers of one chart.
fn card(chart: &ReportChart, rows: &Rows, out: &mut String) -> Result<(), ChartError> {
    put!(out, "<section class=\"card\">\n<h2>{}</h2>\n", escaped(&chart.title));
    let figures = figures(chart, rows)?;
    if figures.is_empty() {
        out.push_str("<p class=\"note\">no rows</p>\n");
    }
    for figure in &figures {
        number(figure, out);
    }
    paragraphs(chart.text.as_deref(), out);
    if rows.len() > 1 {
        table_below(rows, &Grid::new(chart, rows), out);
    }
    out.push_str("</section>\n");
    Ok(())
}

fn number(figure: &Figure, out: &mut String) {
    if let Some(label) = &figure.label {
        put!(out, "<p class=\"label\">{}</p>\n", escaped(label));
    }
    put!(out, "<p class=\"figure\">{}</p>\n", escaped(&figure.value));
    if let Some(change) = &figure.change {
        let says = format!("{} against {}", change.text, change.before);
        put!(
            out,
            "<p class=\"change\"><span aria-hidden=\"true\">{}</span> {}</p>\n",
            change.arrow(),
            escaped(&says)
        );
    }
}
