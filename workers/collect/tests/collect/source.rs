//! Another source by the same port: a log that is read in order and whose reader
//! remembers one offset, as Kafka's and Kinesis' readers do.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesOrdered;
use millrace_collect::{Collector, Record};

use crate::world::{Right, World, record, stream};

/// A log of records, and how far its readers have said they have come.
struct Log {
    records: Vec<Record>,
    committed: usize,
}

impl Log {
    fn new(records: usize) -> Self {
        let record = |offset: usize| Record {
            names: vec![format!("log/0/{offset}")],
            source: "log".into(),
            partition: Some(0),
            ..record(offset, "a", 1)
        };
        Self { records: (0..records).map(record).collect(), committed: 0 }
    }

    /// Reads on from the committed offset, hands in as many records as there are,
    /// and commits the offset before which none is open. The reader dies before its
    /// `last` commit.
    async fn read(&mut self, collector: &Arc<Collector>, last: usize) {
        let mut open: FuturesOrdered<_> = self.records[self.committed..]
            .iter()
            .map(|record| {
                let (collector, record) = (Arc::clone(collector), record.clone());
                async move { collector.collect(record, Arc::new(Right::default())).await }
            })
            .collect();
        let mut commits = 0;
        while let Some(collected) = open.next().await {
            collected.expect("collected");
            commits += 1;
            if commits == last {
                return;
            }
            self.committed += 1;
        }
    }
}

#[tokio::test]
async fn a_log_is_collected_once_although_its_reader_dies() {
    let world = World::new(stream(10, Duration::from_millis(200))).await;
    let mut log = Log::new(35);
    log.read(&world.collector, 13).await;
    assert_eq!(log.committed, 12);
    let other = world.another(stream(10, Duration::from_millis(200)));
    log.read(&other, usize::MAX).await;
    assert_eq!(log.committed, 35);
    let lines = world.published().await;
    assert_eq!(lines.len(), 35);
    let mut once = lines.clone();
    once.dedup();
    assert_eq!(once, lines);
}
