//! A port that answers GET requests with pages made on the spot.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// Connections served at the same time; more wait.
const CONNECTIONS: usize = 16;

/// How long a client may take to send its request's head.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pause after a connection could not be accepted: out of file descriptors, say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The status, as in 200.
    pub status: u16,
    /// The media type.
    pub media_type: &'static str,
    /// The text.
    pub text: String,
}

impl Page {
    /// Plain text.
    pub fn text(status: u16, text: String) -> Self {
        Self { status, media_type: "text/plain; charset=utf-8", text }
    }
}

/// Answers until it is dropped. `pages` is given the path of a GET; where it has
/// nothing the answer is 404.
pub async fn serve<P>(listener: TcpListener, pages: Arc<P>)
where
    P: Fn(&str) -> Option<Page> + Send + Sync + 'static + ?Sized,
{
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    // Never closed, so a place is always had in the end.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let pages = Arc::clone(&pages);
                tokio::spawn(async move {
                    answer_all(stream, pages).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn answer_all<P>(stream: TcpStream, pages: Arc<P>)
where
    P: Fn(&str) -> Option<Page> + Send + Sync + 'static + ?Sized,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let page = page(request.method(), request.uri().path(), pages.as_ref());
        std::future::ready(Ok::<_, Infallible>(response(page)))
    });
    let mut builder = http1::Builder::new();
    let builder = builder.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a connection ended early");
    }
}

fn page<P>(method: &Method, path: &str, pages: &P) -> Page
where
    P: Fn(&str) -> Option<Page> + ?Sized,
{
    if method != Method::GET {
        return Page::text(405, "only GET is answered\n".to_owned());
    }
    pages(path).unwrap_or_else(|| Page::text(404, format!("there is no `{path}`\n")))
}

fn response(page: Page) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(page.text)));
    *response.status_mut() =
        StatusCode::from_u16(page.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(page.media_type));
    response
}
