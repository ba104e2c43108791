//! Decides which of the faults happen, and counts them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::Serialize;

use super::plan::{Effect, Fault, FaultPlan, Point};
use crate::call::{Call, last_part};
use crate::clock::{Clock, Millis};

/// The faults of a running endpoint. Clones share them.
#[derive(Debug, Clone)]
pub struct Faults(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    /// Whether there is any: no request pays for faults there are not.
    armed: AtomicBool,
    active: RwLock<Active>,
}

#[derive(Debug, Default)]
struct Active {
    since: Millis,
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    fault: Fault,
    state: Mutex<State>,
}

/// Every fault draws from a source of its own: what happens to one kind of
/// request does not depend on how those of another kind interleave.
#[derive(Debug)]
struct State {
    random: StdRng,
    matched: u64,
    happened: u64,
}

/// How often a fault of the plan could have happened, and did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FaultCount {
    /// What it does, as in `drop_after`.
    #[serde(rename = "do")]
    pub effect: &'static str,
    /// Requests, receives, … it is aimed at.
    pub matched: u64,
    /// Those it struck.
    pub happened: u64,
}

/// What is to become of a request.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Course {
    /// Waited for first.
    pub(crate) delay: Duration,
    /// How it ends.
    pub(crate) ending: Ending,
}

/// How a request ends.
#[derive(Debug, Default, PartialEq)]
pub(crate) enum Ending {
    /// As it should.
    #[default]
    Answered,
    /// With this error, and nothing done.
    Refused(Refusal),
    /// Without an answer, and nothing done.
    DroppedBefore,
    /// Without an answer, and everything done.
    DroppedAfter,
    /// In the middle of the answer's body.
    Cut {
        /// Bytes that are sent; half of the body if not given.
        bytes: Option<u64>,
        /// Waited for before the end.
        delay: Duration,
    },
}

/// An error on purpose.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Refusal {
    /// The service's own for too many requests.
    Throttled,
    /// As given.
    Error {
        /// HTTP status.
        status: u16,
        /// Code.
        code: String,
        /// Message.
        message: String,
    },
}

/// How a message gets from one service to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handover {
    /// As it should.
    Once,
    /// It is lost.
    Never,
    /// It arrives twice.
    Twice,
}

impl Faults {
    /// Faults by this plan from now on.
    pub(crate) fn new(plan: FaultPlan, clock: Clock) -> Self {
        let inner = Inner { clock, armed: AtomicBool::new(false), active: RwLock::default() };
        let faults = Self(Arc::new(inner));
        faults.follow(plan);
        faults
    }

    /// Follows another plan from now on; counts begin anew.
    pub fn follow(&self, plan: FaultPlan) {
        let armed = !plan.is_empty();
        let rule = |(number, fault): (u64, Fault)| {
            let random = StdRng::seed_from_u64(plan.seed.wrapping_add(number << 32));
            Rule { fault, state: Mutex::new(State { random, matched: 0, happened: 0 }) }
        };
        let rules = (1..).zip(plan.faults).map(rule).collect();
        let active = Active { since: self.0.clock.now(), rules };
        *self.0.active.write().unwrap_or_else(PoisonError::into_inner) = active;
        self.0.armed.store(armed, Ordering::Release);
    }

    /// What happened since the plan was given, in its order.
    pub fn counts(&self) -> Vec<FaultCount> {
        let active = self.0.active.read().unwrap_or_else(PoisonError::into_inner);
        let count = |rule: &Rule| {
            let state = rule.state.lock().unwrap_or_else(PoisonError::into_inner);
            let effect = rule.fault.effect.name();
            FaultCount { effect, matched: state.matched, happened: state.happened }
        };
        active.rules.iter().map(count).collect()
    }

    /// Whether anything may go wrong.
    pub fn are_planned(&self) -> bool {
        self.0.armed.load(Ordering::Acquire)
    }

    /// What becomes of a request: delays add up, the first other effect counts.
    pub(crate) fn on_request(&self, call: &Call) -> Course {
        let mut course = Course::default();
        self.draw(Point::Request, call, |effect, random| {
            let ending = match effect {
                Effect::Delay { delay, random: true } => {
                    course.delay += delay.mul_f64(random.random());
                    return true;
                }
                Effect::Delay { delay, random: false } => {
                    course.delay += *delay;
                    return true;
                }
                // Another effect came first.
                _ if course.ending != Ending::Answered => return false,
                Effect::Error { status, code, message } => Ending::Refused(Refusal::Error {
                    status: *status,
                    code: code.clone(),
                    message: message.clone(),
                }),
                Effect::Throttle => Ending::Refused(Refusal::Throttled),
                Effect::DropBefore => Ending::DroppedBefore,
                Effect::DropAfter => Ending::DroppedAfter,
                Effect::Cut { bytes, delay } => Ending::Cut { bytes: *bytes, delay: *delay },
                Effect::Redeliver { .. }
                | Effect::Reorder { .. }
                | Effect::Lose
                | Effect::Duplicate => return false,
            };
            course.ending = ending;
            true
        });
        course
    }

    /// How long what a receive from this queue takes stays hidden, if not as
    /// long as it should.
    pub(crate) fn hold(&self, queue: &str) -> Option<Duration> {
        self.drawn(Point::Receive, "sqs", "ReceiveMessage", queue, |effect, _| match effect {
            Effect::Redeliver { delay } => Some(*delay),
            _ => None,
        })
    }

    /// How long a message that is put into this queue is held back.
    pub(crate) fn held_back(&self, queue: &str) -> Option<Duration> {
        self.drawn(Point::Send, "sqs", "SendMessage", queue, |effect, random| match effect {
            Effect::Reorder { delay } => Some(delay.mul_f64(random.random())),
            _ => None,
        })
    }

    /// How a message gets from `service` to the queue, topic or bus of `arn`.
    pub(crate) fn on_delivery(&self, service: &'static str, arn: &str) -> Handover {
        let resource = last_part(arn);
        let drawn =
            self.drawn(Point::Delivery, service, "Deliver", resource, |effect, _| match effect {
                Effect::Lose => Some(Handover::Never),
                Effect::Duplicate => Some(Handover::Twice),
                _ => None,
            });
        drawn.unwrap_or(Handover::Once)
    }

    fn drawn<T>(
        &self,
        point: Point,
        service: &'static str,
        operation: &str,
        resource: &str,
        mut apply: impl FnMut(&Effect, &mut StdRng) -> Option<T>,
    ) -> Option<T> {
        if !self.are_planned() {
            return None;
        }
        let (operation, resource) = (operation.to_owned(), resource.to_owned());
        let mut drawn = None;
        self.draw(point, &Call { service, operation, resource }, |effect, random| {
            if drawn.is_none() {
                drawn = apply(effect, random);
                return drawn.is_some();
            }
            false
        });
        drawn
    }

    /// Offers every fault that strikes to `apply`, which says whether it took
    /// effect.
    fn draw(&self, point: Point, call: &Call, mut apply: impl FnMut(&Effect, &mut StdRng) -> bool) {
        if !self.are_planned() {
            return;
        }
        let active = self.0.active.read().unwrap_or_else(PoisonError::into_inner);
        let now = self.0.clock.now().saturating_sub(active.since);
        for rule in &active.rules {
            if rule.fault.effect.point() != point || !rule.fault.is_aimed_at(call, now) {
                continue;
            }
            let mut state = rule.state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.strikes(&rule.fault) && apply(&rule.fault.effect, &mut state.random) {
                state.happened += 1;
            }
        }
    }
}

impl Fault {
    fn is_aimed_at(&self, call: &Call, now: Millis) -> bool {
        let matches = |globs: &[super::glob::Glob], name: &str| {
            globs.is_empty() || globs.iter().any(|glob| glob.matches(name))
        };
        let now = Duration::from_millis(now);
        now >= self.from
            && self.until.is_none_or(|until| now < until)
            && matches(&self.aim.service, call.service)
            && matches(&self.aim.operation, &call.operation)
            && matches(&self.aim.resource, &call.resource)
    }
}

impl State {
    /// Draws for one more that matches. Every match draws, whatever else holds,
    /// so that a limit changes nothing of what comes before it.
    fn strikes(&mut self, fault: &Fault) -> bool {
        self.matched += 1;
        let drawn = self.random.random_bool(fault.probability);
        let left = fault.count.is_none_or(|count| self.happened < count);
        drawn && left && self.matched > fault.after
    }
}

impl Effect {
    fn name(&self) -> &'static str {
        match self {
            Self::Error { .. } => "error",
            Self::Throttle => "throttle",
            Self::Delay { .. } => "delay",
            Self::DropBefore => "drop_before",
            Self::DropAfter => "drop_after",
            Self::Cut { .. } => "cut",
            Self::Redeliver { .. } => "redeliver",
            Self::Reorder { .. } => "reorder",
            Self::Lose => "lose",
            Self::Duplicate => "duplicate",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(faults: serde_json::Value) -> (Faults, Clock) {
        let clock = Clock::stopped(std::time::UNIX_EPOCH);
        let plan = serde_json::from_value(json!({"seed": 1, "fault": faults})).expect("a plan");
        (Faults::new(plan, clock.clone()), clock)
    }

    fn call(operation: &str, resource: &str) -> Call {
        Call { service: "sqs", operation: operation.into(), resource: resource.into() }
    }

    #[test]
    fn a_fault_strikes_only_what_it_is_aimed_at() {
        let (faults, _) = faults(json!([
            {"do": "drop_after", "service": "sqs", "operation": "Delete*", "resource": "a-*"}
        ]));
        let ending = |call| faults.on_request(&call).ending;
        assert_eq!(ending(call("DeleteMessage", "a-q")), Ending::DroppedAfter);
        assert_eq!(ending(call("SendMessage", "a-q")), Ending::Answered);
        assert_eq!(ending(call("DeleteMessage", "b")), Ending::Answered);
        assert_eq!(
            faults.counts()[0],
            FaultCount { effect: "drop_after", matched: 1, happened: 1 }
        );
    }

    #[test]
    fn after_count_and_time_bound_a_fault() {
        let (faults, clock) = faults(json!([
            {"do": "throttle", "after": 2, "count": 2, "from": "10s", "until": "20s"}
        ]));
        let strikes = || faults.on_request(&call("x", "")).ending != Ending::Answered;
        assert!(!strikes());
        clock.advance(Duration::from_secs(10));
        let struck: Vec<bool> = (0..6).map(|_| strikes()).collect();
        assert_eq!(struck, [false, false, true, true, false, false]);
        clock.advance(Duration::from_secs(10));
        assert!(!strikes());
    }

    #[test]
    fn the_same_seed_strikes_the_same_requests() {
        let plan =
            json!([{"do": "lose", "probability": 0.3}, {"do": "duplicate", "probability": 0.1}]);
        let run = || {
            let (faults, _) = faults(plan.clone());
            (0..500).map(|_| faults.on_delivery("s3", "arn:aws:sqs:r:1:q")).collect::<Vec<_>>()
        };
        let first = run();
        assert_eq!(first, run());
        let lost = first.iter().filter(|handover| **handover == Handover::Never).count();
        assert!((100..200).contains(&lost), "{lost}");
        assert!(first.contains(&Handover::Twice));
    }

    #[test]
    fn delays_add_up_before_an_error() {
        let (faults, _) = faults(json!([
            {"do": "delay", "delay": "1s"}, {"do": "error", "status": 503},
            {"do": "delay", "delay": "2s"}, {"do": "drop_before"}
        ]));
        let course = faults.on_request(&call("x", ""));
        assert_eq!(course.delay, Duration::from_secs(3));
        assert!(matches!(course.ending, Ending::Refused(Refusal::Error { status: 503, .. })));
    }
}
