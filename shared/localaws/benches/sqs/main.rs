//! How fast an SQS endpoint is with a small, a large and a very large backlog:
//!
//! ```text
//! cargo bench -p millrace-localaws --bench sqs
//! cargo bench -p millrace-localaws --bench sqs -- --url http://127.0.0.1:4566 --pid 4711
//! ```
//!
//! Eight clients receive and delete in batches of ten. Without `--url` the
//! embedded endpoint is measured, in a process of its own; with it, any other,
//! its memory too if its process id is given. Clients are bare HTTP connections
//! so that what is measured is the endpoint and not an SDK.
//!
//! `--backlogs 100,100000,1000000` says how many messages are queued,
//! `--messages 20000` over how many each is measured, `--body 200` how many
//! bytes a body has, `--groups 100` among how many message groups they are,
//! and `--fifo` that the queue is a FIFO queue. Bytes of memory a message include
//! its body.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod client;
mod options;
mod server;
mod work;

use options::Options;
use server::Endpoint;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    match Options::read(std::env::args().skip(1)) {
        Options::Serve(data) => runtime.block_on(server::serve(data)),
        Options::Measure(options) => runtime.block_on(async {
            let mut endpoint = Endpoint::start(&options);
            println!(
                "{:>9}  {:>9}  {:>16}  {:>15}",
                "backlog", "sent/s", "received+del./s", "bytes/message"
            );
            for &backlog in &options.backlogs {
                work::measure(&endpoint, &options, backlog).await;
            }
            let last = options.backlogs.last().copied().unwrap_or_default();
            if let Some(time) = endpoint.restart() {
                println!("starts over some {last} messages in {time:?}");
            }
        }),
    }
}
