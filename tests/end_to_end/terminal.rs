//! Commands at a terminal: questions and answers, colours, tables that fit, bars.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Output};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix_pty::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix_pty::termios::{Winsize, tcsetwinsize};
use serde_json::Value;

use crate::journey::PIPELINE;
use crate::stack::{Stack, wait_for};
use crate::telling::put;

/// A command at a terminal of its own.
struct Terminal {
    child: Child,
    keyboard: File,
    screen: Arc<Mutex<String>>,
}

impl Terminal {
    /// Runs a command at a terminal that is so many columns wide.
    fn run(mut command: Command, columns: u16) -> Self {
        let (ours, theirs) = open(columns);
        let end = || theirs.try_clone().expect("another end");
        command.stdin(end()).stdout(end()).stderr(end()).env("TERM", "xterm-256color");
        let child = command.spawn().expect("millrace starts");
        let screen = Arc::<Mutex<String>>::default();
        let shown = Arc::clone(&screen);
        let mut output = ours.try_clone().expect("another end");
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Reading fails when nobody has the terminal open any more.
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                shown
                    .lock()
                    .expect("the screen")
                    .push_str(&String::from_utf8_lossy(&bytes[..read]));
            }
        });
        Self { child, keyboard: ours, screen }
    }

    fn text(&self) -> String {
        self.screen.lock().expect("the screen").clone()
    }

    fn wait_for(&self, text: &str) {
        wait_for(&format!("`{text}` on the screen"), Duration::from_secs(30), || {
            self.text().contains(text).then_some(())
        });
    }

    fn type_line(&mut self, text: &str) {
        self.keyboard.write_all(format!("{text}\n").as_bytes()).expect("typed");
    }

    /// Waits for the end; answers how it ended and what was on the screen.
    fn end(mut self) -> (ExitStatus, String) {
        let status = wait_for("the command to end", Duration::from_secs(60), || {
            self.child.try_wait().expect("a child")
        });
        // What was written last is read by then, or soon.
        let mut before = self.text();
        loop {
            std::thread::sleep(Duration::from_millis(50));
            let now = self.text();
            if now == before {
                return (status, now);
            }
            before = now;
        }
    }
}

/// A terminal: our end, and that of whoever sits at it.
fn open(columns: u16) -> (File, File) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&ours).expect("granted");
    unlockpt(&ours).expect("unlocked");
    let size = Winsize { ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&ours, size).expect("a size");
    let name = ptsname(&ours, Vec::new()).expect("a name").into_string().expect("a path");
    let theirs = File::options().read(true).write(true).open(name).expect("the other end");
    (File::from(ours), theirs)
}

/// A command of the stack that may use colours.
fn command(stack: &Stack, arguments: &[&str]) -> Command {
    let mut command = stack.command(arguments);
    command.env_remove("NO_COLOR");
    command
}

fn at_terminal(stack: &Stack, arguments: &[&str]) -> String {
    Terminal::run(command(stack, arguments), 100).end().1
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A stack with a file that is loaded and two that are dead-lettered.
async fn with_history() -> Stack {
    let stack = Stack::start(PIPELINE);
    put(&stack, "orders/de/good.csv", "id,total,note\n1,1,\n").await;
    for number in 0..2 {
        put(&stack, &format!("orders/de/bad-{number}.csv"), "id,total,note\nx,1,\n").await;
    }
    stack.wait_for_runs("the history", |runs| {
        let count = |state: &str| runs.iter().filter(|run| run["state"] == state).count();
        (count("loaded"), count("failed")) == (1, 2)
    });
    stack
}

fn still_open(stack: &Stack) -> usize {
    stack.json(&["dlq", "list", "--each"]).as_array().expect("a list").len()
}

#[tokio::test]
async fn what_is_not_easily_undone_is_asked_for_and_only_yes_is_yes() {
    let stack = with_history().await;
    let discard = ["dlq", "discard", "--all", "--reason", "noise"];
    for answer in ["n", "", "yep"] {
        let mut terminal = Terminal::run(command(&stack, &discard), 80);
        terminal.wait_for("Give up 2 dead letters for good? [y/N]");
        terminal.type_line(answer);
        let (status, screen) = terminal.end();
        assert_eq!(status.code(), Some(1), "{answer}: {screen}");
        assert!(screen.contains("nothing was done"), "{screen}");
        assert_eq!(still_open(&stack), 2);
    }

    // Without a terminal nobody is asked, and nothing is done.
    let output: Output = command(&stack, &discard).output().expect("millrace runs");
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("--yes") && !said.contains("[y/N]"), "{said}");
    assert_eq!(still_open(&stack), 2);

    let dry = at_terminal(&stack, &[&discard[..], &["--dry-run"]].concat());
    assert!(dry.contains("2 dead letters would be given up") && !dry.contains("[y/N]"), "{dry}");

    let mut terminal = Terminal::run(command(&stack, &discard), 80);
    terminal.wait_for("[y/N]");
    terminal.type_line("Y");
    let (status, screen) = terminal.end();
    assert!(status.success(), "{screen}");
    assert!(screen.contains("2 dead letters given up: noise"), "{screen}");
    assert_eq!(still_open(&stack), 0);
}

#[tokio::test]
async fn colours_are_for_terminals_and_can_be_had_or_left_out() {
    let stack = with_history().await;
    let colour = "\u{1b}[";
    let status = at_terminal(&stack, &["status"]);
    assert!(status.contains("\u{1b}[1mfiles\u{1b}[0m"), "{status:?}");
    let never = at_terminal(&stack, &["status", "--color", "never"]);
    assert!(!never.contains(colour), "{never:?}");
    let mut quiet = stack.command(&["status"]);
    quiet.env("NO_COLOR", "1");
    let (_, quiet) = Terminal::run(quiet, 100).end();
    assert!(!quiet.contains(colour), "{quiet:?}");
    let piped = command(&stack, &["status"]).output().expect("millrace runs");
    assert!(!text(&piped.stdout).contains(colour) && !text(&piped.stderr).contains(colour));
    let always = command(&stack, &["status", "--color", "always"]).output().expect("runs");
    assert!(text(&always.stdout).contains(colour));
    // Standard output in a pipe has none, though errors go to the terminal.
    let mut halved = Command::new("sh");
    halved.args(["-c", "\"$0\" status | cat"]).arg(crate::stack::millrace());
    let environment = command(&stack, &["status"]);
    let set = environment.get_envs().filter_map(|(name, value)| Some((name, value?)));
    halved.envs(set).current_dir(stack.folder()).env_remove("NO_COLOR");
    let (_, halved) = Terminal::run(halved, 100).end();
    assert!(halved.contains("shop-load") && !halved.contains(colour), "{halved:?}");
}

#[tokio::test]
async fn tables_fit_the_terminal_and_lose_nothing_in_a_pipe() {
    let stack = with_history().await;
    for arguments in [
        &["status"][..],
        &["runs"],
        &["dlq", "list"],
        &["dlq", "list", "--each"],
        &["rejects", "list"],
        &["query", "select * from orders"],
        &["scale", "load=1", "--dry-run"],
    ] {
        for columns in [60, 100] {
            let plain = [arguments, &["--color", "never"]].concat();
            let (status, screen) = Terminal::run(command(&stack, &plain), columns).end();
            assert!(status.success(), "{screen}");
            let widest = screen.lines().map(|line| line.trim_end().chars().count()).max();
            assert!(widest <= Some(columns.into()), "{arguments:?}, {columns}:\n{screen}");
        }
    }
    let piped = text(&stack.run(&["runs"]).stdout);
    let line = piped.lines().find(|line| line.contains("orders/de/bad-0.csv")).expect("a line");
    assert!(line.chars().count() > 100, "{line}");
}

#[tokio::test]
async fn bars_are_for_terminals() {
    let stack = Stack::start(PIPELINE);
    let folder = stack.folder().join("orders/de");
    std::fs::create_dir_all(&folder).expect("a folder");
    let rows: String = (0..400_000).map(|id| format!("{id},1,\n")).collect();
    std::fs::write(folder.join("a.csv"), format!("id,total,note\n{rows}")).expect("a file");
    let bar = at_terminal(&stack, &["publish", "orders"]);
    assert!(bar.contains("publishing"), "{bar:?}");
    assert!(bar.contains("s3://shop-raw/orders/de/a.csv"), "{bar:?}");
    let piped = stack.run(&["publish", "orders", "-o", "json"]);
    assert!(!text(&piped.stderr).contains("publishing"), "{}", text(&piped.stderr));
    let published: Value = serde_json::from_slice(&piped.stdout).expect("JSON and nothing else");
    assert_eq!(published[0]["result"], "published");
}
