//! The roles of a stage: the task role is its workers', the execution role is ECS's,
//! to pull the image, read secrets and open the log.

use std::collections::BTreeSet;

use millrace_contract::StageName;
use serde_json::{Map, Value, json};

use super::{Stage, arn, reference, secret_parameter, sub};
use crate::access::{PlannedPrefix, PlannedTables};

/// Prefixes beyond which their buckets stand for them: a role's inline policies hold
/// 10,240 characters.
const MOST_PREFIXES: usize = 80;

/// What keeping tables and partitions takes.
const CATALOG: [&str; 9] = [
    "glue:GetDatabase",
    "glue:CreateDatabase",
    "glue:GetTable",
    "glue:CreateTable",
    "glue:UpdateTable",
    "glue:DeleteTable",
    "glue:BatchCreatePartition",
    "glue:BatchUpdatePartition",
    "glue:BatchDeletePartition",
];

/// The roles of a stage.
pub(super) fn of(stage: &Stage<'_>) -> Map<String, Value> {
    let task = role("worker", &task_policy(stage));
    let execution = role("start", &execution_policy(stage));
    [(stage.id("TaskRole"), task), (stage.id("ExecutionRole"), execution)].into_iter().collect()
}

fn role(policy: &str, document: &Value) -> Value {
    json!({
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{
                    "Effect": "Allow",
                    "Principal": { "Service": "ecs-tasks.amazonaws.com" },
                    "Action": ["sts:AssumeRole"],
                    "Condition": {
                        "StringEquals": { "aws:SourceAccount": reference("AWS::AccountId") },
                        "ArnLike": { "aws:SourceArn": arn("ecs", "*") },
                    },
                }],
            },
            "Policies": [{ "PolicyName": policy, "PolicyDocument": document }],
        },
    })
}

/// What each action is for is told where Terraform's module `stage` has it.
fn task_policy(stage: &Stage<'_>) -> Value {
    let (queue, access) = (stage.queue, &stage.service.access);
    let dead_letters = || arn("sqs", &queue.dead_letter_queue);
    let sends_to: Vec<Value> = access.sends_to.iter().map(|name| arn("sqs", name)).collect();
    let by_name = |service: &str, prefix: &str, name: &String| match name.starts_with("arn:") {
        true => json!(name),
        false => arn(service, &format!("{prefix}{name}")),
    };
    let topics: Vec<Value> =
        access.publishes_to.iter().map(|name| by_name("sns", "", name)).collect();
    let buses: Vec<Value> =
        access.puts_events_to.iter().map(|name| by_name("events", "event-bus/", name)).collect();
    let tables = access.tables.as_ref().map_or(0, |tables| tables.names.len());
    let by_prefix = access.reads.len() + access.writes.len() + tables <= MOST_PREFIXES;
    let tables = access.tables.as_ref().map(|tables| catalog(tables, by_prefix));
    let reads = objects(&access.reads, by_prefix);
    let writes = objects(&access.writes, by_prefix);
    let secrets: Vec<Value> = access.secrets.iter().map(|id| secret(id)).collect();

    let receive = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"];
    let with = |first: &'static str| [&[first][..], &receive].concat();
    let mut statements = vec![
        allow("Drain", &with("sqs:GetQueueUrl"), vec![arn("sqs", &queue.name)]),
        allow("DeadLetters", &with("sqs:GetQueueAttributes"), vec![dead_letters()]),
        allow(
            "Send",
            &["sqs:GetQueueUrl", "sqs:SendMessage"],
            sends_to.into_iter().chain([dead_letters()]).collect(),
        ),
        allow(
            "ProtectTask",
            &["ecs:UpdateTaskProtection", "ecs:GetTaskProtection"],
            vec![arn("ecs", &format!("task/{}/*", stage.plan.pipeline))],
        ),
        key(&[
            ("sqs", true),
            ("s3", !(reads.is_empty() && writes.is_empty())),
            ("sns", !topics.is_empty()),
        ]),
    ];
    // What is published is read by the version that was announced, by the stage that
    // hears of it.
    let raw = |read: &&PlannedPrefix| {
        stage.queue.stage == StageName::Transform
            && stage.plan.buckets.first().is_some_and(|raw| raw.name == read.bucket)
    };
    let published: Vec<PlannedPrefix> = access.reads.iter().filter(raw).cloned().collect();
    let write = ["s3:PutObject", "s3:AbortMultipartUpload"];
    let optional = [
        ("Read", &["s3:GetObject"][..], reads),
        ("TellMissing", &["s3:ListBucket"], buckets(&access.reads)),
        ("ReadVersion", &["s3:GetObjectVersion"], objects(&published, by_prefix)),
        ("Write", &write, writes),
        // Only prefixes: a bucket as a whole is never a worker's to empty.
        ("Remove", &["s3:DeleteObject"], objects(&access.deletes, true)),
        ("Alert", &["sns:Publish"], topics),
        ("Events", &["events:PutEvents"], buses),
        ("Catalog", &CATALOG, tables.unwrap_or_default()),
        ("Secrets", &["secretsmanager:GetSecretValue"], secrets),
    ];
    for (id, actions, resources) in optional {
        if !resources.is_empty() {
            statements.push(allow(id, actions, resources));
        }
    }
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// The catalog, the database, and its tables, by name or all of them: an operation on
/// a table needs its permission on all three ("Specifying AWS Glue resource ARNs", AWS
/// Glue Developer Guide).
fn catalog(tables: &PlannedTables, by_name: bool) -> Vec<Value> {
    let PlannedTables { database, names } = tables;
    let names: Vec<&str> = match by_name {
        true => names.iter().map(String::as_str).collect(),
        false => vec!["*"],
    };
    let tables = names.into_iter().map(|name| format!("table/{database}/{name}"));
    let all = ["catalog".to_owned(), format!("database/{database}")].into_iter().chain(tables);
    all.map(|resource| arn("glue", &resource)).collect()
}

fn allow(id: &str, actions: &[&str], resources: Vec<Value>) -> Value {
    json!({ "Sid": id, "Effect": "Allow", "Action": actions, "Resource": resources })
}

/// The key, through services that are used alone.
fn key(services: &[(&str, bool)]) -> Value {
    let used = services.iter().filter(|(_, used)| *used);
    let via: Vec<Value> =
        used.map(|(service, _)| sub(format!("{service}.${{AWS::Region}}.amazonaws.com"))).collect();
    let mut statement =
        allow("Key", &["kms:Decrypt", "kms:GenerateDataKey"], vec![reference("KeyArn")]);
    statement["Condition"] = json!({ "StringEquals": { "kms:ViaService": via } });
    statement
}

/// Objects by prefix, or all of their buckets', each once and in order.
fn objects(prefixes: &[PlannedPrefix], by_prefix: bool) -> Vec<Value> {
    let name = |one: &PlannedPrefix| match by_prefix {
        true => format!("{}/{}*", one.bucket, one.prefix),
        false => format!("{}/*", one.bucket),
    };
    once(prefixes.iter().map(name))
}

fn buckets(prefixes: &[PlannedPrefix]) -> Vec<Value> {
    once(prefixes.iter().map(|one| one.bucket.clone()))
}

fn once(names: impl Iterator<Item = String>) -> Vec<Value> {
    let mut seen = BTreeSet::new();
    let names = names.filter(|name| seen.insert(name.clone()));
    names.map(|name| sub(format!("arn:${{AWS::Partition}}:s3:::{name}"))).collect()
}

/// A secret by its ARN, which ends in six characters that a name does not have.
fn secret(id: &str) -> Value {
    let is_suffix = |suffix: &str| {
        suffix.len() == 6 && suffix.chars().all(|letter| letter.is_ascii_alphanumeric())
    };
    match (id.starts_with("arn:"), id.rsplit_once('-')) {
        (true, Some((_, suffix))) if is_suffix(suffix) => json!(id),
        (true, _) => json!(format!("{id}-??????")),
        (false, _) => arn("secretsmanager", &format!("secret:{id}-??????")),
    }
}

fn execution_policy(stage: &Stage<'_>) -> Value {
    let mut statements = vec![
        allow(
            "Log",
            &["logs:CreateLogStream", "logs:PutLogEvents"],
            vec![arn("logs", &format!("log-group:{}:*", stage.log_group()))],
        ),
        allow(
            "Pull",
            &["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"],
            vec![reference("RepositoryArn")],
        ),
        // ECR knows no resource for it.
        allow("Token", &["ecr:GetAuthorizationToken"], vec![json!("*")]),
    ];
    let secrets: Vec<Value> = stage
        .service
        .variables
        .iter()
        .map(|variable| reference(&secret_parameter(variable)))
        .collect();
    if !secrets.is_empty() {
        statements.push(allow("Secrets", &["secretsmanager:GetSecretValue"], secrets));
        let mut key = allow("SecretsKey", &["kms:Decrypt"], vec![reference("KeyArn")]);
        let via = sub("secretsmanager.${AWS::Region}.amazonaws.com");
        key["Condition"] = json!({ "StringEquals": { "kms:ViaService": via } });
        statements.push(key);
    }
    json!({ "Version": "2012-10-17", "Statement": statements })
}
