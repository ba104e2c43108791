//! Derived datasets: what is read, and what is said of those that can't be.

use std::time::Duration;

use millrace_contract::{LoadMode, Refresh, StageName};

use super::problems::problems;
use super::*;

const DATASETS: &str = "version = 1\nname = \"p\"\n[datasets.users]\nmatch = \"u/{date}/*.csv\"\n\
                        [datasets.sales]\nmatch = \"s/*.csv\"\nload = { table = \"sales\" }\n";

fn with_derived(lines: &str) -> String {
    format!("{DATASETS}[derived.x]\n{lines}\n")
}

/// What is said about a derived dataset with these lines.
fn said(lines: &str) -> Vec<String> {
    problems(&with_derived(lines)).into_iter().map(|problem| problem.message).collect()
}

#[test]
fn a_derived_dataset_has_defaults_and_the_inputs_of_its_sql() {
    let lines = "sql = \"select * from Sales s join users u on s.id = u.id\"\n\
                 load = { table = \"t\" }";
    let pipeline = Pipeline::parse(&with_derived(lines)).unwrap();
    let derived = pipeline.derived("x").unwrap();
    assert_eq!(derived.inputs, ["sales", "users"]);
    assert!(derived.on_change && derived.schedule.is_none() && derived.after.is_none());
    assert_eq!((derived.debounce, derived.refresh), (Duration::from_secs(10), Refresh::Full));
    let dataset = pipeline.dataset("x").unwrap();
    assert!(dataset.is_derived());
    assert_eq!(dataset.load.as_ref().unwrap().mode, LoadMode::ReplaceFile);
    assert_eq!(pipeline.datasets.last(), Some(dataset));
    assert!(pipeline.route("p-raw", "derive://x").is_none());
    assert!(pipeline.key_for("x", "a.csv", &Default::default()).is_err());
}

#[test]
fn the_stage_is_there_where_something_is_derived_and_may_touch_what_it_needs() {
    let without = Pipeline::parse(DATASETS).unwrap();
    assert_eq!(without.stages(), StageName::JOURNEY);
    let plan = without.plan();
    assert!(
        plan.services
            .iter()
            .all(|service| { !service.access.sends_to.iter().any(|queue| queue == "p-derive") })
    );
    let pipeline = Pipeline::parse(&with_derived("sql = \"select 1 as a from users\"")).unwrap();
    let plan = pipeline.plan();
    let access = |stage| {
        let service = plan.services.iter().find(|service| service.stage == stage);
        service.unwrap().access.clone()
    };
    assert_eq!(access(StageName::Derive).sends_to, ["p-load", "p-derive"]);
    assert_eq!(access(StageName::Derive).writes[0].prefix, "x/");
    assert_eq!(access(StageName::Load).sends_to, ["p-derive"]);
    assert_eq!(access(StageName::Transform).sends_to, ["p-load", "p-derive"]);
    assert!(!access(StageName::Transform).writes.iter().any(|at| at.prefix == "_rejects/x/"));
    let told: Vec<_> = pipeline.dependents().of("users").map(|one| one.name.clone()).collect();
    assert_eq!(told, ["x"]);
    assert_eq!(pipeline.dependents().of("sales").count(), 0);
}

#[test]
fn what_is_scheduled_is_not_made_by_changes_unless_it_says_so() {
    let sql = "sql = \"select 1 as a from users\"\nschedule = \"cron(0 2 * * ? *)\"";
    let pipeline = Pipeline::parse(&with_derived(sql)).unwrap();
    assert_eq!(pipeline.dependents().of("users").count(), 0);
    let schedule = &pipeline.plan().schedules[0];
    assert_eq!((schedule.name.as_str(), schedule.queue.as_str()), ("x", "p-derive"));
    assert!(schedule.input.contains("<aws.scheduler.scheduled-time>"), "{}", schedule.input);
    let both = format!("{sql}\non_change = true\ntimezone = \"Europe/Berlin\"");
    let pipeline = Pipeline::parse(&with_derived(&both)).unwrap();
    assert_eq!(pipeline.dependents().of("users").count(), 1);
    assert_eq!(pipeline.plan().schedules[0].timezone, "Europe/Berlin");
}

#[test]
fn each_is_planned_behind_what_it_is_made_of_and_drawn() {
    let lines = "sql = \"select * from y\"\n[derived.y]\nsql = \"select * from users, sales\"\n\
                 load = { table = \"t\" }";
    let pipeline = Pipeline::parse(&with_derived(lines)).unwrap();
    let names: Vec<_> = pipeline.derived.iter().map(|derived| &derived.name).collect();
    assert_eq!(names, ["y", "x"]);
    let tree = "users\n└─ y (derived)\n   ├─ x (derived)\n   └─ table t\n\
                sales\n├─ y (derived) …\n└─ table sales\n";
    assert_eq!(pipeline.graph().tree(), tree);
    let mermaid = pipeline.graph().mermaid();
    assert!(mermaid.starts_with("flowchart LR\n  n0[\"users\"]\n"), "{mermaid}");
    assert!(mermaid.contains("  n2([\"y\"])\n"), "{mermaid}");
    assert!(mermaid.contains("  n0 --> n2\n"), "{mermaid}");
}

#[test]
fn what_can_t_be_derived_is_said() {
    let sql = "sql = \"select * from users\"";
    for (lines, expected) in [
        ("refresh = \"full\"", "`sql` is missing in `derived.x`"),
        (&format!("{sql}\nrefresh = \"partition\""), "there are no partitions"),
        (&format!("{sql}\nrefresh = \"some\""), "`some` is not one of full, partition"),
        (&format!("{sql}\nfrom = [\"usrs\"]"), "there is no dataset `usrs`"),
        (&format!("{sql}\ndebounce = \"1h\""), "`debounce` has to be 0s to 15m, not `1h`"),
        (&format!("{sql}\non_change = false"), "nothing would ever make it"),
        (&format!("{sql}\ntimezone = \"UTC\""), "there is no `schedule` that has a time zone"),
        (&format!("{sql}\nafter = {{ per = \"day\" }}"), "the paths of `users` do not say `day`"),
        (
            &format!("{sql}\nafter = {{ all = [\"sales\"], per = \"date\" }}"),
            "the SQL does not read `sales`",
        ),
        (
            &format!("{sql}\nload = {{ table = \"t\", mode = \"append\" }}"),
            "derived rows would be added again with every run",
        ),
        (
            &format!("{sql}\nload = {{ table = \"sales\" }}"),
            "dataset `sales` is loaded into `sales`",
        ),
        (
            &format!(
                "{sql}\nrefresh = \"partition\"\npartition_by = [\"a\"]\n\
                 load = {{ table = \"t\", mode = \"replace_table\" }}"
            ),
            "mode `replace_table` would leave nothing there but one partition",
        ),
        ("sql = \"select * from usrs\"", "the query reads no dataset"),
        ("sql = \"select * from x\"", "`x` is made of itself: x → x"),
        (
            "sql = \"select * from b\"\n[derived.b]\nsql = \"select * from users, x\"",
            "`x` is made of itself: x → b → x",
        ),
        (&format!("{sql}\n[derived.users]\n{sql}"), "there is a dataset `users` already"),
        (&format!("{sql}\nshedule = \"rate(1 day)\""), "unknown key `shedule` in `derived.x`"),
    ] {
        let found = said(lines);
        assert!(found.iter().any(|message| message == expected), "{lines}: {found:?}");
    }
}
