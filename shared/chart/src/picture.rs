//! Charts as pictures: in a page, or each as a file of its own.

use millrace_contract::{ChartKind, ReportChart};

use crate::canvas::{Anchor, Canvas, WIDTH};
use crate::figure::{self, figures};
use crate::grid::Grid;
use crate::palette::{LIGHT, marks, strokes};
use crate::roles::ChartError;
use crate::rows::Rows;
use crate::series::Plot;
use crate::text::{at, escaped, put};
use crate::{bar, line, pie};

/// Space around the picture of a file.
const MARGIN: f64 = 20.0;

/// Space above it for the title.
const TITLE: f64 = 34.0;

/// A chart that is drawn.
pub(crate) struct Picture {
    pub(crate) canvas: Canvas,
    /// What it shows, for people who do not see it.
    pub(crate) summary: String,
    /// What whoever looks at it has to know.
    pub(crate) notes: Vec<String>,
}

impl Picture {
    pub(crate) fn draw(chart: &ReportChart, rows: &Rows) -> Result<Self, ChartError> {
        let mut picture = match chart.kind {
            ChartKind::Table => Self::of_table(chart, rows),
            ChartKind::Number => Self::of_figures(chart, rows)?,
            ChartKind::Bar | ChartKind::Line | ChartKind::Area | ChartKind::Pie => {
                Self::of_plot(chart, rows)?
            }
        };
        if rows.is_cut() {
            picture
                .notes
                .push(format!("only the first {} rows are here; there are more", rows.len()));
        }
        Ok(picture)
    }

    fn of_table(chart: &ReportChart, rows: &Rows) -> Self {
        let summary = match rows.len() {
            0 => "No rows.".to_owned(),
            count => format!("Table of {count} rows: {}.", rows.columns().join(", ")),
        };
        Self { canvas: Grid::new(chart, rows).picture(), summary, notes: Vec::new() }
    }

    fn of_figures(chart: &ReportChart, rows: &Rows) -> Result<Self, ChartError> {
        let figures = figures(chart, rows)?;
        let said = figures.iter().map(|figure| match &figure.change {
            Some(change) => format!("{}, {change}", figure.value),
            None => figure.value.clone(),
        });
        let said: Vec<String> = said.collect();
        let summary = if said.is_empty() { "No rows.".to_owned() } else { said.join("; ") };
        Ok(Self { canvas: figure::draw(&figures), summary, notes: Vec::new() })
    }

    fn of_plot(chart: &ReportChart, rows: &Rows) -> Result<Self, ChartError> {
        let mut plot = Plot::of(chart, rows)?;
        if plot.is_void() {
            let summary = "No rows.".to_owned();
            return Ok(Self { canvas: Canvas::nothing(), summary, notes: plot.notes });
        }
        let canvas = match chart.kind {
            ChartKind::Bar => bar::draw(chart, &mut plot),
            ChartKind::Pie => pie::draw(chart, &mut plot).unwrap_or_else(|| {
                plot.notes.push("some values are below zero, so these are bars".to_owned());
                bar::draw(chart, &mut plot)
            }),
            ChartKind::Line | ChartKind::Area | ChartKind::Table | ChartKind::Number => {
                line::draw(chart, &plot)
            }
        };
        Ok(Self { canvas, summary: summary(chart, &plot), notes: plot.notes })
    }

    /// The picture in a page; `id` is the page's alone.
    pub(crate) fn in_page(&self, title: &str, id: &str, out: &mut String) {
        put!(
            out,
            "<svg class=\"k\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\" viewBox=\"0 0 {} {}\">\
             <title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>{}</svg>\n",
            at(WIDTH),
            at(self.canvas.height),
            escaped(title),
            escaped(&self.summary),
            self.canvas.marks
        );
    }

    /// The picture as a file, on white.
    pub(crate) fn alone(&self, title: &str) -> String {
        let (wide, high) = (WIDTH + 2.0 * MARGIN, self.canvas.height + 2.0 * MARGIN + TITLE);
        let mut heading = Canvas::new(0.0);
        heading.label("n h", (MARGIN, MARGIN + 14.0), Anchor::Start, (title, WIDTH * 0.74));
        let mut out = String::new();
        put!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"k\" role=\"img\" \
             aria-labelledby=\"t d\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\">\
             <title id=\"t\">{2}</title><desc id=\"d\">{3}</desc><style>{4}{5}</style>\
             <rect class=\"b\" width=\"100%\" height=\"100%\"/>{6}\
             <g transform=\"translate({7} {8})\">{9}</g></svg>\n",
            at(wide),
            at(high),
            escaped(title),
            escaped(&self.summary),
            strokes(),
            marks(&LIGHT),
            heading.marks,
            at(MARGIN),
            at(MARGIN + TITLE),
            self.canvas.marks
        );
        out
    }
}

/// What a chart shows, in a sentence or two.
fn summary(chart: &ReportChart, plot: &Plot) -> String {
    let kind = match chart.kind {
        ChartKind::Bar => "Bar chart",
        ChartKind::Line => "Line chart",
        ChartKind::Area => "Area chart",
        ChartKind::Pie => "Pie chart",
        ChartKind::Table | ChartKind::Number => "Chart",
    };
    let count = plot.places.len();
    let mut text = match count {
        1 => format!("{kind} of one value, {}.", plot.places.name(0)),
        _ => {
            let (first, last) = (plot.places.name(0), plot.places.name(count - 1));
            format!("{kind} of {count} values, {first} to {last}.")
        }
    };
    for (position, series) in plot.series.iter().enumerate().take(4) {
        let known = (0..count).filter(|&index| series.value(index).is_some());
        let by_value = |a: &usize, b: &usize| {
            series.value(*a).unwrap_or_default().total_cmp(&series.value(*b).unwrap_or_default())
        };
        let Some(least) = known.clone().min_by(by_value) else { continue };
        let Some(greatest) = known.max_by(by_value) else { continue };
        let says = |index| bar::says(chart, plot, position, index);
        text.push_str(&match least == greatest {
            true => format!(" {}.", says(least)),
            false => format!(" Greatest {}; least {}.", says(greatest), says(least)),
        });
    }
    text
}

/// A chart as an SVG file of its own, on white.
///
/// # Errors
/// [`ChartError`] if the rows can't be drawn as the chart says.
pub fn picture(chart: &ReportChart, rows: &Rows) -> Result<String, ChartError> {
    Ok(Picture::draw(chart, rows)?.alone(&chart.title))
}
