//! Names and ARNs of clusters, services, tasks and task definitions. Wherever
//! one is asked for, its short name or its ARN will do.

use crate::arn::Account;
use crate::service::ServiceError;

/// The cluster that is meant when none is named.
pub(super) const DEFAULT_CLUSTER: &str = "default";

/// The cluster's name in a parameter that may be an ARN, or missing.
pub(super) fn cluster(given: Option<&str>) -> &str {
    given.map(short).filter(|name| !name.is_empty()).unwrap_or(DEFAULT_CLUSTER)
}

/// What comes last in an ARN, or the name as it is.
pub(super) fn short(given: &str) -> &str {
    given.rsplit('/').next().unwrap_or(given)
}

/// The family and the revision, if there is one, of `family`,
/// `family:revision` or an ARN.
pub(super) fn definition(given: &str) -> (&str, Option<u32>) {
    let name = short(given);
    match name.rsplit_once(':') {
        Some((family, revision)) => (family, revision.parse().ok()),
        None => (name, None),
    }
}

/// Refuses what can't be a name: 1 to 255 letters, digits, `-` and `_`.
///
/// # Errors
/// `InvalidParameterException`.
pub(super) fn check(what: &str, name: &str) -> Result<(), ServiceError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !name.is_empty() && name.len() <= 255 && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(invalid(format!(
        "`{name}` is not the name of a {what}: up to 255 letters (uppercase and lowercase), \
         numbers, hyphens and underscores are allowed"
    )))
}

/// A parameter that breaks a rule.
pub(super) fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new("InvalidParameterException", message)
}

/// A request that can't be met as things are.
pub(super) fn client(message: impl Into<String>) -> ServiceError {
    ServiceError::new("ClientException", message)
}

/// `arn:aws:ecs:…:cluster/<name>`.
pub(super) fn cluster_arn(account: &Account, name: &str) -> String {
    account.arn("ecs", &format!("cluster/{name}"))
}

/// `arn:aws:ecs:…:service/<cluster>/<name>`.
pub(super) fn service_arn(account: &Account, cluster: &str, name: &str) -> String {
    account.arn("ecs", &format!("service/{cluster}/{name}"))
}

/// `arn:aws:ecs:…:task/<cluster>/<id>`.
pub(super) fn task_arn(account: &Account, cluster: &str, id: &str) -> String {
    account.arn("ecs", &format!("task/{cluster}/{id}"))
}

/// `arn:aws:ecs:…:task-definition/<family>:<revision>`.
pub(super) fn definition_arn(account: &Account, family: &str, revision: u32) -> String {
    account.arn("ecs", &format!("task-definition/{family}:{revision}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_and_short_names_mean_the_same() {
        assert_eq!(cluster(None), "default");
        assert_eq!(cluster(Some("arn:aws:ecs:us-east-1:0:cluster/main")), "main");
        assert_eq!(short("arn:aws:ecs:us-east-1:0:service/main/load"), "load");
        assert_eq!(definition("load"), ("load", None));
        assert_eq!(definition("load:7"), ("load", Some(7)));
        let arn = "arn:aws:ecs:us-east-1:0:task-definition/load:7";
        assert_eq!(definition(arn), ("load", Some(7)));
    }

    #[test]
    fn names_have_letters_digits_hyphens_and_underscores() {
        assert!(check("service", "load-1_b").is_ok());
        for wrong in ["", "a b", "a/b", &"x".repeat(256)] {
            assert!(check("service", wrong).is_err(), "{wrong}");
        }
    }
}
