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

#[test]
fn datasets_that_share_files_grant_their_prefix_once() {
    let pipeline = with_datasets(
        "[datasets.a]\nmatch = \"in/{y}/*.csv\"\nformat = \"csv\"\nshared = true\n\
         [datasets.b]\nmatch = \"in/{y}/*.csv\"\nformat = \"csv\"\nshared = true\n",
    );
    let plan = pipeline.plan();
    let transform = &plan.services[1].access;
    let raw = &plan.buckets[0].name;
    assert_eq!(transform.reads.iter().filter(|read| read.bucket == *raw).count(), 1);
    assert_eq!(transform.writes.len(), 4);
}

#[test]
fn ingest_touches_no_object_but_the_marker_of_outages() {
    let access = &full().plan().services[0].access;
    let marker = |touched: &[crate::PlannedPrefix]| matches!(touched, [only] if only.prefix == "_millrace/finance/");
    assert!(marker(&access.reads) && marker(&access.writes), "{access:?}");
    assert_eq!(access.sends_to, ["finance-transform"]);
}
