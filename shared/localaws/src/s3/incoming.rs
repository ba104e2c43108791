//! A request's body on its way in.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use hyper::header::{EXPECT, HeaderValue};
use hyper::http::request::Parts;
use s3s::StdError;
use s3s::stream::{ByteStream, RemainingLength};

/// How much of a refused body is read, and for how long.
const DRAINED: usize = 64 << 20;
const DRAINED_FOR: Duration = Duration::from_secs(10);

/// A body. What is left of it when it is dropped is read and thrown away: a
/// client that is still sending would find the connection reset otherwise, and
/// never read why it was refused. A client that waits to be asked for the body
/// is not asked only to throw it away: it would take its next request for it.
#[derive(Debug)]
pub(super) struct RequestBody {
    body: Option<Incoming>,
    /// The client sends nothing until it is asked to, and was not asked yet.
    awaited: bool,
}

impl RequestBody {
    /// Over what the connection receives after this head.
    pub(super) fn new(head: &Parts, body: Incoming) -> Self {
        let expect = head.headers.get(EXPECT).map(HeaderValue::as_bytes);
        let awaited = expect.is_some_and(|it| it.eq_ignore_ascii_case(b"100-continue"));
        Self { body: Some(body), awaited }
    }

    /// The next bytes.
    pub(super) fn poll_data(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, hyper::Error>>> {
        self.awaited = false;
        loop {
            let Some(body) = &mut self.body else { return Poll::Ready(None) };
            match ready!(Pin::new(body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                }
                end => {
                    self.body = None;
                    return Poll::Ready(end.and_then(Result::err).map(Err));
                }
            }
        }
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let unread = self.body.take().filter(|body| !self.awaited && !body.is_end_stream());
        if let (Some(body), Ok(runtime)) = (unread, tokio::runtime::Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(DRAINED_FOR, drain(body)));
        }
    }
}

async fn drain(mut body: Incoming) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > DRAINED {
            return;
        }
    }
}

impl Stream for RequestBody {
    type Item = Result<Bytes, StdError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_data(cx).map_err(StdError::from)
    }
}

impl ByteStream for RequestBody {
    fn remaining_length(&self) -> RemainingLength {
        match &self.body {
            Some(body) => body.size_hint().into(),
            None => RemainingLength::new_exact(0),
        }
    }
}
