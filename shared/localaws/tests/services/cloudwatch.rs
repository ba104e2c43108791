//! Metrics, in the JSON and the Query protocol.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use millrace_localaws::{Clock, Server};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{Endpoint, eventually, get};

/// One operation in the JSON protocol; answers the status and the body.
async fn call(server: &Server, operation: &str, parameters: Value) -> (u16, Value) {
    let (address, body) = (server.addr(), parameters.to_string());
    let request = format!(
        "POST / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         x-amz-target: GraniteServiceVersion20100801.{operation}\r\n\
         content-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap())
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn depth_of(queue: &str) -> Value {
    json!({
        "Namespace": "AWS/SQS", "MetricName": "ApproximateNumberOfMessagesVisible",
        "Dimensions": [{"Name": "QueueName", "Value": queue}],
    })
}

#[tokio::test]
async fn what_was_put_is_there_after_a_restart_in_every_protocol() {
    let clock = Clock::stopped(UNIX_EPOCH + Duration::from_secs(1_800_000_000));
    let endpoint = Endpoint::by(&clock).await;
    let data = json!([{"MetricName": "rows", "Value": 2.5}, {"MetricName": "rows", "Value": 4}]);
    let put = json!({"Namespace": "App", "MetricData": data});
    assert_eq!(call(&endpoint.server, "PutMetricData", put).await.0, 200);
    let put = "/?Action=PutMetricData&Version=2010-08-01&Namespace=App\
               &MetricData.member.1.MetricName=rows&MetricData.member.1.Value=0.5\
               &X-Amz-Credential=a%2F20260101%2Fus-east-1%2Fmonitoring%2Faws4_request";
    assert!(get(&endpoint.server, put).await.starts_with("HTTP/1.1 200"));
    let endpoint = endpoint.restart().await;
    let now = seconds(clock.time());
    let ask = json!({
        "Namespace": "App", "MetricName": "rows", "Period": 60, "StartTime": now - 60,
        "EndTime": now + 60, "Statistics": ["Sum", "Maximum", "SampleCount"],
    });
    let (_, answer) = call(&endpoint.server, "GetMetricStatistics", ask).await;
    let point = &answer["Datapoints"][0];
    assert_eq!((&point["Sum"], &point["Maximum"]), (&json!(7.0), &json!(4.0)), "{answer}");
    assert_eq!(point["SampleCount"], 3.0);
}

#[tokio::test]
async fn backlog_per_task_is_asked_for_in_one_expression() {
    let clock = Clock::stopped(SystemTime::now());
    let endpoint = Endpoint::by(&clock).await;
    let queue = endpoint.queue("orders", &[]).await;
    for _ in 0..6 {
        endpoint.send(&queue, "m").await;
    }
    let now = seconds(clock.time());
    let queries = json!([
        {"Id": "visible", "ReturnData": false,
         "MetricStat": {"Metric": depth_of("orders"), "Period": 60, "Stat": "Maximum"}},
        {"Id": "tasks", "Expression": "FILL(visible, 0) * 0 + 3", "ReturnData": false},
        {"Id": "backlog", "Expression": "visible / tasks"},
    ]);
    let ask = json!({"MetricDataQueries": queries, "StartTime": now - 120, "EndTime": now + 60});
    let (_, answer) = call(&endpoint.server, "GetMetricData", ask).await;
    assert_eq!(answer["MetricDataResults"][0]["Id"], "backlog", "{answer}");
    assert_eq!(answer["MetricDataResults"][0]["Values"], json!([2.0]));
    let circular = json!([{"Id": "a", "Expression": "b"}, {"Id": "b", "Expression": "a"}]);
    let ask = json!({"MetricDataQueries": circular, "StartTime": now - 60, "EndTime": now});
    assert_eq!(call(&endpoint.server, "GetMetricData", ask).await.0, 400);
}

#[tokio::test]
async fn an_alarm_over_a_queue_tells_its_topic() {
    let clock = Clock::stopped(SystemTime::now());
    let endpoint = Endpoint::by(&clock).await;
    let (dead, told) = (endpoint.queue("dlq", &[]).await, endpoint.queue("told", &[]).await);
    let topic = endpoint.sns.create_topic().name("alerts").send().await.unwrap().topic_arn.unwrap();
    let subscribe = endpoint.sns.subscribe().topic_arn(&topic).protocol("sqs");
    let arn = "arn:aws:sqs:us-east-1:000000000000:told";
    subscribe.endpoint(arn).attributes("RawMessageDelivery", "true").send().await.unwrap();
    let mut alarm = depth_of("dlq");
    let settings = json!({
        "AlarmName": "dead letters", "ComparisonOperator": "GreaterThanThreshold", "Threshold": 0,
        "EvaluationPeriods": 1, "Period": 60, "Statistic": "Maximum", "AlarmActions": [topic],
    });
    alarm.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    assert_eq!(call(&endpoint.server, "PutMetricAlarm", alarm).await.0, 200);
    endpoint.send(&dead, "m").await;
    let message = eventually(|| async {
        clock.advance(Duration::from_secs(60));
        endpoint.receive(&told).await.pop()
    })
    .await;
    let message: Value = serde_json::from_str(message.body().unwrap()).unwrap();
    assert_eq!(
        (&message["AlarmName"], &message["NewStateValue"]),
        (&"dead letters".into(), &"ALARM".into())
    );
    let (_, described) = call(&endpoint.server, "DescribeAlarms", json!({})).await;
    assert_eq!(described["MetricAlarms"][0]["StateValue"], "ALARM", "{described}");
}
