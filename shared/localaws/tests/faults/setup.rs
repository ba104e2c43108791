//! Endpoints with a plan or with keys, and an S3 client of them.

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use millrace_localaws::{Config, FaultPlan, Server};
use serde_json::Value;
use tempfile::TempDir;

/// An endpoint over a folder that lasts as long as the test.
pub(crate) struct Stand {
    pub(crate) server: Server,
    _data: TempDir,
}

impl Stand {
    /// An endpoint that does these things wrong.
    pub(crate) async fn with_faults(faults: Value) -> Self {
        let plan: FaultPlan =
            serde_json::from_value(serde_json::json!({"seed": 11, "fault": faults})).unwrap();
        Self::with(|config| config.faults = plan).await
    }

    /// An endpoint with other settings.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let data = TempDir::new().unwrap();
        let mut config = crate::client::config(data.path());
        change(&mut config);
        Self { server: Server::start(config).await.unwrap(), _data: data }
    }

    pub(crate) fn sqs(&self) -> aws_sdk_sqs::Client {
        crate::client::sqs(&self.server.url())
    }

    pub(crate) fn s3(&self) -> aws_sdk_s3::Client {
        s3(&self.server.url(), "a", "b")
    }

    /// How often each fault happened.
    pub(crate) fn happened(&self) -> Vec<u64> {
        self.server.faults().counts().iter().map(|count| count.happened).collect()
    }
}

/// An S3 client that tries once.
pub(crate) fn s3(url: &str, id: &str, secret: &str) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(id, secret, None, None, "test"))
        .retry_config(aws_sdk_s3::config::retry::RetryConfig::disabled())
        .force_path_style(true)
        .build();
    aws_sdk_s3::Client::from_conf(config)
}
