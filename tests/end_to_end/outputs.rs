//! What every command prints of one history, for people and for programs; and that
//! what programs get is documented in `docs/json.md`, with its types.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::journey::PIPELINE;
use crate::redaction;
use crate::stack::Stack;
use crate::telling::{OPS, put};

/// Members whose names are the user's.
const OPEN: [&str; 3] = ["captures", "first_rows", "rows.skipped_by_rule"];

/// Commands whose tables depend on the moment: the pace of the workers, and whether one
/// of them looks at the same messages just then.
const MOVING: [&str; 2] = ["status", "dlq adopt"];

/// What there is beside the datasets.
const TOLD: &str = "[datasets.orders.freshness]\nexpected = \"cron(0 0 1 1 ? *)\"\n[events]\n";

/// A history to look at: a file that is loaded but for a row, one that broke its
/// contract, and an object that no dataset takes.
async fn history() -> Stack {
    let told = format!("{TOLD}[alerts]\nsubscribe = [\"{OPS}\"]\n");
    let stack = Stack::start(&format!("{PIPELINE}\n{told}"));
    let done = |count: usize| {
        move |runs: &[Value]| {
            let is_done = |run: &&Value| run["state"] == "loaded" || run["state"] == "failed";
            runs.iter().filter(is_done).count() == count
        }
    };
    put(&stack, "orders/de/good.csv", "id,total,note\n1,10.50,x\n2,-1,bad\n3,4.25,\n").await;
    stack.wait_for_runs("the good file", done(1));
    put(&stack, "orders/de/bad.csv", "id,total,note\nx,1,\n").await;
    stack.wait_for_runs("the bad file", done(2));
    put(&stack, "stray.txt", "?").await;
    stack.wait_until_drained();
    let folder = stack.folder().join("orders/fr");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("new.csv"), "id,total,note\n7,1.00,\n8,-2,x\n").expect("a file");
    std::fs::write(stack.folder().join("wrong.toml"), PIPELINE.replace("strict", "stern")).unwrap();
    stack
}

/// The commands, each with the words that name its section.
fn commands(letter: &str) -> Vec<(&'static str, Vec<String>)> {
    let all: [(&str, &str); 27] = [
        ("check", "check"),
        ("check", "check wrong.toml"),
        ("plan", "plan"),
        ("status", "status"),
        ("runs", "runs"),
        ("trace", "trace orders/de/good.csv"),
        ("trace", "trace stray.txt"),
        ("rejects list", "rejects list"),
        ("rejects show", "rejects show orders/de/good.csv"),
        ("replay", "replay --dataset orders --dry-run"),
        ("replay", "rejects replay --dataset orders --dry-run"),
        ("dlq list", "dlq list"),
        ("dlq list --each", "dlq list --each"),
        ("dlq show", "dlq show LETTER"),
        ("dlq redrive", "dlq redrive --all --dry-run"),
        ("dlq discard", "dlq discard --all --reason noise --dry-run"),
        ("dlq edit", "dlq edit LETTER --body-file -"),
        ("dlq adopt", "dlq adopt"),
        ("scale", "scale load=1 --dry-run"),
        ("doctor", "doctor --no-canary"),
        ("infer", "infer orders/fr/new.csv"),
        ("preview", "preview orders/fr/new.csv --dataset orders"),
        ("transform", "transform orders/fr/new.csv --dataset orders --out out"),
        ("query", "query show_tables"),
        ("query", "query describe_orders"),
        ("query", "query select_*_from_orders_order_by_id"),
        ("publish", "publish orders --dry-run"),
    ];
    let words = |line: &str| {
        let word = |word: &str| word.replace("LETTER", letter);
        let mut words: Vec<String> = line.split(' ').map(word).collect();
        if words[0] == "query" {
            words[1] = words[1].replace('_', " ");
        }
        words
    };
    all.map(|(section, line)| (section, words(line))).into()
}

/// Name of a snapshot: the command, without what differs.
fn name(words: &[String], letter: &str, kind: &str) -> String {
    let line = words.join(" ").replace(letter, "ID");
    let fitting = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = line.chars().map(fitting).collect();
    format!("{}.{kind}", name.trim_matches('_'))
}

#[tokio::test]
async fn every_command_prints_what_it_did_and_what_programs_get_is_documented() {
    let stack = history().await;
    let letter = stack.json(&["dlq", "list", "--each"])[0]["message_id"].clone();
    let letter = letter.as_str().expect("an id");
    let body = stack.json(&["dlq", "show", letter])["body"].clone();
    std::fs::write(stack.folder().join("body"), body.as_str().expect("a text")).expect("written");
    let folder = stack.folder().display().to_string();
    let endpoint = stack.url().to_owned();
    let places = [(&*folder, "[folder]"), (&*endpoint, "[endpoint]")];
    let documentation = Documentation::read();
    for (section, words) in commands(letter) {
        if !MOVING.contains(&section) {
            let table = redaction::table(&print(&stack, &words, &[]), &places);
            let is_measured = section == "doctor";
            let table = if is_measured { redaction::numberless(&table) } else { table };
            insta::assert_snapshot!(name(&words, letter, "table"), table);
        }
        let printed = print(&stack, &words, &["-o", "json"]);
        let value: Value = serde_json::from_str(&printed).unwrap_or_else(|error| {
            panic!("{words:?}: {error}: {printed}");
        });
        if section != "dlq adopt" {
            let redacted = redaction::json(&value, &places);
            insta::assert_json_snapshot!(name(&words, letter, "json"), redacted);
        }
        if words[0] != "query" {
            documentation.assert_describes(section, &value);
        }
    }
    let published = stack.json(&["publish", "orders", "--wait"]);
    insta::assert_json_snapshot!("publish_orders_wait.json", redaction::json(&published, &places));
    documentation.assert_describes("publish", &published);
    let exported = print(&stack, &["dlq".into(), "export".into()], &[]);
    let exported: Value = serde_json::from_str(exported.trim()).expect("one line of JSON");
    insta::assert_json_snapshot!("dlq_export.json", redaction::json(&exported, &places));
    documentation.assert_describes("dlq export", &exported);
    let status = print(&stack, &["status".into()], &["--watch", "60", "-o", "json"]);
    let watched: Value =
        serde_json::from_str(status.lines().next().expect("a line")).expect("JSON");
    documentation.assert_describes("status", &watched);
}

/// What a command prints to standard output; a watching one is read up to its first
/// line.
fn print(stack: &Stack, words: &[String], more: &[&str]) -> String {
    let words: Vec<&str> = words.iter().map(String::as_str).chain(more.iter().copied()).collect();
    let mut command = stack.command(&words);
    if let Ok(body) = std::fs::File::open(stack.folder().join("body")) {
        command.stdin(body);
    }
    if more.contains(&"--watch") {
        let mut child = command.stdout(std::process::Stdio::piped()).spawn().expect("it runs");
        let mut line = String::new();
        let output = child.stdout.take().expect("piped");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line).expect("text");
        child.kill().expect("a child");
        child.wait().expect("a child");
        return line;
    }
    let output = command.output().expect("millrace runs");
    String::from_utf8(output.stdout).expect("text")
}

/// `docs/json.md`: by section, the types of each field.
pub(crate) struct Documentation(BTreeMap<String, BTreeMap<String, String>>);

impl Documentation {
    pub(crate) fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/json.md");
        let text = std::fs::read_to_string(path).expect("docs/json.md");
        let mut sections: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        let mut titles: Vec<String> = Vec::new();
        for line in text.lines() {
            if let Some(title) = line.strip_prefix("## ") {
                titles = title.split(", ").map(|title| title.replace('`', "")).collect();
            }
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let [_, fields, types, ..] = cells[..] else { continue };
            for field in fields.split(", ").filter(|field| field.starts_with('`')) {
                for title in &titles {
                    let section = sections.entry(title.clone()).or_default();
                    section.insert(field.replace('`', ""), types.to_owned());
                }
            }
        }
        Self(sections)
    }

    /// Asserts that every field of a value is described with the type that it has.
    pub(crate) fn assert_describes(&self, section: &str, value: &Value) {
        let mut found = Vec::new();
        fields(value, "", &mut found);
        for (path, value) in found {
            let types = self.types(section, &path);
            let types =
                types.unwrap_or_else(|| panic!("`{path}` of `{section}` is not documented"));
            let fits = match value {
                Value::Null => types.contains("null"),
                Value::Bool(_) => types.contains("boolean"),
                Value::Number(_) => types.contains("number"),
                Value::String(_) => types.contains("text") || types.contains("time"),
                Value::Array(_) => types.contains("list"),
                Value::Object(_) => types.contains("object") || types.contains("list"),
            };
            assert!(fits, "`{path}` of `{section}` is documented as {types}, and is {value}");
        }
    }

    /// The types of a field: its own, or those of the section that a field above it
    /// is said to be as.
    fn types(&self, section: &str, path: &str) -> Option<&str> {
        let fields = self.0.get(section)?;
        if let Some(types) = fields.get(path) {
            return Some(types);
        }
        let above = path.match_indices('.').map(|(at, _)| &path[..at]).chain([""]);
        above.filter_map(|above| Some((above, fields.get(above)?))).find_map(|(above, types)| {
            let other = types.split_once("as `")?.1.split('`').next()?;
            self.types(other, path[above.len()..].trim_start_matches('.'))
        })
    }
}

/// The fields of a value by their dotted paths; items of a list go by the list's.
fn fields<'v>(value: &'v Value, path: &str, found: &mut Vec<(String, &'v Value)>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| fields(item, path, found)),
        Value::Object(members) => {
            for (name, value) in members {
                let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                found.push((below.clone(), value));
                if !OPEN.iter().any(|open| below.ends_with(open)) {
                    fields(value, &below, found);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
