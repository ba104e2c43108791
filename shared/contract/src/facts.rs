//! What a message's body says it is about, whichever stage it is for: for messages
//! that nobody could handle, so that as much as possible is known of them.

use serde::Deserialize;

use crate::{FileId, Notice, ObjectVersion, decode_event};

/// What a body says, as far as it can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct BodyFacts {
    /// Dataset name.
    pub dataset: Option<String>,
    /// The file's identity.
    pub file_id: Option<FileId>,
    /// The object version; of an event, if it is about one object only.
    pub object: Option<ObjectVersion>,
    /// Follows the file through every hop.
    pub trace_id: Option<String>,
}

impl BodyFacts {
    /// Reads a body: a task of any version, or an event. Of anything else nothing
    /// is known.
    pub fn of(body: &str) -> Self {
        match serde_json::from_str::<Self>(body) {
            Ok(facts) if facts.file_id.is_some() || facts.dataset.is_some() => facts,
            Ok(_) | Err(_) => Self { object: only_object(body), ..Self::default() },
        }
    }
}

fn only_object(body: &str) -> Option<ObjectVersion> {
    match decode_event(body).ok()?.as_slice() {
        [Notice::Object(event)] => Some(event.object.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_tells_even_if_it_is_of_a_later_version() {
        let body = r#"{"version":9,"task":"transform","file_id":"f","dataset":"d","trace_id":"t",
            "object":{"bucket":"b","key":"k"},"news":[1]}"#;
        let facts = BodyFacts::of(body);
        assert_eq!(facts.dataset.as_deref(), Some("d"));
        assert_eq!(facts.file_id, Some(FileId::from_text("f")));
        assert_eq!(facts.object.map(|object| object.url()).as_deref(), Some("s3://b/k"));
        assert_eq!(facts.trace_id.as_deref(), Some("t"));
    }

    #[test]
    fn an_event_tells_its_object_and_garbage_nothing() {
        let event = r#"{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3",
            "eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"raw"},
            "object":{"key":"a+b.csv","size":1,"eTag":"e"}}}]}"#;
        let facts = BodyFacts::of(event);
        assert_eq!(facts.object.map(|object| object.key).as_deref(), Some("a b.csv"));
        for garbage in ["", "[]", "\"x\"", "{\"object\": 7}", "{\"not\": \"a task\"}"] {
            assert_eq!(BodyFacts::of(garbage), BodyFacts::default(), "{garbage}");
        }
    }
}
