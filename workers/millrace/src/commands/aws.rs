//! `millrace aws`: the embedded AWS endpoint alone.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use millrace_localaws::{AccessKey, Config, Server};
use millrace_runtime::shutdown;

use crate::args::AwsArgs;
use crate::setup::{folder, read_faults};
use crate::show;

pub(super) async fn run(args: &AwsArgs) -> anyhow::Result<ExitCode> {
    let data = folder(&args.data)?;
    let server = Server::start(config(args, &data)?).await?;
    show::line(format!("endpoint {}", server.url()));
    show::note(format!("state in {}; Ctrl-C stops it", data.display()));
    shutdown::signal().await;
    show::faults(&server.faults().counts());
    server.stop().await;
    Ok(ExitCode::SUCCESS)
}

fn config(args: &AwsArgs, data: &Path) -> anyhow::Result<Config> {
    let mut config = Config::new(data);
    config.bind = match args.port {
        Some(port) => SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        None => args.bind,
    };
    config.region.clone_from(&args.region);
    config.trail.clone_from(&args.trail);
    // Whoever is let in from elsewhere may use the services, not drive them.
    config.control = config.bind.ip().is_loopback();
    if let Some(file) = &args.faults {
        config.faults = read_faults(file)?;
    }
    if let Some(file) = &args.keys {
        config.keys = read_keys(file)?;
    }
    Ok(config)
}

fn read_keys(file: &Path) -> anyhow::Result<Vec<AccessKey>> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("the keys in `{}` can't be read", file.display()))?;
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let keys = lines.map(|(number, line)| match line.trim().split_once(':') {
        Some((id, secret)) if !id.is_empty() && !secret.is_empty() => {
            Ok(AccessKey { id: id.to_owned(), secret: secret.to_owned() })
        }
        _ => bail!("line {number} of `{}` is not written as `ID:SECRET`", file.display()),
    });
    let keys = keys.collect::<anyhow::Result<Vec<_>>>()?;
    if keys.is_empty() {
        bail!("`{}` has no key: nobody would be let in", file.display());
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_line_by_line() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let file = folder.path().join("keys");
        std::fs::write(&file, "AKID:se:cret\n\n  other:x  \n").expect("written");
        let keys = read_keys(&file).expect("keys");
        assert_eq!((keys[0].id.as_str(), keys[0].secret.as_str()), ("AKID", "se:cret"));
        assert_eq!(keys.len(), 2);
        std::fs::write(&file, "AKID:a\nno-secret\n").expect("written");
        let error = read_keys(&file).expect_err("refused").to_string();
        assert!(error.contains("line 2") && !error.contains("no-secret"), "{error}");
    }
}
