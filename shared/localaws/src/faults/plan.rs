//! A fault plan as people write it, and what is wrong with one.

use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

use super::glob::Glob;

/// What shall go wrong, and when.
///
/// As TOML (`millrace aws --faults FILE`) or JSON (`PUT
/// /_millrace/control/faults`):
///
/// ```toml
/// seed = 7                       # the same plan and requests: the same faults
///
/// [[fault]]
/// service = "sqs"                # glob or list of globs; absent: any
/// operation = "DeleteMessage*"
/// resource = "shop-*"            # queue, topic, bucket or bucket/key
/// probability = 0.1              # default 1
/// after = 100                    # let this many matching ones pass first
/// count = 5                      # and then do it this often at most
/// from = "5s"                    # counted from when the plan was given
/// until = "1m"
/// do = "drop_after"
/// ```
///
/// | `do` | at | effect |
/// |---|---|---|
/// | `error` | requests | answered with `status` (500), `code` (`InternalError`), `message` |
/// | `throttle` | requests | answered as the service does when it is asked too often: `SlowDown`, `ThrottlingException`, … |
/// | `delay` | requests | goes on after `delay`, or a random time up to it with `random = true` |
/// | `drop_before` | requests | the connection is closed, nothing was done |
/// | `drop_after` | requests | everything was done, the connection is closed: a lost response |
/// | `cut` | answers | the body ends after `bytes` (half of it if not given), `delay` after it began |
/// | `redeliver` | SQS receives | what is received is visible to others again after `delay` (at once): duplicates, expired leases |
/// | `reorder` | SQS sends | the message appears after a random time up to `delay` (1 s), so that later ones overtake it |
/// | `lose` | deliveries | what one service sends to another is lost: `service` is the sender, `resource` the queue, topic or bus |
/// | `duplicate` | deliveries | it arrives twice |
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct FaultPlan {
    pub(super) seed: u64,
    pub(super) faults: Vec<Fault>,
}

impl FaultPlan {
    /// Whether nothing shall go wrong.
    pub fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }
}

/// One thing that shall go wrong.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fault {
    pub(super) aim: Aim,
    /// 0 to 1.
    pub(super) probability: f64,
    /// Matching ones that pass first.
    pub(super) after: u64,
    /// How often at most.
    pub(super) count: Option<u64>,
    pub(super) from: Duration,
    pub(super) until: Option<Duration>,
    pub(super) effect: Effect,
}

/// What a fault is aimed at; nothing given means anything.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Aim {
    pub(super) service: Vec<Glob>,
    pub(super) operation: Vec<Glob>,
    pub(super) resource: Vec<Glob>,
}

/// What a fault does.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Effect {
    Error { status: u16, code: String, message: String },
    Throttle,
    Delay { delay: Duration, random: bool },
    DropBefore,
    DropAfter,
    Cut { bytes: Option<u64>, delay: Duration },
    Redeliver { delay: Duration },
    Reorder { delay: Duration },
    Lose,
    Duplicate,
}

/// Where a fault of some effect can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Point {
    Request,
    Receive,
    Send,
    Delivery,
}

impl Effect {
    pub(super) fn point(&self) -> Point {
        match self {
            Self::Error { .. }
            | Self::Throttle
            | Self::Delay { .. }
            | Self::DropBefore
            | Self::DropAfter
            | Self::Cut { .. } => Point::Request,
            Self::Redeliver { .. } => Point::Receive,
            Self::Reorder { .. } => Point::Send,
            Self::Lose | Self::Duplicate => Point::Delivery,
        }
    }
}

/// A fault plan that can't be followed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("fault {number}: {reason}")]
pub struct FaultPlanError {
    number: usize,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    seed: u64,
    #[serde(default, rename = "fault", alias = "faults")]
    faults: Vec<WrittenFault>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFault {
    #[serde(default)]
    service: Globs,
    #[serde(default)]
    operation: Globs,
    #[serde(default)]
    resource: Globs,
    probability: Option<f64>,
    #[serde(default)]
    after: u64,
    count: Option<u64>,
    from: Option<String>,
    until: Option<String>,
    #[serde(rename = "do")]
    effect: Name,
    status: Option<u16>,
    code: Option<String>,
    message: Option<String>,
    delay: Option<String>,
    #[serde(default)]
    random: bool,
    bytes: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Name {
    Error,
    Throttle,
    Delay,
    DropBefore,
    DropAfter,
    Cut,
    Redeliver,
    Reorder,
    Lose,
    Duplicate,
}

#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Globs {
    #[default]
    Any,
    One(String),
    Several(Vec<String>),
}

impl TryFrom<Written> for FaultPlan {
    type Error = FaultPlanError;

    fn try_from(written: Written) -> Result<Self, FaultPlanError> {
        let numbered = (1..).zip(written.faults);
        let faults = numbered.map(|(number, fault)| {
            Fault::try_from(fault).map_err(|reason| FaultPlanError { number, reason })
        });
        Ok(Self { seed: written.seed, faults: faults.collect::<Result<_, _>>()? })
    }
}

impl TryFrom<WrittenFault> for Fault {
    type Error = String;

    fn try_from(written: WrittenFault) -> Result<Self, String> {
        let probability = written.probability.unwrap_or(1.0);
        if !(0.0..=1.0).contains(&probability) {
            return Err(format!("`probability = {probability}` is not between 0 and 1"));
        }
        written.check_fields()?;
        let from = written.from.as_deref().map_or(Ok(Duration::ZERO), duration)?;
        let until = written.until.as_deref().map(duration).transpose()?;
        if until.is_some_and(|until| until <= from) {
            return Err("`until` is not after `from`".to_owned());
        }
        let effect = written.effect()?;
        Ok(Self {
            aim: Aim {
                service: written.service.into(),
                operation: written.operation.into(),
                resource: written.resource.into(),
            },
            probability,
            after: written.after,
            count: written.count,
            from,
            until,
            effect,
        })
    }
}

impl WrittenFault {
    /// Refuses what would have no effect.
    fn check_fields(&self) -> Result<(), String> {
        use Name::{Cut, Delay, Error, Redeliver, Reorder};
        let allowed =
            |name: &str, given: bool, at: &[Name]| match given && !at.contains(&self.effect) {
                true => Err(format!("`{name}` has no effect here; it belongs to {at:?}")),
                false => Ok(()),
            };
        allowed("status", self.status.is_some(), &[Error])?;
        allowed("code", self.code.is_some(), &[Error])?;
        allowed("message", self.message.is_some(), &[Error])?;
        allowed("delay", self.delay.is_some(), &[Delay, Cut, Redeliver, Reorder])?;
        allowed("random", self.random, &[Delay])?;
        allowed("bytes", self.bytes.is_some(), &[Cut])
    }

    fn effect(&self) -> Result<Effect, String> {
        let delay = self.delay.as_deref().map(duration).transpose()?;
        let short = delay.unwrap_or_default();
        Ok(match self.effect {
            Name::Error => {
                let status = self.status.unwrap_or(500);
                if !(400..=599).contains(&status) {
                    return Err(format!("`status = {status}` is not an error: 400 to 599"));
                }
                let code = self.code.clone().unwrap_or_else(|| "InternalError".to_owned());
                let message = self.message.clone().unwrap_or_else(|| "injected".to_owned());
                Effect::Error { status, code, message }
            }
            Name::Throttle => Effect::Throttle,
            Name::Delay => {
                let delay = delay.ok_or("`delay` is missing, as in `delay = \"200ms\"`")?;
                Effect::Delay { delay, random: self.random }
            }
            Name::DropBefore => Effect::DropBefore,
            Name::DropAfter => Effect::DropAfter,
            Name::Cut => Effect::Cut { bytes: self.bytes, delay: short },
            Name::Redeliver => Effect::Redeliver { delay: short },
            Name::Reorder => Effect::Reorder { delay: delay.unwrap_or(Duration::from_secs(1)) },
            Name::Lose => Effect::Lose,
            Name::Duplicate => Effect::Duplicate,
        })
    }
}

impl From<Globs> for Vec<Glob> {
    fn from(globs: Globs) -> Self {
        match globs {
            Globs::Any => Vec::new(),
            Globs::One(glob) => vec![Glob::new(glob)],
            Globs::Several(globs) => globs.into_iter().map(Glob::new).collect(),
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|reason| format!("`{text}` is not a duration, as in \"200ms\": {reason}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(fault: serde_json::Value) -> String {
        let plan = serde_json::from_value::<FaultPlan>(json!({"fault": [fault]}));
        plan.expect_err("refused").to_string()
    }

    #[test]
    fn a_plan_is_read_with_its_defaults() {
        let written = json!({"seed": 3, "fault": [
            {"do": "delay", "delay": "200ms", "service": ["s3", "sqs"]},
            {"do": "error"},
        ]});
        let plan: FaultPlan = serde_json::from_value(written).expect("a plan");
        let [delay, error] = &plan.faults[..] else { panic!("two faults") };
        let expected = Effect::Delay { delay: Duration::from_millis(200), random: false };
        assert_eq!(delay.effect, expected);
        assert_eq!((delay.probability, delay.aim.service.len()), (1.0, 2));
        assert!(matches!(&error.effect, Effect::Error { status: 500, .. }));
    }

    #[test]
    fn what_would_have_no_effect_is_refused_with_its_place() {
        for (fault, expected) in [
            (json!({"do": "lose", "status": 500}), "fault 1: `status` has no effect"),
            (json!({"do": "delay"}), "`delay` is missing"),
            (json!({"do": "delay", "delay": "soon"}), "`soon` is not a duration"),
            (json!({"do": "lose", "probability": 2}), "not between 0 and 1"),
            (json!({"do": "error", "status": 200}), "`status = 200` is not an error"),
            (json!({"do": "lose", "from": "2s", "until": "1s"}), "`until` is not after"),
            (json!({"do": "explode"}), "unknown variant `explode`"),
            (json!({"do": "lose", "servise": "s3"}), "unknown field `servise`"),
        ] {
            let refusal = refusal(fault);
            assert!(refusal.contains(expected), "{refusal}");
        }
    }
}
