//! Rows into charts: SVG pictures, and one HTML page with all of them.
//!
//! Pure: rows and a chart's description in, text out. The page has no script and
//! loads nothing; it is readable on a phone, on paper, in the dark, and by those who
//! hear it. Whatever comes from data is escaped at the one place that writes it
//! (`escaped`). Numbers are drawn by floats and read by their digits.

mod across;
mod bar;
mod canvas;
mod cell;
mod figure;
mod frame;
mod grid;
mod line;
mod number;
mod page;
mod palette;
mod picture;
mod pie;
mod roles;
mod rows;
mod series;
mod text;
mod ticks;

pub use cell::{Cell, Number};
pub use figure::{Change, Figure, figures};
pub use page::{Page, page};
pub use picture::picture;
pub use roles::ChartError;
pub use rows::{Rows, schema};

#[cfg(test)]
mod tests;
