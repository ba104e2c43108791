//! Why an endpoint does not start, in words.

use millrace_localaws::{Server, StartError};
use tempfile::TempDir;

use crate::client::{Endpoint, config};

#[tokio::test]
async fn a_port_in_use_is_said_with_what_to_do() {
    let endpoint = Endpoint::start().await;
    let data = TempDir::new().unwrap();
    let mut config = config(data.path());
    config.bind = endpoint.server.addr();
    let error = Server::start(config).await.expect_err("the port is taken");
    assert!(matches!(error, StartError::PortInUse(_)), "{error:?}");
    let port = endpoint.server.addr().port();
    let text = error.to_string();
    assert!(text.starts_with(&format!("port {port} of `127.0.0.1` is in use")), "{text}");
    assert!(text.contains("--port"), "{text}");
}

#[tokio::test]
async fn a_data_folder_has_one_endpoint_at_a_time() {
    let endpoint = Endpoint::start().await;
    let error = Server::start(config(endpoint.data.path())).await.expect_err("it is held");
    assert!(matches!(error, StartError::FolderInUse(_)), "{error:?}");
    assert!(error.to_string().contains("--data"), "{error}");
    let endpoint = endpoint.restart().await;
    assert!(endpoint.sqs.list_queues().send().await.is_ok(), "stopping gives it back");
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_made_is_named() {
    let data = TempDir::new().unwrap();
    let file = data.path().join("file");
    std::fs::write(&file, "in the way").unwrap();
    let error = Server::start(config(&file.join("data"))).await.expect_err("a file is in the way");
    assert!(matches!(error, StartError::Folder { .. }), "{error:?}");
    assert!(error.to_string().contains(&*file.to_string_lossy()), "{error}");
}

#[tokio::test]
async fn an_endpoint_says_where_it_is() {
    let endpoint = Endpoint::start().await;
    let url = format!("http://127.0.0.1:{}", endpoint.server.addr().port());
    assert_eq!(endpoint.server.url(), url);
}
