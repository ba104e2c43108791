//! The endpoint under test, ours or another's, and SDK clients of it.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::Credentials;
use millrace_localaws::{Clock, Config, Server};
use tempfile::TempDir;
use uuid::Uuid;

/// Names an endpoint to ask instead of starting one.
const ENDPOINT: &str = "MILLRACE_BEHAVIOUR_ENDPOINT";

/// The longest time that a check waits for on a clock that it can't drive.
const PATIENCE: Duration = Duration::from_secs(5);

/// An endpoint and clients of it.
pub(crate) struct Aws {
    pub(crate) url: String,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) sns: aws_sdk_sns::Client,
    pub(crate) events: aws_sdk_eventbridge::Client,
    pub(crate) scheduler: aws_sdk_scheduler::Client,
    pub(crate) ecs: aws_sdk_ecs::Client,
    pub(crate) secrets: aws_sdk_secretsmanager::Client,
    own: Option<Own>,
}

/// An endpoint that was started for one check.
struct Own {
    clock: Clock,
    _server: Server,
    _folder: TempDir,
}

impl Aws {
    /// The endpoint that the environment names, or one of its own.
    pub(crate) async fn start() -> Self {
        if let Ok(url) = std::env::var(ENDPOINT) {
            return Self::at(url, None).await;
        }
        let folder = TempDir::new().unwrap();
        let mut config = Config::new(folder.path());
        config.bind.set_port(0);
        let clock = config.clock.clone();
        let server = Server::start(config).await.unwrap();
        let url = server.url();
        Self::at(url, Some(Own { clock, _server: server, _folder: folder })).await
    }

    async fn at(url: String, own: Option<Own>) -> Self {
        let config = sdk_config(&url).await;
        let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
        Self {
            sqs: aws_sdk_sqs::Client::new(&config),
            s3: aws_sdk_s3::Client::from_conf(s3),
            sns: aws_sdk_sns::Client::new(&config),
            events: aws_sdk_eventbridge::Client::new(&config),
            scheduler: aws_sdk_scheduler::Client::new(&config),
            ecs: aws_sdk_ecs::Client::new(&config),
            secrets: aws_sdk_secretsmanager::Client::new(&config),
            url,
            own,
        }
    }

    /// Whether `time` can be made to pass within a check. If not, says on
    /// standard error that the check was not asked.
    pub(crate) fn can_pass(&self, time: Duration) -> bool {
        let can = self.own.is_some() || time <= PATIENCE;
        if !can {
            say(&format!("not asked: takes {} s", time.as_secs()));
        }
        can
    }

    /// Whether an endpoint of ours is asked, which does not do what a check is
    /// about, for a reason that is said on standard error.
    pub(crate) fn differs(&self, reason: &str) -> bool {
        let differs = self.own.is_some();
        if differs {
            say(&format!("differs: {reason}"));
        }
        differs
    }

    /// Lets time pass: on the clock of an endpoint of ours, else really.
    pub(crate) async fn pass(&self, time: Duration) {
        match &self.own {
            Some(own) => own.clock.advance(time),
            None => tokio::time::sleep(time).await,
        }
    }

    /// Now, in seconds since the Unix epoch, by the endpoint's clock.
    pub(crate) fn now(&self) -> i64 {
        let now = self.own.as_ref().map_or_else(std::time::SystemTime::now, |own| own.clock.time());
        let since = now.duration_since(std::time::UNIX_EPOCH).unwrap();
        i64::try_from(since.as_secs()).unwrap()
    }
}

#[expect(clippy::print_stderr, reason = "tests/compare-aws reads what a check says")]
fn say(text: &str) {
    eprintln!("{text}");
}

/// A name that nobody else has: checks share an endpoint that is not ours.
pub(crate) fn unique(name: &str) -> String {
    let id = Uuid::new_v4().simple().to_string();
    format!("{name}-{}", &id[..12])
}

async fn sdk_config(url: &str) -> SdkConfig {
    let timeouts = TimeoutConfig::builder().operation_timeout(Duration::from_secs(20)).build();
    aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "behaviour"))
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .load()
        .await
}
