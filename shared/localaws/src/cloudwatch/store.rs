//! What was put, in memory and in a file of lines that is only added to, and
//! rewritten without what is too old when it is opened or has doubled.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::series::{Metric, Point};
use crate::clock::Millis;
use crate::folder;

/// How long a point is kept: 15 days, as CloudWatch keeps one-minute points.
pub(super) const RETENTION: Millis = 15 * 86_400_000;
/// Points of a metric at most; the oldest go first.
const MAX_POINTS: usize = 25_000;
/// Metrics at most.
const MAX_METRICS: usize = 10_000;
/// Lines that are worth a rewrite.
const MIN_REWRITE: usize = 20_000;

/// The points of each metric, by time and unit.
type Points = BTreeMap<Metric, BTreeMap<(Millis, String), Point>>;

/// A point as it is written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Line {
    /// Which metric.
    pub(super) metric: Metric,
    /// When.
    pub(super) at: Millis,
    /// What.
    pub(super) point: Point,
}

/// The points that were put.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    file: File,
    lines: usize,
    points: Points,
}

impl Store {
    /// Opens the points kept in `dir`.
    ///
    /// # Errors
    /// If the file can't be read or written.
    pub(super) fn open(dir: &Path, now: Millis) -> io::Result<Self> {
        let path = dir.join("points.jsonl");
        let kept = match std::fs::read_to_string(&path) {
            Ok(kept) => kept,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let mut points = Points::new();
        // The last line may have been cut short by the end of the process.
        for line in kept.lines().filter_map(|line| serde_json::from_str(line).ok()) {
            insert(&mut points, line);
        }
        forget(&mut points, now);
        rewrite(&path, &points)?;
        let lines = points.values().map(BTreeMap::len).sum();
        let file = OpenOptions::new().append(true).open(&path)?;
        Ok(Self { path, file, lines, points })
    }

    /// Adds points; they are in the file when this returns.
    ///
    /// # Errors
    /// If the file can't be written; then none of them is added.
    pub(super) fn put(&mut self, lines: Vec<Line>, now: Millis) -> io::Result<()> {
        let mut bytes = Vec::new();
        for line in &lines {
            serde_json::to_writer(&mut bytes, line)?;
            bytes.push(b'\n');
        }
        self.file.write_all(&bytes)?;
        self.lines += lines.len();
        for line in lines {
            insert(&mut self.points, line);
        }
        let live: usize = self.points.values().map(BTreeMap::len).sum();
        if self.lines > MIN_REWRITE && self.lines > 2 * live {
            forget(&mut self.points, now);
            rewrite(&self.path, &self.points)?;
            self.file = OpenOptions::new().append(true).open(&self.path)?;
            self.lines = live;
        }
        Ok(())
    }

    /// The points of a metric that are not too old.
    pub(super) fn points(
        &self,
        metric: &Metric,
        now: Millis,
    ) -> impl Iterator<Item = (Millis, &Point)> {
        let oldest = (now.saturating_sub(RETENTION), String::new());
        let points = self.points.get(metric).into_iter();
        points
            .flat_map(move |points| points.range(oldest.clone()..))
            .map(|((at, _), point)| (*at, point))
    }

    /// All metrics, in order.
    pub(super) fn metrics(&self) -> impl Iterator<Item = &Metric> {
        self.points.keys()
    }
}

fn insert(points: &mut Points, line: Line) {
    if points.len() >= MAX_METRICS && !points.contains_key(&line.metric) {
        let first = points.iter().min_by_key(|(_, points)| points.keys().next_back().cloned());
        if let Some(stalest) = first.map(|(metric, _)| metric.clone()) {
            points.remove(&stalest);
        }
    }
    let of_metric = points.entry(line.metric).or_default();
    match of_metric.get_mut(&(line.at, line.point.unit.clone())) {
        Some(point) => point.add(&line.point),
        None => drop(of_metric.insert((line.at, line.point.unit.clone()), line.point)),
    }
    if of_metric.len() > MAX_POINTS {
        of_metric.pop_first();
    }
}

fn forget(points: &mut Points, now: Millis) {
    let oldest = now.saturating_sub(RETENTION);
    points.values_mut().for_each(|points| points.retain(|(at, _), _| *at >= oldest));
    points.retain(|_, points| !points.is_empty());
}

fn rewrite(path: &Path, points: &Points) -> io::Result<()> {
    let mut bytes = Vec::new();
    for (metric, points) in points {
        for ((at, _), point) in points {
            let line = Line { metric: metric.clone(), at: *at, point: point.clone() };
            serde_json::to_writer(&mut bytes, &line)?;
            bytes.push(b'\n');
        }
    }
    folder::replace(path, &bytes)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn line(name: &str, at: Millis, value: f64) -> Line {
        let metric =
            Metric { namespace: "N".into(), metric_name: name.into(), dimensions: Vec::new() };
        Line { metric, at, point: Point::of(vec![(value, 1.0)], "None".into()) }
    }

    #[test]
    fn points_outlive_the_process_and_a_torn_line() {
        let dir = TempDir::new().unwrap();
        let now = RETENTION + 10;
        let mut store = Store::open(dir.path(), now).unwrap();
        store.put(vec![line("a", 5, 1.0), line("a", now, 2.0), line("a", now, 3.0)], now).unwrap();
        store.file.write_all(b"{\"metric\":").unwrap();
        let store = Store::open(dir.path(), now).unwrap();
        let points: Vec<_> = store.points(&line("a", 0, 0.0).metric, now).collect();
        assert_eq!(points.len(), 1, "one is too old, two are of one moment");
        assert_eq!((points[0].0, points[0].1.sum), (now, 5.0));
    }
}
