//! A stage of one's own: a queue, and what is done about its messages. Everything
//! else is the same as for the stages that are there: polling, leases, retries,
//! dead letters, shutdown.
//!
//! `docs/derive.md` tells how its queue comes to messages. Against `millrace dev`:
//!
//! ```sh
//! aws sqs create-queue --queue-name shop-scores
//! aws sqs create-queue --queue-name shop-scores-dlq
//! cargo run -p millrace-runtime --example own_stage
//! ```

use std::sync::Arc;

use async_trait::async_trait;
use millrace_queue::Sqs;
use millrace_retry::FailureClass;
use millrace_runtime::{
    DeadCopy, DeadLetter, Delivery, Done, Failure, FailureLog, FailureLogError, Forward, Handler,
    Lease, Outcome, Standing, Worker, WorkerConfig, shutdown,
};
use serde_json::{Value, json};

/// Has scores made anew whenever a file of transactions is loaded.
struct Scores;

#[async_trait]
impl Handler for Scores {
    async fn handle(&self, delivery: &Delivery, _lease: &Lease) -> Outcome {
        // An EventBridge event "Millrace File Loaded", by way of a rule.
        let Ok(event) = serde_json::from_str::<Value>(&delivery.body) else {
            return Outcome::Failed(Failure::new(FailureClass::Poison, "the message is no JSON"));
        };
        if event["detail"]["dataset"] != "transactions" {
            return Outcome::Done(Done::new("ignored"));
        }
        // Whatever is done here may be done again: the same message can come twice.
        let task = json!({ "version": 1, "task": "derive", "derived": "scores" });
        Outcome::Done(Done::new("asked").forward(Forward::new("shop-derive", task.to_string())))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let aws = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
    let config = WorkerConfig::new("scores", "shop-scores").concurrency(4);
    let worker = Worker::new(config, Arc::new(Sqs::new(&aws)), Arc::new(Scores), Arc::new(Logged));
    let summary = worker.run(shutdown::signal()).await?;
    tracing::info!(?summary, "stopped");
    Ok(())
}

/// Dead letters are in the log and in `shop-scores-dlq`; nobody keeps account of
/// them elsewhere.
struct Logged;

#[async_trait]
impl FailureLog for Logged {
    async fn record(&self, letter: &DeadLetter) -> Result<(), FailureLogError> {
        tracing::error!(?letter, "dead letter");
        Ok(())
    }

    async fn adopt(&self, letter: &DeadLetter) -> Result<(), FailureLogError> {
        self.record(letter).await
    }

    async fn open(&self, _queue: &str) -> Result<u64, FailureLogError> {
        Ok(0)
    }

    async fn standing(
        &self,
        _queue: &str,
        copies: &[DeadCopy],
    ) -> Result<Vec<Standing>, FailureLogError> {
        Ok(vec![Standing::Open; copies.len()])
    }

    async fn handled_again(&self, _redrive_of: &str) -> Result<(), FailureLogError> {
        Ok(())
    }
}
