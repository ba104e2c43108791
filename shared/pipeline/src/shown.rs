//! A plan as people read it: a block for each kind of thing that there is.

use std::fmt;
use std::time::Duration;

use crate::access::PlannedTables;
use crate::alerts::{Events, Subscription};
use crate::plan::{
    Plan, PlannedAlerts, PlannedDerived, PlannedExport, PlannedNotification, PlannedReport,
    PlannedSchedule, PlannedService, PlannedStream, PlannedView,
};
use crate::quantity::{show_duration, show_size};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "pipeline {}", self.pipeline)?;
        self.fmt_queues(f)?;
        self.fmt_services(f)?;
        self.fmt_told(f)?;
        self.fmt_data(f)?;
        block(f, "schedules", &self.schedules, |schedule| {
            let PlannedSchedule { name, queue, expression, timezone, .. } = schedule;
            format!("{name}: {expression} {timezone} → {queue}")
        })
    }
}

/// A title with a line for each item; nothing where there is none.
fn block<T>(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    items: &[T],
    line: impl Fn(&T) -> String,
) -> fmt::Result {
    if items.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title}")?;
    items.iter().try_for_each(|item| writeln!(f, "  {}", line(item)))
}

impl Plan {
    fn fmt_queues(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |seconds: u32| show_duration(Duration::from_secs(seconds.into()));
        block(f, "buckets", &self.buckets, |bucket| {
            format!("{}: {}", bucket.name, bucket.purpose)
        })?;
        block(f, "notifications", &self.notifications, |notification| {
            let PlannedNotification { bucket, prefix, queue } = notification;
            format!("s3://{bucket}/{prefix}* → {queue}")
        })?;
        block(f, "queues", &self.queues, |queue| {
            let visibility = seconds(queue.visibility_seconds);
            let retention = seconds(queue.retention_seconds);
            let (name, attempts) = (&queue.name, queue.max_receive_count);
            let dead_letters = seconds(queue.dead_letter_retention_seconds);
            format!(
                "{name}: visibility {visibility}, kept {retention}, {attempts} attempts\n  \
                 {}: kept {dead_letters}",
                queue.dead_letter_queue
            )
        })
    }

    fn fmt_services(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        block(f, "services", &self.services, |service| {
            let PlannedService { name, workers, max_workers, concurrency, .. } = service;
            let memory = show_size(service.memory);
            format!(
                "{name}: {workers} to {max_workers} workers of {memory}, {concurrency} messages \
                 at a time each"
            )
        })
    }

    fn fmt_told(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(PlannedAlerts { topic, subscriptions }) = &self.alerts {
            writeln!(f, "\nalerts\n  {topic}")?;
            for Subscription { protocol, endpoint } in subscriptions {
                writeln!(f, "  {topic} → {protocol} {endpoint}")?;
            }
        }
        match &self.events {
            Some(Events { bus }) => writeln!(f, "\nevents\n  bus {bus}"),
            None => Ok(()),
        }
    }

    fn fmt_data(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        block(f, "views", &self.views, |PlannedView { name, depends_on, .. }| {
            match depends_on.as_slice() {
                [] => name.clone(),
                others => format!("{name}: after {}", others.join(", ")),
            }
        })?;
        block(f, "exports", &self.exports, |export| {
            let PlannedExport { name, bucket, prefix, format } = export;
            format!("{name}: {format} to s3://{bucket}/{prefix}*")
        })?;
        block(f, "derived", &self.derived, |PlannedDerived { name, inputs, .. }| {
            format!("{} → {name}", inputs.join(", "))
        })?;
        block(f, "reports", &self.reports, |report| {
            let PlannedReport { name, bucket, prefix, charts } = report;
            let charts =
                if *charts == 1 { "1 chart".to_owned() } else { format!("{charts} charts") };
            format!("{name}: {charts} to s3://{bucket}/{prefix}*")
        })?;
        let tables: Vec<&PlannedTables> =
            self.services.iter().filter_map(|service| service.access.tables.as_ref()).collect();
        block(f, "tables", &tables, |PlannedTables { database, names }| {
            format!("{database}: {}", names.join(", "))
        })?;
        block(f, "streams", &self.streams, |stream| {
            let PlannedStream { name, queue, bucket, prefix, format } = stream;
            format!("{name}: {queue} → {format} to s3://{bucket}/{prefix}*")
        })
    }
}
