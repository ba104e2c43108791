//! A large number: the last row's, with how it changed against the row before.

use millrace_contract::ReportChart;

use crate::canvas::{Anchor, Canvas, WIDTH};
use crate::cell::Cell;
use crate::number::{change, exact};
use crate::roles::{ChartError, Roles};
use crate::rows::Rows;
use crate::series::name;
use crate::ticks::Grain;

/// A large number.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What it is: the chart's title, with the column where there are several.
    pub title: String,
    /// Its name in the chart, where there are several.
    pub label: Option<String>,
    /// As it is written.
    pub value: String,
    /// How it changed, and against what, where there is a row before.
    pub change: Option<Change>,
}

/// How a number changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// As in `+12.5%`.
    pub text: String,
    /// The row before: its name and its number.
    pub before: String,
    /// More, less, or the same.
    pub direction: std::cmp::Ordering,
}

impl Change {
    /// An arrow, which says it without a colour.
    pub(crate) fn arrow(&self) -> &'static str {
        match self.direction {
            std::cmp::Ordering::Greater => "\u{25b2}",
            std::cmp::Ordering::Less => "\u{25bc}",
            std::cmp::Ordering::Equal => "\u{25ac}",
        }
    }
}

/// The large numbers of a chart; none without rows.
///
/// # Errors
/// [`ChartError`] if the columns are not there or no numbers.
pub fn figures(chart: &ReportChart, rows: &Rows) -> Result<Vec<Figure>, ChartError> {
    let roles = Roles::of(chart, rows)?;
    let Some(last) = rows.rows().last() else { return Ok(Vec::new()) };
    let before = rows.len().checked_sub(2).map(|index| &rows.rows()[index]);
    let is_one = roles.y.len() == 1;
    let figure = |&index: &usize| {
        let column = &rows.columns()[index];
        let label = (!is_one).then(|| column.clone());
        let title = match is_one {
            true => chart.title.clone(),
            false => format!("{}, {column}", chart.title),
        };
        let value = match &last[index] {
            Cell::Number(number) => exact(number, chart.format.as_ref()),
            Cell::Null | Cell::Moment(_) | Cell::Text(_) => "\u{2013}".to_owned(),
        };
        let change = before.and_then(|row| changed(chart, rows, &roles, (row, last, index)));
        Figure { title, label, value, change }
    };
    Ok(roles.y.iter().map(figure).collect())
}

fn changed(
    chart: &ReportChart,
    rows: &Rows,
    roles: &Roles,
    (before, last, index): (&[Cell], &[Cell], usize),
) -> Option<Change> {
    let (Cell::Number(earlier), Cell::Number(later)) = (&before[index], &last[index]) else {
        return None;
    };
    let format = chart.format.as_ref();
    let (difference, text) = change(earlier, later, format);
    let direction = difference.partial_cmp(&0.0)?;
    let text = match direction {
        std::cmp::Ordering::Equal => "no change".to_owned(),
        std::cmp::Ordering::Greater | std::cmp::Ordering::Less => text,
    };
    let before = match roles.x == index {
        true => exact(earlier, format),
        false => format!("{} in {}", exact(earlier, format), row_name(rows, roles, before)),
    };
    Some(Change { text, before, direction })
}

/// What a row is called by its first column.
fn row_name(rows: &Rows, roles: &Roles, row: &[Cell]) -> String {
    let moments = rows.moments(roles.x);
    let grain = moments.map(|all| Grain::of(all.into_iter().flatten()));
    let at = match &row[roles.x] {
        Cell::Moment(at) => Some(*at),
        Cell::Text(text) => crate::cell::moment(text),
        Cell::Null | Cell::Number(_) => None,
    };
    match (grain, at) {
        (Some(grain), Some(at)) => grain.write(at),
        (None, _) | (_, None) => name(&row[roles.x]),
    }
}

/// The numbers as a picture.
pub(crate) fn draw(figures: &[Figure]) -> Canvas {
    if figures.is_empty() {
        return Canvas::nothing();
    }
    let mut canvas = Canvas::new(96.0);
    let room = WIDTH / figures.len() as f64;
    for (index, figure) in figures.iter().enumerate() {
        let x = index as f64 * room;
        if let Some(label) = &figure.label {
            canvas.label("m", (x, 12.0), Anchor::Start, (label, room - 12.0));
        }
        canvas.text("n f", (x, 58.0), Anchor::Start, &figure.value);
        if let Some(change) = &figure.change {
            let text = format!("{} {} against {}", change.arrow(), change.text, change.before);
            canvas.label("m", (x, 84.0), Anchor::Start, (&text, room - 12.0));
        }
    }
    canvas
}

/// How a number is told: `+12.5% against A$1,234.00 in Jan 2024`.
impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} against {}", self.text, self.before)
    }
}
