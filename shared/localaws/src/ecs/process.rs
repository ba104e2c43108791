//! Processes of this machine: starting one for a container, telling it to end,
//! and telling it from another of the same number.
//!
//! Each is the leader of a process group of its own: what it started ends with
//! it, as in a container. Its standard input is a pipe that stays open while
//! the endpoint lives, so a worker that reads it learns of the endpoint's end,
//! however that comes about.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::process::{Child, ChildStdin, Command};
use tokio_util::sync::CancellationToken;

use super::state::Process;

/// How often a process of an earlier endpoint is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// What to start for a container.
#[derive(Debug)]
pub(super) struct Launch {
    /// The program.
    pub(super) program: PathBuf,
    /// Its arguments.
    pub(super) arguments: Vec<String>,
    /// Variables on top of the endpoint's own, without those of AWS.
    pub(super) environment: Vec<(String, String)>,
    /// File that its output is added to; it goes to this program's standard
    /// error if there is none.
    pub(super) log: Option<PathBuf>,
    /// Seconds it has to end by itself.
    pub(super) stop_timeout: u64,
    /// Whether the task ends with it.
    pub(super) is_essential: bool,
}

/// A process that was started.
#[derive(Debug)]
pub(super) struct Started {
    /// How it is known.
    pub(super) process: Process,
    child: Child,
    lifeline: Option<ChildStdin>,
}

impl Launch {
    /// Starts the process.
    ///
    /// # Errors
    /// If the program can't be run or the log can't be written.
    pub(super) fn start(&self) -> io::Result<Started> {
        let (output, errors) = self.output()?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::piped());
        command.stdout(output).stderr(errors).process_group(0).kill_on_drop(true);
        for (name, _) in std::env::vars_os() {
            let name_text = name.to_string_lossy();
            if name_text.starts_with("AWS_") || name_text.starts_with("ECS_") {
                command.env_remove(&name);
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let mut child = command.spawn()?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or_default();
        let started = start_time(pid).unwrap_or_default();
        let lifeline = child.stdin.take();
        let process = Process { pid, started, stop_timeout: self.stop_timeout };
        Ok(Started { process, child, lifeline })
    }

    /// Where standard output and standard error go.
    fn output(&self) -> io::Result<(Stdio, Stdio)> {
        match &self.log {
            Some(path) => {
                let log = open_log(path)?;
                Ok((log.try_clone()?.into(), log.into()))
            }
            None => Ok((io::stderr().into(), io::stderr().into())),
        }
    }
}

impl Started {
    /// Waits for its end, or brings it about once `stop` is cancelled: SIGTERM,
    /// the stop timeout, SIGKILL. Answers its exit code as Docker does.
    pub(super) async fn end(mut self, stop: CancellationToken) -> Option<i32> {
        let ended = tokio::select! {
            ended = self.child.wait() => ended,
            () = stop.cancelled() => self.terminate().await,
        };
        signal_group(self.process.pid, Signal::KILL);
        drop(self.lifeline);
        ended.ok().map(exit_code)
    }

    async fn terminate(&mut self) -> io::Result<ExitStatus> {
        let Process { pid, stop_timeout, .. } = self.process;
        if let Some(pid) = Pid::from_raw(pid) {
            // It may have ended by itself just now.
            let _ended_before = kill_process(pid, Signal::TERM);
        }
        let grace = Duration::from_secs(stop_timeout);
        if let Ok(ended) = tokio::time::timeout(grace, self.child.wait()).await {
            return ended;
        }
        self.child.start_kill()?;
        self.child.wait().await
    }
}

impl Process {
    /// Ends a process that an endpoint before this one started and left behind,
    /// if it is still the same.
    pub(super) async fn end_leftover(self) {
        if !self.is_alive() {
            return;
        }
        tracing::warn!(pid = self.pid, "a task outlived its endpoint and is stopped");
        signal_group(self.pid, Signal::TERM);
        let looks = async {
            while self.is_alive() {
                tokio::time::sleep(LOOK).await;
            }
        };
        let grace = Duration::from_secs(self.stop_timeout);
        if tokio::time::timeout(grace, looks).await.is_err() && self.is_alive() {
            signal_group(self.pid, Signal::KILL);
        }
    }

    /// Whether the process of this number is the one that was started.
    pub(super) fn is_alive(self) -> bool {
        self.started != 0 && start_time(self.pid) == Some(self.started)
    }
}

/// What is run: `entryPoint` and `command`; without an entry point `command`
/// itself if it begins with a program that exists here, as a path or on the
/// search path; else the worker program with `command` as its arguments.
pub(super) fn command(
    entry_point: &[String],
    command: &[String],
    worker: &Path,
) -> (PathBuf, Vec<String>) {
    if let [program, rest @ ..] = entry_point {
        return (program.into(), [rest, command].concat());
    }
    match command {
        [program, rest @ ..] if exists(program) => (program.into(), rest.to_vec()),
        _ => (worker.to_owned(), command.to_vec()),
    }
}

fn exists(program: &str) -> bool {
    if program.contains('/') {
        return Path::new(program).is_file();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    !program.is_empty() && std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

fn open_log(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

/// Docker's way to say that a signal ended it: 128 and the signal's number.
fn exit_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

fn signal_group(leader: i32, signal: Signal) {
    if let Some(group) = Pid::from_raw(leader).filter(|_| leader > 1) {
        // Mostly there is nothing left in it.
        let _gone = kill_process_group(group, signal);
    }
}

/// When a process started, in clock ticks since the machine did: the 22nd field
/// of `/proc/<pid>/stat`. The second one is in parentheses and may have any.
fn start_time(pid: i32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    // A zombie has ended.
    fields.next().filter(|state| *state != "Z")?;
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(entry_point: &[&str], arguments: &[&str]) -> String {
        let owned = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        let worker = Path::new("/bin/worker");
        let (program, arguments) = command(&owned(entry_point), &owned(arguments), worker);
        format!("{} {}", program.display(), arguments.join(" "))
    }

    #[test]
    fn an_entry_point_is_run_else_an_existing_program_else_the_worker() {
        assert_eq!(run(&["/x", "-a"], &["b"]), "/x -a b");
        assert_eq!(run(&[], &["/bin/sh", "-c", "true"]), "/bin/sh -c true");
        assert_eq!(run(&[], &["sh", "-c", "true"]), "sh -c true");
        assert_eq!(run(&[], &["no-such-program", "x"]), "/bin/worker no-such-program x");
        assert_eq!(run(&[], &["/no/such/program"]), "/bin/worker /no/such/program");
        assert_eq!(run(&[], &[]), "/bin/worker ");
    }

    #[test]
    fn a_process_is_known_by_its_number_and_its_start() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let started = start_time(pid).expect("this machine tells");
        assert!(Process { pid, started, stop_timeout: 1 }.is_alive());
        assert!(!Process { pid, started: started + 1, stop_timeout: 1 }.is_alive());
        assert!(!Process { pid, started: 0, stop_timeout: 1 }.is_alive());
    }
}
