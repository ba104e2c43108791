//! `millrace demo --example NAME`: the examples as people play them.

use std::path::Path;
use std::process::Command;

use crate::stack::millrace;

/// What a demo prints, once it has ended well.
fn play(folder: &Path, example: &str) -> String {
    let output = Command::new(millrace())
        .args(["demo", "--example", example, "--data", "demo"])
        .current_dir(folder)
        .output()
        .expect("the demo");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// The cells of the rows below a title, without the header.
fn rows<'t>(text: &'t str, title: &str) -> Vec<Vec<&'t str>> {
    let lines = text.lines().skip_while(|line| *line != title).skip(2);
    lines
        .take_while(|line| !line.is_empty())
        .map(|line| line.split_whitespace().collect())
        .collect()
}

#[test]
fn the_lake_has_a_row_per_day_and_user_and_a_second_night_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = play(folder.path(), "lake");
    let spent = rows(&text, "What each user spent on each day");
    let spent: Vec<_> = spent.iter().map(|row| (row[1], row[2])).collect();
    assert_eq!(
        spent,
        [
            ("1", "55.99"),
            ("1", "4.99"),
            ("2", "4.99"),
            ("1", "5.99"),
            ("1", "15.99"),
            ("1", "10.99"),
            ("2", "4.99"),
        ]
    );
    let runs = rows(&text, "Runs of the derived dataset, newest first");
    assert!(runs.len() >= 2, "{text}");
    // The columns are run, state, rows, days, written.
    assert_eq!(runs[0][1..], ["done", "7", "5", "0"]);
    assert_eq!(runs[runs.len() - 1][1], "done");
    let tables = rows(&text, "Tables of Athena, registered in the embedded Glue");
    // The columns are table, partitions, objects, rows.
    assert_eq!(
        tables,
        [
            ["lake.transactions", "0", "1", "7"],
            ["lake.user_transactions", "5", "5", "7"],
            ["lake.users", "0", "1", "2"],
        ]
    );
    let page = folder.path().join("demo/reports/sales/index.html");
    let page = std::fs::read_to_string(page).expect("the report");
    assert_eq!(page.matches("<svg").count(), 2, "a picture each of days and users");
    assert!(page.contains("$15.98") && !page.contains("<script"), "{page}");
}

#[test]
fn every_message_of_a_game_is_in_the_tables() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = play(folder.path(), "superhero");
    let loaded = rows(&text, "Rows loaded");
    let count = |table: &str| -> u64 {
        let row = loaded.iter().find(|row| row[0] == table);
        row.unwrap_or_else(|| panic!("{table}: {text}"))[1].replace(',', "").parse().expect("rows")
    };
    assert_eq!((count("buffer_meta"), count("log_meta")), (3000, 3000));
    let said = rows(&text, "messages by what they say");
    let messages = |what: &str| -> u64 {
        let row = said.iter().find(|row| row.join(" ").contains(what));
        row.and_then(|row| row.last()).expect(what).parse().expect("a number")
    };
    assert_eq!(count("lib_server_game"), messages("Attack Completed"));
    assert!(count("lib_server_lobby") > messages("Starting Match"), "several heroes a match");
    assert!(text.contains("(0 messages in the dead-letter queues)"), "{text}");
}
