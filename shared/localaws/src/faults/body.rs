//! An answer whose body ends too early.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::Response;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use s3s::Body;
use tokio::time::Sleep;

/// The same answer, of whose body only `bytes` are sent; then, after `delay`,
/// the connection breaks. Half of the body where nothing is said.
pub(crate) fn cut(response: Response<Body>, bytes: Option<u64>, delay: Duration) -> Response<Body> {
    response.map(|body| {
        let hint = HttpBody::size_hint(&body);
        let left = bytes.unwrap_or(hint.exact().unwrap_or(0) / 2);
        Body::http_body_unsync(Cut { body, hint, left, pause: Box::pin(tokio::time::sleep(delay)) })
    })
}

struct Cut {
    body: Body,
    /// What the whole body said, so that the answer announces all of it.
    hint: SizeHint,
    left: u64,
    pause: Pin<Box<Sleep>>,
}

impl HttpBody for Cut {
    type Data = Bytes;
    type Error = s3s::StdError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.left == 0 {
            ready!(self.pause.as_mut().poll(context));
            return Poll::Ready(Some(Err(Box::new(io::Error::other("cut off on purpose")))));
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        Poll::Ready(frame.map(|frame| {
            frame.map(|frame| {
                frame.map_data(|mut piece| {
                    let length = self.left.min(piece.len() as u64);
                    self.left -= length;
                    piece.truncate(length as usize);
                    piece
                })
            })
        }))
    }

    fn size_hint(&self) -> SizeHint {
        self.hint
    }
}
