//! Envelopes that AWS and others published, where `MILLRACE_REAL_DATA` says
//! they are.

use std::path::PathBuf;

use super::*;

fn published() -> Option<Vec<(String, String)>> {
    let Some(folder) = std::env::var_os("MILLRACE_REAL_DATA").map(PathBuf::from) else {
        eprintln!("skipped: MILLRACE_REAL_DATA is not set");
        return None;
    };
    let files = std::fs::read_dir(folder.join("events")).unwrap().map(|file| file.unwrap());
    let named = |file: std::fs::DirEntry| {
        let text = std::fs::read_to_string(file.path()).unwrap();
        (file.file_name().to_string_lossy().into_owned(), text)
    };
    Some(files.map(named).collect())
}

/// A published file is read as a message body itself, and so are the SQS bodies
/// in it.
#[test]
fn published_envelopes_are_understood_or_refused_with_a_reason() {
    let files = published().unwrap_or_default();
    for (name, text) in &files {
        assert_understood(name, text);
        let whole: Value = serde_json::from_str(text).unwrap();
        for record in whole["Records"].as_array().into_iter().flatten() {
            if let Some(body) = record["body"].as_str() {
                assert_understood(name, body);
            }
        }
    }
}

/// Only an event about an object has a sequencer.
fn assert_understood(name: &str, body: &str) {
    let about_objects = body.contains("sequencer");
    let notices = match decode_event(body) {
        Ok(notices) => notices,
        Err(error) => {
            let plain_text = matches!(error, DecodeError::NotJson { .. });
            assert!(plain_text && !body.starts_with('{'), "{name}: {error}");
            return;
        }
    };
    assert!(!notices.is_empty(), "{name}");
    for notice in notices {
        match notice {
            Notice::Object(event) => {
                assert!(about_objects && !event.object.key.is_empty(), "{name}: {event:?}");
            }
            Notice::Unrelated { what, why } => {
                assert!(!about_objects && !what.is_empty() && !why.is_empty(), "{name}: {what}");
            }
            Notice::TestEvent | Notice::Scheduled(_) => assert!(!about_objects, "{name}"),
        }
    }
}

#[test]
fn published_schedules_and_test_events_are_told_apart() {
    let Some(files) = published() else { return };
    for (file, expected) in [
        ("s3docs_testevent_body.json", "test"),
        ("scheduler_default_2024_body.json", "schedule rg-patch-intimation {}"),
        ("rust_example-eventbridge-schedule.json", "schedule my-scheduled-rule {}"),
    ] {
        let (_, body) = files.iter().find(|(name, _)| name == file).unwrap();
        assert_eq!(shown(body), [expected]);
    }
}
