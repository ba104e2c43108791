//! From rows to what is drawn: places along the axis, and series of values at them.

use std::collections::HashMap;

use chrono::NaiveDateTime;
use millrace_contract::{ChartKind, ReportChart};

use crate::cell::{Cell, Number};
use crate::number::exact;
use crate::palette::SERIES;
use crate::roles::{ChartError, Roles};
use crate::rows::Rows;
use crate::ticks::Grain;

/// Where values are along the axis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Places {
    /// Names, in the order of the rows.
    Names(Vec<String>),
    /// Moments, in order.
    Moments(Vec<NaiveDateTime>, Grain),
    /// Numbers, in order.
    Numbers(Vec<f64>),
}

impl Places {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Names(names) => names.len(),
            Self::Moments(moments, _) => moments.len(),
            Self::Numbers(numbers) => numbers.len(),
        }
    }

    /// A place in full.
    pub(crate) fn name(&self, index: usize) -> String {
        match self {
            Self::Names(names) => names[index].clone(),
            Self::Moments(moments, grain) => grain.write(moments[index]),
            Self::Numbers(numbers) => numbers[index].to_string(),
        }
    }
}

/// Values under one name, one for each place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) values: Vec<Option<Number>>,
    /// Class of its colour: `0` to `6`, or none for what is left of many.
    pub(crate) colour: Option<usize>,
}

impl Series {
    pub(crate) fn value(&self, index: usize) -> Option<f64> {
        self.values[index].as_ref().map(|number| number.value)
    }

    fn weight(&self) -> f64 {
        self.values.iter().flatten().map(|number| number.value.abs()).sum()
    }
}

/// What is drawn.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plot {
    pub(crate) places: Places,
    pub(crate) series: Vec<Series>,
    /// What whoever looks at it has to know.
    pub(crate) notes: Vec<String>,
}

impl Plot {
    /// Reads the rows of a bar, line, area or pie chart.
    pub(crate) fn of(chart: &ReportChart, rows: &Rows) -> Result<Self, ChartError> {
        let roles = Roles::of(chart, rows)?;
        let (places, order) = places(chart, rows, &roles);
        let mut plot = match roles.series {
            Some(by) => split(rows, &roles, by, places, &order),
            None => aside(rows, &roles, places, &order),
        };
        let lost = order.iter().filter(|place| place.is_none()).count();
        if lost > 0 {
            let x = &rows.columns()[roles.x];
            plot.notes.push(format!("{lost} without a value of `{x}` are left out"));
        }
        plot.few(is_stacked(chart));
        Ok(plot)
    }

    /// Keeps as many series as there are colours: the greatest.
    fn few(&mut self, is_stacked: bool) {
        let all = self.series.len();
        if all > SERIES {
            let kept = if is_stacked { SERIES - 1 } else { SERIES };
            let mut weights: Vec<(usize, f64)> =
                self.series.iter().map(Series::weight).enumerate().collect();
            weights.sort_by(|a, b| b.1.total_cmp(&a.1));
            let great: Vec<usize> = weights[..kept].iter().map(|(index, _)| *index).collect();
            let (great, small): (Vec<_>, Vec<_>) = std::mem::take(&mut self.series)
                .into_iter()
                .enumerate()
                .partition(|(index, _)| great.contains(index));
            self.series = great.into_iter().map(|(_, series)| series).collect();
            if is_stacked {
                let small: Vec<Series> = small.into_iter().map(|(_, series)| series).collect();
                self.series.push(together(&small));
                self.notes.push(format!("{} small series are drawn as one", small.len()));
            } else {
                self.notes.push(format!("the {SERIES} greatest of {all} series are drawn"));
            }
        }
        for (index, series) in self.series.iter_mut().enumerate() {
            series.colour = (index < SERIES && !series.name.starts_with(OTHER)).then_some(index);
        }
    }

    /// The span of all values.
    pub(crate) fn span(&self, is_stacked: bool) -> Option<(f64, f64)> {
        let values: Vec<f64> = match is_stacked {
            true => (0..self.places.len())
                .flat_map(|index| {
                    let at = |sign: fn(f64) -> bool| {
                        let values = self.series.iter().filter_map(|series| series.value(index));
                        values.filter(|&value| sign(value)).sum::<f64>()
                    };
                    [at(|value| value < 0.0), at(|value| value > 0.0)]
                })
                .collect(),
            false => {
                let all = self.series.iter().flat_map(|series| series.values.iter().flatten());
                all.map(|number| number.value).collect()
            }
        };
        let low = values.iter().copied().reduce(f64::min)?;
        Some((low, values.iter().copied().reduce(f64::max)?))
    }

    /// Whether there is nothing to draw.
    pub(crate) fn is_void(&self) -> bool {
        self.series.iter().all(|series| series.values.iter().all(Option::is_none))
    }
}

/// Name of what is left of many, which no colour but grey stands for.
const OTHER: &str = "\u{2009}other";

/// Whether series stand on each other.
pub(crate) fn is_stacked(chart: &ReportChart) -> bool {
    match chart.kind {
        ChartKind::Area => chart.stacked.unwrap_or(true),
        ChartKind::Bar => chart.stacked.unwrap_or(false),
        ChartKind::Line | ChartKind::Pie | ChartKind::Table | ChartKind::Number => false,
    }
}

/// The sums of several series.
fn together(all: &[Series]) -> Series {
    let places = all.first().map_or(0, |series| series.values.len());
    let values = (0..places).map(|index| {
        let values: Vec<f64> = all.iter().filter_map(|series| series.value(index)).collect();
        (!values.is_empty()).then(|| sum_of(values.iter().sum()))
    });
    Series { name: format!("{OTHER} ({})", all.len()), values: values.collect(), colour: None }
}

fn sum_of(value: f64) -> Number {
    Number { digits: value.to_string(), value, is_float: true }
}

/// The places of the rows, and each row's place among them.
fn places(chart: &ReportChart, rows: &Rows, roles: &Roles) -> (Places, Vec<Option<usize>>) {
    let merges = roles.series.is_some();
    if let Some(moments) = rows.moments(roles.x) {
        let grain = Grain::of(moments.iter().flatten().copied());
        // A pie's slices stay in the order of the rows; along an axis time goes on.
        if chart.kind != ChartKind::Pie {
            let mut sorted: Vec<NaiveDateTime> = moments.iter().flatten().copied().collect();
            sorted.sort_unstable();
            sorted.dedup();
            let of = |at: &Option<NaiveDateTime>| sorted.binary_search(&(*at)?).ok();
            let order = moments.iter().map(of).collect();
            return (Places::Moments(sorted, grain), order);
        }
        let name = |at: &Option<NaiveDateTime>| at.map_or_else(unnamed, |at| grain.write(at));
        return named(moments.iter().map(name), merges);
    }
    let is_line = matches!(chart.kind, ChartKind::Line | ChartKind::Area);
    if is_line && rows.is_numeric(roles.x) {
        let values: Vec<Option<f64>> = rows.column(roles.x).map(Cell::value).collect();
        let mut sorted: Vec<f64> = values.iter().flatten().copied().collect();
        sorted.sort_by(f64::total_cmp);
        sorted.dedup();
        let of = |value: &Option<f64>| {
            sorted.binary_search_by(|known| known.total_cmp(&(*value).unwrap_or(f64::NAN))).ok()
        };
        let order = values.iter().map(of).collect();
        return (Places::Numbers(sorted), order);
    }
    named(rows.column(roles.x).map(name), merges)
}

fn unnamed() -> String {
    "(none)".to_owned()
}

/// A value as a name.
pub(crate) fn name(cell: &Cell) -> String {
    match cell {
        Cell::Null => unnamed(),
        Cell::Number(number) => exact(number, None),
        Cell::Moment(at) => Grain::of(std::iter::once(*at)).max(Grain::Day).write(*at),
        Cell::Text(text) if text.trim().is_empty() => "(empty)".to_owned(),
        Cell::Text(text) => text.clone(),
    }
}

/// Names in the order of their first appearance; each row's own where they are not
/// to be merged.
fn named(names: impl Iterator<Item = String>, merges: bool) -> (Places, Vec<Option<usize>>) {
    if !merges {
        let names: Vec<String> = names.collect();
        let order = (0..names.len()).map(Some).collect();
        return (Places::Names(names), order);
    }
    let (mut known, mut order, mut at) = (Vec::new(), Vec::new(), HashMap::new());
    for name in names {
        let index = *at.entry(name.clone()).or_insert_with(|| {
            known.push(name);
            known.len() - 1
        });
        order.push(Some(index));
    }
    (Places::Names(known), order)
}

/// A series for each value column.
fn aside(rows: &Rows, roles: &Roles, places: Places, order: &[Option<usize>]) -> Plot {
    let mut notes = Vec::new();
    let series = roles.y.iter().map(|&index| {
        let cells = rows.column(index).zip(order);
        let (values, met) = at_places(cells, places.len());
        note_sums(met, &mut notes);
        Series { name: rows.columns()[index].clone(), values, colour: None }
    });
    let series = series.collect();
    Plot { places, series, notes }
}

/// A series for each value of a column.
fn split(rows: &Rows, roles: &Roles, by: usize, places: Places, order: &[Option<usize>]) -> Plot {
    let (names, of_row) = named(rows.column(by).map(name), true);
    let Places::Names(names) = names else { return Plot { places, series: vec![], notes: vec![] } };
    let mut notes = Vec::new();
    let series = names.into_iter().enumerate().map(|(wanted, name)| {
        let cells = roles.y.iter().flat_map(|&index| {
            let rows = rows.column(index).zip(order).zip(&of_row);
            rows.filter(move |(_, own)| **own == Some(wanted)).map(|(cell, _)| cell)
        });
        let (values, met) = at_places(cells, places.len());
        note_sums(met, &mut notes);
        Series { name, values, colour: None }
    });
    let series = series.collect();
    Plot { places, series, notes }
}

/// Values at their places; whether any met there, which makes their sum.
fn at_places<'r>(
    cells: impl Iterator<Item = (&'r Cell, &'r Option<usize>)>,
    places: usize,
) -> (Vec<Option<Number>>, bool) {
    let (mut values, mut met) = (vec![None; places], false);
    for (cell, place) in cells {
        let (Cell::Number(number), Some(place)) = (cell, *place) else { continue };
        values[place] = Some(match values[place].take() {
            None => number.clone(),
            Some(Number { value, .. }) => {
                met = true;
                sum_of(value + number.value)
            }
        });
    }
    (values, met)
}

fn note_sums(met: bool, notes: &mut Vec<String>) {
    if met && notes.is_empty() {
        notes.push("where several rows have one place, their sum is drawn".to_owned());
    }
}
