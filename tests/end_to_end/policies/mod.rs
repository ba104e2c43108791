//! The policies of the workers' roles, held to what workers do: every call that a
//! worker makes while a pipeline goes through whatever happens to one is allowed by
//! its role's policy, and what a policy allows beyond has a written reason.
//!
//! The policies are those of `deploy/policies`, which Terraform's tests hold to its
//! modules.

mod beside;
mod iam;
mod recorded;
mod scenario;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use self::iam::{Part, Policy};
use self::recorded::Recorded;
use crate::stack::Stack;

const PIPELINE: &str = include_str!("../../../deploy/policies/millrace.toml");

const STAGES: [&str; 9] =
    ["ingest", "transform", "load", "export", "derive", "report", "maintain", "collect", "catalog"];

/// What goes wrong: in each stage one message takes long enough for the worker to
/// have its task protected.
const SLOW: &str = r#"
[[fault]]
service = "sqs"
operation = "SendMessage*"
resource = "shop-transform"
do = "delay"
delay = "3s"
count = 1

[[fault]]
service = "s3"
operation = "GetObject"
resource = "shop-raw/orders/*"
do = "delay"
delay = "3s"
count = 1

[[fault]]
service = "s3"
operation = "GetObject"
resource = "shop-lake/orders/*"
do = "delay"
delay = "4s"
count = 1

[[fault]]
service = "s3"
operation = "PutObject"
resource = ["shop-lake/exports/*"]
do = "delay"
delay = "4s"
count = 1

[[fault]]
service = "s3"
operation = "PutObject"
resource = ["shop-lake/sold/*"]
do = "delay"
delay = "4s"
count = 1

[[fault]]
service = "s3"
operation = "PutObject"
resource = ["shop-lake/reports/*"]
do = "delay"
delay = "4s"
count = 1

[[fault]]
service = "s3"
operation = "ListObjectsV2"
resource = ["shop-raw"]
do = "delay"
delay = "4s"
count = 1

[[fault]]
service = "s3"
operation = "PutObject"
resource = ["shop-lake/_collect/*"]
do = "delay"
delay = "4s"
count = 2 # messages that take longer to send than a batch waits for them are two

[[fault]]
service = "s3"
operation = "PutObject"
resource = ["shop-lake/_symlinks/*"]
do = "delay"
delay = "4s"
count = 1
"#;

fn committed(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/policies").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

#[tokio::test]
async fn workers_do_what_their_policies_allow_and_policies_allow_no_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let trail = folder.path().join("calls.ndjson");
    let database = |name: &str| format!("sqlite://{}", folder.path().join(name).display());
    let fired = folder.path().display().to_string();
    let environment = [
        // A batch that its worker left behind is read by another.
        ("MILLRACE_FAILPOINTS", "collect.after_commit=kill"),
        ("MILLRACE_FAILPOINTS_DIR", &fired),
        ("MILLRACE_TRAIL", trail.to_str().expect("a path")),
        // As the modules set it: a worker that is not told may not ask.
        ("MILLRACE_ALERTS_TOPIC", "arn:aws:sns:us-east-1:000000000000:shop-alerts"),
    ];
    let mut stack = Stack::start_with_all(PIPELINE, SLOW, &environment);
    scenario::run(&stack, &database("shop.db"), &database("stock.db")).await;
    stack.down();

    let calls = recorded::read(&trail);
    for action in ["sns:Publish", "events:PutEvents"] {
        let mut made = calls.iter().filter(|call| call.action == action);
        assert!(made.any(|call| call.principal.starts_with("shop-")), "no worker made {action}");
    }
    let judged = STAGES.map(|stage| Judged::of(stage, &calls));
    let told: Vec<&String> = judged.iter().flat_map(Judged::problems).collect();
    assert!(told.is_empty(), "{told:#?}\n{}", kept(&trail).display());
}

/// What `millrace plan` prints of the pipeline.
fn planned(options: &[&str]) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("millrace.toml");
    std::fs::write(&file, PIPELINE).expect("written");
    let mut plan = std::process::Command::new(crate::stack::millrace());
    let output = plan.arg("plan").args(options).arg("--pipeline").arg(&file).output();
    serde_json::from_slice(&output.expect("run").stdout).expect("JSON")
}

#[test]
fn the_plan_that_policies_are_made_of_is_that_of_the_pipeline() {
    let plan = planned(&["-o", "json"]);
    assert_eq!(plan, committed("plan.json"), "run deploy/policies/render");
}

#[test]
fn a_template_gives_workers_the_same_policies() {
    let template = planned(&["--format", "cloudformation"]);
    for stage in STAGES {
        let name = format!("{}{}TaskRole", stage[..1].to_uppercase(), &stage[1..]);
        let role = &template["Resources"][name]["Properties"];
        let policy = resolved(&role["Policies"][0]["PolicyDocument"]);
        assert_eq!(policy, committed(&format!("{stage}.json")), "{stage}");
    }
}

/// A part of a template with the values of what it refers to.
fn resolved(part: &Value) -> Value {
    let text = |text: &str| {
        let text = text.replace("${AWS::Partition}", "aws").replace("${AWS::Region}", "us-east-1");
        Value::from(text.replace("${AWS::AccountId}", "000000000000"))
    };
    if let Some(named) = part["Fn::Sub"].as_str() {
        return text(named);
    }
    match part {
        Value::Object(map) if map.get("Ref") == Some(&"KeyArn".into()) => recorded::KEY.into(),
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.clone(), resolved(value))).collect()
        }
        Value::Array(list) => list.iter().map(resolved).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => part.clone(),
    }
}

/// A stage's policy against its calls.
#[derive(Debug, Default)]
struct Judged {
    /// Calls that it does not allow.
    denied: Vec<String>,
    /// What it allows, no call used and no reason is given for.
    unexplained: Vec<String>,
    /// Reasons for what it does not allow.
    pointless: Vec<String>,
}

impl Judged {
    fn of(stage: &str, calls: &BTreeSet<Recorded>) -> Self {
        let policy = Policy::read(&committed(&format!("{stage}.json")));
        let parts: BTreeSet<Part> = policy.parts().into_iter().collect();
        let principal = format!("shop-{stage}");
        let calls = calls.iter().filter(|call| call.principal == principal);
        let (mut used, mut denied) = (BTreeSet::new(), Vec::new());
        for call in calls {
            for request in call.requests() {
                let allowing = policy.allowing(&request);
                if allowing.is_empty() {
                    denied
                        .push(format!("{stage} may not {request:?}, which follows from {call:?}"));
                }
                used.extend(allowing);
            }
        }
        assert!(!used.is_empty(), "{stage} made no call");
        let reasons = reasons(stage);
        let told = |(what, part): (&str, &Part)| {
            format!("{stage}: {what}: {} in {}", part.grant, part.statement)
        };
        let unused = parts.difference(&used).filter(|part| !reasons.contains(part));
        let pointless = reasons.iter().filter(|part| !parts.contains(part));
        Self {
            denied,
            unexplained: unused.map(|part| told(("allowed for no reason", part))).collect(),
            pointless: pointless.map(|part| told(("a reason for nothing", part))).collect(),
        }
    }

    fn problems(&self) -> impl Iterator<Item = &String> {
        self.denied.iter().chain(&self.unexplained).chain(&self.pointless)
    }
}

/// Parts of a stage's policy that there is a written reason for.
fn reasons(stage: &str) -> BTreeSet<Part> {
    let list = committed("unmade.json");
    let list = list.as_array().expect("a list").iter();
    let of_stage = list.filter(|reason| {
        assert!(reason["why"].as_str().is_some_and(|why| why.len() > 20), "{reason}");
        texts(&reason["stages"]).any(|named| named == stage)
    });
    let parts = of_stage.flat_map(|reason| {
        let statement = reason["statement"].as_str().expect("a statement");
        texts(&reason["grants"])
            .map(|grant| Part { statement: statement.to_owned(), grant: grant.to_owned() })
    });
    parts.collect()
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().expect("a list").iter().map(|text| text.as_str().expect("a text"))
}

/// The trail where it outlives the test that failed.
fn kept(trail: &Path) -> PathBuf {
    let kept = std::env::temp_dir().join("millrace-policies-calls.ndjson");
    std::fs::copy(trail, &kept).expect("copied");
    kept
}
