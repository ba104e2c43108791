//! What a chart is drawn on: marks with classes for colours, so that one drawing
//! does for paper, light screens and dark ones.

use crate::series::Series;
use crate::text::{at, escaped, fitted, put, width};

/// Width of every drawing; it is scaled to the page.
pub(crate) const WIDTH: f64 = 760.0;

/// Size of the texts.
pub(crate) const SIZE: f64 = 12.0;

/// Height of a line of the legend.
const LEGEND_LINE: f64 = 20.0;

/// A drawing.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Canvas {
    pub(crate) height: f64,
    pub(crate) marks: String,
}

/// How a text stands at its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Anchor {
    fn class(self) -> &'static str {
        match self {
            Self::Start => "",
            Self::Middle => " c",
            Self::End => " r",
        }
    }
}

/// Class of a colour of fills: `s3`, or `o` for what is left of many.
pub(crate) fn fill(colour: Option<usize>) -> String {
    colour.map_or_else(|| "o".to_owned(), |index| format!("s{index}"))
}

/// Class of a colour of lines.
pub(crate) fn stroke(colour: Option<usize>) -> String {
    colour.map_or_else(|| "z".to_owned(), |index| format!("p{index}"))
}

impl Canvas {
    pub(crate) fn new(height: f64) -> Self {
        Self { height, marks: String::new() }
    }

    /// A straight line: a grid line `g`, the line of zero `z`.
    pub(crate) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        put!(
            self.marks,
            r#"<line class="{class}" x1="{}" y1="{}" x2="{}" y2="{}"/>"#,
            at(x1),
            at(y1),
            at(x2),
            at(y2)
        );
    }

    /// A filled box that says what it is when it is pointed at.
    pub(crate) fn bar(&mut self, class: &str, corner: (f64, f64), size: (f64, f64), says: &str) {
        let ((x, y), (wide, high)) = (corner, size);
        put!(
            self.marks,
            r#"<rect class="{class}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>"#,
            at(x),
            at(y),
            at(wide.max(0.0)),
            at(high.max(0.0)),
            escaped(says)
        );
    }

    /// A path that says what it is when it is pointed at.
    pub(crate) fn path(&mut self, class: &str, path: &str, says: &str) {
        put!(
            self.marks,
            r#"<path class="{class}" d="{path}"><title>{}</title></path>"#,
            escaped(says)
        );
    }

    /// A dot.
    pub(crate) fn dot(&mut self, class: &str, centre: (f64, f64), radius: f64, says: &str) {
        let (x, y) = centre;
        put!(
            self.marks,
            r#"<circle class="{class}" cx="{}" cy="{}" r="{}"><title>{}</title></circle>"#,
            at(x),
            at(y),
            at(radius),
            escaped(says)
        );
    }

    /// A text, whose baseline is at a point.
    pub(crate) fn text(&mut self, class: &str, point: (f64, f64), anchor: Anchor, text: &str) {
        let ((x, y), anchor) = (point, anchor.class());
        put!(
            self.marks,
            r#"<text class="{class}{anchor}" x="{}" y="{}">{}</text>"#,
            at(x),
            at(y),
            escaped(text)
        );
    }

    /// A text that is cut to a width, and whole when it is pointed at.
    pub(crate) fn label(
        &mut self,
        class: &str,
        point: (f64, f64),
        anchor: Anchor,
        (text, most): (&str, f64),
    ) {
        let shown = fitted(text, SIZE, most);
        if shown == text {
            return self.text(class, point, anchor, text);
        }
        let ((x, y), anchor) = (point, anchor.class());
        put!(
            self.marks,
            r#"<text class="{class}{anchor}" x="{}" y="{}"><title>{}</title>{}</text>"#,
            at(x),
            at(y),
            escaped(text),
            escaped(&shown)
        );
    }

    /// Says in the middle that there is nothing.
    pub(crate) fn nothing() -> Self {
        let mut canvas = Self::new(90.0);
        canvas.text("m", (WIDTH / 2.0, 50.0), Anchor::Middle, "no rows");
        canvas
    }
}

/// Whether the swatches of a legend are boxes or lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Swatch {
    Box,
    Line,
}

/// Draws the names of the series at the top; answers how high it is. One series
/// needs no legend: its name stands there alone, where the axis begins.
pub(crate) fn legend(canvas: &mut Canvas, series: &[Series], swatch: Swatch) -> f64 {
    if let [only] = series {
        canvas.label("m", (0.0, 12.0), Anchor::Start, (&only.name, WIDTH));
        return LEGEND_LINE;
    }
    let (mut x, mut y) = (0.0, 12.0);
    for one in series {
        let name = fitted(one.name.trim_start(), SIZE, 220.0);
        let wide = 18.0 + width(&name, SIZE) + 18.0;
        if x > 0.0 && x + wide > WIDTH {
            (x, y) = (0.0, y + LEGEND_LINE);
        }
        match swatch {
            Swatch::Box => {
                canvas.bar(&fill(one.colour), (x, y - 9.0), (11.0, 11.0), one.name.trim_start());
            }
            Swatch::Line => {
                let class = format!("l {}", stroke(one.colour));
                canvas.line(&class, (x, y - 4.0), (x + 14.0, y - 4.0));
            }
        }
        canvas.label("n", (x + 18.0, y), Anchor::Start, (one.name.trim_start(), 220.0));
        x += wide;
    }
    y + 8.0
}
