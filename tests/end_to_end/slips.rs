//! What people get wrong: each is answered with what to do about it.

use std::path::Path;
use std::process::{Command, Output};

use crate::journey::PIPELINE;
use crate::stack::{Stack, millrace};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Asserts that a command ends with that code, and says all of `parts`.
fn assert_says(output: &Output, code: i32, parts: &[&str]) {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    for part in parts {
        assert!(said.contains(part), "`{part}`: {said}");
    }
    // What the SDK makes of its errors is nothing for people.
    assert!(!said.contains("DispatchFailure {") && !said.contains("panicked"), "{said}");
}

/// A command with nothing set that it could find AWS by.
fn nowhere(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(millrace());
    command.args(arguments).current_dir(folder).env("NO_COLOR", "1").env("HOME", folder);
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    for name in [
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_PROFILE",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "DATABASE_URL",
        "MILLRACE_DATA",
        "MILLRACE_PIPELINE",
    ] {
        command.env_remove(name);
    }
    command
}

#[test]
fn what_is_missing_to_begin_with_is_named_with_how_to_set_it() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| nowhere(folder.path(), arguments).output().unwrap();
    assert_says(&run(&["status"]), 2, &["millrace.toml", "--pipeline"]);
    assert_says(&run(&["check"]), 2, &["millrace.toml", "millrace check FILE"]);
    std::fs::write(folder.path().join("millrace.toml"), PIPELINE).unwrap();
    std::fs::create_dir_all(folder.path().join("orders/de")).unwrap();
    std::fs::write(folder.path().join("orders/de/a.csv"), "id,total,note\n").unwrap();
    assert_says(&run(&["runs"]), 2, &["DATABASE_URL", "--data"]);
    assert_says(&run(&["publish", "orders"]), 2, &["AWS_REGION", "millrace dev"]);
    let mut publish = nowhere(folder.path(), &["publish", "orders"]);
    let output = publish.env("AWS_REGION", "us-east-1").output().unwrap();
    assert_says(&output, 2, &["no AWS credentials", "AWS_PROFILE", "millrace dev"]);
    let output = nowhere(folder.path(), &["runs"])
        .env("DATABASE_URL", "postgres://u:secret@127.0.0.1:1/x")
        .output()
        .unwrap();
    assert_says(&output, 1, &["127.0.0.1:1", "is the server running"]);
    assert!(!text(&output.stderr).contains("secret"));
}

#[test]
fn an_endpoint_that_is_not_there_is_said_to_be_so() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("millrace.toml"), PIPELINE).unwrap();
    std::fs::create_dir_all(folder.path().join("orders/de")).unwrap();
    std::fs::write(folder.path().join("orders/de/a.csv"), "id,total,note\n").unwrap();
    for arguments in [&["scale", "load=1"][..], &["publish", "orders"], &["dlq", "adopt"]] {
        let output = nowhere(folder.path(), arguments)
            .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("MILLRACE_DATA", folder.path().join("data"))
            .output()
            .unwrap();
        assert_says(&output, 1, &["is the endpoint right and up?"]);
    }
}

#[test]
fn slips_in_names_and_numbers_are_recognised() {
    let stack = Stack::start(PIPELINE);
    for (arguments, parts) in [
        (&["runs", "--dataset", "ordrs"][..], &["did you mean `orders`?"][..]),
        (&["rejects", "list", "--dataset", "usrs"], &["did you mean `users`?"]),
        (&["dlq", "list", "--dataset", "ordrs"], &["did you mean `orders`?"]),
        (&["replay", "--dataset", "ordrs"], &["did you mean `orders`?"]),
        (&["publish", ".", "--dataset", "ordrs"], &["did you mean `orders`?"]),
        (&["query", "select * from ordrs"], &["did you mean `orders`?"]),
        (&["runs", "--state", "faild"], &["did you mean `failed`?"]),
        (&["worker", "lod"], &["did you mean `load`?"]),
        (&["dlq", "list", "--stage", "trnsform"], &["did you mean `transform`?"]),
        (&["dlq", "list", "--class", "transent"], &["did you mean `transient`?"]),
        (&["scale", "igest=1"], &["did you mean `ingest`?"]),
        (&["scale", "load=two"], &["write 0 or more"]),
        (&["statu"], &["'status'"]),
        (&["dlq", "list", "--group", "abc"], &["no group begins with `abc`", "dlq list"]),
        (&["dlq", "redrive"], &["--group", "--all", "millrace dlq list"]),
        (&["runs", "--since", "yesterday"], &["2024-01-31", "36h"]),
        (&["status", "--watch", "0"], &["1 to 86400"]),
        (&["doctor", "--wait", "soon"], &["a number of seconds"]),
        (&["trace", "s3://bucket"], &["write s3://bucket/key"]),
    ] {
        assert_says(&stack.run(arguments), 2, parts);
    }
    assert_says(&stack.run(&["dlq", "show", "zz"]), 1, &["millrace dlq list --each"]);
    assert_says(&stack.run(&["trace", "no/such.csv"]), 1, &["was it published?"]);
}

#[test]
fn the_manual_has_a_page_for_every_command_and_bash_takes_the_completions() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| nowhere(folder.path(), arguments).output().unwrap();
    assert!(run(&["man", "--out", "man1"]).status.success());
    let read = |page: &str| std::fs::read_to_string(folder.path().join("man1").join(page)).unwrap();
    assert!(read("millrace.1").contains("Exit codes"));
    assert!(read("millrace-dlq-redrive.1").contains("millrace dlq redrive"));
    assert!(std::fs::read_dir(folder.path().join("man1")).unwrap().count() > 30);
    assert!(text(&run(&["man"]).stdout).contains(".TH millrace 1"));

    let completions = text(&run(&["completions", "bash"]).stdout);
    let asked = "COMP_WORDS=(millrace dlq re) COMP_CWORD=2; _millrace millrace re dlq; \
                 echo \"${COMPREPLY[@]}\"; complete -p millrace";
    let script = format!("{completions}\n{asked}\n");
    // Longer than an argument may be.
    let file = folder.path().join("completions.bash");
    std::fs::write(&file, script).unwrap();
    let output = Command::new("bash").arg(&file).output().expect("bash runs");
    let said = text(&output.stdout);
    assert!(
        said.contains("redrive") && said.contains("_millrace"),
        "{said}{}",
        text(&output.stderr)
    );
    for shell in ["zsh", "fish"] {
        assert!(text(&run(&["completions", shell]).stdout).contains("redrive"), "{shell}");
    }
}
