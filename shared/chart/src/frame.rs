//! The frame of charts whose values go upward: legend, axis of values, grid.

use millrace_contract::ReportChart;

use crate::canvas::{Anchor, Canvas, SIZE, Swatch, WIDTH, legend};
use crate::number::AxisNumbers;
use crate::series::Plot;
use crate::text::width;
use crate::ticks::Ticks;

/// Height of the space that is drawn in.
const PLOT_HEIGHT: f64 = 250.0;

/// Space below for the labels of the places.
const BELOW: f64 = 26.0;

/// Ticks of the axis of values, about.
pub(crate) const TICKS: usize = 5;

/// Where things are drawn.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) left: f64,
    pub(crate) right: f64,
    top: f64,
    bottom: f64,
    /// What is kept free below the lowest tick.
    footroom: f64,
    ticks: Ticks,
}

impl Frame {
    /// Draws legend, grid and axis for values of a span; `room` is kept free above the
    /// highest tick, and below the lowest if values go below zero.
    pub(crate) fn draw(
        chart: &ReportChart,
        plot: &Plot,
        span: (f64, f64),
        (swatch, room): (Swatch, f64),
    ) -> (Canvas, Self) {
        let mut canvas = Canvas::new(0.0);
        let top = legend(&mut canvas, &plot.series, swatch) + 8.0 + room;
        let ticks = Ticks::new(span.0, span.1, TICKS);
        let most = ticks.high.abs().max(ticks.low.abs());
        let numbers = AxisNumbers::new(chart.format.as_ref(), ticks.step, most);
        let labels: Vec<(f64, String)> =
            ticks.all().into_iter().map(|value| (value, numbers.write(value))).collect();
        let widest = labels.iter().map(|(_, label)| width(label, SIZE)).fold(0.0, f64::max);
        let frame = Self {
            left: widest.min(160.0) + 14.0,
            right: WIDTH - 8.0,
            top,
            bottom: top + PLOT_HEIGHT,
            footroom: if span.0 < 0.0 { room } else { 0.0 },
            ticks,
        };
        for (value, label) in &labels {
            let y = frame.y(*value);
            canvas.line("g", (frame.left, y), (frame.right, y));
            canvas.text("m", (frame.left - 8.0, y + 4.0), Anchor::End, label);
        }
        canvas.height = frame.bottom + frame.footroom + BELOW;
        (canvas, frame)
    }

    /// The line of zero, over what is drawn.
    pub(crate) fn zero(&self, canvas: &mut Canvas) {
        if self.ticks.low <= 0.0 && self.ticks.high >= 0.0 {
            let y = self.y(0.0);
            canvas.line("z", (self.left, y), (self.right, y));
        }
    }

    /// Where a value is.
    pub(crate) fn y(&self, value: f64) -> f64 {
        self.bottom - self.ticks.along(value) * (self.bottom - self.top)
    }

    /// Where values begin from: zero, or the edge that is nearest to it.
    pub(crate) fn base(&self) -> f64 {
        self.y(0.0_f64.clamp(self.ticks.low, self.ticks.high))
    }

    /// A label below a place.
    pub(crate) fn below(&self, canvas: &mut Canvas, x: f64, label: (&str, f64)) {
        canvas.label("m", (x, self.bottom + self.footroom + 18.0), Anchor::Middle, label);
    }

    /// A label below, kept within the drawing.
    pub(crate) fn below_within(&self, canvas: &mut Canvas, x: f64, label: &str) {
        let half = width(label, SIZE) / 2.0;
        let x = x.min(WIDTH - half).max(half);
        canvas.text("m", (x, self.bottom + self.footroom + 18.0), Anchor::Middle, label);
    }

    /// A short mark at a place on the axis.
    pub(crate) fn notch(&self, canvas: &mut Canvas, x: f64) {
        canvas.line("g", (x, self.bottom), (x, self.bottom + 5.0));
    }
}
