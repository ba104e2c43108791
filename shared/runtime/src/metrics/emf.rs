//! CloudWatch metrics as log lines: CloudWatch Logs finds them in what the worker
//! writes, and no call is made.
//!
//! Source: "Specification: Embedded metric format", Amazon CloudWatch User Guide.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::{Metrics, Settled};
use crate::Ending;

/// The namespace in CloudWatch.
const NAMESPACE: &str = "Millrace";

/// Makes lines of what happened since the line before.
#[derive(Debug, Default)]
pub struct Emf {
    pipeline: String,
    received: u64,
    before: Settled,
}

impl Emf {
    /// For the workers of a pipeline.
    pub fn new(pipeline: impl Into<String>) -> Self {
        Self { pipeline: pipeline.into(), ..Self::default() }
    }

    /// The next lines: one for the stage, and one for every dataset that rows
    /// came or went of.
    pub fn lines(&mut self, metrics: &Metrics, now: DateTime<Utc>) -> Vec<String> {
        let settled = metrics.settled_now().clone();
        let received = metrics.received.load(Ordering::Relaxed);
        let mut stage = self.outcomes(&settled);
        stage.insert("Received", ("Count", (received - self.received) as f64));
        stage.insert("InHand", ("Count", metrics.in_hand.load(Ordering::Relaxed) as f64));
        let outage = u8::from(metrics.outage.load(Ordering::Relaxed));
        stage.insert("Outage", ("Count", outage.into()));
        let seconds = settled.handled.sum - self.before.handled.sum;
        stage.insert("HandlingSeconds", ("Seconds", seconds));
        stage.insert("LagSeconds", ("Seconds", settled.lag.sum - self.before.lag.sum));
        let mut lines = vec![self.line(metrics, None, &stage, now)];
        for (dataset, amounts) in &settled.datasets {
            let before = self.before.datasets.get(dataset).copied().unwrap_or_default();
            if *amounts == before {
                continue;
            }
            let since = |of: fn(&super::Amounts) -> u64| (of(amounts) - of(&before)) as f64;
            let rows = BTreeMap::from([
                ("RowsRead", ("Count", since(|amounts| amounts.rows_read))),
                ("RowsLoaded", ("Count", since(|amounts| amounts.rows_loaded))),
                ("RowsRejected", ("Count", since(|amounts| amounts.rows_rejected))),
                ("BytesRead", ("Bytes", since(|amounts| amounts.bytes))),
            ]);
            lines.push(self.line(metrics, Some(dataset), &rows, now));
        }
        (self.received, self.before) = (received, settled);
        lines
    }

    /// How many messages came to each end since the line before.
    fn outcomes(&self, settled: &Settled) -> BTreeMap<&'static str, (&'static str, f64)> {
        let of = |settled: &Settled, ending| {
            let these = settled.messages.iter().filter(|((found, _), _)| *found == ending);
            these.map(|(_, count)| count).sum::<u64>()
        };
        let since = |ending| (of(settled, ending) - of(&self.before, ending)) as f64;
        BTreeMap::from([
            ("Done", ("Count", since(Ending::Done))),
            ("Retried", ("Count", since(Ending::Retried))),
            ("DeadLettered", ("Count", since(Ending::DeadLettered))),
            ("Released", ("Count", since(Ending::Released))),
            ("LeaseLost", ("Count", since(Ending::LeaseLost))),
        ])
    }

    fn line(
        &self,
        metrics: &Metrics,
        dataset: Option<&str>,
        values: &BTreeMap<&'static str, (&'static str, f64)>,
        now: DateTime<Utc>,
    ) -> String {
        let mut dimensions = vec!["Pipeline", "Stage"];
        dimensions.extend(dataset.map(|_| "Dataset"));
        let names = values.iter().map(|(name, (unit, _))| json!({"Name": name, "Unit": unit}));
        let directive = json!({
            "Namespace": NAMESPACE,
            "Dimensions": [dimensions],
            "Metrics": names.collect::<Value>(),
        });
        let mut line = Map::new();
        let about = json!({
            "Timestamp": now.timestamp_millis(),
            "CloudWatchMetrics": [directive],
        });
        line.insert("_aws".to_owned(), about);
        line.insert("Pipeline".to_owned(), json!(self.pipeline));
        line.insert("Stage".to_owned(), json!(metrics.stage));
        if let Some(dataset) = dataset {
            line.insert("Dataset".to_owned(), json!(dataset));
        }
        for (name, (_, value)) in values {
            line.insert((*name).to_owned(), json!(value));
        }
        Value::Object(line).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::some;
    use super::*;

    #[test]
    fn a_line_says_what_happened_since_the_one_before() {
        let (metrics, mut emf) = (some(), Emf::new("finance"));
        let read = |line: &String| serde_json::from_str::<Value>(line).expect("JSON");
        let lines: Vec<Value> = emf.lines(&metrics, Utc::now()).iter().map(read).collect();
        assert_eq!(lines.len(), 2);
        let directive = &lines[0]["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Millrace");
        assert_eq!(directive["Dimensions"], json!([["Pipeline", "Stage"]]));
        for metric in directive["Metrics"].as_array().expect("a list") {
            let name = metric["Name"].as_str().expect("a name");
            assert!(lines[0][name].is_number(), "{name}");
        }
        assert_eq!((&lines[0]["Done"], &lines[0]["Retried"]), (&json!(2.0), &json!(1.0)));
        assert_eq!(
            (&lines[1]["Dataset"], &lines[1]["RowsRead"]),
            (&json!("sales \"1\""), &json!(20.0))
        );
        let again: Vec<Value> = emf.lines(&metrics, Utc::now()).iter().map(read).collect();
        assert_eq!(again.len(), 1, "nothing happened");
        assert_eq!((&again[0]["Done"], &again[0]["InHand"]), (&json!(0.0), &json!(1.0)));
    }
}
