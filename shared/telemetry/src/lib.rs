//! Messages as spans of OpenTelemetry, sent as OTLP over HTTP in JSON to a
//! collector beside the worker. It is set up by the variables that every
//! OpenTelemetry SDK reads; without an endpoint there is none of it.
//!
//! Written here rather than taken from the SDK: a span per message, made when it
//! is settled, is a few fields, and the SDK would bring a second HTTP stack.

mod export;
mod settings;
mod span;

pub use export::Exporter;
pub use settings::Settings;
