//! Metrics and what is known of them: points in time, and statistics over
//! periods.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::fault::Fault;
use crate::clock::Millis;

/// Values of a period, by its beginning.
pub(super) type Values = BTreeMap<Millis, f64>;

/// Which metric.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Metric {
    /// As in `AWS/SQS`.
    pub(super) namespace: String,
    /// As in `NumberOfMessagesSent`.
    pub(super) metric_name: String,
    /// By ascending name.
    #[serde(default)]
    pub(super) dimensions: Vec<Dimension>,
}

/// A dimension of a metric.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Dimension {
    /// Name.
    pub(super) name: String,
    /// Value.
    pub(super) value: String,
}

/// What was put for one moment in one unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Point {
    /// Number of samples.
    pub(super) count: f64,
    /// Their sum.
    pub(super) sum: f64,
    /// The least.
    pub(super) min: f64,
    /// The greatest.
    pub(super) max: f64,
    /// Each value and how often; empty if only the above is known.
    pub(super) samples: Vec<(f64, f64)>,
    /// Unit, or `None`.
    pub(super) unit: String,
}

/// A statistic over a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Statistic {
    /// Mean.
    Average,
    /// Sum.
    Sum,
    /// Least value.
    Minimum,
    /// Greatest value.
    Maximum,
    /// Number of samples.
    SampleCount,
    /// Percentile, 0 to 100.
    Percentile(f64),
}

/// A time of a request: seconds since the epoch, or ISO 8601.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time(pub(super) Millis);

/// A stretch of time cut into periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    /// Beginning, a whole minute unless periods are shorter.
    pub(super) start: Millis,
    /// End, not included.
    pub(super) end: Millis,
    /// Milliseconds of a period.
    pub(super) period: Millis,
}

impl Metric {
    /// With its dimensions in order, so that it equals itself.
    pub(super) fn sorted(mut self) -> Self {
        self.dimensions.sort();
        self
    }
}

impl Point {
    /// Of values and how often each was.
    pub(super) fn of(samples: Vec<(f64, f64)>, unit: String) -> Self {
        let weighted = samples.iter().map(|(value, count)| value * count);
        let values = || samples.iter().map(|(value, _)| *value);
        Self {
            count: samples.iter().map(|(_, count)| count).sum(),
            sum: weighted.sum(),
            min: values().fold(f64::INFINITY, f64::min),
            max: values().fold(f64::NEG_INFINITY, f64::max),
            samples,
            unit,
        }
    }

    /// Adds what another one has.
    pub(super) fn add(&mut self, other: &Self) {
        let known = !self.samples.is_empty() && !other.samples.is_empty();
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        match known {
            true => self.samples.extend(&other.samples),
            false => self.samples.clear(),
        }
    }

    /// A statistic, if what is known suffices for it.
    pub(super) fn statistic(&self, statistic: Statistic) -> Option<f64> {
        match statistic {
            Statistic::Average => Some(self.sum / self.count).filter(|mean| mean.is_finite()),
            Statistic::Sum => Some(self.sum),
            Statistic::Minimum => Some(self.min),
            Statistic::Maximum => Some(self.max),
            Statistic::SampleCount => Some(self.count),
            Statistic::Percentile(percent) => self.percentile(percent),
        }
    }

    fn percentile(&self, percent: f64) -> Option<f64> {
        let mut samples = self.samples.clone();
        samples.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let wanted = self.count * percent / 100.0;
        let mut seen = 0.0;
        let reached = samples.iter().find(|(_, count)| {
            seen += count;
            seen >= wanted
        });
        reached.or(samples.last()).map(|(value, _)| *value)
    }
}

impl Statistic {
    /// By its name, as in `Average` and `p99.9`.
    ///
    /// # Errors
    /// `InvalidParameterValue` for a name not known here.
    pub(super) fn parse(name: &str) -> Result<Self, Fault> {
        let percent =
            |percent: &str| percent.parse().ok().filter(|one| (0.0..=100.0).contains(one));
        let known = match name {
            "Average" => Some(Self::Average),
            "Sum" => Some(Self::Sum),
            "Minimum" => Some(Self::Minimum),
            "Maximum" => Some(Self::Maximum),
            "SampleCount" => Some(Self::SampleCount),
            _ => name.strip_prefix('p').and_then(percent).map(Self::Percentile),
        };
        known.ok_or_else(|| {
            Fault::value(format!("The value {name} for parameter Stat is not supported."))
        })
    }
}

impl Range {
    /// Cuts a stretch of time into periods of some seconds.
    ///
    /// # Errors
    /// `InvalidParameterValue` for a period that can't be, `InvalidParameterCombination`
    /// for an end that is not after the start.
    pub(super) fn new(start: Time, end: Time, period: i64) -> Result<Self, Fault> {
        let period = check_period(period)?;
        if end.0 <= start.0 {
            return Err(Fault::value(
                "The parameter StartTime must be less than the parameter EndTime.",
            ));
        }
        let start = start.0 - start.0 % period.min(60_000);
        Ok(Self { start, end: end.0, period })
    }

    /// The beginning of the period a time is in.
    pub(super) fn period_of(&self, at: Millis) -> Option<Millis> {
        let inside = (self.start..self.end).contains(&at);
        inside.then(|| at - (at - self.start) % self.period)
    }

    /// The beginnings of all periods.
    pub(super) fn periods(&self) -> impl Iterator<Item = Millis> {
        let step = usize::try_from(self.period.max(1)).unwrap_or(usize::MAX);
        (self.start..self.end).step_by(step)
    }

    /// The points of each period put together.
    pub(super) fn gather<'a>(
        &self,
        points: impl Iterator<Item = (Millis, &'a Point)>,
        unit: Option<&str>,
    ) -> BTreeMap<Millis, Point> {
        let mut periods: BTreeMap<Millis, Point> = BTreeMap::new();
        for (at, point) in points.filter(|(_, point)| unit.is_none_or(|unit| unit == point.unit)) {
            let Some(at) = self.period_of(at) else { continue };
            match periods.get_mut(&at) {
                Some(period) => period.add(point),
                None => drop(periods.insert(at, point.clone())),
            }
        }
        periods
    }
}

/// Milliseconds of a period of some seconds.
///
/// # Errors
/// `InvalidParameterValue` unless it is 1, 5, 10, 20, 30 or a number of minutes.
pub(super) fn check_period(seconds: i64) -> Result<Millis, Fault> {
    let allowed = matches!(seconds, 1 | 5 | 10 | 20 | 30) || (seconds > 0 && seconds % 60 == 0);
    let period = u64::try_from(seconds).ok().filter(|_| allowed);
    let period = period.and_then(|seconds| seconds.checked_mul(1000));
    period.ok_or_else(|| {
        Fault::value("The parameter Period must be 1, 5, 10, 20, 30, or a multiple of 60.")
    })
}

/// A time as the model has it.
pub(super) fn seconds(at: Millis) -> Value {
    json!(at as f64 / 1000.0)
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let millis = match Value::deserialize(deserializer)? {
            Value::Number(number) => number.as_f64().map(|seconds| (seconds * 1000.0).round()),
            Value::String(text) => {
                let at = DateTime::parse_from_rfc3339(&text).ok();
                at.map(|at| at.timestamp_millis() as f64)
            }
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        let millis = millis.filter(|millis| (0.0..1e15).contains(millis));
        Ok(Self(millis.ok_or_else(|| D::Error::custom("a time is expected"))? as Millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_weigh_values_by_their_counts() {
        let mut point = Point::of(vec![(1.0, 3.0), (5.0, 1.0)], "Count".to_owned());
        assert_eq!(point.statistic(Statistic::Average), Some(2.0));
        assert_eq!(point.statistic(Statistic::Percentile(50.0)), Some(1.0));
        assert_eq!(point.statistic(Statistic::Percentile(99.0)), Some(5.0));
        point.add(&Point::of(vec![(10.0, 1.0)], "Count".to_owned()));
        assert_eq!(point.statistic(Statistic::Sum), Some(18.0));
        assert_eq!(point.statistic(Statistic::Maximum), Some(10.0));
        assert_eq!(point.statistic(Statistic::SampleCount), Some(5.0));
    }

    #[test]
    fn periods_begin_with_the_minute_of_the_start() {
        let range = Range::new(Time(90_000), Time(400_000), 120).unwrap();
        assert_eq!(range.periods().collect::<Vec<_>>(), [60_000, 180_000, 300_000]);
        assert_eq!(range.period_of(179_999), Some(60_000));
        assert_eq!(range.period_of(400_000), None);
        assert!(Range::new(Time(0), Time(1), 61).is_err());
        assert!(Range::new(Time(1), Time(1), 60).is_err());
    }

    #[test]
    fn a_time_is_a_number_or_iso() {
        let time = |value: Value| serde_json::from_value::<Time>(value).ok();
        assert_eq!(time(json!(1.5)), Some(Time(1500)));
        assert_eq!(time(json!("1970-01-01T00:00:02Z")), Some(Time(2000)));
        assert_eq!(time(json!("soon")), None);
    }
}
