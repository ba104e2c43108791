//! Failure classes, and how long to wait before trying again.
//!
//! One place decides what a failure means. Adapters say which class an error
//! is; the runtime turns the class into what happens to the message. This is
//! the only crate that names `backoff`.

mod answer;
mod backoff;
mod causes;
mod class;
mod grant;
mod messages;
mod request;
mod retry;

pub use backoff::{Backoff, Curve, MAX_DELAY};
pub use causes::causes;
pub use class::{Classify, FailureClass};
pub use grant::Grant;
pub use request::RequestError;
pub use retry::{Attempts, retry};
