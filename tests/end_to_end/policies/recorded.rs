//! The recorded calls, and what AWS asks for beside each where everything is
//! encrypted with a key: the embedded endpoint encrypts nothing.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::iam::Request;

/// The pipeline's key in the committed policies.
pub(super) const KEY: &str =
    "arn:aws:kms:us-east-1:000000000000:key/11111111-1111-1111-1111-111111111111";

/// A call of the trail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Recorded {
    /// The access key that it was signed with.
    pub(super) principal: String,
    /// As in `s3:GetObject`.
    pub(super) action: String,
    resource: String,
    status: u64,
}

/// Every call of a trail, each once. A secret that is not there yet has no ARN that
/// could be judged.
pub(super) fn read(trail: &Path) -> BTreeSet<Recorded> {
    let text = std::fs::read_to_string(trail).expect("a trail");
    let calls = text.lines().map(recorded);
    calls
        .filter(|call| !(call.action.starts_with("secretsmanager:") && call.status == 400))
        .collect()
}

fn recorded(line: &str) -> Recorded {
    let line: Value = serde_json::from_str(line).expect("JSON");
    let text = |name: &str| line[name].as_str().expect(name).to_owned();
    Recorded {
        principal: text("principal"),
        action: text("action"),
        resource: text("resource"),
        status: line["status"].as_u64().expect("a status"),
    }
}

impl Recorded {
    /// The request itself, and those that follow from it.
    pub(super) fn requests(&self) -> Vec<Request> {
        let mut requests = vec![request(&self.action, &self.resource)];
        for (action, service) in self.of_key() {
            let mut of_key = request(&format!("kms:{action}"), KEY);
            let via = format!("{service}.us-east-1.amazonaws.com");
            of_key.context.insert("kms:ViaService".to_owned(), via);
            requests.push(of_key);
        }
        requests.extend(self.to_tell_missing());
        requests
    }

    /// What KMS is asked for in the caller's name.
    ///
    /// Source: "Configuring AWS KMS permissions", SQS Developer Guide; "Using
    /// server-side encryption with AWS KMS keys", S3 User Guide, where the parts of
    /// an upload, which the trail does not tell from whole objects, need `Decrypt`
    /// too; "Managing encryption keys", SNS Developer Guide.
    fn of_key(&self) -> &'static [(&'static str, &'static str)] {
        match self.action.as_str() {
            "sqs:SendMessage" => &[("GenerateDataKey", "sqs"), ("Decrypt", "sqs")],
            "sqs:ReceiveMessage" => &[("Decrypt", "sqs")],
            "s3:GetObject" | "s3:GetObjectVersion" => &[("Decrypt", "s3")],
            "s3:PutObject" => &[("GenerateDataKey", "s3"), ("Decrypt", "s3")],
            "sns:Publish" => &[("GenerateDataKey", "sns"), ("Decrypt", "sns")],
            _ => &[],
        }
    }

    /// An object that is not there is a 404 for those alone who may list its
    /// bucket, and a 403 for others ("GetObject", S3 API Reference).
    fn to_tell_missing(&self) -> Option<Request> {
        let (bucket, _key) = self.resource.split_once('/')?;
        let read = self.action.starts_with("s3:GetObject") && self.status == 404;
        read.then(|| request("s3:ListBucket", bucket))
    }
}

fn request(action: &str, resource: &str) -> Request {
    let (action, resource) = (action.to_owned(), resource.to_owned());
    Request { action, resource, context: Default::default() }
}
