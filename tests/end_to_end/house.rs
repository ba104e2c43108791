//! The house keeps its plan: who may depend on whom.

use std::process::Command;

use serde_json::Value;

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    metadata["packages"].as_array().expect("packages").clone()
}

/// Names of a package's dependencies, without those for its tests.
fn dependencies(package: &Value) -> Vec<&str> {
    let all = package["dependencies"].as_array().expect("dependencies").iter();
    all.filter(|dependency| dependency["kind"].is_null())
        .map(|dependency| dependency["name"].as_str().expect("a name"))
        .collect()
}

fn folder(package: &Value) -> &str {
    let manifest = package["manifest_path"].as_str().expect("a path");
    if manifest.contains("/shared/") { "shared" } else { "workers" }
}

#[test]
fn nothing_shared_depends_on_a_worker_and_no_worker_on_another() {
    let packages = packages();
    let workers: Vec<_> = packages
        .iter()
        .filter(|package| folder(package) == "workers")
        .map(|package| package["name"].as_str().expect("a name"))
        .collect();
    for package in packages.iter().filter(|package| package["name"] != "millrace") {
        let worker = dependencies(package).into_iter().find(|name| workers.contains(name));
        assert_eq!(worker, None, "{} must not depend on a worker", package["name"]);
    }
}

#[test]
fn contract_and_format_know_no_tokio_no_aws_and_no_sql() {
    for package in packages() {
        let pure = ["millrace-contract", "millrace-format"];
        if !pure.contains(&package["name"].as_str().expect("a name")) {
            continue;
        }
        let foreign = |name: &&str| {
            ["tokio", "sqlx", "datafusion"].contains(name) || name.starts_with("aws-")
        };
        let found = dependencies(&package).into_iter().find(foreign);
        assert_eq!(found, None, "{}", package["name"]);
    }
}

#[test]
fn each_port_keeps_its_adapter_to_itself() {
    let owners = [
        ("aws-sdk-ecs", &["millrace-services"][..]),
        ("aws-sdk-eventbridge", &["millrace-notify"]),
        ("aws-sdk-glue", &["millrace-glue"]),
        ("aws-sdk-s3", &["millrace-storage"]),
        ("aws-sdk-scheduler", &["millrace-timetable"]),
        ("aws-sdk-secretsmanager", &["millrace-secrets"]),
        ("aws-sdk-sns", &["millrace-notify"]),
        ("aws-sdk-sqs", &["millrace-queue"]),
        ("backoff", &["millrace-retry"]),
        ("datafusion", &["millrace-sql"]),
        ("sqlx", &["millrace-ledger", "millrace-warehouse", "millrace-tests"]),
    ];
    for package in packages() {
        let name = package["name"].as_str().expect("a name");
        for (dependency, allowed) in owners {
            let uses = dependencies(&package).contains(&dependency);
            assert!(!uses || allowed.contains(&name), "{name} must not name {dependency}");
        }
    }
}
