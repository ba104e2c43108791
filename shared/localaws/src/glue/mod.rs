//! Glue's Data Catalog: databases, tables and partitions, by the AWS JSON 1.1
//! protocol. What it is told it keeps and tells again; nothing here reads a table.

mod databases;
mod partitions;
mod state;
mod tables;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use hyper::Response;
use s3s::Body;
use serde_json::{Map, Value, json};

use self::state::State;
use crate::answer;
use crate::arn::Account;
use crate::clock::{Clock, Millis};
use crate::kept::Kept;
use crate::service::{ServiceError, write};

/// Entries of a page where the request asks for no fewer.
const PAGE: usize = 100;

/// The catalog of one endpoint.
#[derive(Debug)]
pub(crate) struct Glue {
    account: Arc<Account>,
    clock: Clock,
    kept: Kept<State>,
}

impl Glue {
    /// Opens the catalog kept in `dir`.
    pub(crate) fn open(dir: PathBuf, account: Arc<Account>, clock: Clock) -> io::Result<Self> {
        Ok(Self { account, clock, kept: Kept::open(dir, "catalog.json")? })
    }

    /// Answers one request.
    pub(crate) fn call(&self, operation: &str, body: &[u8]) -> Response<Body> {
        match self.answer(operation, body).and_then(|answer| write(&answer)) {
            Ok(json) => answer::json_1_1(json),
            Err(error) => error.refuse(),
        }
    }

    fn answer(&self, operation: &str, body: &[u8]) -> Result<Value, ServiceError> {
        match operation {
            "BatchCreatePartition" => self.create_partitions(body),
            "BatchDeletePartition" => self.delete_partitions(body),
            "BatchUpdatePartition" => self.update_partitions(body),
            "CreateDatabase" => self.create_database(body),
            "CreateTable" => self.create_table(body),
            "DeleteDatabase" => self.delete_database(body),
            "DeleteTable" => self.delete_table(body),
            "GetDatabase" => self.get_database(body),
            "GetDatabases" => self.get_databases(body),
            "GetPartition" => self.get_partition(body),
            "GetPartitions" => self.get_partitions(body),
            "GetTable" => self.get_table(body),
            "GetTables" => self.get_tables(body),
            "UpdateTable" => self.update_table(body),
            _ => Err(ServiceError::unknown_operation("Glue", operation)),
        }
    }

    fn now(&self) -> Value {
        seconds(self.clock.now())
    }
}

/// An entry as it is told: what was given, and beside it what the catalog knows.
fn told(given: &Map<String, Value>, known: Value) -> Value {
    let mut told = given.clone();
    if let Value::Object(known) = known {
        told.extend(known);
    }
    Value::Object(told)
}

/// A page of a list, under `name`; a token is the place in the list.
fn page(name: &str, all: Vec<Value>, request: &Paging) -> Result<Value, ServiceError> {
    let from = match &request.next_token {
        Some(token) => token.parse::<usize>().map_err(|_| invalid("NextToken is not valid"))?,
        None => 0,
    };
    let most = request.max_results.map_or(PAGE, |most| most.clamp(1, 1000));
    let next = (from + most < all.len()).then(|| (from + most).to_string());
    let page: Vec<Value> = all.into_iter().skip(from).take(most).collect();
    let mut answer = json!({ name: page });
    if let Some(next) = next {
        answer["NextToken"] = json!(next);
    }
    Ok(answer)
}

#[derive(Debug, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Paging {
    next_token: Option<String>,
    max_results: Option<usize>,
}

/// Names are folded ("DatabaseInput" and "TableInput", AWS Glue API Reference).
fn folded(name: &str) -> Result<String, ServiceError> {
    match name.is_empty() || name.len() > 255 {
        true => Err(ServiceError::validation("a name has 1 to 255 letters")),
        false => Ok(name.to_lowercase()),
    }
}

fn no_database(name: &str) -> ServiceError {
    ServiceError::new("EntityNotFoundException", format!("Database {name} not found."))
}

fn no_table(name: &str) -> ServiceError {
    ServiceError::new("EntityNotFoundException", format!("Table {name} not found."))
}

/// Parameters that break a rule.
fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new("InvalidInputException", message)
}

/// Something that is there already.
fn taken(what: &str) -> ServiceError {
    ServiceError::new("AlreadyExistsException", format!("{what} already exists."))
}

/// Seconds since the epoch, as the JSON protocol writes times.
fn seconds(at: Millis) -> Value {
    json!(at as f64 / 1000.0)
}
