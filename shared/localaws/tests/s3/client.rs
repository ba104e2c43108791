//! An endpoint of its own for a test, SDK clients of it, and bare HTTP.

use std::path::PathBuf;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use millrace_localaws::{Config, Server};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The bucket that every test has.
pub(crate) const BUCKET: &str = "raw";

/// An endpoint over a folder that lasts as long as the test.
pub(crate) struct Endpoint {
    pub(crate) data: TempDir,
    pub(crate) server: Server,
    pub(crate) s3: Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
}

impl Endpoint {
    /// Starts an endpoint with a bucket.
    pub(crate) async fn start() -> Self {
        let endpoint = Self::over(TempDir::new().unwrap()).await;
        endpoint.s3.create_bucket().bucket(BUCKET).send().await.unwrap();
        endpoint
    }

    /// Starts an endpoint with a bucket that keeps versions.
    pub(crate) async fn versioned() -> Self {
        let endpoint = Self::start().await;
        endpoint.set_versioning(BucketVersioningStatus::Enabled).await;
        endpoint
    }

    /// Starts an endpoint that is configured so, with a bucket.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let endpoint = Self::over_with(TempDir::new().unwrap(), change).await;
        endpoint.s3.create_bucket().bucket(BUCKET).send().await.unwrap();
        endpoint
    }

    async fn over(data: TempDir) -> Self {
        Self::over_with(data, |_| ()).await
    }

    async fn over_with(data: TempDir, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(data.path());
        config.bind.set_port(0);
        change(&mut config);
        let server = Server::start(config).await.unwrap();
        let (s3, sqs) = (s3(&server.url(), |config| config), sqs(&server.url()));
        Self { data, server, s3, sqs }
    }

    /// Stops it and starts another over the same folder.
    pub(crate) async fn restart(self) -> Self {
        self.server.stop().await;
        Self::over(self.data).await
    }

    pub(crate) async fn set_versioning(&self, status: BucketVersioningStatus) {
        let configuration = VersioningConfiguration::builder().status(status).build();
        let request = self.s3.put_bucket_versioning().bucket(BUCKET);
        request.versioning_configuration(configuration).send().await.unwrap();
    }

    /// Stores an object; answers its version id.
    pub(crate) async fn put(&self, key: &str, body: impl Into<Vec<u8>>) -> Option<String> {
        let body = ByteStream::from(body.into());
        let request = self.s3.put_object().bucket(BUCKET).key(key).body(body);
        request.send().await.unwrap().version_id
    }

    pub(crate) async fn get(&self, key: &str) -> Result<Vec<u8>, Refusal> {
        let got = self.s3.get_object().bucket(BUCKET).key(key).send().await;
        let body = got.map_err(Refusal::of)?.body;
        Ok(body.collect().await.unwrap().to_vec())
    }

    pub(crate) async fn get_version(&self, key: &str, id: &str) -> Result<Vec<u8>, Refusal> {
        let request = self.s3.get_object().bucket(BUCKET).key(key).version_id(id);
        let body = request.send().await.map_err(Refusal::of)?.body;
        Ok(body.collect().await.unwrap().to_vec())
    }

    pub(crate) async fn delete(&self, key: &str) -> Option<String> {
        self.s3.delete_object().bucket(BUCKET).key(key).send().await.unwrap().version_id
    }

    /// Every key, in the order listed.
    pub(crate) async fn keys(&self) -> Vec<String> {
        let listed = self.s3.list_objects_v2().bucket(BUCKET).send().await.unwrap();
        listed.contents().iter().map(|object| object.key().unwrap().to_owned()).collect()
    }

    /// Files that hold content, of whatever bucket.
    pub(crate) fn content_files(&self) -> Vec<PathBuf> {
        let folders = std::fs::read_dir(self.data.path().join("s3/content")).unwrap();
        let files = folders.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
        files.map(|file| file.unwrap().path()).collect()
    }

    /// Sends one HTTP request as it stands; answers status line and headers in
    /// lower case, and the body.
    pub(crate) async fn http(&self, head: &str, body: &[u8]) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(self.server.addr()).await.unwrap();
        let head = head.trim_end().replace('\n', "\r\n");
        let head = format!("{head}\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        // The server may answer, and close, before it has read it all.
        let _ = stream.write_all(body).await;
        let mut response = Vec::new();
        stream.read_to_end(&mut response).await.unwrap();
        let end = response.windows(4).position(|end| end == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(response[..end].to_vec()).unwrap().to_lowercase();
        (head, response[end + 4..].to_vec())
    }
}

/// An error answer: its code and status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) status: u16,
}

impl Refusal {
    pub(crate) fn of<E: ProvideErrorMetadata>(
        error: SdkError<E, aws_sdk_s3::config::http::HttpResponse>,
    ) -> Self {
        let status = error.raw_response().map_or(0, |response| response.status().as_u16());
        Self { code: error.code().unwrap_or_default().to_owned(), status }
    }

    pub(crate) fn new(code: &str, status: u16) -> Self {
        Self { code: code.to_owned(), status }
    }
}

/// An S3 client; `change` may change its configuration.
pub(crate) fn s3(
    url: &str,
    change: impl FnOnce(aws_sdk_s3::config::Builder) -> aws_sdk_s3::config::Builder,
) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .force_path_style(true)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("any", "thing", None, None, "test"));
    Client::from_conf(change(config).build())
}

/// A client that sends and checks checksums only where it must.
pub(crate) fn plain_s3(url: &str) -> Client {
    s3(url, |config| {
        config
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
    })
}

fn sqs(url: &str) -> aws_sdk_sqs::Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version_latest()
        .endpoint_url(url)
        .region(aws_sdk_sqs::config::Region::new("us-east-1"))
        .credentials_provider(aws_sdk_sqs::config::Credentials::new("a", "b", None, None, "test"))
        .build();
    aws_sdk_sqs::Client::from_conf(config)
}

/// Bytes in which no two places look alike.
pub(crate) fn bytes(len: usize) -> Vec<u8> {
    let words = (0_u64..).map(|at| at.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
    words.flatten().take(len).collect()
}
