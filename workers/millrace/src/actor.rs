//! Who acts: for the record of what was done about dead letters.

use std::env;
use std::process::Command;
use std::sync::OnceLock;

static ACTOR: OnceLock<String> = OnceLock::new();

/// `user@host`, with the IAM role where the environment names it.
pub(crate) fn actor() -> String {
    ACTOR.get_or_init(|| named(&user(), &host(), variable(&["AWS_ROLE_ARN"]).as_deref())).clone()
}

fn named(user: &str, host: &str, role: Option<&str>) -> String {
    match role {
        Some(role) => format!("{user}@{host} ({role})"),
        None => format!("{user}@{host}"),
    }
}

fn user() -> String {
    variable(&["USER", "LOGNAME", "USERNAME"])
        .or_else(|| answer("id", &["-un"]))
        .unwrap_or_else(|| "unknown".to_owned())
}

fn host() -> String {
    let file = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok().and_then(text);
    file()
        .or_else(|| variable(&["HOSTNAME", "COMPUTERNAME"]))
        .or_else(|| answer("hostname", &[]))
        .unwrap_or_else(|| "unknown".to_owned())
}

fn variable(names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| env::var(name).ok().and_then(text))
}

fn answer(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok().and_then(text)
}

fn text(text: String) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_a_user_on_a_host_with_the_role_if_there_is_one() {
        assert_eq!(named("ann", "desk", None), "ann@desk");
        assert_eq!(named("ann", "desk", Some("arn:r")), "ann@desk (arn:r)");
        assert!(actor().contains('@'), "{}", actor());
    }
}
