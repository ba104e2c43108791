//! Order and delivery of events, with destinations that are slow or stuck.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;

use super::*;
use crate::s3::event::What;
use crate::s3::notification::{Kind, Notification, Rule};
use crate::s3::object::{Tags, Version, VersionId};
use crate::s3::record::Record;
use crate::sink::{BusEvent, SinkError};

/// Notes what it is given, or never takes it.
#[derive(Default)]
struct Noting {
    stuck: bool,
    sequencers: Mutex<Vec<String>>,
    /// What reached the bus.
    told: Mutex<Vec<String>>,
    /// Detail types that reached the bus.
    kinds: Mutex<Vec<String>>,
}

#[async_trait]
impl EventSink for Noting {
    async fn exists(&self, _: &str) -> bool {
        true
    }

    async fn put_event(&self, event: BusEvent) -> Result<(), SinkError> {
        if self.stuck {
            std::future::pending::<()>().await;
        }
        self.kinds.lock().unwrap().push(event.detail_type);
        // Changes that have no order have no sequencer either.
        if let Some(sequencer) = event.detail["object"]["sequencer"].as_str() {
            self.told.lock().unwrap().push(sequencer.to_owned());
        }
        Ok(())
    }

    async fn deliver(&self, _: &str, Parcel { body, .. }: Parcel) -> Result<(), SinkError> {
        if self.stuck {
            std::future::pending::<()>().await;
        }
        // Whoever is not waited for overtakes.
        let jitter = rand::random_range(0..3);
        tokio::time::sleep(Duration::from_millis(jitter)).await;
        let event: serde_json::Value = serde_json::from_str(&body).unwrap();
        let sequencer = event["Records"][0]["s3"]["object"]["sequencer"].as_str().unwrap();
        self.sequencers.lock().unwrap().push(sequencer.to_owned());
        Ok(())
    }
}

fn open(dir: &Path, sink: &Arc<Noting>) -> Arc<Store> {
    let sink = Arc::clone(sink) as Arc<dyn EventSink>;
    Arc::new(Store::open(dir, "us-east-1", "000000000000", Clock::system(), sink).unwrap())
}

fn with_rule(store: &Store) -> Arc<Bucket> {
    store.create_bucket("b", Settings::new(0)).unwrap();
    let bucket = store.bucket("b").unwrap();
    let rule = Rule {
        id: "all".to_owned(),
        kind: Kind::Queue,
        arn: "arn".to_owned(),
        events: vec!["s3:ObjectRemoved:*".to_owned()],
        prefix: None,
        suffix: None,
    };
    let notification = Notification { rules: vec![rule], event_bridge: true };
    bucket
        .commit(|index, _| {
            let settings = Settings { notification, ..index.settings.clone() };
            Ok((Some(Record::Settings(settings)), ()))
        })
        .unwrap();
    bucket
}

/// Puts a delete marker on `k`; answers its sequencer.
async fn mark(store: &Arc<Store>, bucket: &Arc<Bucket>) -> S3Result<String> {
    let id = RequestId::random();
    let decide = |_: &Index, sequence: &Sequence| {
        let (sequencer, modified) = (sequence.next(), sequence.now());
        let version = Version { id: VersionId::Null, modified, sequencer, object: None };
        let event = Event::written(What::DeleteMarkerCreated, "k", &version);
        let record = Record::Put { key: "k".into(), version, upload: None, event: None };
        let answer = format!("{sequencer:018X}");
        Ok(Decision { record: Some(record), event: Some(event), answer })
    };
    store.change(bucket, "k", &id, decide).await
}

#[tokio::test]
async fn events_of_a_key_are_delivered_in_commit_order() {
    let dir = tempfile::tempdir().unwrap();
    let sink = Arc::new(Noting::default());
    let store = open(dir.path(), &sink);
    let bucket = with_rule(&store);
    let changes = (0..50).map(|_| mark(&store, &bucket));
    assert!(futures::future::join_all(changes).await.iter().all(Result::is_ok));
    let delivered = sink.sequencers.lock().unwrap().clone();
    assert_eq!(delivered.len(), 50);
    assert!(delivered.is_sorted());
    assert_eq!(*sink.told.lock().unwrap(), delivered);
}

#[tokio::test]
async fn an_event_that_was_committed_and_not_delivered_is_delivered_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let stuck = Arc::new(Noting { stuck: true, ..Noting::default() });
    let store = open(dir.path(), &stuck);
    let bucket = with_rule(&store);
    let answered = tokio::time::timeout(Duration::from_millis(50), mark(&store, &bucket)).await;
    assert!(answered.is_err(), "answered before the event was delivered");
    let committed = bucket.read(|index| index.current("k").unwrap().sequencer);

    let sink = Arc::new(Noting::default());
    let store = open(dir.path(), &sink);
    store.catch_up().await;
    let later = mark(&store, &store.bucket("b").unwrap()).await.unwrap();
    let expected = vec![format!("{committed:018X}"), later];
    assert_eq!(*sink.sequencers.lock().unwrap(), expected);
    assert_eq!(*sink.told.lock().unwrap(), expected);

    let again = Arc::new(Noting::default());
    open(dir.path(), &again).catch_up().await;
    assert!(again.sequencers.lock().unwrap().is_empty(), "delivered a second time");
}

/// Sets the tags of `k`; answers the event's sequencer.
async fn tag(store: &Arc<Store>, bucket: &Arc<Bucket>) -> S3Result<String> {
    let decide = |index: &Index, sequence: &Sequence| {
        let version = index.current("k").unwrap();
        let (sequencer, at) = (sequence.next(), sequence.now());
        let event = Event::changed(What::TagsPut, "k", version, sequencer, at);
        let (id, tags) = (version.id, Tags::default());
        let record = Record::Tag { key: "k".into(), version: id, tags, event: None };
        let answer = event.sequencer_text();
        Ok(Decision { record: Some(record), event: Some(event), answer })
    };
    store.change(bucket, "k", &RequestId::random(), decide).await
}

#[tokio::test]
async fn changed_tags_that_were_not_told_are_told_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let sink = Arc::new(Noting::default());
    let store = open(dir.path(), &sink);
    let bucket = with_rule(&store);
    mark(&store, &bucket).await.unwrap();
    sink.told.lock().unwrap().clear();
    tag(&store, &bucket).await.unwrap();
    let tags =
        |told: &[String]| told.iter().filter(|event| event.as_str() == "Object Tags Added").count();
    assert_eq!(tags(&sink.kinds.lock().unwrap()), 1);

    let stuck = Arc::new(Noting { stuck: true, ..Noting::default() });
    let store = open(dir.path(), &stuck);
    let bucket = store.bucket("b").unwrap();
    let told = tokio::time::timeout(Duration::from_millis(50), tag(&store, &bucket)).await;
    assert!(told.is_err(), "answered before the event was delivered");
    let sink = Arc::new(Noting::default());
    open(dir.path(), &sink).catch_up().await;
    assert_eq!(tags(&sink.kinds.lock().unwrap()), 1);
}
