//! The text that Prometheus scrapes.
//!
//! Source: "Exposition formats", text-based format 0.0.4, Prometheus
//! documentation.

use std::fmt::{self, Write};
use std::sync::atomic::Ordering;

use super::histogram::Histogram;
use super::{Amounts, Metrics};

/// The media type of the text.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Rows and bytes by what was done with them.
type Amount = (&'static str, fn(&Amounts) -> u64);

const ROWS: [Amount; 3] = [
    ("read", |amounts| amounts.rows_read),
    ("loaded", |amounts| amounts.rows_loaded),
    ("rejected", |amounts| amounts.rows_rejected),
];

impl Metrics {
    /// All numbers as Prometheus reads them.
    pub fn prometheus(&self) -> String {
        let mut text = String::with_capacity(4096);
        // Writing to a string can't fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> fmt::Result {
        let stage = label(&self.stage);
        let settled = self.settled_now().clone();
        let plain = |count: u64| vec![(format!("stage=\"{stage}\""), count)];
        let received = self.received.load(Ordering::Relaxed);
        let name = "millrace_messages_received_total";
        family(text, name, "counter", "Messages received.", plain(received))?;
        let outcomes = settled.messages.iter().map(|((ending, class), count)| {
            let class = class.map_or("", |class| class.as_str());
            let ending = ending.as_str();
            (format!("stage=\"{stage}\",outcome=\"{ending}\",class=\"{class}\""), *count)
        });
        let name = "millrace_messages_total";
        family(text, name, "counter", "Messages by what became of them.", outcomes)?;
        let name = "millrace_messages_in_hand";
        let in_hand = self.in_hand.load(Ordering::Relaxed);
        family(text, name, "gauge", "Messages held now.", plain(in_hand))?;
        let name = "millrace_outage";
        let outage = u64::from(self.outage.load(Ordering::Relaxed));
        family(text, name, "gauge", "1 while an outage pauses the worker.", plain(outage))?;
        let help = "How long handling a message took.";
        histogram(text, "millrace_handling_seconds", help, &stage, &settled.handled)?;
        let help = "How long after its sending a message was done.";
        histogram(text, "millrace_lag_seconds", help, &stage, &settled.lag)?;
        let rows = settled.datasets.iter().flat_map(|(dataset, amounts)| {
            let (stage, dataset) = (&stage, label(dataset));
            ROWS.map(|(kind, of)| {
                (format!("stage=\"{stage}\",dataset=\"{dataset}\",kind=\"{kind}\""), of(amounts))
            })
        });
        family(text, "millrace_rows_total", "counter", "Rows by dataset.", rows)?;
        let bytes = settled.datasets.iter().map(|(dataset, amounts)| {
            (format!("stage=\"{stage}\",dataset=\"{}\"", label(dataset)), amounts.bytes)
        });
        family(text, "millrace_bytes_total", "counter", "Bytes read by dataset.", bytes)
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

fn family(
    text: &mut String,
    name: &str,
    kind: &str,
    help: &str,
    samples: impl IntoIterator<Item = (String, u64)>,
) -> fmt::Result {
    head(text, name, kind, help)?;
    for (labels, value) in samples {
        writeln!(text, "{name}{{{labels}}} {value}")?;
    }
    Ok(())
}

fn histogram(
    text: &mut String,
    name: &str,
    help: &str,
    stage: &str,
    histogram: &Histogram,
) -> fmt::Result {
    head(text, name, "histogram", help)?;
    for (bound, count) in histogram.cumulative() {
        writeln!(text, "{name}_bucket{{stage=\"{stage}\",le=\"{bound}\"}} {count}")?;
    }
    let Histogram { sum, count, .. } = histogram;
    writeln!(text, "{name}_bucket{{stage=\"{stage}\",le=\"+Inf\"}} {count}")?;
    writeln!(text, "{name}_sum{{stage=\"{stage}\"}} {sum}")?;
    writeln!(text, "{name}_count{{stage=\"{stage}\"}} {count}")
}

/// A label's value: backslash, quote and line feed are escaped.
fn label(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::super::tests::some;

    #[test]
    fn a_scrape_has_every_family_with_its_labels() {
        let text = some().prometheus();
        for line in [
            "# TYPE millrace_messages_total counter",
            "millrace_messages_received_total{stage=\"load\"} 3",
            "millrace_messages_total{stage=\"load\",outcome=\"done\",class=\"\"} 2",
            "millrace_messages_total{stage=\"load\",outcome=\"retried\",class=\"throttled\"} 1",
            "millrace_messages_in_hand{stage=\"load\"} 1",
            "millrace_outage{stage=\"load\"} 0",
            "millrace_handling_seconds_bucket{stage=\"load\",le=\"0.05\"} 2",
            "millrace_handling_seconds_bucket{stage=\"load\",le=\"+Inf\"} 3",
            "millrace_handling_seconds_count{stage=\"load\"} 3",
            "millrace_rows_total{stage=\"load\",dataset=\"sales \\\"1\\\"\",kind=\"read\"} 20",
            "millrace_rows_total{stage=\"load\",dataset=\"sales \\\"1\\\"\",kind=\"loaded\"} 18",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
