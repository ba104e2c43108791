//! The trail: who asked for what, as IAM names it. From it follows which
//! permissions a program needs, which is how the policies of roles are held to
//! what their workers do.
//!
//! One line of JSON for each permission that a request needs, written when it
//! was answered:
//!
//! ```json
//! {"at":1767225600000,"principal":"finance-load","action":"s3:GetObject","resource":"arn:aws:s3:::finance-lake/a","status":200}
//! ```
//!
//! `principal` is the access key that the request is signed with; tasks of ECS
//! have the family of their task definition as theirs. What one service does
//! with another in the caller's name, as S3 does with KMS, is not in it.

mod ecs;
mod events;
mod glue;
mod named;
mod s3;
mod scheduler;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use hyper::http::request::Parts;
use serde::Serialize;

use crate::call::Call;
use crate::clock::{Clock, Millis};
use crate::route::{Route, key_id};

pub(crate) use self::named::Named;

/// Whom a request belongs to that is not signed.
const NOBODY: &str = "anonymous";

/// Where calls are written down, if they are.
#[derive(Debug)]
pub(crate) struct Trail {
    file: Option<Mutex<File>>,
    clock: Clock,
}

/// What IAM asks for before a request is let through.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Permission {
    /// As in `s3:GetObject`.
    pub(crate) action: String,
    /// An ARN; `*` where the action knows no resource.
    pub(crate) resource: String,
}

/// A request and the permissions it needs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    principal: String,
    permissions: Vec<Permission>,
}

/// A line of the file.
#[derive(Serialize)]
struct Line<'a> {
    /// Milliseconds since the epoch, by the endpoint's clock.
    at: Millis,
    principal: &'a str,
    action: &'a str,
    resource: &'a str,
    /// Of the answer; 0 if there was none, on purpose.
    status: u16,
}

impl Trail {
    /// A trail that adds to this file, or none.
    ///
    /// # Errors
    /// If the file can't be written.
    pub(crate) fn open(path: Option<&Path>, clock: Clock) -> io::Result<Self> {
        let open = |path| OpenOptions::new().create(true).append(true).open(path).map(Mutex::new);
        Ok(Self { file: path.map(open).transpose()?, clock })
    }

    /// What a request needs; nothing if no trail is kept, or for what is not of AWS.
    pub(crate) fn asked(
        &self,
        route: &Route,
        head: &Parts,
        body: &[u8],
        named: &Named<'_>,
    ) -> Option<Asked> {
        self.file.as_ref()?;
        if *route == Route::EcsAgent {
            return ecs::of_agent(head, named);
        }
        let call = Call::of(route, head, body)?;
        let permissions = permissions(&call, head, body, named);
        Some(Asked { principal: key_id(head).unwrap_or_else(|| NOBODY.to_owned()), permissions })
    }

    /// Writes down what was asked and how it was answered.
    pub(crate) fn answered(&self, asked: Option<Asked>, status: u16) {
        let (Some(file), Some(asked)) = (&self.file, asked) else { return };
        let at = self.clock.now();
        let mut lines = Vec::new();
        for Permission { action, resource } in &asked.permissions {
            let line = Line { at, principal: &asked.principal, action, resource, status };
            // Writing to memory does not fail.
            let _ = serde_json::to_writer(&mut lines, &line);
            lines.push(b'\n');
        }
        let written = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&lines);
        if let Err(error) = written {
            tracing::warn!(%error, "a call is missing in the trail");
        }
    }
}

fn permissions(call: &Call, head: &Parts, body: &[u8], named: &Named<'_>) -> Vec<Permission> {
    let operation = call.operation.as_str();
    match call.service {
        "s3" => s3::permissions(operation, &call.resource, head),
        "sqs" => vec![one("sqs", operation.trim_end_matches("Batch"), named.queue(body))],
        "sns" => vec![one("sns", operation.trim_end_matches("Batch"), named.topic(head, body))],
        "events" => events::permissions(operation, body, named),
        "scheduler" => vec![scheduler::permission(head, named)],
        "ecs" => ecs::permissions(operation, body, named),
        "secretsmanager" => vec![one("secretsmanager", operation, named.secret(body))],
        "glue" => glue::permissions(operation, body, named),
        service => vec![one(service, operation, "*".to_owned())],
    }
}

fn one(service: &str, operation: &str, resource: String) -> Permission {
    Permission { action: format!("{service}:{operation}"), resource }
}
