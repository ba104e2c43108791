//! Which operation a request is for: method and path tell.

use hyper::Method;
use hyper::http::request::Parts;

use crate::service::ServiceError;

/// An operation and what its path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Call {
    CreateSchedule(String),
    GetSchedule(String),
    UpdateSchedule(String),
    DeleteSchedule(String),
    ListSchedules,
    CreateGroup(String),
    GetGroup(String),
    DeleteGroup(String),
    ListGroups,
    Tag(String),
    Untag(String),
    ListTags(String),
}

impl Call {
    /// The operation of a request with this head.
    pub(super) fn of(head: &Parts) -> Result<Self, ServiceError> {
        let path = head.uri.path();
        let (collection, name) = path.trim_matches('/').split_once('/').map_or_else(
            || (path.trim_matches('/'), None),
            |(collection, name)| (collection, Some(decode(name))),
        );
        let call = match (collection, &head.method, name) {
            ("schedules", &Method::GET, None) => Self::ListSchedules,
            ("schedules", &Method::GET, Some(name)) => Self::GetSchedule(name),
            ("schedules", &Method::POST, Some(name)) => Self::CreateSchedule(name),
            ("schedules", &Method::PUT, Some(name)) => Self::UpdateSchedule(name),
            ("schedules", &Method::DELETE, Some(name)) => Self::DeleteSchedule(name),
            ("schedule-groups", &Method::GET, None) => Self::ListGroups,
            ("schedule-groups", &Method::GET, Some(name)) => Self::GetGroup(name),
            ("schedule-groups", &Method::POST, Some(name)) => Self::CreateGroup(name),
            ("schedule-groups", &Method::DELETE, Some(name)) => Self::DeleteGroup(name),
            ("tags", &Method::GET, Some(arn)) => Self::ListTags(arn),
            ("tags", &Method::POST, Some(arn)) => Self::Tag(arn),
            ("tags", &Method::DELETE, Some(arn)) => Self::Untag(arn),
            (_, method, _) => {
                let operation = format!("{method} {path}");
                return Err(ServiceError::unknown_operation("Scheduler", &operation));
            }
        };
        Ok(call)
    }
}

/// The parameters in the query string.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Those of a request with this head.
    pub(super) fn of(head: &Parts) -> Self {
        let query = head.uri.query().unwrap_or_default();
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// A parameter; one that is empty counts as left out.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Results on a page: 1 to 100.
    pub(super) fn page_size(&self) -> Result<usize, ServiceError> {
        let Some(given) = self.get("MaxResults") else { return Ok(100) };
        let size = given.parse().ok().filter(|size| (1..=100).contains(size));
        size.ok_or_else(|| super::check::constraint(given, "maxResults", "be between 1 and 100"))
    }
}

/// A part of a path without its percent signs.
fn decode(part: &str) -> String {
    // A plus sign stands for itself in a path.
    let part = part.replace('+', "%2B");
    let mut pairs = form_urlencoded::parse(part.as_bytes());
    pairs.next().map(|(name, value)| format!("{name}{value}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn call(method: &str, path: &str) -> Option<Call> {
        let request = Request::builder().method(method).uri(path).body(()).unwrap();
        Call::of(&request.into_parts().0).ok()
    }

    #[test]
    fn method_and_path_name_the_operation() {
        assert_eq!(call("GET", "/schedules?groupName=x"), Some(Call::ListSchedules));
        assert_eq!(call("PUT", "/schedules/a.b"), Some(Call::UpdateSchedule("a.b".into())));
        let arn = "/tags/arn%3Aaws%3Ascheduler%3Aus-east-1%3A000000000000%3Aschedule-group%2Fg";
        let expected = "arn:aws:scheduler:us-east-1:000000000000:schedule-group/g";
        assert_eq!(call("DELETE", arn), Some(Call::Untag(expected.into())));
        assert_eq!(call("PATCH", "/schedules/a"), None);
        assert_eq!(call("GET", "/other"), None);
    }
}
