//! Putting and listing metrics.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Inner;
use super::fault::Fault;
use super::series::{Dimension, Metric, Point, Time};
use super::store::Line;
use crate::page::page;

/// Metrics of one request at most.
const MAX_DATA: usize = 1000;
/// Dimensions of a metric at most.
const MAX_DIMENSIONS: usize = 30;
/// Values of one datum at most.
const MAX_VALUES: usize = 150;
/// Metrics on a page.
const PAGE: usize = 500;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PutMetricData {
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    metric_data: Vec<Datum>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Datum {
    #[serde(default)]
    metric_name: String,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    timestamp: Option<Time>,
    value: Option<f64>,
    #[serde(default)]
    values: Vec<f64>,
    #[serde(default)]
    counts: Vec<f64>,
    statistic_values: Option<StatisticSet>,
    unit: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StatisticSet {
    sample_count: f64,
    sum: f64,
    minimum: f64,
    maximum: f64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListMetrics {
    namespace: Option<String>,
    metric_name: Option<String>,
    #[serde(default)]
    dimensions: Vec<DimensionFilter>,
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DimensionFilter {
    name: String,
    value: Option<String>,
}

impl Inner {
    pub(super) fn put_metric_data(&self, request: PutMetricData) -> Result<Value, Fault> {
        let PutMetricData { namespace, metric_data } = request;
        if namespace.is_empty() || namespace.len() > 255 {
            return Err(Fault::value("The parameter Namespace must have 1 to 255 characters."));
        }
        if namespace.starts_with("AWS/") {
            return Err(Fault::value("The value AWS/ for parameter Namespace is reserved."));
        }
        if metric_data.len() > MAX_DATA {
            return Err(Fault::validation(format!("MetricData has more than {MAX_DATA} metrics.")));
        }
        let now = self.clock.now();
        let lines = metric_data.into_iter().map(|datum| {
            let at = datum.timestamp.map_or(now, |at| at.0);
            let (metric, point) = datum.read(&namespace)?;
            Ok(Line { metric, at, point })
        });
        let lines = lines.collect::<Result<Vec<_>, Fault>>()?;
        self.store().put(lines, now)?;
        Ok(json!({}))
    }

    pub(super) fn list_metrics(&self, request: &ListMetrics) -> Result<Value, Fault> {
        let now = self.clock.now();
        let mut metrics: BTreeSet<Metric> = self.store().metrics().cloned().collect();
        metrics.extend(self.sampler.live(now).into_iter().map(|line| line.metric));
        let found: Vec<Metric> =
            metrics.into_iter().filter(|metric| request.matches(metric)).collect();
        let after: usize = match &request.next_token {
            Some(token) => token.parse().map_err(|_| Fault::token())?,
            None => 0,
        };
        let rest = found.into_iter().enumerate().skip(after);
        let (shown, token) = page(rest, PAGE, |(at, _)| (at + 1).to_string());
        let shown: Vec<Metric> = shown.into_iter().map(|(_, metric)| metric).collect();
        let mut answer = json!({"Metrics": shown});
        if let Some(token) = token {
            answer["NextToken"] = token.into();
        }
        Ok(answer)
    }
}

impl ListMetrics {
    fn matches(&self, metric: &Metric) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        };
        is(&self.namespace, &metric.namespace)
            && is(&self.metric_name, &metric.metric_name)
            && self.dimensions.iter().all(|filter| {
                metric.dimensions.iter().any(|dimension| {
                    dimension.name == filter.name && is(&filter.value, &dimension.value)
                })
            })
    }
}

impl Datum {
    fn read(self, namespace: &str) -> Result<(Metric, Point), Fault> {
        if self.metric_name.is_empty() || self.metric_name.len() > 255 {
            return Err(Fault::value("The parameter MetricName must have 1 to 255 characters."));
        }
        if self.dimensions.len() > MAX_DIMENSIONS {
            let message = format!("A metric can have {MAX_DIMENSIONS} dimensions at most.");
            return Err(Fault::value(message));
        }
        let unit = self.unit.clone().unwrap_or_else(|| "None".to_owned());
        let point = self.point(unit)?;
        let (metric_name, dimensions) = (self.metric_name, self.dimensions);
        let metric = Metric { namespace: namespace.to_owned(), metric_name, dimensions };
        Ok((metric.sorted(), point))
    }

    /// One value, values with their counts, or a set of statistics.
    fn point(&self, unit: String) -> Result<Point, Fault> {
        match (self.value, self.values.is_empty(), self.statistic_values) {
            (Some(value), true, None) => Ok(Point::of(vec![(value, 1.0)], unit)),
            (None, false, None) => self.several(unit),
            (None, true, Some(set)) => Ok(Point {
                count: set.sample_count,
                sum: set.sum,
                min: set.minimum,
                max: set.maximum,
                samples: Vec::new(),
                unit,
            }),
            (None, true, None) => Err(Fault::combination(
                "At least one of the parameters Value, Values and StatisticValues must be given.",
            )),
            (Some(_), _, _) | (None, false, Some(_)) => Err(Fault::combination(
                "The parameters Value, Values and StatisticValues exclude each other.",
            )),
        }
    }

    fn several(&self, unit: String) -> Result<Point, Fault> {
        if self.values.len() > MAX_VALUES {
            return Err(Fault::value(format!("Values has more than {MAX_VALUES} values.")));
        }
        if !self.counts.is_empty() && self.counts.len() != self.values.len() {
            return Err(Fault::value("Values and Counts must have the same length."));
        }
        let counts = self.counts.iter().copied().chain(std::iter::repeat(1.0));
        Ok(Point::of(self.values.iter().copied().zip(counts).collect(), unit))
    }
}
