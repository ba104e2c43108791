//! `millrace dev`: the whole system on this machine, until Ctrl-C or until
//! everything is drained.

mod provision;
mod stack;

use std::process::ExitCode;

use millrace_runtime::{shutdown, telemetry};

pub(crate) use stack::{Stack, StackConfig};

use crate::args::DevArgs;
use crate::setup::{read_faults, read_pipeline};
use crate::show::{self, Style};

/// Runs the stack.
pub(crate) async fn run(args: &DevArgs) -> anyhow::Result<ExitCode> {
    telemetry::init(telemetry::Format::Text);
    let pipeline = read_pipeline(&args.pipeline)?;
    let faults = args.faults.as_deref().map(read_faults).transpose()?.unwrap_or_default();
    let stack = Stack::start(&StackConfig {
        file: &args.pipeline,
        pipeline: &pipeline,
        data: &args.data,
        port: args.port,
        log_to_files: false,
        trail: args.trail.clone(),
        faults,
    })
    .await?;
    announce(&stack, &pipeline.lake.raw);
    let ended = wait(&stack, args.until_idle).await;
    show::note("stopping: workers drain");
    show::faults(&stack.faults().counts());
    stack.stop().await;
    ended?;
    Ok(ExitCode::SUCCESS)
}

/// Completes on Ctrl-C or SIGTERM, or when all is drained if that was asked.
async fn wait(stack: &Stack, until_idle: bool) -> anyhow::Result<()> {
    tokio::select! {
        () = shutdown::signal() => Ok(()),
        idle = stack.idle(), if until_idle => idle,
    }
}

fn announce(stack: &Stack, raw: &str) {
    show::line(format!("endpoint {}", stack.url()));
    show::line(format!("data     {}", stack.data().display()));
    show::note("");
    show::note(show::styled("# for other terminals:", Style::Faint));
    for (name, value) in stack.environment() {
        show::note(format!("export {name}={value}"));
    }
    show::note(format!("export MILLRACE_DATA={}", stack.data().display()));
    show::note("");
    show::note(format!("Publish with `millrace publish FILE` or `aws s3 cp FILE s3://{raw}/…`."));
    show::note("Ctrl-C drains and stops everything.");
}
