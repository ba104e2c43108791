//! How a test, or whoever tries things out, drives a running endpoint: its
//! clock and its faults, by plain JSON over HTTP.
//!
//! | request | does |
//! |---|---|
//! | `GET /_millrace/control/clock` | `{"time": "2026-01-01T00:00:00.000Z", "stopped": false}` |
//! | `POST /_millrace/control/clock` | any of `{"stop": true}`, `{"advance": "1h 30m"}`, `{"resume": true}`, in this order |
//! | `GET /_millrace/control/faults` | how often each fault of the plan happened |
//! | `PUT /_millrace/control/faults` | takes another plan, `{}` for none |

use chrono::{DateTime, SecondsFormat, Utc};
use hyper::http::request::Parts;
use hyper::{Method, Response};
use s3s::Body;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Clock;
use crate::answer;
use crate::faults::Faults;
use crate::route::CONTROL;
use crate::service::ServiceError;

/// The controls of an endpoint.
#[derive(Debug)]
pub(crate) struct Control {
    /// Its clock.
    pub(crate) clock: Clock,
    /// Its faults.
    pub(crate) faults: Faults,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    #[serde(default)]
    stop: bool,
    advance: Option<String>,
    #[serde(default)]
    resume: bool,
}

impl Control {
    /// Answers one request.
    pub(crate) fn call(&self, head: &Parts, body: &[u8]) -> Response<Body> {
        match self.answer(head, body) {
            Ok(value) => answer::plain_json(value.to_string()),
            Err(error) => error.refuse_rest(),
        }
    }

    fn answer(&self, head: &Parts, body: &[u8]) -> Result<Value, ServiceError> {
        let what = head.uri.path().strip_prefix(CONTROL).unwrap_or_default();
        match (&head.method, what) {
            (&Method::GET, "clock") => Ok(self.time()),
            (&Method::POST, "clock") => self.move_clock(serde_json::from_slice(body)?),
            (&Method::GET, "faults") => Ok(json!({"faults": self.faults.counts()})),
            (&Method::PUT, "faults") => {
                self.faults.follow(serde_json::from_slice(body)?);
                Ok(json!({"faults": self.faults.counts()}))
            }
            (method, _) => {
                Err(ServiceError::unknown_operation("control", &format!("{method} {what}")))
            }
        }
    }

    fn move_clock(&self, by: Move) -> Result<Value, ServiceError> {
        let advance = by.advance.as_deref().map(humantime::parse_duration).transpose();
        let advance = advance.map_err(|reason| {
            ServiceError::validation(format!("`advance` is not a duration: {reason}"))
        })?;
        if by.stop {
            self.clock.stop();
        }
        if let Some(advance) = advance {
            self.clock.advance(advance);
        }
        if by.resume {
            self.clock.resume();
        }
        Ok(self.time())
    }

    fn time(&self) -> Value {
        let time = DateTime::<Utc>::from(self.clock.time());
        let time = time.to_rfc3339_opts(SecondsFormat::Millis, true);
        json!({"time": time, "stopped": self.clock.is_stopped()})
    }
}
