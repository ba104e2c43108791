//! What the environment asks for, and doing it.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

use crate::Point;

const POINTS: &str = "MILLRACE_FAILPOINTS";
const FOLDER: &str = "MILLRACE_FAILPOINTS_DIR";
const SLOW: &str = "MILLRACE_FAILPOINTS_SLOW_MS";

/// How long a stop may take to come to every thread.
const STOPPING: Duration = Duration::from_secs(1);

/// The failpoints of this process.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    armed: Vec<Armed>,
    /// Where whoever fires leaves a file.
    folder: Option<PathBuf>,
    /// The longest that a reach of any point takes.
    slow: Option<Duration>,
}

#[derive(Debug)]
struct Armed {
    /// `<stage>.<point>`.
    name: String,
    signal: Signal,
    /// The reach that fires, counted from 1.
    nth: u32,
    reached: AtomicU32,
}

/// The plan that the environment holds, read once.
pub(crate) fn of_environment() -> &'static Plan {
    static PLAN: OnceLock<Plan> = OnceLock::new();
    PLAN.get_or_init(|| {
        let text = std::env::var(POINTS).unwrap_or_default();
        let folder = std::env::var_os(FOLDER).map(PathBuf::from);
        let plan = Plan::parse(&text, folder).unwrap_or_else(|why| panic!("{POINTS}: {why}"));
        let slow = std::env::var(SLOW).ok().map(|text| match text.parse() {
            Ok(most) => Duration::from_millis(most),
            Err(_) => panic!("{SLOW}: `{text}` is no number of milliseconds"),
        });
        Plan { slow, ..plan }
    })
}

impl Plan {
    fn parse(text: &str, folder: Option<PathBuf>) -> Result<Self, String> {
        let points = text.split(';').map(str::trim).filter(|point| !point.is_empty());
        let armed = points.map(Armed::parse).collect::<Result<_, _>>()?;
        Ok(Self { armed, folder, slow: None })
    }

    pub(crate) fn reach(&self, stage: &str, point: Point) {
        if let Some(most) = self.slow {
            // Mostly short, now and then long: what stands still is overtaken.
            std::thread::sleep(most.mul_f64(rand::random::<f64>().powi(3)));
        }
        if let Some(armed) = self.due(stage, point)
            && self.is_first(&armed.name)
        {
            // It does not fail for a process that exists, and ours does.
            let _signalled = kill_process(getpid(), armed.signal);
            // A stop begins with any thread of the process; this one goes no further
            // until it has come to all of them.
            if armed.signal == Signal::STOP {
                std::thread::sleep(STOPPING);
            }
        }
    }

    /// The failpoint that fires at this reach.
    fn due(&self, stage: &str, point: Point) -> Option<&Armed> {
        let armed = self.armed.iter().find(|armed| armed.is_at(stage, point))?;
        (armed.reached.fetch_add(1, Ordering::SeqCst) + 1 == armed.nth).then_some(armed)
    }

    /// Whether no process has fired this one before.
    fn is_first(&self, name: &str) -> bool {
        let Some(folder) = &self.folder else { return true };
        OpenOptions::new().write(true).create_new(true).open(folder.join(name)).is_ok()
    }
}

impl Armed {
    fn parse(text: &str) -> Result<Self, String> {
        let form =
            || format!("`{text}` is not `<stage>.<point>=kill` or `=stop`, with `@N` or not");
        let (name, action) = text.split_once('=').ok_or_else(form)?;
        let (action, nth) = action.split_once('@').unwrap_or((action, "1"));
        let signal = match action {
            "kill" => Signal::KILL,
            "stop" => Signal::STOP,
            _ => return Err(form()),
        };
        let (_, point) = name.split_once('.').ok_or_else(form)?;
        if !Point::ALL.iter().any(|known| known.as_str() == point) {
            return Err(format!("there is no point `{point}`"));
        }
        let nth = nth.parse().ok().filter(|nth| *nth > 0).ok_or_else(form)?;
        Ok(Self { name: name.to_owned(), signal, nth, reached: AtomicU32::new(0) })
    }

    fn is_at(&self, stage: &str, point: Point) -> bool {
        self.name.split_once('.').is_some_and(|name| name == (stage, point.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nth_reach_of_the_named_point_fires() {
        let plan = Plan::parse("load.began=kill@2; ingest.received=stop", None).expect("a plan");
        let due = |stage, point| plan.due(stage, point).map(|armed| armed.signal);
        assert_eq!(due("load", Point::Began), None);
        assert_eq!(due("transform", Point::Began), None);
        assert_eq!(due("load", Point::Began), Some(Signal::KILL));
        assert_eq!(due("load", Point::Began), None);
        assert_eq!(due("ingest", Point::Received), Some(Signal::STOP));
    }

    #[test]
    fn what_can_t_be_understood_is_said() {
        for text in ["load", "load.began", "load.began=sleep", "load.begun=kill", "a.began=kill@0"]
        {
            assert!(Plan::parse(text, None).is_err(), "{text}");
        }
    }
}
