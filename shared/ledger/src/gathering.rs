//! Who comes while a transaction is under way waits, and goes with the next one
//! together with all who waited.
//!
//! Nobody waits when there is nothing to wait for: the first to come goes at
//! once and alone. What a transaction costs beside its rows (the round trips, the
//! disk) is shared by as many as came meanwhile, so groups grow with the load and
//! are gone with it. There is no timer.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, oneshot};

/// Jobs that are carried in groups, each with an answer of its own.
pub struct Gathering<J, A> {
    waiting: Mutex<VecDeque<Waiting<J, A>>>,
    turns: Arc<Semaphore>,
    most: usize,
}

/// A job whose submitter waits for its answer.
#[derive(Debug)]
pub struct Waiting<J, A> {
    /// What is to be done.
    pub job: J,
    answer: oneshot::Sender<A>,
}

impl<J, A> Waiting<J, A> {
    /// Whether the submitter still waits. If it went away, nobody would learn
    /// what came of the job.
    pub fn is_wanted(&self) -> bool {
        !self.answer.is_closed()
    }

    /// Tells the submitter what came of it.
    pub fn answer(self, answer: A) {
        // A submitter that is gone does not want to know.
        let _gone = self.answer.send(answer);
    }
}

impl<J: Send, A: Send> Gathering<J, A> {
    /// Carries at most `turns` groups at a time, of at most `most` jobs each.
    pub fn new(turns: usize, most: usize) -> Self {
        let turns = Arc::new(Semaphore::new(turns.max(1)));
        Self { waiting: Mutex::default(), turns, most: most.max(1) }
    }

    /// Adds a job and waits for its answer. Whoever has the next turn starts
    /// `carry` with all jobs that wait by then, on a task of its own: should this
    /// caller go away, the others of the group do not notice.
    ///
    /// No answer if `carry` ended without giving one.
    pub async fn submit<F>(&self, job: J, carry: impl FnOnce(Vec<Waiting<J, A>>) -> F) -> Option<A>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (answer, mut answered) = oneshot::channel();
        self.waiting().push_back(Waiting { job, answer });
        let turn = tokio::select! {
            biased;
            answer = &mut answered => return answer.ok(),
            turn = Arc::clone(&self.turns).acquire_owned() => turn.ok()?,
        };
        let group = self.take();
        if !group.is_empty() {
            let carried = carry(group);
            tokio::spawn(async move {
                carried.await;
                drop(turn);
            });
        }
        answered.await.ok()
    }

    /// The next group. Jobs whose submitters went away before it began are left
    /// out. Every other job that is not in it has a submitter that waits for a
    /// turn, and so is carried in the end.
    fn take(&self) -> Vec<Waiting<J, A>> {
        let mut waiting = self.waiting();
        waiting.retain(Waiting::is_wanted);
        let group = waiting.len().min(self.most);
        waiting.drain(..group).collect()
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting<J, A>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<J, A> fmt::Debug for Gathering<J, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gathering").field("most", &self.most).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Groups = Arc<Mutex<Vec<Vec<u32>>>>;

    struct World {
        gathering: Arc<Gathering<u32, u32>>,
        groups: Groups,
        /// A group ends when it gets a permit.
        ends: Arc<Semaphore>,
    }

    impl World {
        fn new(turns: usize, most: usize) -> Self {
            let gathering = Arc::new(Gathering::new(turns, most));
            Self { gathering, groups: Groups::default(), ends: Arc::new(Semaphore::new(0)) }
        }

        async fn submit(&self, job: u32) -> tokio::task::JoinHandle<Option<u32>> {
            let (gathering, groups) = (Arc::clone(&self.gathering), Arc::clone(&self.groups));
            let ends = Arc::clone(&self.ends);
            let task = tokio::spawn(async move {
                let carry = move |group: Vec<Waiting<u32, u32>>| async move {
                    groups.lock().expect("groups").push(group.iter().map(|w| w.job).collect());
                    ends.acquire().await.expect("open").forget();
                    for waiting in group {
                        let job = waiting.job;
                        waiting.answer(job * 10);
                    }
                };
                gathering.submit(job, carry).await
            });
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            task
        }

        fn groups(&self) -> Vec<Vec<u32>> {
            self.groups.lock().expect("groups").clone()
        }
    }

    #[tokio::test]
    async fn who_comes_first_goes_at_once_and_the_rest_together() {
        let world = World::new(1, 10);
        let first = world.submit(1).await;
        assert_eq!(world.groups(), [vec![1]]);
        let (second, third) = (world.submit(2).await, world.submit(3).await);
        assert_eq!(world.groups().len(), 1, "there is one turn");
        world.ends.add_permits(2);
        assert_eq!(first.await.expect("ends"), Some(10));
        assert_eq!(second.await.expect("ends"), Some(20));
        assert_eq!(third.await.expect("ends"), Some(30));
        assert_eq!(world.groups(), [vec![1], vec![2, 3]]);
    }

    #[tokio::test]
    async fn a_group_has_an_upper_size_and_nobody_is_forgotten() {
        let world = World::new(1, 2);
        let mut jobs = Vec::new();
        for job in 1..=6 {
            jobs.push(world.submit(job).await);
        }
        world.ends.add_permits(10);
        for (job, answer) in (1..).zip(jobs) {
            assert_eq!(answer.await.expect("ends"), Some(job * 10));
        }
        assert_eq!(world.groups(), [vec![1], vec![2, 3], vec![4, 5], vec![6]]);
    }

    #[tokio::test]
    async fn a_submitter_that_goes_away_takes_nobody_with_it() {
        let world = World::new(1, 10);
        let first = world.submit(1).await;
        let (second, third) = (world.submit(2).await, world.submit(3).await);
        // The one whose group is under way, and one that only waits.
        first.abort();
        second.abort();
        world.ends.add_permits(2);
        assert_eq!(third.await.expect("ends"), Some(30));
        assert_eq!(world.groups(), [vec![1], vec![3]]);
    }

    #[tokio::test]
    async fn a_group_that_panics_answers_nobody_and_ends_its_turn() {
        let gathering: Gathering<u32, u32> = Gathering::new(1, 10);
        assert_eq!(gathering.submit(1, |_| async { panic!("a bug") }).await, None);
        let carry = |group: Vec<Waiting<u32, u32>>| async move {
            group.into_iter().for_each(|waiting| waiting.answer(7));
        };
        assert_eq!(gathering.submit(2, carry).await, Some(7));
    }
}
