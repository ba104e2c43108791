//! One request on a connection of its own: what is asked for here is asked for
//! every few seconds at most.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::TcpStream;

/// Bytes of an answer at most.
const LONGEST_ANSWER: usize = 1 << 20;

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status, as in 200.
    pub status: u16,
    /// The body, at most 1 MiB.
    pub body: Bytes,
}

impl Answer {
    /// Whether the status says that it was done.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The beginning of the body, for an error.
    pub fn brief(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(300).collect()
    }
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum HttpError {
    /// Not an address that can be asked here.
    #[error("`{0}` is no address of plain HTTP; write it as `http://host:port/path`")]
    Address(String),
    /// Nobody there, or no answer.
    #[error("`{url}` gave no answer: {reason}")]
    Unanswered {
        /// The address.
        url: String,
        /// What went wrong.
        reason: String,
    },
}

/// Makes one request with a JSON body, or none if `body` is empty, and reads the
/// answer, whatever its status.
///
/// # Errors
/// [`HttpError`] if there is no answer within `limit`.
pub async fn send(
    method: Method,
    url: &str,
    headers: &[(String, String)],
    body: Vec<u8>,
    limit: Duration,
) -> Result<Answer, HttpError> {
    let unanswered = |reason: String| HttpError::Unanswered { url: url.to_owned(), reason };
    let (host, request) = request(method, url, headers, body)?;
    match tokio::time::timeout(limit, exchange(&host, request)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(unanswered(error.to_string())),
        Err(_) => Err(unanswered(format!("nothing within {limit:?}"))),
    }
}

/// The host with its port, and what to send there.
fn request(
    method: Method,
    url: &str,
    headers: &[(String, String)],
    body: Vec<u8>,
) -> Result<(String, Request<Full<Bytes>>), HttpError> {
    let refused = || HttpError::Address(url.to_owned());
    let uri: Uri = url.parse().map_err(|_| refused())?;
    let host = uri.host().filter(|_| uri.scheme_str() == Some("http")).ok_or_else(refused)?;
    let host = format!("{host}:{}", uri.port_u16().unwrap_or(80));
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::builder().method(method).uri(path).header(HOST, &host);
    if !body.is_empty() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(Bytes::from(body))).map_err(|_| refused())?;
    Ok((host, request))
}

/// Whatever went wrong on the way.
type Failed = Box<dyn std::error::Error + Send + Sync>;

async fn exchange(host: &str, request: Request<Full<Bytes>>) -> Result<Answer, Failed> {
    let stream = TcpStream::connect(host).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut asking = std::pin::pin!(ask(&mut sender, request));
    tokio::select! {
        answer = &mut asking => answer,
        // What came before the connection ended is read to its end.
        ended = connection => match ended {
            Ok(()) => asking.await,
            Err(error) => Err(error.into()),
        },
    }
}

async fn ask(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<Answer, Failed> {
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = Limited::new(body, LONGEST_ANSWER).collect().await?.to_bytes();
    Ok(Answer { status: head.status.as_u16(), body })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::net::TcpListener;

    use super::*;
    use crate::{Page, serve};

    const LIMIT: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn a_page_is_answered_with_its_status_and_text() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let pages = |path: &str| (path == "/live").then(|| Page::text(503, "stuck\n".to_owned()));
        let server = tokio::spawn(serve(listener, Arc::new(pages)));
        let get = |path: &str| {
            let url = format!("http://{address}{path}");
            async move { send(Method::GET, &url, &[], Vec::new(), LIMIT).await.expect("an answer") }
        };
        let answer = get("/live").await;
        assert_eq!((answer.status, answer.brief()), (503, "stuck\n".to_owned()));
        assert_eq!(get("/other").await.status, 404);
        server.abort();
    }

    #[tokio::test]
    async fn what_is_no_plain_address_is_refused_and_who_is_not_there_is_named() {
        for url in ["https://127.0.0.1/", "127.0.0.1:1", "no address"] {
            let error = send(Method::GET, url, &[], Vec::new(), LIMIT).await.expect_err(url);
            assert!(matches!(error, HttpError::Address(_)), "{error}");
        }
        let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/x", nobody.local_addr().expect("an address"));
        drop(nobody);
        let error = send(Method::GET, &url, &[], Vec::new(), LIMIT).await.expect_err("nobody");
        assert!(error.to_string().contains(&url), "{error}");
    }
}
