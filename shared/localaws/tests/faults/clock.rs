//! Time that a test drives.

use std::time::{Duration, SystemTime};

use millrace_localaws::Clock;

use crate::client::request;
use crate::setup::Stand;

#[tokio::test]
async fn a_message_comes_back_and_expires_without_waiting() {
    let clock = Clock::stopped(SystemTime::now());
    let stand = Stand::with(|config| config.clock = clock.clone()).await;
    let sqs = stand.sqs();
    let queue = sqs.create_queue().queue_name("q").send().await.unwrap().queue_url.unwrap();
    let received = || async {
        let receive = sqs.receive_message().queue_url(&queue).visibility_timeout(3600);
        receive.send().await.unwrap().messages.unwrap_or_default().len()
    };
    sqs.send_message().queue_url(&queue).message_body("m").delay_seconds(900).send().await.unwrap();
    assert_eq!(received().await, 0);
    clock.advance(Duration::from_secs(900));
    assert_eq!(received().await, 1);
    assert_eq!(received().await, 0);
    clock.advance(Duration::from_secs(3600));
    assert_eq!(received().await, 1);
    clock.advance(Duration::from_secs(5 * 24 * 3600));
    assert_eq!(received().await, 0);
}

#[tokio::test]
async fn a_waiting_receive_wakes_when_the_clock_is_moved() {
    let clock = Clock::stopped(SystemTime::now());
    let stand = Stand::with(|config| config.clock = clock.clone()).await;
    let sqs = stand.sqs();
    let queue = sqs.create_queue().queue_name("q").send().await.unwrap().queue_url.unwrap();
    sqs.send_message().queue_url(&queue).message_body("m").delay_seconds(60).send().await.unwrap();
    let receive = sqs.receive_message().queue_url(&queue).wait_time_seconds(20);
    let waiting = tokio::spawn(receive.send());
    crate::client::a_moment().await;
    clock.advance(Duration::from_secs(19));
    crate::client::a_moment().await;
    assert!(!waiting.is_finished());
    clock.advance(Duration::from_secs(1));
    let received = tokio::time::timeout(Duration::from_secs(5), waiting).await;
    assert!(received.unwrap().unwrap().unwrap().messages.is_none());
}

#[tokio::test]
async fn the_clock_is_driven_over_http_unless_that_is_switched_off() {
    let stand = Stand::with(|_| ()).await;
    let path = "/_millrace/control/clock";
    let moved = request(&stand.server, "POST", path, r#"{"stop": true, "advance": "2days"}"#).await;
    assert!(moved.contains(r#""stopped":true"#), "{moved}");
    let wrong = request(&stand.server, "POST", path, r#"{"advance": "soon"}"#).await;
    assert!(wrong.starts_with("HTTP/1.1 400") && wrong.contains("not a duration"), "{wrong}");
    let closed = Stand::with(|config| config.control = false).await;
    let refused = request(&closed.server, "GET", path, "").await;
    assert!(refused.starts_with("HTTP/1.1 400"), "{refused}");
}
