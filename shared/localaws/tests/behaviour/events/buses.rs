//! Event buses.

use serde_json::json;

use super::{event, to};
use crate::aws::{Aws, unique};
use crate::refusal::refused;

/// Events on a bus of one's own go to the rules of that bus alone.
/// (CreateEventBus; PutEvents)
#[tokio::test]
async fn a_bus_has_rules_of_its_own() {
    let aws = Aws::start().await;
    let (own, other) = (aws.queue(&[]).await, aws.queue(&[]).await);
    let bus = unique("bus");
    aws.events.create_event_bus().name(&bus).send().await.unwrap();
    let default = aws.rule_to(&other).await;
    let pattern = json!({"source": [default.source]}).to_string();
    let request = aws.events.put_rule().name("own").event_bus_name(&bus).event_pattern(pattern);
    request.send().await.unwrap();
    let request = aws.events.put_targets().rule("own").event_bus_name(&bus);
    request.targets(to(&own).build().unwrap()).send().await.unwrap();
    let mut entry = event(&default.source, &json!({"id": 7}));
    entry.event_bus_name = Some(bus);
    aws.events.put_events().entries(entry).send().await.unwrap();
    assert_eq!(aws.receive_json(&own).await["detail"]["id"], 7);
    assert!(aws.receive(&other).await.is_empty());
}

/// A bus of a name that is there is `ResourceAlreadyExistsException`.
/// (CreateEventBus)
#[tokio::test]
async fn a_bus_is_created_once() {
    let aws = Aws::start().await;
    let bus = unique("bus");
    let create = || aws.events.create_event_bus().name(&bus).send();
    create().await.unwrap();
    assert_eq!(refused(create().await), "ResourceAlreadyExistsException");
}

/// There is a bus named `default`, and it can't be deleted. (DeleteEventBus)
#[tokio::test]
async fn the_default_bus_stays() {
    let aws = Aws::start().await;
    let described = aws.events.describe_event_bus().send().await.unwrap();
    assert_eq!(described.name(), Some("default"));
    let answer = aws.events.delete_event_bus().name("default").send().await;
    assert_eq!(refused(answer), "ValidationException");
}
