//! What follows from a file.

use super::*;

fn full() -> Pipeline {
    Pipeline::parse(include_str!("full.toml")).unwrap()
}

#[test]
fn a_plan_is_shown_to_people() {
    insta::assert_snapshot!(full().plan());
}

#[test]
fn a_plan_is_shown_to_programs() {
    insta::assert_json_snapshot!(full().plan());
}

#[test]
fn notifications_do_not_overlap() {
    let prefixes = |patterns: &[&str]| -> Vec<String> {
        with_patterns(patterns).plan().notifications.into_iter().map(|n| n.prefix).collect()
    };
    assert_eq!(
        prefixes(&["raw/a/*.csv", "raw/a/b/*.csv", "raw/b/*", "raw/ab*"]),
        ["raw/a/", "raw/ab", "raw/b/"]
    );
    assert_eq!(prefixes(&["raw/a*", "raw/a/*", "raw/ab/*", "raw/b"]), ["raw/a", "raw/b"]);
    assert_eq!(prefixes(&["raw/*", "**/x.csv"]), [""]);
}

#[test]
fn queue_names_follow_the_stage() {
    let pipeline = full();
    let stage = millrace_contract::StageName::Transform;
    assert_eq!(pipeline.queue_name(stage), "finance-transform");
    assert_eq!(pipeline.dead_letter_queue_name(stage), "finance-transform-dlq");
}
