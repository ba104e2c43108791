//! Lets the deletes, sends and releases of different messages share requests.
//!
//! There is no task and no channel: whoever adds the tenth item makes the
//! request for all ten. Whoever adds the first waits a moment, and if the batch
//! is still there makes the request for as many as there are by then.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use millrace_queue::{Entries, MAX_BATCH, MAX_BATCH_BYTES, QueueError};
use tokio::sync::{Semaphore, oneshot};

/// A kind of request that takes many items.
#[async_trait]
pub(crate) trait Request: Send + Sync {
    type Item: Send;

    /// Makes the request; one answer per item.
    async fn make(&self, items: Vec<Self::Item>) -> Entries;

    /// The error of an item that got no answer.
    fn unanswered(&self) -> QueueError;

    /// What an item counts towards the size of a request.
    fn bytes(_item: &Self::Item) -> usize {
        0
    }
}

/// Collects items for requests of one kind.
pub(crate) struct Batcher<R: Request> {
    request: R,
    linger: Duration,
    requests: Semaphore,
    pending: Mutex<Pending<R::Item>>,
}

struct Pending<T> {
    /// Counts batches, so that whoever lingers knows theirs.
    number: u64,
    batch: Batch<T>,
}

/// Items, and who waits for which of them.
pub(crate) struct Batch<T> {
    items: Vec<T>,
    bytes: usize,
    waiting: Vec<(usize, oneshot::Sender<Result<(), QueueError>>)>,
}

/// What whoever added items has to do; nothing if somebody else lingers.
pub(crate) enum Next<T> {
    /// Make the request.
    Make(Batch<T>),
    /// Wait a moment, and then make the request if nobody did.
    Linger(u64),
}

impl<T> Default for Batch<T> {
    fn default() -> Self {
        Self { items: Vec::with_capacity(MAX_BATCH), bytes: 0, waiting: Vec::new() }
    }
}

impl<R: Request> Batcher<R> {
    /// At most `requests` are made at the same time.
    pub(crate) fn new(request: R, linger: Duration, requests: usize) -> Self {
        let pending = Pending { number: 0, batch: Batch::default() };
        Self { request, linger, requests: Semaphore::new(requests), pending: Mutex::new(pending) }
    }

    /// Adds an item whose answer nobody waits for. `last` says that no other
    /// message is about to add one.
    pub(crate) fn add(&self, item: R::Item, last: bool) -> Option<Next<R::Item>> {
        let mut pending = self.pending();
        pending.batch.bytes += R::bytes(&item);
        pending.batch.items.push(item);
        pending.next(1, last)
    }

    /// Adds items and waits for their answer: Ok if it is for all of them.
    pub(crate) async fn submit(&self, items: Vec<R::Item>, last: bool) -> Result<(), QueueError> {
        let (answer, answered) = oneshot::channel();
        let next = {
            let mut pending = self.pending();
            let added = items.len();
            pending.batch.bytes += items.iter().map(R::bytes).sum::<usize>();
            pending.batch.items.extend(items);
            let end = pending.batch.items.len();
            pending.batch.waiting.push((end, answer));
            pending.next(added, last)
        };
        if let Some(next) = next {
            self.follow(next, ()).await;
        }
        // Without an answer the batch was dropped on its way.
        answered.await.unwrap_or_else(|_| Err(self.request.unanswered()))
    }

    /// Does what [`add`](Self::add) said. `place` is what the caller occupies
    /// while requests are so slow that its own has to wait, which bounds what is
    /// pending.
    pub(crate) async fn follow<Place>(&self, next: Next<R::Item>, place: Place) {
        let mut place = Some(place);
        let batch = match next {
            Next::Make(batch) => batch,
            Next::Linger(number) => {
                let busy = self.requests.available_permits() == 0;
                place = place.filter(|_| busy);
                tokio::time::sleep(self.linger).await;
                let Some(batch) = self.pending().take(number) else { return };
                batch
            }
        };
        // The semaphore is never closed.
        let permit = self.requests.acquire().await;
        drop(place);
        self.make(batch).await;
        drop(permit);
    }

    async fn make(&self, batch: Batch<R::Item>) {
        let mut results = self.request.make(batch.items).await.into_iter();
        let mut start = 0;
        for (end, answer) in batch.waiting {
            let mut all = Ok(());
            for _ in start..end {
                let result = results.next().unwrap_or_else(|| Err(self.request.unanswered()));
                all = all.and(result);
            }
            start = end;
            // Whoever waited may have been dropped.
            drop(answer.send(all));
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending<R::Item>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Pending<T> {
    /// What whoever added the last `added` items has to do.
    fn next(&mut self, added: usize, last: bool) -> Option<Next<T>> {
        let full = self.batch.items.len() >= MAX_BATCH || self.batch.bytes >= MAX_BATCH_BYTES;
        if full || last {
            return self.take(self.number).map(Next::Make);
        }
        (self.batch.items.len() == added).then_some(Next::Linger(self.number))
    }

    /// The batch, if it is still the one with this number.
    fn take(&mut self, number: u64) -> Option<Batch<T>> {
        if self.number != number {
            return None;
        }
        self.number += 1;
        Some(std::mem::take(&mut self.batch))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::Instant;

    use super::*;

    const LINGER: Duration = Duration::from_millis(10);

    #[derive(Default)]
    struct Recorder {
        requests: Mutex<Vec<Vec<u32>>>,
        answers: usize,
    }

    #[async_trait]
    impl Request for Recorder {
        type Item = u32;

        async fn make(&self, items: Vec<u32>) -> Entries {
            let odd = |item: &u32| match item % 2 {
                0 => Ok(()),
                _ => Err(QueueError::not_found(&item.to_string())),
            };
            let results = items.iter().map(odd).take(self.answers).collect();
            self.requests.lock().expect("lock").push(items);
            results
        }

        fn unanswered(&self) -> QueueError {
            QueueError::not_found("unanswered")
        }
    }

    fn batcher(answers: usize) -> Arc<Batcher<Recorder>> {
        let recorder = Recorder { answers, ..Recorder::default() };
        Arc::new(Batcher::new(recorder, LINGER, 4))
    }

    async fn add_all(batcher: &Arc<Batcher<Recorder>>, items: impl Iterator<Item = (u32, bool)>) {
        let mut tasks = tokio::task::JoinSet::new();
        for (item, last) in items {
            let next = batcher.add(item, last);
            let batcher = Arc::clone(batcher);
            tasks.spawn(async move {
                if let Some(next) = next {
                    batcher.follow(next, ()).await;
                }
            });
        }
        tasks.join_all().await;
    }

    fn made(batcher: &Batcher<Recorder>) -> Vec<usize> {
        batcher.request.requests.lock().expect("lock").iter().map(Vec::len).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn ten_items_share_a_request_and_the_rest_lingers() {
        let batcher = batcher(10);
        let started = Instant::now();
        add_all(&batcher, (0..23).map(|item| (item, false))).await;
        assert_eq!(made(&batcher), [10, 10, 3]);
        assert!((LINGER..LINGER * 2).contains(&started.elapsed()));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_lingers_when_no_other_message_is_in_hand() {
        let batcher = batcher(10);
        let started = Instant::now();
        add_all(&batcher, [(0, false), (1, false), (2, true)].into_iter()).await;
        assert_eq!(made(&batcher), [3]);
        // The first one wakes up, finds its batch gone, and leaves.
        assert!(started.elapsed() < LINGER * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn everyone_hears_of_their_own_items() {
        let batcher = batcher(10);
        let (even, mixed, odd) = tokio::join!(
            batcher.submit(vec![2, 4], false),
            batcher.submit(vec![6, 7, 8], false),
            batcher.submit(vec![9], false),
        );
        assert_eq!(made(&batcher), [6]);
        let failed = |item: &str| Err(QueueError::not_found(item));
        assert_eq!((even, mixed, odd), (Ok(()), failed("7"), failed("9")));
    }

    #[tokio::test(start_paused = true)]
    async fn an_item_without_an_answer_is_not_taken_for_a_success() {
        let batcher = batcher(1);
        let result = batcher.submit(vec![2, 4], true).await;
        assert_eq!(result, Err(QueueError::not_found("unanswered")));
    }
}
