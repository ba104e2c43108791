//! Shares of a whole: slices, and beside them their names, values and shares.

use std::f64::consts::TAU;

use millrace_contract::{DisplayFormat, ReportChart};

use crate::canvas::{Anchor, Canvas, SIZE, WIDTH, fill};
use crate::cell::Number;
use crate::number::exact;
use crate::palette::SERIES;
use crate::series::Plot;
use crate::text::{at, width};

/// Half the width of the pie.
const RADIUS: f64 = 112.0;

/// The middle of the pie.
const CENTRE: (f64, f64) = (160.0, 142.0);

/// Where the names begin.
const NAMES: f64 = 330.0;

/// Height of a line of names.
const LINE: f64 = 24.0;

/// A slice.
struct Slice {
    name: String,
    value: f64,
    text: String,
    colour: Option<usize>,
}

/// Draws the slices; none where a value is below zero, of which there is no share.
pub(crate) fn draw(chart: &ReportChart, plot: &mut Plot) -> Option<Canvas> {
    let series = plot.series.first()?;
    if series.values.iter().flatten().any(|number| number.value < 0.0) {
        return None;
    }
    let whole: f64 = series.values.iter().flatten().map(|number| number.value).sum();
    if whole <= 0.0 {
        return Some(Canvas::nothing());
    }
    let slices = slices(chart, plot);
    let mut canvas = Canvas::new(284.0);
    let mut from = 0.0;
    for slice in &slices {
        let share = slice.value / whole;
        let says = format!("{}: {} ({})", slice.name, slice.text, percent(share));
        let class = format!("{} e", fill(slice.colour));
        canvas.path(&class, &wedge(from, from + share), &says);
        if share >= 0.04 {
            let (x, y) = point(from + share / 2.0, RADIUS + 12.0);
            let anchor = match x - CENTRE.0 {
                right if right > RADIUS / 3.0 => Anchor::Start,
                left if left < -RADIUS / 3.0 => Anchor::End,
                _ => Anchor::Middle,
            };
            canvas.text("m", (x, y + 4.0), anchor, &percent(share));
        }
        from += share;
    }
    names(&slices, whole, &mut canvas);
    Some(canvas)
}

fn percent(share: f64) -> String {
    match share * 100.0 {
        share if share > 0.0 && share < 0.1 => "<0.1%".to_owned(),
        share => format!("{share:.1}%"),
    }
}

/// The greatest in the order of the rows, and what is left as one.
fn slices(chart: &ReportChart, plot: &Plot) -> Vec<Slice> {
    let series = &plot.series[0];
    let format = chart.format.as_ref();
    let all: Vec<(usize, &Number)> = series
        .values
        .iter()
        .enumerate()
        .filter_map(|(index, number)| Some((index, number.as_ref()?)))
        .filter(|(_, number)| number.value > 0.0)
        .collect();
    let kept = if all.len() > SERIES { SERIES - 1 } else { SERIES };
    let mut by_size = all.clone();
    by_size.sort_by(|a, b| b.1.value.total_cmp(&a.1.value));
    let great: Vec<usize> = by_size.iter().take(kept).map(|(index, _)| *index).collect();
    let slice = |(colour, (index, number)): (usize, &(usize, &Number))| Slice {
        name: plot.places.name(*index),
        value: number.value,
        text: exact(number, format),
        colour: Some(colour),
    };
    let kept = all.iter().filter(|(index, _)| great.contains(index));
    let mut slices: Vec<Slice> = kept.enumerate().map(slice).collect();
    let small: Vec<&Number> =
        all.iter().filter(|(index, _)| !great.contains(index)).map(|(_, number)| *number).collect();
    if !small.is_empty() {
        slices.push(rest(&small, format));
    }
    slices
}

fn rest(small: &[&Number], format: Option<&DisplayFormat>) -> Slice {
    let value: f64 = small.iter().map(|number| number.value).sum();
    let number = Number { digits: value.to_string(), value, is_float: true };
    Slice {
        name: format!("{} others", small.len()),
        value,
        text: exact(&number, format),
        colour: None,
    }
}

/// A point of the circle; shares begin at the top and go on as a clock does.
fn point(share: f64, radius: f64) -> (f64, f64) {
    let angle = share * TAU;
    (CENTRE.0 + radius * angle.sin(), CENTRE.1 - radius * angle.cos())
}

fn wedge(from: f64, to: f64) -> String {
    // An arc all around begins and ends at one point, and so is none: it is two.
    if to - from > 0.9999 {
        let ((x1, y1), (x2, y2)) = (point(0.0, RADIUS), point(0.5, RADIUS));
        let r = at(RADIUS);
        return format!(
            "M{} {}A{r} {r} 0 1 1 {} {}A{r} {r} 0 1 1 {} {}Z",
            at(x1),
            at(y1),
            at(x2),
            at(y2),
            at(x1),
            at(y1)
        );
    }
    let ((x1, y1), (x2, y2)) = (point(from, RADIUS), point(to, RADIUS));
    let (r, long) = (at(RADIUS), u8::from(to - from > 0.5));
    format!(
        "M{} {}L{} {}A{r} {r} 0 {long} 1 {} {}Z",
        at(CENTRE.0),
        at(CENTRE.1),
        at(x1),
        at(y1),
        at(x2),
        at(y2)
    )
}

fn names(slices: &[Slice], whole: f64, canvas: &mut Canvas) {
    let shares = WIDTH - 8.0;
    let values = shares - 64.0;
    let widest = slices.iter().map(|slice| width(&slice.text, SIZE)).fold(0.0, f64::max);
    let room = values - widest - 12.0 - NAMES - 20.0;
    let top = CENTRE.1 - slices.len() as f64 * LINE / 2.0 + 16.0;
    for (index, slice) in slices.iter().enumerate() {
        let y = top + index as f64 * LINE;
        canvas.bar(&fill(slice.colour), (NAMES, y - 10.0), (12.0, 12.0), &slice.name);
        canvas.label("n", (NAMES + 20.0, y), Anchor::Start, (&slice.name, room));
        canvas.text("n", (values, y), Anchor::End, &slice.text);
        canvas.text("m", (shares, y), Anchor::End, &percent(slice.value / whole));
    }
}
