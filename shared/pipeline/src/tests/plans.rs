//! What follows from a file.

use super::*;

const DATASET: &str = "[datasets.d]\nmatch = \"*.csv\"\n";

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
fn a_plan_is_a_cloudformation_template() {
    insta::assert_json_snapshot!(full().plan().cloudformation());
}

#[test]
fn a_template_has_a_parameter_for_each_database_and_none_for_secrets_that_workers_read() {
    let template = with_datasets(DATASET).plan().cloudformation();
    assert!(template["Parameters"]["DatabaseUrlSecret"].is_object(), "{template:#}");
    let text = "[warehouse]\nurl = \"secretsmanager:db\"\n";
    let template = with_datasets(&format!("{DATASET}{text}")).plan().cloudformation();
    let parameters = template["Parameters"].as_object().unwrap();
    assert!(!parameters.keys().any(|name| name.ends_with("Secret")), "{parameters:#?}");
    let policies = &template["Resources"]["LoadTaskRole"]["Properties"]["Policies"];
    assert!(policies.to_string().contains("secret:db-??????"), "{policies:#}");
}

#[test]
fn a_stage_reads_the_secrets_of_the_databases_it_opens() {
    let text =
        "[warehouse]\nurl = \"secretsmanager:wh#url\"\n[ledger]\nurl = \"secretsmanager:books\"\n";
    let plan = with_datasets(&format!("{DATASET}{text}")).plan();
    let secrets = plan.services.iter().map(|service| service.access.secrets.clone());
    let secrets: Vec<Vec<String>> = secrets.collect();
    assert_eq!(secrets, [vec!["books"], vec!["books"], vec!["books", "wh"]]);
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
