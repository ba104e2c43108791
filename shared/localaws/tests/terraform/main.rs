//! Terraform's AWS provider over the endpoint: it creates a stack, finds
//! nothing to change, and destroys it.
//!
//! Runs where `terraform` is installed and `MILLRACE_TF_PLUGINS` names a folder
//! with the AWS provider; says so where it does not.

#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::path::Path;
use std::process::{Command, Output};

use millrace_localaws::{Config, Server};
use tempfile::TempDir;

/// Terraform in a folder of its own.
struct Terraform<'a> {
    folder: &'a Path,
    endpoint: String,
}

impl Terraform<'_> {
    fn run(&self, arguments: &[&str]) -> Output {
        Command::new("terraform")
            .args(arguments)
            .current_dir(self.folder)
            .env("TF_VAR_endpoint", &self.endpoint)
            .env("TF_CLI_CONFIG_FILE", self.folder.join("none.tfrc"))
            .env("TF_IN_AUTOMATION", "1")
            .env("CHECKPOINT_DISABLE", "1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .output()
            .unwrap()
    }

    /// Runs it and answers its exit code, of those that are expected.
    fn expect(&self, codes: &[i32], arguments: &[&str]) -> i32 {
        let output = self.run(arguments);
        let code = output.status.code().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(codes.contains(&code), "{arguments:?}: {}", String::from_utf8_lossy(&said));
        code
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn terraform_creates_finds_nothing_to_change_and_destroys() {
    let Ok(plugins) = std::env::var("MILLRACE_TF_PLUGINS") else {
        eprintln!("skipped: MILLRACE_TF_PLUGINS names no folder with Terraform's AWS provider");
        return;
    };
    if Command::new("terraform").arg("version").output().is_err() {
        eprintln!("skipped: terraform is not installed");
        return;
    }
    let (folder, data) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let stack = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/terraform/stack.tf");
    std::fs::copy(stack, folder.path().join("stack.tf")).unwrap();
    std::fs::write(folder.path().join("none.tfrc"), "").unwrap();
    let mut config = Config::new(data.path());
    config.bind.set_port(0);
    let server = Server::start(config).await.unwrap();
    let endpoint = server.url();
    let check = tokio::task::spawn_blocking(move || {
        let terraform = Terraform { folder: folder.path(), endpoint };
        terraform.expect(&[0], &["init", "-no-color", &format!("-plugin-dir={plugins}")]);
        terraform.expect(&[0], &["apply", "-no-color", "-auto-approve"]);
        // 2: there is something to change.
        terraform.expect(&[0], &["plan", "-no-color", "-detailed-exitcode"]);
        terraform.expect(&[0], &["destroy", "-no-color", "-auto-approve"]);
    });
    check.await.unwrap();
    server.stop().await;
}
