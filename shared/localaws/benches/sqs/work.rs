//! What the clients do, and what is counted and timed of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::client::Client;
use crate::options::Measure;
use crate::server::Endpoint;

const CLIENTS: usize = 8;
const BATCH: usize = 10;
/// Receives without messages after which a client takes it that none are left.
const EMPTY: usize = 20;

/// Makes messages no two of which are alike.
static SENT: AtomicUsize = AtomicUsize::new(0);

/// The queue of one measurement and its messages.
struct Queue {
    url: String,
    body: usize,
    groups: Option<usize>,
    fifo: bool,
}

/// Fills a queue with `backlog` messages, receives and deletes some of them,
/// puts as many back, and so on; prints a line.
pub(crate) async fn measure(endpoint: &Endpoint, options: &Measure, backlog: usize) {
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(Client::connect(&endpoint.url).await);
    }
    let queue = Queue {
        url: create(&mut clients[0], options, backlog).await,
        body: options.body,
        groups: options.groups,
        fifo: options.fifo,
    };
    let queue = Arc::new(queue);
    let before = endpoint.resident();
    let started = Instant::now();
    let (mut clients, _) = together(clients, Arc::clone(&queue), backlog, Work::Send).await;
    let sent = backlog as f64 / started.elapsed().as_secs_f64();
    let memory = match (before, endpoint.resident()) {
        (Some(before), Some(after)) => {
            format!("{}", after.saturating_sub(before) / backlog.max(1) as u64)
        }
        (None, _) | (_, None) => "?".to_owned(),
    };

    let (mut done, mut time) = (0, Duration::ZERO);
    while done < options.messages {
        let part = backlog.min(options.messages - done);
        let started = Instant::now();
        let drained = together(clients, Arc::clone(&queue), part, Work::Drain).await;
        time += started.elapsed();
        done += drained.1;
        clients = drained.0;
        if drained.1 < part {
            println!("{} of {part} messages did not come", part - drained.1);
            break;
        }
        clients = together(clients, Arc::clone(&queue), part, Work::Send).await.0;
    }
    let drained = done as f64 / time.as_secs_f64();
    println!("{backlog:>9}  {sent:>9.0}  {drained:>16.0}  {memory:>15}");
}

async fn create(client: &mut Client, options: &Measure, backlog: usize) -> String {
    let suffix = if options.fifo { ".fifo" } else { "" };
    let name = format!("bench-{}-{backlog}{suffix}", std::process::id());
    let attributes = if options.fifo { json!({"FifoQueue": "true"}) } else { json!({}) };
    let request = json!({"QueueName": name, "Attributes": attributes});
    let created = client.call("CreateQueue", &request).await;
    created["QueueUrl"].as_str().unwrap().to_owned()
}

#[derive(Clone, Copy)]
enum Work {
    Send,
    Drain,
}

/// Lets all clients do `messages` of a kind of work between them; answers how
/// many they did.
async fn together(
    clients: Vec<Client>,
    queue: Arc<Queue>,
    messages: usize,
    work: Work,
) -> (Vec<Client>, usize) {
    let left = Arc::new(AtomicUsize::new(messages));
    let mut tasks = JoinSet::new();
    for mut client in clients {
        let (queue, left) = (Arc::clone(&queue), Arc::clone(&left));
        tasks.spawn(async move {
            let done = match work {
                Work::Send => send(&mut client, &queue, &left).await,
                Work::Drain => drain(&mut client, &queue, &left).await,
            };
            (client, done)
        });
    }
    let (clients, done): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().unzip();
    (clients, done.iter().sum())
}

/// Takes up to a batch off what is left to do.
fn claim(left: &AtomicUsize) -> usize {
    let take = |left: usize| Some(left.saturating_sub(BATCH));
    let before = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
    before.unwrap_or_default().min(BATCH)
}

async fn send(client: &mut Client, queue: &Queue, left: &AtomicUsize) -> usize {
    let mut done = 0;
    loop {
        let count = claim(left);
        if count == 0 {
            return done;
        }
        let entries: Vec<Value> = (0..count).map(|at| queue.entry(at)).collect();
        let request = json!({"QueueUrl": queue.url, "Entries": entries});
        let answer = client.call("SendMessageBatch", &request).await;
        assert_eq!(answer["Successful"].as_array().map(Vec::len), Some(count), "{answer}");
        done += count;
    }
}

async fn drain(client: &mut Client, queue: &Queue, left: &AtomicUsize) -> usize {
    let (mut done, mut empty) = (0, 0);
    let mut claimed = claim(left);
    while claimed > 0 && empty < EMPTY {
        let request = json!({"QueueUrl": queue.url, "MaxNumberOfMessages": claimed});
        let answer = client.call("ReceiveMessage", &request).await;
        let messages = answer["Messages"].as_array().map_or(&[][..], Vec::as_slice);
        if messages.is_empty() {
            empty += 1;
            continue;
        }
        let entries: Vec<Value> = messages
            .iter()
            .enumerate()
            .map(|(at, message)| {
                json!({"Id": at.to_string(), "ReceiptHandle": message["ReceiptHandle"]})
            })
            .collect();
        let request = json!({"QueueUrl": queue.url, "Entries": entries});
        client.call("DeleteMessageBatch", &request).await;
        (done, empty) = (done + entries.len(), 0);
        claimed -= entries.len().min(claimed);
        if claimed == 0 {
            claimed = claim(left);
        }
    }
    done
}

impl Queue {
    fn entry(&self, at: usize) -> Value {
        let number = SENT.fetch_add(1, Ordering::Relaxed);
        let body = format!("{number:x<width$}", width = self.body);
        let mut entry = json!({"Id": at.to_string(), "MessageBody": body});
        if let Some(groups) = self.groups {
            entry["MessageGroupId"] = format!("group-{}", number % groups).into();
        }
        if self.fifo {
            entry["MessageDeduplicationId"] = number.to_string().into();
        }
        entry
    }
}
