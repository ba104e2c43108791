//! Which column of the rows is what: along the axis, a series of values, or what tells
//! series apart.

use millrace_contract::{ChartKind, ReportChart};
use thiserror::Error;

use crate::cell::Cell;
use crate::rows::Rows;

/// Why rows can't be drawn as their chart says.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChartError {
    /// A column that is not there.
    #[error("chart `{chart}`: `{key}` names column `{column}`; the query has {known}")]
    NoColumn {
        /// Title of the chart.
        chart: String,
        /// `x`, `y` or `series`.
        key: &'static str,
        /// The column.
        column: String,
        /// Those that are there.
        known: String,
    },
    /// A column of values that are no numbers.
    #[error(
        "chart `{chart}`: column `{column}` has `{value}`, which is no number; cast it in the query"
    )]
    NoNumber {
        /// Title of the chart.
        chart: String,
        /// The column.
        column: String,
        /// The first such value.
        value: String,
    },
    /// Nothing to draw.
    #[error("chart `{chart}`: no column has numbers beside `{x}`; name one in `y`")]
    NoValues {
        /// Title of the chart.
        chart: String,
        /// The column along the axis.
        x: String,
    },
}

/// Which columns are which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Roles {
    pub(crate) x: usize,
    pub(crate) y: Vec<usize>,
    pub(crate) series: Option<usize>,
}

impl Roles {
    pub(crate) fn of(chart: &ReportChart, rows: &Rows) -> Result<Self, ChartError> {
        let find = |key, name: &String| {
            rows.position(name).ok_or_else(|| ChartError::NoColumn {
                chart: chart.title.clone(),
                key,
                column: name.clone(),
                known: rows.columns().join(", "),
            })
        };
        let series = chart.series.as_ref().map(|name| find("series", name)).transpose()?;
        let named = chart.x.as_ref().map(|name| find("x", name)).transpose()?;
        let only_number = chart.kind == ChartKind::Number && rows.columns().len() == 1;
        let x = named.unwrap_or_else(|| usize::from(series == Some(0) && rows.columns().len() > 1));
        let mut y = Vec::with_capacity(chart.y.len());
        for name in &chart.y {
            y.push(find("y", name)?);
        }
        if y.is_empty() {
            let free =
                (0..rows.columns().len()).filter(|&i| (i != x || only_number) && Some(i) != series);
            // A column without a value may be of numbers; it is so beside no other.
            let all: Vec<usize> = free.collect();
            y = all.iter().copied().filter(|&index| rows.is_numeric(index)).collect();
            if series.is_some() || chart.kind == ChartKind::Pie {
                y.truncate(1);
            }
            let is_void = rows.is_empty() || rows.column(x).all(|cell| *cell == Cell::Null);
            if y.is_empty()
                && !is_void
                && rows.rows().iter().any(|row| all.iter().any(|&i| row[i] != Cell::Null))
            {
                let x = rows.columns()[x].clone();
                return Err(ChartError::NoValues { chart: chart.title.clone(), x });
            }
        }
        let roles = Self { x, y, series };
        roles.check_numbers(chart, rows)?;
        Ok(roles)
    }

    fn check_numbers(&self, chart: &ReportChart, rows: &Rows) -> Result<(), ChartError> {
        for &index in &self.y {
            let wrong = rows.column(index).find_map(|cell| match cell {
                Cell::Null | Cell::Number(_) => None,
                Cell::Moment(at) => Some(at.to_string()),
                Cell::Text(text) => Some(text.chars().take(40).collect()),
            });
            if let Some(value) = wrong {
                let column = rows.columns()[index].clone();
                return Err(ChartError::NoNumber { chart: chart.title.clone(), column, value });
            }
        }
        Ok(())
    }
}
