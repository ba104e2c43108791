//! A stack under test: `millrace dev` as a child process, with its own data
//! folder and port, and real SDK clients beside it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::Credentials;
use serde_json::Value;

/// The binary that the test run built beside the tests.
///
/// # Panics
/// If it is not there.
pub(crate) fn millrace() -> PathBuf {
    let tests = std::env::current_exe().expect("a test knows its own path");
    let binary = tests.parent().and_then(Path::parent).expect("in target").join("millrace");
    assert!(binary.exists(), "`{}` is missing; run `cargo build -p millrace`", binary.display());
    binary
}

/// A running `millrace dev`. Dropping it kills it; workers end with it.
pub(crate) struct Stack {
    folder: tempfile::TempDir,
    pipeline: PathBuf,
    environment: Vec<(String, String)>,
    faults: Option<PathBuf>,
    child: Option<Child>,
    url: String,
}

impl Stack {
    /// Starts a stack for the text of a pipeline file.
    pub(crate) fn start(pipeline: &str) -> Self {
        Self::start_with(pipeline, &[])
    }

    /// Starts a stack with environment variables beside the test's own.
    pub(crate) fn start_with(pipeline: &str, environment: &[(&str, &str)]) -> Self {
        let mut stack = Self::new(pipeline, environment);
        stack.up();
        stack
    }

    /// Starts a stack whose AWS side does what the plan says wrong.
    pub(crate) fn start_with_faults(pipeline: &str, plan: &str) -> Self {
        Self::start_with_all(pipeline, plan, &[])
    }

    /// Starts a stack with both.
    pub(crate) fn start_with_all(pipeline: &str, plan: &str, environment: &[(&str, &str)]) -> Self {
        let mut stack = Self::new(pipeline, environment);
        let file = stack.folder.path().join("faults.toml");
        std::fs::write(&file, plan).expect("the fault plan");
        stack.faults = Some(file);
        stack.up();
        stack
    }

    fn new(pipeline: &str, environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("millrace.toml");
        std::fs::write(&file, pipeline).expect("the pipeline file");
        let environment =
            environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Self { folder, pipeline: file, environment, faults: None, child: None, url: String::new() }
    }

    /// Lets the AWS side do what the plan says wrong, from now on.
    pub(crate) fn begin_faults(&self, plan: &Value) {
        self.control("PUT", "faults", &plan.to_string());
    }

    /// How often each fault was met, and how often it happened.
    pub(crate) fn faults(&self) -> Vec<Value> {
        let counted = self.control("GET", "faults", "");
        counted["faults"].as_array().expect("a list").clone()
    }

    /// Ends the faults; answers how often each happened.
    pub(crate) fn end_faults(&self) -> Vec<Value> {
        let counted = self.faults();
        self.control("PUT", "faults", "{}");
        counted
    }

    /// Sets the clock of the embedded AWS forward, as in `1m`.
    pub(crate) fn advance(&self, by: &str) {
        self.control("POST", "clock", &format!("{{\"advance\": \"{by}\"}}"));
    }

    /// Drives the embedded AWS by one request.
    fn control(&self, method: &str, what: &str, body: &str) -> Value {
        let address = self.url.strip_prefix("http://").expect("plain HTTP");
        let mut stream = TcpStream::connect(address).expect("the endpoint");
        let length = body.len();
        write!(
            stream,
            "{method} /_millrace/control/{what} HTTP/1.1\r\nhost: {address}\r\n\
             content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        )
        .expect("a request");
        let answer = std::io::read_to_string(stream).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
        serde_json::from_str(body).expect("JSON")
    }

    /// Changes the pipeline file, which commands see and running workers don't.
    pub(crate) fn rewrite(&self, pipeline: &str) {
        std::fs::write(&self.pipeline, pipeline).expect("the pipeline file");
    }

    /// Starts `millrace dev` on the same data folder, after [`down`](Self::down).
    pub(crate) fn up(&mut self) {
        let mut child = self
            .command(&["dev", "--port", "0"])
            .args(self.faults.iter().flat_map(|file| [Path::new("--faults"), file]))
            .stdout(Stdio::piped())
            .stderr(self.log())
            .spawn()
            .expect("millrace starts");
        let output = child.stdout.take().expect("piped");
        self.child = Some(child);
        for line in BufReader::new(output).lines() {
            let line = line.expect("text");
            if let Some(url) = line.strip_prefix("endpoint ") {
                self.url = url.trim().to_owned();
                return;
            }
        }
        panic!("`millrace dev` ended without an endpoint:\n{}", self.log_text());
    }

    /// Stops the stack as a terminal would and waits until it has drained.
    pub(crate) fn down(&mut self) {
        let mut child = self.child.take().expect("running");
        signal(child.id(), "INT");
        let status = wait_for("millrace dev to stop", Duration::from_secs(60), || {
            child.try_wait().expect("a child")
        });
        assert!(status.success(), "{status}:\n{}", self.log_text());
    }

    /// Kills `millrace dev` without a word.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().expect("running");
        child.kill().expect("a child");
        child.wait().expect("a child");
    }

    /// Process id of `millrace dev`.
    pub(crate) fn id(&self) -> u32 {
        self.child.as_ref().expect("running").id()
    }

    /// The endpoint's URL.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The stack's data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A place for the test's own files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a `millrace` command against the stack.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("millrace runs")
    }

    /// Runs a command with `-o json` and reads what it prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let mut arguments = arguments.to_vec();
        arguments.extend(["-o", "json"]);
        let output = self.run(&arguments);
        let text = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(&text).unwrap_or_else(|error| {
            panic!("{arguments:?}: {error}: {text}{}", String::from_utf8_lossy(&output.stderr))
        })
    }

    /// SDK configuration for the stack's endpoint.
    pub(crate) async fn sdk(&self) -> SdkConfig {
        aws_config::defaults(BehaviorVersion::latest())
            .endpoint_url(&self.url)
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .load()
            .await
    }

    /// An S3 client of the stack.
    pub(crate) async fn s3(&self) -> aws_sdk_s3::Client {
        let config = self.sdk().await;
        let config = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// An SQS client of the stack.
    pub(crate) async fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.sdk().await)
    }

    /// Waits until the runs satisfy `done` and returns them.
    pub(crate) fn wait_for_runs(&self, what: &str, done: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let deadline = Instant::now() + Duration::from_secs(240);
        loop {
            let runs = self.json(&["runs", "--limit", "10000"]);
            let runs = runs.as_array().expect("a list").clone();
            if done(&runs) {
                return runs;
            }
            assert!(
                Instant::now() < deadline,
                "timed out waiting for {what}: {runs:#?}\n{}",
                self.log_text()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until no message waits or is in flight in any stage's queue.
    pub(crate) fn wait_until_drained(&self) {
        wait_for("the queues to drain", Duration::from_secs(90), || {
            self.is_drained().then_some(())
        });
    }

    /// Whether no message waits or is in flight in any stage's queue; false too
    /// if that can't be asked because the database is gone.
    pub(crate) fn is_drained(&self) -> bool {
        let output = self.run(&["status", "-o", "json"]);
        let Ok(status) = serde_json::from_slice::<Value>(&output.stdout) else { return false };
        let queues = status["queues"].as_array().expect("queues");
        let busy = |queue: &Value| {
            ["visible", "in_flight", "delayed"].iter().any(|count| queue[count] != 0)
        };
        !queues.iter().any(busy)
    }

    /// Whether a worker of this stage has a message.
    pub(crate) fn is_in_flight(&self, stage: &str) -> bool {
        let status = self.json(&["status"]);
        let mut queues = status["queues"].as_array().expect("queues").iter();
        queues.any(|queue| queue["stage"] == stage && queue["in_flight"] != 0)
    }

    /// What the stack and its workers logged.
    pub(crate) fn log_text(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("stack.log")).unwrap_or_default()
    }

    /// Where the stack and its workers log to.
    pub(crate) fn log(&self) -> Stdio {
        let path = self.folder.path().join("stack.log");
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        file.expect("a log file").into()
    }

    /// A `millrace` command against the stack.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(millrace());
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("MILLRACE_PIPELINE", &self.pipeline)
            .env("MILLRACE_DATA", self.data())
            .env("AWS_ENDPOINT_URL", &self.url)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1")
            .env("NO_COLOR", "1")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Sends a signal to a process that the test started.
///
/// # Panics
/// If there is no such process.
pub(crate) fn signal(process: u32, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status();
    assert!(status.expect("kill runs").success(), "no process {process}");
}

/// Polls until `ready` gives a value.
///
/// # Panics
/// If it does not within `limit`.
pub(crate) fn wait_for<T>(what: &str, limit: Duration, mut ready: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(Instant::now() < deadline, "timed out after {limit:?} waiting for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The folder of real files, or `None` with a word on it.
pub(crate) fn real_data() -> Option<PathBuf> {
    let folder = std::env::var_os("MILLRACE_REAL_DATA").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: MILLRACE_REAL_DATA is not set");
    }
    folder
}
