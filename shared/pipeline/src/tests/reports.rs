//! Reports: what is read, and what is said of those that can't be.

use std::time::Duration;

use millrace_contract::{ChartKind, ReportSource, StageName};

use super::problems::problems;
use super::*;

const DATASETS: &str = "version = 1\nname = \"p\"\n[datasets.users]\nmatch = \"in/*.csv\"\n";

const CHART: &str = "{ title = \"T\", kind = \"bar\", sql = \"select 1\" }";

fn with_report(lines: &str) -> String {
    format!("{DATASETS}[reports.x]\n{lines}\n")
}

/// A report with one chart that has these keys beside its title and SQL.
fn with_chart(keys: &str) -> String {
    with_report(&format!(
        "to = \"r/x\"\ncharts = [{{ title = \"T\", sql = \"select 1\", {keys} }}]"
    ))
}

/// What is said about a pipeline.
fn said(text: &str) -> Vec<String> {
    problems(text).into_iter().map(|problem| problem.message).collect()
}

#[test]
fn a_report_has_defaults_and_the_stage_is_there_with_it() {
    assert_eq!(Pipeline::parse(DATASETS).unwrap().stages(), StageName::JOURNEY);
    let text = with_report(&format!("to = \"r/x/{{date}}\"\ncharts = [{CHART}]"));
    let pipeline = Pipeline::parse(&text).unwrap();
    let report = pipeline.report("x").unwrap();
    assert_eq!((report.title.as_str(), report.source), ("x", ReportSource::Warehouse));
    assert_eq!((report.rows, report.timeout), (1000, Duration::from_secs(60)));
    assert_eq!(report.charts[0].kind, ChartKind::Bar);
    let plan = pipeline.plan();
    let service = &plan.services[3];
    assert_eq!((service.name.as_str(), plan.queues.len()), ("p-report", 4));
    assert_eq!(service.access.writes[0].prefix, "r/x/");
    assert!(service.access.reads.is_empty() && service.access.deletes.is_empty());
    assert!(plan.schedules.is_empty());
}

#[test]
fn a_scheduled_report_over_the_lake_reads_it_and_tells_its_topic() {
    let topic = "arn:aws:sns:eu-west-1:123456789012:people";
    let text = with_report(&format!(
        "to = \"r/x\"\nsource = \"lake\"\nschedule = \"rate(1 day)\"\nlink = \"7d\"\n\
         topic = \"{topic}\"\ncharts = [{CHART}]"
    ));
    let plan = Pipeline::parse(&text).unwrap().plan();
    let access = &plan.services[3].access;
    let reads: Vec<&str> = access.reads.iter().map(|read| read.prefix.as_str()).collect();
    assert_eq!(reads, ["users/", "r/x/"], "what is linked to is read as the worker's role");
    assert_eq!(access.publishes_to, [topic]);
    let schedule = &plan.schedules[0];
    assert_eq!((schedule.name.as_str(), schedule.queue.as_str()), ("x", "p-report"));
    assert!(schedule.input.contains("\"task\":\"report\""), "{}", schedule.input);
}

#[test]
fn what_can_t_be_reported_is_said() {
    let charts = format!("to = \"r/x\"\ncharts = [{CHART}]");
    for (text, expected) in [
        (with_report("to = \"r/x\""), "`charts` is missing in `reports.x`"),
        (with_report("to = \"r/x\"\ncharts = []"), "a page without charts shows nothing"),
        (with_report(&format!("charts = [{CHART}]")), "`to` is missing in `reports.x`"),
        (with_chart("kind = \"pi\""), "`pi` is not one of bar, line, area, pie, table, number"),
        (
            with_chart("kind = \"bar\", format = \"money\""),
            "`money` is no number format: it has no place for digits; write `#,##0.00`, `0.0%` or \
             `currency:AUD`",
        ),
        (
            with_chart("kind = \"pie\", series = \"a\""),
            "a pie has no use for it: its slices are the rows",
        ),
        (
            with_chart("kind = \"table\", x = \"a\""),
            "a table has no use for it: it shows the columns of the query",
        ),
        (with_chart("kind = \"bar\", y = [\"a\", \"a\"]"), "column `a` is there twice"),
        (
            with_chart("kind = \"bar\", y = [\"a\", \"b\"], series = \"c\""),
            "with `series` the values of one column are shown",
        ),
        (
            with_report(
                "to = \"r/x\"\ncharts = [{ title = \"T\", kind = \"bar\", sql = \"delete from t\" }]",
            ),
            "a chart's SQL is a query, and begins with one of SELECT, WITH, VALUES, not with `delete`",
        ),
        (with_report(&format!("{charts}\nlink = \"1h\"")), "nobody would be told of the link"),
        (with_report(&format!("{charts}\nrows = 0")), "`rows` has to be 1 to 10000, not 0"),
        (
            with_report(&format!("{charts}\nsource = \"lak\"")),
            "`lak` is not one of warehouse, lake",
        ),
        (
            with_report(&format!(
                "to = \"r/{{user}}\"\nschedule = \"rate(1 day)\"\ncharts = [{CHART}]"
            )),
            "parameter `user` has no value when the schedule fires",
        ),
        (
            with_report(&format!("{charts}\n[reports.y]\n{charts}")),
            "the page of report `x` is there already",
        ),
        (
            with_report(&format!("{charts}\n[exports.x]\ntable = \"t\"\nto = \"e/t\"")),
            "export `x` has that name, and schedules are known by it",
        ),
        (with_report(&format!("{charts}\ntilte = \"t\"")), "unknown key `tilte` in `reports.x`"),
    ] {
        assert_eq!(said(&text), [expected], "{text}");
    }
}
