//! Subscribers that are told by HTTP. Only endpoints on this machine are: what
//! runs here must not send anything out.
//!
//! Source: "Parsing Amazon SNS message formats", SNS Developer Guide.

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::courier::Failure;
use crate::sqs::Delivery;

use super::carrier::{Load, LoadKind};
use super::envelope::{self, Postmark};
use super::publication::Publication;
use super::retry::Retries;
use super::state::Subscription;

/// How long an endpoint may take to answer.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Why an endpoint can't be subscribed.
pub(super) fn check(protocol: &str, endpoint: &str) -> Result<(), String> {
    let uri: Uri = endpoint.parse().map_err(|error| format!("it is not a URL: {error}"))?;
    if uri.scheme_str() != Some(protocol) {
        return Err("Endpoint must match the specified protocol".to_owned());
    }
    if protocol == "https" {
        return Err("this endpoint speaks no TLS: subscribe with http".to_owned());
    }
    match uri.host().is_some_and(is_loopback) {
        true => Ok(()),
        false => Err("only loopback addresses (127.0.0.1, ::1, localhost) are told: nothing \
                      leaves this machine"
            .to_owned()),
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// A notification for an HTTP endpoint.
pub(super) fn notification(
    publication: &Publication,
    message: String,
    subscription: &Subscription,
    postmark: &Postmark<'_>,
    retries: Retries,
) -> Load {
    let (body, attributes) = match subscription.is_raw() {
        true => (message, publication.attributes.clone()),
        false => (envelope::wrap(publication, &message, postmark), Vec::new()),
    };
    let mut headers = headers("Notification", postmark);
    headers.push(("x-amz-sns-subscription-arn".to_owned(), postmark.subscription.to_owned()));
    if subscription.is_raw() {
        headers.push(("x-amz-sns-rawdelivery".to_owned(), "true".to_owned()));
    }
    let delivery = Delivery { body, attributes, group_id: None, deduplication_id: None };
    let kind = LoadKind::Http { url: subscription.endpoint.clone(), headers };
    Load::new(kind, delivery, subscription.dead_letter_queue(), retries)
}

/// The question whether an HTTP endpoint wants to be, or to stay, subscribed.
pub(super) fn confirmation(
    kind: &'static str,
    body: String,
    subscription: &Subscription,
    postmark: &Postmark<'_>,
    retries: Retries,
) -> Load {
    let headers = headers(kind, postmark);
    let kind = LoadKind::Http { url: subscription.endpoint.clone(), headers };
    let delivery = Delivery { body, attributes: vec![], group_id: None, deduplication_id: None };
    Load::new(kind, delivery, None, retries)
}

fn headers(kind: &str, postmark: &Postmark<'_>) -> Vec<(String, String)> {
    [
        ("x-amz-sns-message-type", kind),
        ("x-amz-sns-message-id", postmark.id),
        ("x-amz-sns-topic-arn", postmark.topic),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// Posts to an endpoint on this machine; 2xx is a success.
///
/// # Errors
/// [`Failure`]; what the endpoint refuses for good (4xx other than 429) is not
/// tried again.
pub(super) async fn post(
    url: &str,
    headers: &[(String, String)],
    body: &str,
) -> Result<(), Failure> {
    let posted = tokio::time::timeout(TIMEOUT, exchange(url, headers, body)).await;
    let status = posted.map_err(|_| passing("it did not answer in 15 seconds"))??;
    let message = format!("the endpoint answered {status}");
    match status {
        status if status.is_success() => Ok(()),
        StatusCode::TOO_MANY_REQUESTS => Err(passing(message)),
        status if status.is_client_error() => Err(Failure::permanent("ClientError", message)),
        _ => Err(passing(message)),
    }
}

fn passing(message: impl ToString) -> Failure {
    Failure::passing("EndpointUnavailable", message.to_string())
}

async fn exchange(
    url: &str,
    headers: &[(String, String)],
    body: &str,
) -> Result<StatusCode, Failure> {
    let wrong = |reason: &str| Failure::permanent("InvalidEndpoint", format!("{url}: {reason}"));
    let uri: Uri = url.parse().map_err(|_| wrong("it is not a URL"))?;
    let authority = uri.authority().ok_or_else(|| wrong("it has no host"))?;
    let host = authority.host().trim_matches(['[', ']']);
    let addresses = tokio::net::lookup_host((host, authority.port_u16().unwrap_or(80)));
    let addresses: Vec<SocketAddr> = addresses.await.map_err(passing)?.collect();
    // A name may have come to mean another machine since it was subscribed.
    if !addresses.iter().all(|address| address.ip().is_loopback()) {
        return Err(wrong("it is not on this machine"));
    }
    let stream = TcpStream::connect(&addresses[..]).await.map_err(passing)?;
    let request = request_for(&uri, authority.as_str(), headers, body)
        .ok_or_else(|| wrong("it can't be requested"))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(passing)?;
    let mut answer = pin!(sender.send_request(request));
    // The connection may end with the answer already in hand.
    let answer = tokio::select! {
        biased;
        answer = answer.as_mut() => answer,
        _ended = connection => answer.await,
    };
    answer.map(|answer| answer.status()).map_err(passing)
}

fn request_for(
    uri: &Uri,
    authority: &str,
    headers: &[(String, String)],
    body: &str,
) -> Option<Request<Full<Bytes>>> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::post(path)
        .header(HOST, authority)
        .header(CONTENT_TYPE, "text/plain; charset=UTF-8")
        .header(USER_AGENT, "Amazon Simple Notification Service Agent")
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .ok()?;
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            request.headers_mut().insert(name, value);
        }
    }
    Some(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_endpoints_on_this_machine_are_subscribed() {
        for (protocol, endpoint, allowed) in [
            ("http", "http://127.0.0.1:8080/alerts?x=1", true),
            ("http", "http://localhost:1", true),
            ("http", "http://[::1]:8080/", true),
            ("http", "http://example.com/", false),
            ("http", "http://127.0.0.1.example.com/", false),
            ("http", "http://10.0.0.1/", false),
            ("http", "https://127.0.0.1/", false),
            ("https", "https://127.0.0.1/", false),
            ("http", "127.0.0.1", false),
            ("http", "no url", false),
        ] {
            assert_eq!(check(protocol, endpoint).is_ok(), allowed, "{endpoint}");
        }
    }
}
