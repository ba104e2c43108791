//! Asking for metrics: statistics of one, or data of several with math over
//! them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Inner;
use super::fault::Fault;
use super::math::{self, Operand};
use super::series::{Dimension, Metric, Point, Range, Statistic, Time, Values, seconds};
use crate::clock::Millis;

/// Points of one answer at most.
const MAX_POINTS: usize = 1440;
/// Queries of one request at most.
const MAX_QUERIES: usize = 500;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetMetricStatistics {
    namespace: String,
    metric_name: String,
    #[serde(default)]
    dimensions: Vec<Dimension>,
    start_time: Time,
    end_time: Time,
    period: i64,
    #[serde(default)]
    statistics: Vec<String>,
    #[serde(default)]
    extended_statistics: Vec<String>,
    unit: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetMetricData {
    metric_data_queries: Vec<Query>,
    start_time: Time,
    end_time: Time,
    #[serde(default)]
    scan_by: String,
}

/// One series of a request or of an alarm.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Query {
    id: String,
    metric_stat: Option<MetricStat>,
    expression: Option<String>,
    label: Option<String>,
    return_data: Option<bool>,
    period: Option<i64>,
}

/// A statistic of a metric.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MetricStat {
    metric: Metric,
    period: i64,
    stat: String,
    unit: Option<String>,
}

impl Query {
    /// A statistic of one metric under the id `m`.
    pub(super) fn of(metric: Metric, period: i64, stat: String, unit: Option<String>) -> Self {
        let metric_stat = Some(MetricStat { metric, period, stat, unit });
        let (expression, label) = (None, None);
        Self { id: "m".into(), metric_stat, expression, label, return_data: None, period: None }
    }

    /// Its name in expressions.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Whether its values are part of the answer.
    pub(super) fn is_returned(&self) -> bool {
        self.return_data.unwrap_or(true)
    }

    /// Seconds of a period, where it names them.
    pub(super) fn period(&self) -> Option<i64> {
        self.metric_stat.as_ref().map(|stat| stat.period).or(self.period)
    }

    fn label(&self) -> String {
        let metric = self.metric_stat.as_ref().map(|stat| stat.metric.metric_name.clone());
        self.label.clone().or(metric).unwrap_or_else(|| self.id.clone())
    }
}

impl Inner {
    pub(super) fn get_metric_statistics(
        &self,
        request: &GetMetricStatistics,
    ) -> Result<Value, Fault> {
        if request.statistics.is_empty() && request.extended_statistics.is_empty() {
            let message = "At least one of Statistics and ExtendedStatistics must be given.";
            return Err(Fault::combination(message));
        }
        let range = Range::new(request.start_time, request.end_time, request.period)?;
        if range.periods().count() > MAX_POINTS {
            return Err(Fault::combination(format!(
                "You have requested more than the limit of {MAX_POINTS} datapoints; \
                 make the period longer or the time range shorter."
            )));
        }
        let parse = |names: &[String]| {
            let named = names.iter().map(|name| Ok((name.clone(), Statistic::parse(name)?)));
            named.collect::<Result<Vec<_>, Fault>>()
        };
        let (plain, extended) = (parse(&request.statistics)?, parse(&request.extended_statistics)?);
        let metric = Metric {
            namespace: request.namespace.clone(),
            metric_name: request.metric_name.clone(),
            dimensions: request.dimensions.clone(),
        };
        let periods = self.periods(&metric.sorted(), range, request.unit.as_deref());
        let datapoints = periods.into_iter().map(|(at, point)| {
            let values = |statistics: &[(String, Statistic)]| -> Map<String, Value> {
                let value = |(name, statistic): &(String, Statistic)| {
                    Some((name.clone(), json!(point.statistic(*statistic)?)))
                };
                statistics.iter().filter_map(value).collect()
            };
            let mut datapoint = values(&plain);
            datapoint.insert("Timestamp".into(), seconds(at));
            datapoint.insert("Unit".into(), point.unit.clone().into());
            if !extended.is_empty() {
                datapoint.insert("ExtendedStatistics".into(), values(&extended).into());
            }
            Value::Object(datapoint)
        });
        Ok(json!({"Label": request.metric_name, "Datapoints": datapoints.collect::<Vec<_>>()}))
    }

    pub(super) fn get_metric_data(&self, request: &GetMetricData) -> Result<Value, Fault> {
        let queries = &request.metric_data_queries;
        if queries.len() > MAX_QUERIES {
            return Err(Fault::validation(format!("There are more than {MAX_QUERIES} queries.")));
        }
        let operands = self.evaluate(queries, request.start_time, request.end_time)?;
        let returned = queries.iter().filter(|query| query.is_returned());
        let results = returned.flat_map(|query| {
            let several = operands[&query.id].series();
            let several = several.into_iter().map(move |values| {
                let mut points: Vec<(Millis, f64)> = values.into_iter().collect();
                if request.scan_by != "TimestampAscending" {
                    points.reverse();
                }
                json!({
                    "Id": query.id,
                    "Label": query.label(),
                    "Timestamps": points.iter().map(|(at, _)| seconds(*at)).collect::<Vec<_>>(),
                    "Values": points.iter().map(|(_, value)| *value).collect::<Vec<_>>(),
                    "StatusCode": "Complete",
                })
            });
            several.collect::<Vec<_>>()
        });
        Ok(json!({"MetricDataResults": results.collect::<Vec<_>>(), "Messages": []}))
    }

    /// The values of every query, expressions included, by id.
    pub(super) fn evaluate(
        &self,
        queries: &[Query],
        start: Time,
        end: Time,
    ) -> Result<BTreeMap<String, Operand>, Fault> {
        let finest = queries.iter().filter_map(Query::period).min().unwrap_or(60);
        let mut known = BTreeMap::new();
        let mut waiting: Vec<(&Query, math::Expression)> = Vec::new();
        for query in queries {
            match (&query.metric_stat, &query.expression) {
                (Some(stat), None) => {
                    let range = Range::new(start, end, stat.period)?;
                    known.insert(query.id.clone(), Operand::Series(self.values(stat, range)?));
                }
                (None, Some(text)) => waiting.push((query, math::Expression::parse(text)?)),
                (Some(_), Some(_)) | (None, None) => {
                    return Err(Fault::validation(format!(
                        "The query `{}` must have either MetricStat or Expression.",
                        query.id
                    )));
                }
            }
        }
        // Expressions may use others, in any order; what uses itself never gets its turn.
        while !waiting.is_empty() {
            let ready = waiting.iter().position(|(_, expression)| {
                expression.ids().iter().all(|id| known.contains_key(*id))
            });
            let Some(ready) = ready else {
                let (query, _) = &waiting[0];
                return Err(Fault::validation(format!(
                    "The expression `{}` uses an id that is not there, or itself.",
                    query.id
                )));
            };
            let (query, expression) = waiting.remove(ready);
            let range = Range::new(start, end, query.period.unwrap_or(finest))?;
            let value = expression.value(&known, range)?;
            known.insert(query.id.clone(), value);
        }
        Ok(known)
    }

    fn values(&self, stat: &MetricStat, range: Range) -> Result<Values, Fault> {
        let statistic = Statistic::parse(&stat.stat)?;
        let periods = self.periods(&stat.metric.clone().sorted(), range, stat.unit.as_deref());
        let value = |(at, point): (Millis, Point)| Some((at, point.statistic(statistic)?));
        Ok(periods.into_iter().filter_map(value).collect())
    }

    /// What is known of a metric in each period, the queues as they are now
    /// included.
    fn periods(
        &self,
        metric: &Metric,
        range: Range,
        unit: Option<&str>,
    ) -> BTreeMap<Millis, Point> {
        let now = self.clock.now();
        let live = match metric.namespace == super::queues::NAMESPACE {
            true => self.sampler.live(now),
            false => Vec::new(),
        };
        let live = live.iter().filter(|line| line.metric == *metric);
        let live = live.map(|line| (line.at, &line.point));
        let store = self.store();
        range.gather(store.points(metric, now).chain(live), unit)
    }
}
