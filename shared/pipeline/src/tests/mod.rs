//! The pipeline file as a whole: what is accepted, what is refused and how.

#![allow(clippy::unwrap_used)]

mod accepted;
mod arbitrary;
mod catalog;
mod derived;
mod exports;
mod keys;
mod loading;
mod maintain;
mod plans;
mod problems;
mod rendered;
mod reports;
mod schemas;
mod streams;
mod told;

use crate::Pipeline;

/// A pipeline with these datasets and nothing else.
fn with_datasets(datasets: &str) -> Pipeline {
    Pipeline::parse(&format!("version = 1\nname = \"p\"\n{datasets}")).unwrap()
}

/// A pipeline with one dataset per pattern, named `a`, `b`, ….
fn with_patterns(patterns: &[&str]) -> Pipeline {
    let dataset = |(index, pattern): (usize, &&str)| {
        let name = char::from(b'a' + u8::try_from(index).unwrap());
        format!("[datasets.{name}]\nmatch = {pattern:?}\nformat = \"csv\"\n")
    };
    with_datasets(&patterns.iter().enumerate().map(dataset).collect::<String>())
}
