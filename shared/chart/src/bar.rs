//! Bars: upward where their names have room below, across where they do not.

use millrace_contract::ReportChart;

use crate::across;
use crate::canvas::{Anchor, Canvas, SIZE, Swatch, WIDTH, fill};
use crate::frame::Frame;
use crate::number::exact;
use crate::series::{Places, Plot, is_stacked};
use crate::text::width;

/// Names that may stand below bars at most; more are drawn across.
const MOST_UPRIGHT: usize = 12;

/// The share of a place that stays free.
const FREE: f64 = 0.24;

/// A bar is no wider than this, however few there are.
const WIDEST: f64 = 90.0;

pub(crate) fn draw(chart: &ReportChart, plot: &mut Plot) -> Canvas {
    let is_stacked = is_stacked(chart) && plot.series.len() > 1;
    let Some((low, high)) = plot.span(is_stacked) else { return Canvas::nothing() };
    let span = (low.min(0.0), high.max(0.0));
    match &plot.places {
        Places::Names(names) if !fits_below(names) => across::draw(chart, plot, span, is_stacked),
        Places::Names(_) | Places::Moments(..) | Places::Numbers(_) => {
            upright(chart, plot, span, is_stacked)
        }
    }
}

fn fits_below(names: &[String]) -> bool {
    let room = (WIDTH - 60.0) / names.len().max(1) as f64 - 6.0;
    names.len() <= MOST_UPRIGHT && names.iter().all(|name| width(name, SIZE) <= room)
}

fn upright(chart: &ReportChart, plot: &Plot, span: (f64, f64), is_stacked: bool) -> Canvas {
    let values = Values::of(chart, plot, is_stacked);
    let headroom = if values.texts.is_empty() { 0.0 } else { 14.0 };
    let (mut canvas, frame) = Frame::draw(chart, plot, span, (Swatch::Box, headroom));
    let band = (frame.right - frame.left) / plot.places.len().max(1) as f64;
    for index in 0..plot.places.len() {
        let centre = frame.left + (index as f64 + 0.5) * band;
        match is_stacked {
            true => stack(chart, plot, &mut canvas, &frame, (index, centre, band)),
            false => group(chart, plot, &mut canvas, &frame, (index, centre, band)),
        }
        if let Some(text) = values.texts.get(index) {
            let value = plot.series[0].value(index).unwrap_or_default();
            let y = if value < 0.0 { frame.y(value) + 14.0 } else { frame.y(value) - 5.0 };
            canvas.text("n", (centre, y), Anchor::Middle, text);
        }
    }
    frame.zero(&mut canvas);
    labels(plot, &mut canvas, &frame, band);
    canvas
}

/// Values that are written at their bars, where there is room for all of them.
struct Values {
    texts: Vec<String>,
}

impl Values {
    fn of(chart: &ReportChart, plot: &Plot, is_stacked: bool) -> Self {
        let [only] = &plot.series[..] else { return Self { texts: Vec::new() } };
        let room = (WIDTH - 60.0) / plot.places.len().max(1) as f64 - 4.0;
        let format = chart.format.as_ref();
        let text = |number: &Option<_>| {
            number.as_ref().map(|number| exact(number, format)).unwrap_or_default()
        };
        let texts: Vec<String> = only.values.iter().map(text).collect();
        let fits = !is_stacked && texts.iter().all(|text| width(text, SIZE) <= room);
        Self { texts: if fits { texts } else { Vec::new() } }
    }
}

/// What a bar says when it is pointed at.
pub(crate) fn says(chart: &ReportChart, plot: &Plot, series: usize, index: usize) -> String {
    let one = &plot.series[series];
    let value = one.values[index].as_ref().map(|number| exact(number, chart.format.as_ref()));
    let value = value.unwrap_or_default();
    let place = plot.places.name(index);
    match plot.series.len() {
        1 => format!("{place}: {value}"),
        _ => format!("{place}, {}: {value}", one.name.trim_start()),
    }
}

fn group(
    chart: &ReportChart,
    plot: &Plot,
    canvas: &mut Canvas,
    frame: &Frame,
    (index, centre, band): (usize, f64, f64),
) {
    let count = plot.series.len() as f64;
    let each = (band * (1.0 - FREE) / count).min(WIDEST);
    for (position, series) in plot.series.iter().enumerate() {
        let Some(value) = series.value(index) else { continue };
        let x = centre + (position as f64 - count / 2.0) * each;
        let (y, base) = (frame.y(value), frame.base());
        let gap = if each > 6.0 && plot.series.len() > 1 { 1.0 } else { 0.0 };
        let says = says(chart, plot, position, index);
        let size = (each - gap, (y - base).abs());
        canvas.bar(&fill(series.colour), (x, y.min(base)), size, &says);
    }
}

fn stack(
    chart: &ReportChart,
    plot: &Plot,
    canvas: &mut Canvas,
    frame: &Frame,
    (index, centre, band): (usize, f64, f64),
) {
    let wide = (band * (1.0 - FREE)).min(WIDEST);
    // What is above zero grows upward, what is below it downward.
    let (mut above, mut below) = (0.0, 0.0);
    for (position, series) in plot.series.iter().enumerate() {
        let Some(value) = series.value(index).filter(|&value| value != 0.0) else { continue };
        let from = if value < 0.0 { &mut below } else { &mut above };
        let (start, end) = (frame.y(*from), frame.y(*from + value));
        *from += value;
        let says = says(chart, plot, position, index);
        let class = format!("{} e", fill(series.colour));
        canvas.bar(
            &class,
            (centre - wide / 2.0, start.min(end)),
            (wide, (start - end).abs()),
            &says,
        );
    }
}

/// The names of the places, as many of those of moments as have room.
fn labels(plot: &Plot, canvas: &mut Canvas, frame: &Frame, band: f64) {
    let centre = |index: usize| frame.left + (index as f64 + 0.5) * band;
    let Places::Moments(moments, grain) = &plot.places else {
        for index in 0..plot.places.len() {
            frame.below(canvas, centre(index), (&plot.places.name(index), band));
        }
        return;
    };
    let widest = moments.iter().map(|&at| width(&grain.write(at), SIZE)).fold(0.0, f64::max);
    let narrow =
        moments.iter().map(|&at| width(&grain.short(at, Some(at)), SIZE)).fold(0.0, f64::max);
    // Those with a year are wider than the others, and rarer.
    let need = if widest > band { (widest + narrow) / 2.0 + 8.0 } else { widest };
    let every = ((need / band).ceil() as usize).max(1);
    let mut before = None;
    for (index, &at) in moments.iter().enumerate().step_by(every) {
        frame.below_within(canvas, centre(index), &grain.short(at, before));
        before = Some(at);
    }
}
