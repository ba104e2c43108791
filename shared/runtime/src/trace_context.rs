//! The trace that a message belongs to: W3C's `traceparent` from queue to queue,
//! AWS's header where a producer sent one.
//!
//! Source: "Trace Context" (W3C Recommendation), section 3.2; "Tracing header"
//! and "Sending trace data … using W3C trace ids", AWS X-Ray Developer Guide.

use std::fmt;

use sha2::{Digest, Sha256};

/// The message attribute that carries the trace.
pub const TRACEPARENT_ATTRIBUTE: &str = "traceparent";

/// Where one receive of a message stands in its trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace: 32 hexadecimal digits.
    pub trace: String,
    /// The span that sent the message, 16 hexadecimal digits, where it said so.
    pub parent: Option<String>,
    /// The span of this receive: 16 hexadecimal digits that follow from the
    /// message and the receive count.
    pub span: String,
    /// Whether the trace is recorded.
    pub sampled: bool,
}

impl TraceContext {
    /// Of a message that was sent with `traceparent`, or else with that `trace_id`,
    /// which stands for a trace whatever it looks like.
    pub(crate) fn new(
        traceparent: Option<&str>,
        trace_id: &str,
        message_id: &str,
        receive_count: u32,
    ) -> Self {
        let span = hashed(&format!("{message_id}/{receive_count}"), 16);
        match traceparent.and_then(parse) {
            Some((trace, parent, sampled)) => {
                Self { trace: trace.to_owned(), parent: Some(parent.to_owned()), span, sampled }
            }
            None => {
                let trace = hexadecimal(trace_id).unwrap_or_else(|| hashed(trace_id, 32));
                Self { trace, parent: None, span, sampled: true }
            }
        }
    }
}

impl fmt::Display for TraceContext {
    /// As `traceparent` for what is sent on: this span is the parent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.sampled);
        write!(f, "00-{}-{}-{flags:02x}", self.trace, self.span)
    }
}

/// Trace, parent and whether it is recorded, of a `traceparent`. Later versions
/// may have more behind another dash.
pub(crate) fn parse(traceparent: &str) -> Option<(&str, &str, bool)> {
    let mut parts = traceparent.trim().split('-');
    let (version, trace, parent, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_known = version == "00" && parts.next().is_none();
    let is_later = version != "00" && version != "ff" && is_hexadecimal(version, 2);
    let is_valid = is_hexadecimal(trace, 32) && is_hexadecimal(parent, 16);
    let is_nothing =
        trace.bytes().all(|byte| byte == b'0') || parent.bytes().all(|byte| byte == b'0');
    let flags = u8::from_str_radix(flags, 16).ok().filter(|_| is_hexadecimal(flags, 2))?;
    ((is_known || is_later) && is_valid && !is_nothing).then_some((trace, parent, flags & 1 == 1))
}

/// The trace id in `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=…`: version,
/// time and number, which together are 32 digits as in W3C's.
pub(crate) fn xray_root(header: &str) -> Option<&str> {
    header.split(';').find_map(|part| part.trim().strip_prefix("Root="))
}

/// The 32 hexadecimal digits of an id: as they are, of a UUID, or of an X-Ray
/// root.
pub(crate) fn hexadecimal(id: &str) -> Option<String> {
    let id = id.strip_prefix("1-").unwrap_or(id);
    let digits: String = id.chars().filter(|c| *c != '-').collect::<String>().to_ascii_lowercase();
    is_hexadecimal(&digits, 32).then_some(digits)
}

fn is_hexadecimal(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn hashed(text: &str, digits: usize) -> String {
    let hash = Sha256::digest(text.as_bytes());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    hash[..digits].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_as_the_standard_has_it() {
        let (trace, parent, sampled) = parse(TRACEPARENT).expect("valid");
        assert_eq!((trace.len(), parent, sampled), (32, "00f067aa0ba902b7", true));
        assert!(parse(&TRACEPARENT.replace("00-4", "cc-4")).is_some(), "a later version");
        assert!(parse(&format!("{}-more", TRACEPARENT.replace("00-4", "cc-4"))).is_some());
        for wrong in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_sent_on_continues_the_trace_under_this_span() {
        let context = TraceContext::new(Some(TRACEPARENT), "other", "m-1", 1);
        assert_eq!(context.parent.as_deref(), Some("00f067aa0ba902b7"));
        let sent = context.to_string();
        let (trace, parent, _) = parse(&sent).expect("valid");
        assert_eq!((trace, parent), (context.trace.as_str(), context.span.as_str()));
        let again = TraceContext::new(Some(TRACEPARENT), "other", "m-1", 2);
        assert_ne!(context.span, again.span, "each receive is a span of its own");
    }

    #[test]
    fn every_id_stands_for_a_trace() {
        let trace = |id| TraceContext::new(None, id, "m", 1).trace;
        let root = "1-5759e988-bd862e3fe1be46a994272793";
        assert_eq!(trace(root), "5759e988bd862e3fe1be46a994272793");
        assert_eq!(trace("0F8FAD5B-d9cb-469f-a165-70867728950e").len(), 32);
        assert_eq!((trace("t-1").len(), trace("t-1") == trace("t-1")), (32, true));
        assert!(parse(&TraceContext::new(None, "t-1", "m", 1).to_string()).is_some());
    }
}
