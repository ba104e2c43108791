//! The plan as a CloudFormation template, for those who deploy without Terraform:
//! queues, roles, task definitions and services. Buckets, key and network are
//! parameters, since an account has them already or has rules of its own for them;
//! scaling, alarms and the dashboard are in the Terraform modules alone.
//!
//! The roles' policies are those of the Terraform modules, word for word; a test
//! holds both to each other.

mod queues;
mod roles;
mod services;

use serde_json::{Map, Value, json};

use crate::plan::{Plan, PlannedQueue, PlannedService};

/// Name of the topic resource.
const TOPIC: &str = "AlertsTopic";

impl Plan {
    /// The template, in CloudFormation's JSON.
    pub fn cloudformation(&self) -> Value {
        let mut resources = Map::new();
        resources.insert("Cluster".to_owned(), services::cluster(&self.pipeline));
        if self.own_topic().is_some() {
            resources.extend(queues::topic(self));
        }
        let by_stage = |service: &PlannedService| {
            self.queues.iter().find(|queue| queue.stage == service.stage)
        };
        for service in &self.services {
            let Some(queue) = by_stage(service) else { continue };
            let stage = Stage { plan: self, queue, service };
            resources.extend(queues::of(&stage));
            resources.extend(roles::of(&stage));
            resources.extend(services::of(&stage));
        }
        json!({
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": format!("Millrace pipeline {}: queues and worker services", self.pipeline),
            "Parameters": self.parameters(),
            "Resources": resources,
            "Outputs": self.outputs(),
        })
    }

    /// The topic of alerts, unless it is one that is there already.
    fn own_topic(&self) -> Option<&str> {
        let topic = self.alerts.as_ref()?.topic.as_str();
        (!topic.starts_with("arn:")).then_some(topic)
    }

    /// Environment variables that hold database URLs.
    fn variables(&self) -> impl Iterator<Item = &String> {
        self.services.first().into_iter().flat_map(|service| &service.variables)
    }

    fn parameters(&self) -> Value {
        let mut parameters = json!({
            "Image": {
                "Type": "String",
                "Description": "The image, with the pipeline file in it, by digest or by a tag other than latest",
                "AllowedPattern": "^.+(@sha256:[0-9a-f]{64}|:[^:/]+)$",
            },
            "RepositoryArn": {
                "Type": "String",
                "Description": "ARN of the image's ECR repository",
                "AllowedPattern": "^arn:[^:]+:ecr:.+$",
            },
            "KeyArn": {
                "Type": "String",
                "Description": "ARN of the KMS key of buckets, queues and logs; its policy has to let S3 and CloudWatch Logs use it",
                "AllowedPattern": "^arn:[^:]+:kms:.+$",
            },
            "Subnets": {
                "Type": "List<AWS::EC2::Subnet::Id>",
                "Description": "Private subnets with a way to S3, SQS, logs, ECR, KMS, Secrets Manager and the database",
            },
            "SecurityGroups": {
                "Type": "List<AWS::EC2::SecurityGroup::Id>",
                "Description": "Security groups of the workers",
            },
            "Architecture": {
                "Type": "String",
                "Description": "What the image is built for",
                "AllowedValues": ["ARM64", "X86_64"],
                "Default": "ARM64",
            },
            "LogRetentionDays": {
                "Type": "Number",
                "Description": "How long logs are kept",
                "Default": 365,
            },
        });
        for variable in self.variables() {
            parameters[secret_parameter(variable)] = json!({
                "Type": "String",
                "Description": format!("ARN of the Secrets Manager secret that holds {variable}"),
                "AllowedPattern": "^arn:[^:]+:secretsmanager:.+$",
            });
        }
        parameters
    }

    fn outputs(&self) -> Value {
        let queues = self.notifications.iter().filter_map(|notification| {
            self.queues.iter().find(|queue| queue.name == notification.queue)
        });
        let outputs = queues.map(|queue| {
            let name = format!("{}QueueArn", prefix(queue.stage.as_str()));
            let output = json!({
                "Description": "Where the raw bucket's notifications of s3:ObjectCreated:* go",
                "Value": { "Fn::GetAtt": [format!("{}Queue", prefix(queue.stage.as_str())), "Arn"] },
            });
            (name, output)
        });
        Value::Object(outputs.collect())
    }
}

/// A stage of the plan.
struct Stage<'a> {
    plan: &'a Plan,
    queue: &'a PlannedQueue,
    service: &'a PlannedService,
}

impl Stage<'_> {
    /// Name of one of the stage's resources in the template: `IngestQueue`.
    fn id(&self, what: &str) -> String {
        format!("{}{what}", prefix(self.queue.stage.as_str()))
    }

    /// Name of its log group.
    fn log_group(&self) -> String {
        format!("/millrace/{}/{}", self.plan.pipeline, self.queue.stage)
    }
}

/// `Ingest` of `ingest`: names in a template have no other characters than letters
/// and digits.
fn prefix(stage: &str) -> String {
    let words = stage.split(|c: char| !c.is_ascii_alphanumeric());
    words.map(capitalised).collect()
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// The parameter with the secret of a variable: `DatabaseUrlSecret` of `DATABASE_URL`.
fn secret_parameter(variable: &str) -> String {
    format!("{}Secret", prefix(&variable.to_ascii_lowercase()))
}

/// A text with pseudo parameters in it, as in `${AWS::Region}`.
fn sub(text: impl Into<String>) -> Value {
    json!({ "Fn::Sub": text.into() })
}

/// The ARN of something in this account and region.
fn arn(service: &str, name: &str) -> Value {
    sub(format!("arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{name}"))
}

fn reference(name: &str) -> Value {
    json!({ "Ref": name })
}
