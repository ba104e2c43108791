//! Tables: the rows as they are, in HTML with every digit, and as a picture as far
//! as they fit.

use millrace_contract::{ChartKind, ReportChart};

use crate::canvas::{Anchor, Canvas, SIZE, WIDTH};
use crate::cell::Cell;
use crate::number::exact;
use crate::roles::Roles;
use crate::rows::Rows;
use crate::series::name;
use crate::text::{escaped, put, width};
use crate::ticks::Grain;

/// Rows of a picture at most.
const PICTURED: usize = 20;

/// Height of a row of a picture.
const LINE: f64 = 22.0;

/// A column, and how its values are written.
struct Column<'a> {
    name: &'a str,
    is_number: bool,
    has_format: bool,
    /// How finely it tells time, of a column of moments.
    grain: Option<Grain>,
}

/// A table.
pub(crate) struct Grid<'a> {
    chart: &'a ReportChart,
    rows: &'a Rows,
    columns: Vec<Column<'a>>,
}

impl<'a> Grid<'a> {
    pub(crate) fn new(chart: &'a ReportChart, rows: &'a Rows) -> Self {
        // Where the format belongs to: what is drawn, or of a table every fraction.
        let drawn = match chart.kind {
            ChartKind::Table => None,
            _ => Roles::of(chart, rows).ok().map(|roles| roles.y),
        };
        let column = |(index, name): (usize, &'a String)| {
            let is_number = rows.is_numeric(index);
            let has_format = match &drawn {
                Some(drawn) => drawn.contains(&index),
                None => is_number && has_fractions(rows, index),
            };
            let is_moments = rows.column(index).any(|cell| matches!(cell, Cell::Moment(_)));
            let moments = rows.moments(index).filter(|_| is_moments);
            let grain = moments.map(|all| Grain::of(all.into_iter().flatten()).max(Grain::Day));
            Column { name, is_number, has_format, grain }
        };
        let columns = rows.columns().iter().enumerate().map(column).collect();
        Self { chart, rows, columns }
    }

    fn text(&self, cell: &Cell, column: &Column<'_>) -> String {
        let format = self.chart.format.as_ref().filter(|_| column.has_format);
        match (cell, column.grain) {
            (Cell::Null, _) => "\u{2013}".to_owned(),
            (Cell::Number(number), _) => exact(number, format),
            (Cell::Moment(at), Some(grain)) => grain.write(*at),
            (Cell::Text(text), _) => text.clone(),
            (moment @ Cell::Moment(_), None) => name(moment),
        }
    }

    /// The rows in HTML.
    pub(crate) fn html(&self, out: &mut String) {
        if self.rows.is_empty() {
            out.push_str("<p class=\"note\">no rows</p>\n");
            return;
        }
        out.push_str("<div class=\"scroll\"><table>\n<thead><tr>");
        for column in &self.columns {
            let class = if column.is_number { " class=\"number\"" } else { "" };
            put!(out, "<th scope=\"col\"{class}>{}</th>", escaped(column.name));
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for row in self.rows.rows() {
            out.push_str("<tr>");
            for (cell, column) in row.iter().zip(&self.columns) {
                let class = match (cell, column.is_number) {
                    (Cell::Null, true) => " class=\"null number\" title=\"no value\"",
                    (Cell::Null, false) => " class=\"null\" title=\"no value\"",
                    (_, true) => " class=\"number\"",
                    (_, false) => "",
                };
                put!(out, "<td{class}>{}</td>", escaped(&self.text(cell, column)));
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody></table></div>\n");
    }

    /// The first rows as a picture.
    pub(crate) fn picture(&self) -> Canvas {
        if self.rows.is_empty() {
            return Canvas::nothing();
        }
        let shown = self.rows.len().min(PICTURED);
        let lefts = self.lefts(shown);
        let mut canvas = Canvas::new((shown + 1) as f64 * LINE + 14.0);
        for (index, column) in self.columns.iter().enumerate() {
            self.cell("m w", column.name, (index, 0), &lefts, &mut canvas);
            for (row, cells) in self.rows.rows().iter().take(shown).enumerate() {
                let text = self.text(&cells[index], column);
                self.cell("n", &text, (index, row + 1), &lefts, &mut canvas);
            }
        }
        for row in 0..=shown {
            let y = (row + 1) as f64 * LINE;
            canvas.line(if row == 0 { "z" } else { "g" }, (0.0, y), (WIDTH, y));
        }
        if shown < self.rows.len() {
            let more = format!("and {} more rows", self.rows.len() - shown);
            canvas.text("m", (0.0, canvas.height + 6.0), Anchor::Start, &more);
            canvas.height += 14.0;
        }
        canvas
    }

    /// Where columns begin and end: each as wide as it needs, or its share of what
    /// there is.
    fn lefts(&self, shown: usize) -> Vec<f64> {
        let needed: Vec<f64> = (0..self.columns.len())
            .map(|index| {
                let column = &self.columns[index];
                let cells = self.rows.rows().iter().take(shown).map(|row| &row[index]);
                let widest = cells.map(|cell| width(&self.text(cell, column), SIZE));
                widest.fold(width(column.name, SIZE) * 1.06, f64::max).min(320.0) + 20.0
            })
            .collect();
        let scale = WIDTH / needed.iter().sum::<f64>().max(1.0);
        let mut lefts = vec![0.0];
        for wide in needed {
            lefts.push(lefts.last().copied().unwrap_or_default() + wide * scale);
        }
        lefts
    }

    fn cell(
        &self,
        class: &str,
        text: &str,
        (column, row): (usize, usize),
        lefts: &[f64],
        canvas: &mut Canvas,
    ) {
        let (left, right) = (lefts[column], lefts[column + 1]);
        let y = (row + 1) as f64 * LINE - 6.0;
        let room = right - left - 14.0;
        match self.columns[column].is_number {
            true => canvas.label(class, (right - 10.0, y), Anchor::End, (text, room)),
            false => canvas.label(class, (left, y), Anchor::Start, (text, room)),
        }
    }
}

fn has_fractions(rows: &Rows, index: usize) -> bool {
    rows.column(index)
        .any(|cell| matches!(cell, Cell::Number(n) if n.is_float || n.digits.contains('.')))
}
