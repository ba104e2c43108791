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
fn the_whole_raw_bucket_is_announced() {
    let notifications = full().plan().notifications;
    assert_eq!(notifications.len(), 1);
    assert_eq!(notifications[0].prefix, "");
}

#[test]
fn queue_names_follow_the_stage() {
    let pipeline = full();
    let stage = millrace_contract::StageName::Transform;
    assert_eq!(pipeline.queue_name(stage), "finance-transform");
    assert_eq!(pipeline.dead_letter_queue_name(stage), "finance-transform-dlq");
}
