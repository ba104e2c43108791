//! Bars that go across, each with its name beside it: for long names, and many.

use millrace_contract::ReportChart;

use crate::bar::says;
use crate::canvas::{Anchor, Canvas, SIZE, Swatch, WIDTH, fill, legend};
use crate::frame::TICKS;
use crate::number::{AxisNumbers, exact};
use crate::series::Plot;
use crate::text::width;
use crate::ticks::Ticks;

/// Names that are drawn at most; the table has all.
const MOST: usize = 40;

/// Width of the names at most.
const NAMES: f64 = 230.0;

/// Height of a bar alone, and of one among others.
const ALONE: f64 = 17.0;
const AMONG: f64 = 12.0;

/// Space between places.
const BETWEEN: f64 = 8.0;

/// Where things are drawn.
struct Frame {
    /// Where the names end.
    names: f64,
    left: f64,
    right: f64,
    top: f64,
    ticks: Ticks,
    place: f64,
}

impl Frame {
    fn x(&self, value: f64) -> f64 {
        self.left + self.ticks.along(value) * (self.right - self.left)
    }
}

pub(crate) fn draw(
    chart: &ReportChart,
    plot: &mut Plot,
    span: (f64, f64),
    is_stacked: bool,
) -> Canvas {
    let count = plot.places.len().min(MOST);
    if plot.places.len() > MOST {
        let all = plot.places.len();
        plot.notes.push(format!("the first {MOST} of {all} are drawn"));
    }
    let mut canvas = Canvas::new(0.0);
    let frame = frame(chart, plot, span, (count, is_stacked), &mut canvas);
    let bottom = frame.top + count as f64 * frame.place;
    grid(chart, &frame, bottom, &mut canvas);
    for index in 0..count {
        let top = frame.top + index as f64 * frame.place;
        let middle = top + frame.place / 2.0 + 4.0;
        let name = plot.places.name(index);
        canvas.label("n", (frame.names, middle), Anchor::End, (&name, NAMES));
        match is_stacked {
            true => stack(chart, plot, &frame, (index, top), &mut canvas),
            false => group(chart, plot, &frame, (index, top), &mut canvas),
        }
    }
    let zero = frame.x(0.0);
    canvas.line("z", (zero, frame.top), (zero, bottom));
    canvas.height = bottom + 24.0;
    canvas
}

fn frame(
    chart: &ReportChart,
    plot: &Plot,
    span: (f64, f64),
    (count, is_stacked): (usize, bool),
    canvas: &mut Canvas,
) -> Frame {
    let names = (0..count).map(|index| width(&plot.places.name(index), SIZE));
    let names = names.fold(0.0, f64::max).min(NAMES);
    let values = plot.series.iter().flat_map(|series| series.values.iter().take(count).flatten());
    let values = values.map(|number| width(&exact(number, chart.format.as_ref()), SIZE));
    let values = if is_stacked { 0.0 } else { values.fold(0.0, f64::max) + 8.0 };
    // Values of bars to the left are written on their left.
    let before = if span.0 < 0.0 { values } else { 0.0 };
    let bars = match (plot.series.len(), is_stacked) {
        (1, _) | (_, true) => ALONE,
        (several, false) => AMONG * several as f64,
    };
    Frame {
        names,
        left: names + 8.0 + before,
        right: WIDTH - 8.0 - values,
        top: legend(canvas, &plot.series, Swatch::Box) + 4.0,
        ticks: Ticks::new(span.0, span.1, TICKS),
        place: bars + BETWEEN,
    }
}

fn grid(chart: &ReportChart, frame: &Frame, bottom: f64, canvas: &mut Canvas) {
    let ticks = &frame.ticks;
    let most = ticks.high.abs().max(ticks.low.abs());
    let numbers = AxisNumbers::new(chart.format.as_ref(), ticks.step, most);
    for value in ticks.all() {
        let x = frame.x(value);
        canvas.line("g", (x, frame.top), (x, bottom));
        canvas.text("m", (x, bottom + 16.0), Anchor::Middle, &numbers.write(value));
    }
}

fn group(
    chart: &ReportChart,
    plot: &Plot,
    frame: &Frame,
    (index, top): (usize, f64),
    canvas: &mut Canvas,
) {
    let high = (frame.place - BETWEEN) / plot.series.len() as f64;
    for (position, series) in plot.series.iter().enumerate() {
        let Some(number) = &series.values[index] else { continue };
        let y = top + BETWEEN / 2.0 + position as f64 * high;
        let (x, zero) = (frame.x(number.value), frame.x(0.0));
        let says = says(chart, plot, position, index);
        let size = ((x - zero).abs(), high - 1.0);
        canvas.bar(&fill(series.colour), (x.min(zero), y), size, &says);
        let text = exact(number, chart.format.as_ref());
        let baseline = y + high / 2.0 + 3.5;
        match number.value < 0.0 {
            true => canvas.text("m", (x - 5.0, baseline), Anchor::End, &text),
            false => canvas.text("m", (x + 5.0, baseline), Anchor::Start, &text),
        }
    }
}

fn stack(
    chart: &ReportChart,
    plot: &Plot,
    frame: &Frame,
    (index, top): (usize, f64),
    canvas: &mut Canvas,
) {
    let (mut right, mut left) = (0.0, 0.0);
    for (position, series) in plot.series.iter().enumerate() {
        let Some(value) = series.value(index).filter(|&value| value != 0.0) else { continue };
        let from = if value < 0.0 { &mut left } else { &mut right };
        let (start, end) = (frame.x(*from), frame.x(*from + value));
        *from += value;
        let says = says(chart, plot, position, index);
        let class = format!("{} e", fill(series.colour));
        let corner = (start.min(end), top + BETWEEN / 2.0);
        canvas.bar(&class, corner, ((start - end).abs(), ALONE - 1.0), &says);
    }
}
