//! Ten messages share a request.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::flaky::Op;
use crate::world::{SECOND, Scripted, World, forwarded, no_op};

#[tokio::test(start_paused = true)]
async fn at_saturation_a_message_costs_at_most_0_31_requests_per_stage() {
    for concurrency in [1, 4, 64] {
        let world = World::new().with(|config| *config = config.clone().concurrency(concurrency));
        let latency = Duration::from_millis(10);
        for queue in [&world.queue, &world.next] {
            *queue.latency.lock().unwrap() = latency;
        }
        world.fill(5_000).await;
        let before = world.queue.requests();
        let handler = Scripted::new(|delivery, _| async move {
            sleep(Duration::from_micros(100)).await;
            forwarded(&delivery.body)
        });
        let drained = async {
            while world.depth().await.total() > 0 {
                sleep(Duration::from_millis(10)).await;
            }
            world.queue.requests() - before + world.next.requests()
        };
        let (summary, requests) = tokio::join!(world.run(handler, SECOND * 60), drained);
        assert_eq!(summary.done, 5_000);
        let per_message = requests as f64 / 5_000.0;
        assert!(per_message <= 0.31, "{per_message} requests with concurrency {concurrency}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_alone_waits_for_nobody() {
    let world = World::new();
    world.fill(1).await;
    let started = Instant::now();
    let handler = Scripted::new(|_, _| async { forwarded("f") });
    world.run(handler, SECOND / 1000).await;
    let deleted = world.queue.moment_of(|op| matches!(op, Op::Delete(_)));
    assert_eq!(deleted, started);
}

#[tokio::test(start_paused = true)]
async fn the_messages_of_one_answer_are_deleted_together() {
    let world = World::new();
    world.fill(4).await;
    world.run(no_op(), SECOND).await;
    let deletes: Vec<_> =
        world.queue.ops().into_iter().filter(|op| matches!(op, Op::Delete(_))).collect();
    assert_eq!(deletes, [Op::Delete(4)]);
}
