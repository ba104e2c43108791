//! Lines and areas: along time, along numbers, or from name to name. What is null is
//! a gap, and a value between two gaps is a dot.

use chrono::NaiveDateTime;
use millrace_contract::{ChartKind, ReportChart};

use crate::bar::says;
use crate::canvas::{Canvas, SIZE, Swatch, WIDTH, fill, stroke};
use crate::frame::Frame;
use crate::number::AxisNumbers;
use crate::series::{Places, Plot, is_stacked};
use crate::text::{at, put, width};
use crate::ticks::{Ticks, moments};

/// Points that are dots beside being joined, of all series together.
const MOST_DOTS: usize = 64;

/// Space that the label of a moment takes.
const LABEL: f64 = 58.0;

pub(crate) fn draw(chart: &ReportChart, plot: &Plot) -> Canvas {
    let is_stacked = is_stacked(chart) && plot.series.len() > 1;
    let Some((low, high)) = plot.span(is_stacked) else { return Canvas::nothing() };
    let span = match chart.kind == ChartKind::Area || is_near_zero(low, high) {
        true => (low.min(0.0), high.max(0.0)),
        false => (low, high),
    };
    let (mut canvas, frame) = Frame::draw(chart, plot, span, (swatch(chart), 0.0));
    let along = Along::of(plot, &frame);
    along.label(&mut canvas, plot, &frame);
    match chart.kind {
        ChartKind::Area => areas(chart, plot, &frame, &along, (is_stacked, &mut canvas)),
        ChartKind::Line
        | ChartKind::Bar
        | ChartKind::Pie
        | ChartKind::Table
        | ChartKind::Number => {
            frame.zero(&mut canvas);
            lines(chart, plot, &frame, &along, &mut canvas);
        }
    }
    canvas
}

fn swatch(chart: &ReportChart) -> Swatch {
    if chart.kind == ChartKind::Area { Swatch::Box } else { Swatch::Line }
}

/// Whether leaving zero out would gain little.
fn is_near_zero(low: f64, high: f64) -> bool {
    (low <= 0.0 && high >= 0.0) || (high - low) > 0.4 * high.abs().max(low.abs())
}

/// Where places are, from left to right.
struct Along {
    xs: Vec<f64>,
    kind: Kind,
}

enum Kind {
    Names,
    Moments(NaiveDateTime, NaiveDateTime),
    Numbers(Ticks),
}

impl Along {
    fn of(plot: &Plot, frame: &Frame) -> Self {
        let inset = 10.0;
        let (left, right) = (frame.left + inset, frame.right - inset);
        let scaled = |shares: Vec<f64>| {
            shares.into_iter().map(|share| left + share * (right - left)).collect::<Vec<_>>()
        };
        match &plot.places {
            Places::Names(names) => {
                let last = names.len().saturating_sub(1).max(1) as f64;
                let shares = match names.len() {
                    1 => vec![0.5],
                    count => (0..count).map(|index| index as f64 / last).collect(),
                };
                Self { xs: scaled(shares), kind: Kind::Names }
            }
            Places::Moments(moments, _) => {
                let (Some(&first), Some(&last)) = (moments.first(), moments.last()) else {
                    return Self { xs: Vec::new(), kind: Kind::Names };
                };
                let span = (last - first).as_seconds_f64();
                let share = |at: &NaiveDateTime| match span > 0.0 {
                    true => (*at - first).as_seconds_f64() / span,
                    false => 0.5,
                };
                let shares = moments.iter().map(share).collect();
                Self { xs: scaled(shares), kind: Kind::Moments(first, last) }
            }
            Places::Numbers(numbers) => {
                let (low, high) = numbers.first().zip(numbers.last()).unwrap_or((&0.0, &1.0));
                let ticks = Ticks::new(*low, *high, 8);
                let shares = numbers.iter().map(|&value| ticks.along(value)).collect();
                Self { xs: scaled(shares), kind: Kind::Numbers(ticks) }
            }
        }
    }

    fn label(&self, canvas: &mut Canvas, plot: &Plot, frame: &Frame) {
        match (&self.kind, &plot.places) {
            (Kind::Moments(first, last), Places::Moments(all, grain)) if all.len() > 1 => {
                let room = (frame.right - frame.left - 20.0).max(1.0);
                let span = (*last - *first).as_seconds_f64();
                let most = (room / LABEL) as usize;
                for (tick, label) in moments(*first, *last, *grain, most) {
                    let share = (tick - *first).as_seconds_f64() / span;
                    let x = frame.left + 10.0 + share * room;
                    frame.notch(canvas, x);
                    frame.below_within(canvas, x, &label);
                }
            }
            (Kind::Numbers(ticks), _) => {
                let most = ticks.high.abs().max(ticks.low.abs());
                // A year is not thousands.
                let most = if most < 10_000.0 { 0.0 } else { most };
                let numbers = AxisNumbers::new(None, ticks.step, most);
                for value in ticks.all() {
                    let room = frame.right - frame.left - 20.0;
                    let x = frame.left + 10.0 + ticks.along(value) * room;
                    frame.notch(canvas, x);
                    frame.below_within(canvas, x, &numbers.write(value));
                }
            }
            (Kind::Names | Kind::Moments(..), _) => self.label_names(canvas, plot, frame),
        }
    }

    fn label_names(&self, canvas: &mut Canvas, plot: &Plot, frame: &Frame) {
        let names: Vec<String> =
            (0..plot.places.len()).map(|index| plot.places.name(index)).collect();
        let widest = names.iter().map(|name| width(name, SIZE)).fold(0.0, f64::max).min(110.0);
        let apart = (WIDTH - frame.left) / names.len().max(1) as f64;
        let every = (((widest + 8.0) / apart).ceil() as usize).max(1);
        for (index, name) in names.iter().enumerate().step_by(every) {
            let room = apart * every as f64 - 6.0;
            frame.below(canvas, self.xs[index], (name, room.max(24.0)));
        }
    }
}

/// The points of a series that are joined: runs without a gap.
fn runs(xs: &[f64], ys: &[Option<f64>]) -> Vec<Vec<(f64, f64)>> {
    let mut runs = vec![Vec::new()];
    for (&x, y) in xs.iter().zip(ys) {
        match (y, runs.last_mut()) {
            (Some(y), Some(run)) => run.push((x, *y)),
            (None, _) => runs.push(Vec::new()),
            (Some(_), None) => {}
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

fn joined(points: impl Iterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (index, (x, y)) in points.enumerate() {
        put!(path, "{}{} {}", if index == 0 { 'M' } else { 'L' }, at(x), at(y));
    }
    path
}

fn lines(chart: &ReportChart, plot: &Plot, frame: &Frame, along: &Along, canvas: &mut Canvas) {
    let has_dots = plot.places.len() * plot.series.len() <= MOST_DOTS;
    for (position, series) in plot.series.iter().enumerate() {
        let ys: Vec<Option<f64>> = (0..plot.places.len())
            .map(|index| series.value(index).map(|value| frame.y(value)))
            .collect();
        let runs = runs(&along.xs, &ys);
        for run in runs.iter().filter(|run| run.len() > 1) {
            let class = format!("l {}", stroke(series.colour));
            canvas.path(&class, &joined(run.iter().copied()), series.name.trim_start());
        }
        let alone = |x: f64| runs.iter().any(|run| run.len() == 1 && run[0].0 == x);
        for (index, (&x, y)) in along.xs.iter().zip(&ys).enumerate() {
            if let Some(y) = *y
                && (has_dots || alone(x))
            {
                let says = says(chart, plot, position, index);
                canvas.dot(&fill(series.colour), (x, y), 3.2, &says);
            }
        }
    }
}

/// Each series on those before it where they are stacked: what is null is nothing
/// there, and a gap where they are not.
fn areas(
    chart: &ReportChart,
    plot: &Plot,
    frame: &Frame,
    along: &Along,
    (is_stacked, canvas): (bool, &mut Canvas),
) {
    let mut below = vec![0.0; plot.places.len()];
    for series in &plot.series {
        let tops: Vec<Option<f64>> = (0..plot.places.len())
            .map(|index| match is_stacked {
                true => Some(below[index] + series.value(index).unwrap_or_default()),
                false => series.value(index),
            })
            .collect();
        let ys: Vec<Option<f64>> = tops.iter().map(|top| top.map(|top| frame.y(top))).collect();
        let floor: Vec<f64> = match is_stacked {
            true => below.iter().map(|&base| frame.y(base)).collect(),
            false => vec![frame.base(); plot.places.len()],
        };
        area(series.colour, &series.name, along, (&ys, &floor, is_stacked), canvas);
        if is_stacked {
            below = tops.into_iter().map(Option::unwrap_or_default).collect();
        }
    }
    frame.zero(canvas);
    points(chart, plot, frame, along, (is_stacked, canvas));
}

fn area(
    colour: Option<usize>,
    name: &str,
    along: &Along,
    (ys, floor, is_stacked): (&[Option<f64>], &[f64], bool),
    canvas: &mut Canvas,
) {
    let floor_at =
        |x: f64| along.xs.iter().position(|&known| known == x).map_or(0.0, |index| floor[index]);
    for run in runs(&along.xs, ys) {
        if run.len() == 1 {
            canvas.dot(&fill(colour), run[0], 3.2, name);
            continue;
        }
        let back = run.iter().rev().map(|&(x, _)| (x, floor_at(x)));
        let outline = format!("{}Z", joined(run.iter().copied().chain(back)));
        let opacity = if is_stacked { "d" } else { "a" };
        canvas.path(&format!("{} {opacity}", fill(colour)), &outline, name.trim_start());
        let edge = if is_stacked { "e".to_owned() } else { stroke(colour) };
        canvas.path(&format!("l {edge}"), &joined(run.iter().copied()), name.trim_start());
    }
}

/// Invisible until they are pointed at: what the values are.
fn points(
    chart: &ReportChart,
    plot: &Plot,
    frame: &Frame,
    along: &Along,
    (is_stacked, canvas): (bool, &mut Canvas),
) {
    if plot.places.len() * plot.series.len() > MOST_DOTS {
        return;
    }
    let mut below = vec![0.0; plot.places.len()];
    for (position, series) in plot.series.iter().enumerate() {
        for (index, below) in below.iter_mut().enumerate() {
            let Some(value) = series.value(index) else { continue };
            let top = if is_stacked { *below + value } else { value };
            *below = top;
            let says = says(chart, plot, position, index);
            canvas.dot(&fill(series.colour), (along.xs[index], frame.y(top)), 2.4, &says);
        }
    }
}
