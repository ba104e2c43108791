//! What one process cost.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// One contender's run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Run {
    pub(crate) rate: f64,
    pub(crate) cpu_per_100k: f64,
    pub(crate) requests_per_message: f64,
    pub(crate) rss_mb: f64,
    pub(crate) start_ms: f64,
}

impl Run {
    /// Reads what [`report`] printed.
    pub(crate) fn read(printed: &str, messages: usize) -> Self {
        let line = printed.lines().last().unwrap();
        let numbers: Vec<f64> = line.split(' ').map(|number| number.parse().unwrap()).collect();
        Self {
            rate: messages as f64 / numbers[0],
            cpu_per_100k: numbers[1] * 100_000.0 / messages as f64,
            rss_mb: numbers[2],
            ..Self::default()
        }
    }
}

/// Prints how long draining took, and what this process used of CPU time and
/// memory since its start.
pub(crate) fn report(took: Duration) {
    println!("{} {} {}", took.as_secs_f64(), cpu_seconds(), peak_rss_mb());
}

/// User and system time: fields 14 and 15 of proc_pid_stat(5), in ticks of a
/// hundredth of a second.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks = |field: usize| fields[field - 3].parse::<f64>().unwrap();
    (ticks(14) + ticks(15)) / 100.0
}

fn peak_rss_mb() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

pub(crate) fn unix_millis() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64() * 1000.0
}

/// The endpoint of one run: a process of our own, or one that runs already.
pub(crate) struct Endpoint {
    pub(crate) url: String,
    own: Option<(Child, BufReader<ChildStdout>)>,
    started: f64,
}

impl Endpoint {
    pub(crate) fn start(messages: usize) -> Self {
        if let Ok(url) = env::var("AWS_ENDPOINT_URL") {
            return Self { url, own: None, started: unix_millis() };
        }
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["serve", &messages.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut port = String::new();
        said.read_line(&mut port).unwrap();
        let url = format!("http://127.0.0.1:{}", port.trim());
        Self { url, own: Some((child, said)), started: unix_millis() }
    }

    /// How many requests it had, and how long after the start of the contender
    /// the first receive came.
    pub(crate) fn stop(self) -> (usize, f64) {
        let Some((mut child, mut said)) = self.own else { return (0, 0.0) };
        let mut connection = TcpStream::connect(&self.url["http://".len()..]).unwrap();
        connection.write_all(b"STOP / HTTP/1.1\r\ncontent-length: 0\r\n\r\n").unwrap();
        let mut counted = String::new();
        said.read_to_string(&mut counted).unwrap();
        child.wait().unwrap();
        let (requests, first) = counted.trim().split_once(' ').unwrap();
        (requests.parse().unwrap(), first.parse::<f64>().unwrap() - self.started)
    }
}
