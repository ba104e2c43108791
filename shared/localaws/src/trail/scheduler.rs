//! What EventBridge Scheduler's operations need: method and path tell them.
//!
//! Source: "Actions, resources, and condition keys for Amazon EventBridge
//! Scheduler", Service Authorization Reference.

use hyper::http::request::Parts;
use percent_encoding::percent_decode_str;

use super::{Named, Permission, one};

/// What a request needs.
pub(super) fn permission(head: &Parts, named: &Named<'_>) -> Permission {
    let path = head.uri.path().trim_matches('/');
    let (collection, name) = path.split_once('/').unwrap_or((path, ""));
    let name = percent_decode_str(name).decode_utf8_lossy();
    let method = head.method.as_str();
    let what = if collection == "schedule-groups" { "ScheduleGroup" } else { "Schedule" };
    let operation = match (method, collection, name.is_empty()) {
        ("GET", "tags", _) => "ListTagsForResource".to_owned(),
        ("POST", "tags", _) => "TagResource".to_owned(),
        ("DELETE", "tags", _) => "UntagResource".to_owned(),
        ("GET", _, true) => format!("List{what}s"),
        ("GET", _, false) => format!("Get{what}"),
        ("POST", ..) => format!("Create{what}"),
        ("PUT", ..) => format!("Update{what}"),
        (method, ..) => format!("{}{what}", if method == "DELETE" { "Delete" } else { method }),
    };
    one("scheduler", &operation, resource(collection, &name, head, named))
}

fn resource(collection: &str, name: &str, head: &Parts, named: &Named<'_>) -> String {
    match (collection, name) {
        (_, "") => "*".to_owned(),
        ("schedules", name) => {
            let query = head.uri.query().unwrap_or_default();
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            let group = pairs.find(|(key, _)| key == "groupName");
            let group = group.map_or("default".into(), |(_, group)| group);
            named.arn("scheduler", &format!("schedule/{group}/"), name)
        }
        (_, name) => named.arn("scheduler", "schedule-group/", name),
    }
}
