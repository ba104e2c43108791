//! The embedded AWS endpoint: one HTTP listener that unmodified AWS SDKs,
//! boto3, Terraform and the `aws` command line talk to, with its state in one
//! folder. It is what `millrace dev`, `millrace demo` and the tests run on.
//!
//! ```no_run
//! # async fn example() -> Result<(), millrace_localaws::StartError> {
//! use millrace_localaws::{Config, Server};
//!
//! let server = Server::start(Config::new(".millrace/aws")).await?;
//! println!("export AWS_ENDPOINT_URL={}", server.url());
//! server.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! # What is there
//!
//! | service | operations | kept in |
//! |---|---|---|
//! | SQS | all of them, on standard, fair and FIFO queues: long polling, delays, visibility, batches, deduplication, dead letters, move tasks, tags, permissions | `sqs/<queue>/`: settings, journal |
//! | SNS | all of topics, standard and FIFO: subscriptions, `Publish` and `PublishBatch`, filter policies (attributes or body), tags, policies; delivery to queues, to HTTP endpoints on this machine, and of emails and text messages into files | `sns/`, `outbox/email/*.eml`, `outbox/sms/*.txt` |
//! | EventBridge | buses, rules by event pattern and by schedule, targets (queues, topics, buses) with transformed input, retries and dead letters, permissions, tags | `events/` |
//! | Scheduler | schedules (`rate`, `cron`, `at`) in any time zone, groups, flexible windows, retries and dead letters; queues, topics, buses and three universal targets | `scheduler/` |
//! | S3 | buckets and what can be set for them, objects, versions, multipart and form uploads, lifecycle, object lock; object events go to queues, topics and the default event bus | `s3/` |
//! | ECS | clusters, task definitions, services and tasks that are processes of this machine, task protection, the agent's endpoint | `ecs/`: state, logs |
//! | Secrets Manager | secrets, their versions and stages | `secrets/`, readable by the owner alone |
//! | CloudWatch | metrics, also those of the queues, metric math, alarms that tell topics, dashboards | `cloudwatch/` |
//! | Glue | of the Data Catalog: databases, tables, partitions | `glue/` |
//! | STS | who the caller is, credentials for roles and sessions | – |
//!
//! `GET /_millrace/health` answers with JSON once everything is up.
//!
//! # What it promises
//!
//! - **Acknowledged is kept.** What was answered with success is in a file
//!   before the answer is sent and outlives the process, even a SIGKILL. Power
//!   loss is not covered: nothing is synced to the disk.
//! - **As AWS documents it.** Limits, error types, digests, attribute names and
//!   defaults follow the API references. Where the documents and the service
//!   are known to differ the documents win; see below.
//! - **Large queues cost no more than small ones.** A receive is O(log n); one
//!   queue's lock is never held for another; a waiting receive wakes at once.
//! - **One endpoint per folder.** A lock on the folder keeps a second one out.
//!
//! # What is not there, or not the same
//!
//! - The Query protocol of SQS: SDKs from before the end of 2023.
//! - Of S3: Select, restores, access points. Replication, logging, reports,
//!   acceleration and transitions are kept and not acted on; nothing is encrypted.
//! - Signatures are checked only if [`Config::keys`] names some, and then only
//!   these are let in, not those that STS gives out. Policies and KMS keys are
//!   kept, not enforced. One account and one region: requests signed for others
//!   are answered alike.
//! - A receipt handle is stale once its message is received again: deleting
//!   with it deletes nothing and changing visibility is `MessageNotInflight`,
//!   as the references say. AWS is often more lenient with standard queues.
//! - The order of a standard queue is that of becoming ready, and nothing is
//!   delivered twice without a reason. AWS promises neither. Message groups of a
//!   fair queue take turns at all times, not only once one is found to be noisy.
//! - FIFO queues are not throttled, and every message is looked at to find the
//!   groups that can be received (AWS: the first 120,000).
//! - A queue can be created again right after it was deleted (AWS: 60 s later).
//! - SNS: email addresses and phone numbers count as confirmed when they are
//!   subscribed; HTTP endpoints on other machines, and HTTPS, are refused;
//!   Lambda functions, Firehose and mobile apps are kept and never confirmed.
//!   Envelopes have a signature that does not verify. Deduplication ids of FIFO
//!   topics are forgotten when the endpoint stops; queues know them themselves.
//! - EventBridge: no archives, replays, pipes, connections, API destinations.
//!   Targets of services that are not here get nothing; their dead-letter queue
//!   does.
//! - Rules and schedules fire on the second. What fell due while the endpoint
//!   was not running is fired once for each of them, for the latest time that
//!   was missed, if that is not older than a day (or the schedule's maximum
//!   event age). A clock that is moved forward misses nothing.
//! - ECS: images are not run; a task is the program that its `entryPoint` and
//!   `command` name, or the worker of this binary. Networks, roles, limits on
//!   memory and processors are kept and not acted on.
//! - CloudWatch: no composite alarms, anomaly detection, `SEARCH`, Metrics
//!   Insights and streams. Alarms look at the last full minute.
//! - Glue: partitions are not filtered by an expression; versions of tables are
//!   counted and not kept; no jobs, crawlers, connections.
//! - Move tasks are forgotten when the endpoint stops; what they moved is not.
//!
//! Version 1 of the `aws` command line sends SQS requests to Amazon unless it
//! is given `--endpoint-url`: it ignores `AWS_ENDPOINT_URL` for this service.
//!
//! # How it is built
//!
//! ```text
//! server    listens, accepts, stops
//! └ endpoint    all services over one data folder
//!   ├ route       which service a request is for
//!   ├ sqs         ops (rules) → queue (one lock) → index (memory), journal (disk)
//!   ├ sns         topics → sqs, courier, files
//!   ├ events      rules → courier → sqs, sns
//!   ├ scheduler   → courier → sqs, sns, events
//!   ├ s3          → sink → deliveries → sqs, sns, events
//!   ├ ecs         services → processes
//!   ├ cloudwatch  ← sqs; alarms → deliveries
//!   ├ secrets
//!   └ sts
//! ```
//!
//! Around them: `signature` lets requests in, `faults` makes them go wrong on
//! purpose, `control` drives both the faults and the clock, and `trail` writes
//! down which permissions a request needs, if [`Config::trail`] says where.
//!
//! ```text
//! request → route → signature → faults → service → faults → answer
//! ```
//!
//! A service answers bytes with bytes and knows no socket. S3 knows neither SQS
//! nor SNS: it has a `sink`. What failed is tried again by a `courier`, what fires
//! by the clock waits in `firing`. All of them take the time from one `clock`.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod answer;
mod arn;
mod background;
mod call;
mod clock;
mod cloudwatch;
mod config;
mod control;
mod courier;
mod deliveries;
mod ecs;
mod endpoint;
mod error;
mod events;
mod faults;
mod firing;
mod folder;
mod glue;
mod hex;
mod incoming;
mod kept;
mod page;
mod pattern;
mod query;
mod route;
mod s3;
mod scheduler;
mod secrets;
mod server;
mod service;
mod signature;
mod sink;
mod sns;
mod sqs;
mod sts;
mod time;
mod trail;

pub use clock::Clock;
pub use config::{AccessKey, Config, TaskOutput};
pub use error::StartError;
pub use faults::{FaultCount, FaultPlan, FaultPlanError, Faults};
pub use server::Server;
