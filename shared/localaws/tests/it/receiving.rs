//! Receiving: how many, how long it waits, what wakes it.

use std::time::{Duration, Instant, SystemTime};

use aws_sdk_sqs::operation::receive_message::ReceiveMessageError;
use millrace_localaws::Clock;

use crate::client::{Endpoint, Refusal, a_moment, bodies};

#[tokio::test]
async fn up_to_ten_are_received_in_the_order_sent() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    for number in 0..12 {
        endpoint.send(&url, &number.to_string()).await;
    }
    let one = endpoint.sqs.receive_message().queue_url(&url).send().await.unwrap();
    assert_eq!(bodies(one.messages()), ["0"], "one unless asked for more");
    assert_eq!(endpoint.receive(&url).await.len(), 10);
    assert_eq!(bodies(&endpoint.receive(&url).await), ["11"]);
    assert!(endpoint.receive(&url).await.is_empty());
}

#[tokio::test]
async fn parameters_out_of_range_are_refused() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    let receive = || endpoint.sqs.receive_message().queue_url(&url);
    for (parameter, request) in [
        ("MaxNumberOfMessages", receive().max_number_of_messages(11)),
        ("MaxNumberOfMessages", receive().max_number_of_messages(0)),
        ("WaitTimeSeconds", receive().wait_time_seconds(21)),
        ("VisibilityTimeout", receive().visibility_timeout(43_201)),
    ] {
        let refusal = Refusal::of(request.send().await.unwrap_err());
        assert_eq!(refusal.code, "InvalidParameterValue", "{parameter}");
        assert!(refusal.message.contains(parameter), "{}", refusal.message);
    }
    let gone = endpoint.sqs.receive_message().queue_url(format!("{url}-none"));
    let error = gone.send().await.unwrap_err().into_service_error();
    assert!(matches!(error, ReceiveMessageError::QueueDoesNotExist(_)), "{error:?}");
}

#[tokio::test]
async fn a_waiting_receive_is_woken_by_a_send() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    let started = Instant::now();
    let (received, _) = tokio::join!(endpoint.receive_for(&url, 20), async {
        a_moment().await;
        endpoint.send(&url, "wake").await
    });
    assert_eq!(bodies(&received), ["wake"]);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_waiting_receive_is_woken_when_a_delay_ends() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    let delayed = endpoint.sqs.send_message().queue_url(&url).message_body("late");
    delayed.delay_seconds(1).send().await.unwrap();
    assert!(endpoint.receive(&url).await.is_empty());
    let started = Instant::now();
    assert_eq!(bodies(&endpoint.receive_for(&url, 20).await), ["late"]);
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_waiting_receive_is_woken_when_a_hold_ends() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[("VisibilityTimeout", "1")]).await;
    endpoint.send(&url, "again").await;
    assert_eq!(endpoint.receive(&url).await.len(), 1);
    let started = Instant::now();
    assert_eq!(bodies(&endpoint.receive_for(&url, 20).await), ["again"]);
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_waiting_receive_is_woken_when_a_message_is_handed_back() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[("VisibilityTimeout", "600")]).await;
    endpoint.send(&url, "back").await;
    let held = endpoint.receive(&url).await.remove(0);
    let started = Instant::now();
    let (received, _) = tokio::join!(endpoint.receive_for(&url, 20), async {
        a_moment().await;
        endpoint.hold(&url, &held, 0).await.unwrap();
    });
    assert_eq!(bodies(&received), ["back"]);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[tokio::test]
async fn every_waiting_receive_gets_its_message() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    let waiting: Vec<_> = (0..8)
        .map(|_| {
            let receive = endpoint.sqs.receive_message().queue_url(&url).wait_time_seconds(20);
            tokio::spawn(receive.send())
        })
        .collect();
    a_moment().await;
    for number in 0..8 {
        endpoint.send(&url, &number.to_string()).await;
    }
    let started = Instant::now();
    let mut received = Vec::new();
    for receive in waiting {
        received.extend(receive.await.unwrap().unwrap().messages.unwrap_or_default());
    }
    assert_eq!(received.len(), 8);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_wait_without_messages_ends_when_it_should() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[("ReceiveMessageWaitTimeSeconds", "1")]).await;
    let started = Instant::now();
    let received = endpoint.sqs.receive_message().queue_url(&url).send().await.unwrap();
    assert!(received.messages().is_empty());
    let waited = started.elapsed();
    assert!((Duration::from_millis(950)..Duration::from_secs(3)).contains(&waited), "{waited:?}");
}

#[tokio::test]
async fn a_receive_whose_caller_left_takes_nothing() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    let left = endpoint.sqs.receive_message().queue_url(&url).wait_time_seconds(20).send();
    assert!(tokio::time::timeout(Duration::from_millis(200), left).await.is_err());
    endpoint.send(&url, "for the next").await;
    assert_eq!(bodies(&endpoint.receive_for(&url, 5).await), ["for the next"]);
}

#[tokio::test]
async fn stopping_ends_a_waiting_receive_at_once() {
    let endpoint = Endpoint::start().await;
    let url = endpoint.queue("orders", &[]).await;
    let receive = endpoint.sqs.receive_message().queue_url(&url).wait_time_seconds(20);
    let waiting = tokio::spawn(receive.send());
    a_moment().await;
    let started = Instant::now();
    endpoint.server.stop().await;
    assert!(waiting.await.unwrap().unwrap().messages().is_empty());
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_message_is_gone_once_it_is_kept_no_longer() {
    let clock = Clock::stopped(SystemTime::now());
    let endpoint = Endpoint::by(&clock).await;
    let url = endpoint.queue("orders", &[("MessageRetentionPeriod", "60")]).await;
    endpoint.send(&url, "old").await;
    clock.advance(Duration::from_secs(59));
    endpoint.send(&url, "new").await;
    clock.advance(Duration::from_secs(1));
    let ready = endpoint.attribute(&url, "ApproximateNumberOfMessages").await;
    assert_eq!(ready.as_deref(), Some("1"));
    assert_eq!(bodies(&endpoint.receive(&url).await), ["new"]);
}
