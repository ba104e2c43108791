//! Any bytes as the body of a message with S3 events: decoded or refused, never
//! a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use millrace_contract::decode_event;

fuzz_target!(|body: &str| {
    let _ = decode_event(body);
});
