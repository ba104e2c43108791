//! The superhero example: a game's log becomes five tables whose counts add up to
//! what was sent, although the workers that collect are killed meanwhile.
//!
//! The test run has a few thousand messages; `tests/superhero` has a hundred
//! thousand.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fleet::Fleet;
use crate::stack::Stack;
use crate::warehouse;

const EXAMPLE: &str = include_str!("../../examples/superhero/millrace.toml");

/// The example with a warehouse of its own, batches of a size that the number of
/// messages has several of, and workers that the test itself keeps.
fn pipeline() -> String {
    let example = EXAMPLE.replace("env:DATABASE_URL", "env:SUPERHERO_DATABASE_URL");
    let example = example.replace(
        "count = 1000, bytes = \"8MiB\", age = \"5s\"",
        &format!("count = {}, age = \"2s\"", batch()),
    );
    // As many in hand as make a few batches, hidden for as long as heartbeats of all of
    // them take on a machine that has other work too.
    let (in_hand, hidden) = (4 * batch(), if messages() > 10_000 { "30s" } else { "8s" });
    format!(
        "{example}\n[stages.collect]\nworkers = 0\nconcurrency = {in_hand}\n\
         visibility = \"{hidden}\"\nmax_receive_count = 100\n"
    )
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn messages() -> u64 {
    number("MILLRACE_SUPERHERO_MESSAGES", 2_000)
}

fn batch() -> u64 {
    (messages() / 20).clamp(50, 1_000)
}

/// What the tables have to have, counted from the messages by themselves.
#[derive(Debug, Default)]
struct Expected {
    /// Messages by model and what they say.
    said: BTreeMap<(String, String), i64>,
    heroes: i64,
    attacks: i64,
    attack_sum: i64,
    damage_sum: i64,
    fractions: i64,
    texts: i64,
}

impl Expected {
    fn of(lines: &str) -> Self {
        let mut expected = Self::default();
        for line in lines.lines() {
            let message: Value = serde_json::from_str(line).expect("JSON");
            expected.add(&message);
        }
        expected
    }

    fn add(&mut self, message: &Value) {
        let text = |key: &str| message[key].as_str().expect("a text").to_owned();
        let said = text("log_message");
        *self.said.entry((text("name"), said.clone())).or_default() += 1;
        self.fractions += i64::from(text("timestamp").contains('.'));
        let task = match &message["task"] {
            Value::String(inner) => {
                self.texts += 1;
                serde_json::from_str(inner).expect("JSON")
            }
            task => task.clone(),
        };
        match said.as_str() {
            "Starting Match" => {
                for hero in task["PARTICIPANTS_HEROS"].as_array().expect("heroes") {
                    self.heroes += 1;
                    self.attack_sum += hero["SUPERHERO_ATTACK"].as_i64().expect("a number");
                }
            }
            "Attack Completed" => {
                self.attacks += 1;
                let damage = &task["STATUS"]["DETAILS"]["ENEMY_DAMAGE"];
                self.damage_sum += damage.as_i64().expect("a number");
            }
            _ => {}
        }
    }

    fn messages(&self) -> i64 {
        self.said.values().sum()
    }

    async fn assert_loaded(&self, stack: &Stack) {
        let one = async |sql: &str| warehouse::sqlite(stack, sql).await;
        assert_eq!(one("SELECT COUNT(*) FROM log_meta").await, self.messages(), "log_meta");
        assert_eq!(one("SELECT COUNT(*) FROM buffer_meta").await, self.messages(), "buffer_meta");
        let distinct = "SELECT COUNT(DISTINCT msg_id) FROM buffer_meta";
        assert_eq!(one(distinct).await, self.messages(), "every message once");
        assert_eq!(one("SELECT COUNT(*) FROM lib_server_lobby").await, self.heroes, "lobby");
        assert_eq!(one("SELECT COUNT(*) FROM lib_server_game").await, self.attacks, "game");
        let attacks = "SELECT SUM(superhero_attack) FROM lib_server_lobby";
        assert_eq!(one(attacks).await, self.attack_sum);
        let damage = "SELECT SUM(enemy_damage) FROM lib_server_game";
        assert_eq!(one(damage).await, self.damage_sum);
        for ((name, said), count) in &self.said {
            let sql = format!(
                "SELECT COUNT(*) FROM log_meta WHERE name = '{name}' AND log_message = '{said}'"
            );
            assert_eq!(one(&sql).await, *count, "{said}");
        }
        let batches = one("SELECT COUNT(DISTINCT etl_id) FROM buffer_meta").await;
        assert_eq!(one("SELECT COUNT(*) FROM etl_meta").await, batches, "a row per batch");
        let in_batches = "SELECT SUM(message_count) FROM millrace_batches";
        assert_eq!(warehouse::ledger(stack, in_batches).await, self.messages());
    }
}

/// Messages that the ledger knows are loaded as rows of `log_meta`.
async fn loaded(stack: &Stack) -> i64 {
    let sql = "SELECT COALESCE(SUM(rows_loaded), 0) FROM millrace_files \
               WHERE dataset = 'log_meta'";
    warehouse::ledger(stack, sql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_becomes_five_tables_whoever_is_killed() {
    let (count, seed) = (messages().to_string(), number("MILLRACE_SUPERHERO_SEED", 1).to_string());
    let stack = Stack::start(&pipeline());
    let made_up = ["send", "--example", "superhero", "--count", &count, "--seed", &seed];
    let printed = stack.run(&[&made_up[..], &["--print"]].concat());
    let expected = Expected::of(&String::from_utf8(printed.stdout).expect("text"));
    assert_eq!(expected.messages(), i64::try_from(messages()).expect("a small one"));
    assert!(expected.fractions > 0 && expected.fractions < expected.messages());
    assert!(expected.texts > 0 && expected.texts < expected.messages());
    let fleet = Fleet::of(&stack, &["collect", "collect"]);
    let mut sending = stack.command(&made_up).stdout(Stdio::piped()).spawn().expect("a sender");
    let started = Instant::now();
    let limit = Duration::from_secs(90 + messages() / 50);
    let kills = number("MILLRACE_SUPERHERO_KILLS", 4);
    let (mut killed, mut while_sent) = (0, 0);
    while loaded(&stack).await < expected.messages() {
        assert!(started.elapsed() < limit, "{}", stack.log_text());
        if killed < kills {
            fleet.kill(usize::try_from(killed % 2).expect("a small one"));
            killed += 1;
            // One that collects, and not all of what there will be.
            let is_sending = sending.try_wait().expect("a sender").is_none();
            while_sent += u64::from(is_sending && stack.is_in_flight("collect"));
        }
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    let sent = sending.wait_with_output().expect("a sender");
    let said = String::from_utf8_lossy(&sent.stdout).into_owned();
    assert!(sent.status.success() && said.contains("sent to superhero-collect"), "{said}");
    stack.wait_until_drained();
    let deaths = fleet.deaths();
    fleet.stop();
    expected.assert_loaded(&stack).await;
    assert!(deaths > 0, "nobody died");
    // A few thousand may be sent before the first kill.
    let is_long = messages() >= 5_000 && kills > 0;
    assert!(!is_long || while_sent > 0, "nobody was killed while messages were sent");
    eprintln!(
        "{} messages, {} heroes, {} attacks, {deaths} deaths, {while_sent} of {killed} kills while \
         messages were sent, {} s",
        expected.messages(),
        expected.heroes,
        expected.attacks,
        started.elapsed().as_secs()
    );
}
