//! Turns to handle messages, shared among groups: whoever has the fewest turns
//! gets the next one, so that a flood of one dataset's messages holds up no
//! other's. A group that is alone has all of them.
//!
//! The queue does its part before: messages carry their dataset as group, and
//! SQS delivers those of quiet groups first.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Groups that are remembered although they have nothing to do.
const REMEMBERED: usize = 64;

/// Turns to handle messages.
#[derive(Debug)]
pub(crate) struct Turns {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    free: usize,
    closed: bool,
    groups: HashMap<String, Group>,
    /// Turns that were given, as a clock.
    given: u64,
}

#[derive(Debug, Default)]
struct Group {
    running: usize,
    waiting: VecDeque<oneshot::Sender<Turn>>,
    /// When it was given a turn last.
    given_at: u64,
}

/// One turn; free again when dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Arc<Turns>,
    group: String,
}

impl Turns {
    /// As many turns as messages may be handled at the same time.
    pub(crate) fn new(free: usize) -> Arc<Self> {
        let state = State { free, closed: false, groups: HashMap::new(), given: 0 };
        Arc::new(Self { state: Mutex::new(state) })
    }

    /// Waits for a turn; none once the turns are closed.
    pub(crate) async fn acquire(self: &Arc<Self>, group: &str) -> Option<Turn> {
        let turn = {
            let mut state = self.locked();
            if state.closed {
                return None;
            }
            match state.take(group) {
                true => return Some(self.turn(group)),
                false => state.wait(group),
            }
        };
        turn.await.ok()
    }

    /// No turn is given from here on; who waits gets none.
    pub(crate) fn close(&self) {
        let mut state = self.locked();
        state.closed = true;
        state.groups.values_mut().for_each(|group| group.waiting.clear());
    }

    fn turn(self: &Arc<Self>, group: &str) -> Turn {
        Turn { turns: Arc::clone(self), group: group.to_owned() }
    }

    fn give_back(self: &Arc<Self>, group: &str) {
        let next = self.locked().give_back(group);
        if let Some((group, waiting)) = next {
            // Nobody may wait any more: the turn comes back by its drop.
            drop(waiting.send(self.turn(&group)));
        }
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes a free turn; nobody waits while there is one.
    fn take(&mut self, group: &str) -> bool {
        if self.free == 0 {
            return false;
        }
        self.free -= 1;
        self.give(group);
        true
    }

    fn wait(&mut self, group: &str) -> oneshot::Receiver<Turn> {
        let (sender, turn) = oneshot::channel();
        self.group(group).waiting.push_back(sender);
        turn
    }

    fn give(&mut self, group: &str) {
        self.given += 1;
        let given_at = self.given;
        let group = self.group(group);
        group.running += 1;
        group.given_at = given_at;
    }

    /// Takes a turn back; answers who has it next.
    fn give_back(&mut self, group: &str) -> Option<(String, oneshot::Sender<Turn>)> {
        self.group(group).running -= 1;
        self.forget_idle();
        let Some(next) = self.next() else {
            self.free += 1;
            return None;
        };
        let waiting = self.group(&next).waiting.pop_front()?;
        self.give(&next);
        Some((next, waiting))
    }

    /// The group with the fewest turns of those that wait; among equals the one
    /// that was given one the longest ago.
    fn next(&self) -> Option<String> {
        let waiting = self.groups.iter().filter(|(_, group)| !group.waiting.is_empty());
        let fewest = waiting.min_by_key(|(_, group)| (group.running, group.given_at));
        fewest.map(|(name, _)| name.clone())
    }

    fn group(&mut self, name: &str) -> &mut Group {
        self.groups.entry(name.to_owned()).or_default()
    }

    fn forget_idle(&mut self) {
        if self.groups.len() > REMEMBERED {
            self.groups.retain(|_, group| group.running > 0 || !group.waiting.is_empty());
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.give_back(&self.group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who was given a turn, one at a time, when so many of each group wait.
    async fn order(turns: usize, waiting: &[(&'static str, usize)]) -> Vec<&'static str> {
        let turns = Turns::new(turns);
        let (given, mut order) = tokio::sync::mpsc::unbounded_channel();
        let mut tasks = tokio::task::JoinSet::new();
        for &(group, count) in waiting {
            for _ in 0..count {
                let (turns, given) = (Arc::clone(&turns), given.clone());
                tasks.spawn(async move {
                    let turn = turns.acquire(group).await.expect("open");
                    given.send(group).expect("listened to");
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                    drop(turn);
                });
                tokio::task::yield_now().await;
            }
        }
        tasks.join_all().await;
        drop(given);
        let mut all = Vec::new();
        while let Some(group) = order.recv().await {
            all.push(group);
        }
        all
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_that_came_first_holds_up_no_other() {
        let order = order(2, &[("a", 20), ("b", 3)]).await;
        assert_eq!(order.len(), 23);
        let last = order.iter().rposition(|group| *group == "b").expect("b");
        assert!(last < 9, "{order:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_group_alone_has_all_turns() {
        let started = tokio::time::Instant::now();
        assert_eq!(order(4, &[("a", 8)]).await.len(), 8);
        assert_eq!(started.elapsed().as_secs(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn who_stops_waiting_takes_no_turn_with_him() {
        let turns = Turns::new(1);
        let held = turns.acquire("a").await.expect("open");
        let waiting = tokio::spawn({
            let turns = Arc::clone(&turns);
            async move { turns.acquire("b").await.is_some() }
        });
        tokio::task::yield_now().await;
        waiting.abort();
        assert!(waiting.await.is_err());
        drop(held);
        assert!(turns.acquire("c").await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn closed_turns_are_given_to_nobody() {
        let turns = Turns::new(1);
        let held = turns.acquire("a").await;
        let waiting = tokio::spawn({
            let turns = Arc::clone(&turns);
            async move { turns.acquire("a").await.is_some() }
        });
        tokio::task::yield_now().await;
        turns.close();
        assert!(!waiting.await.expect("ended"));
        drop(held);
        assert!(turns.acquire("b").await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn groups_that_come_and_go_are_forgotten() {
        let turns = Turns::new(1);
        for number in 0..500 {
            drop(turns.acquire(&format!("group-{number}")).await);
        }
        assert!(turns.locked().groups.len() <= REMEMBERED + 1);
    }
}
