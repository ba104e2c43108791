//! Form uploads, as browsers send them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::client::{BUCKET, Endpoint, bytes};

fn form(fields: &[(&str, &str)], file: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        let part =
            format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    let head = "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"f 1.csv\"\r\n\
                content-type: text/csv\r\n\r\n";
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--b--\r\n");
    body
}

async fn post(endpoint: &Endpoint, fields: &[(&str, &str)], file: &[u8]) -> (String, String) {
    let body = form(fields, file);
    let head = format!(
        "POST /{BUCKET} HTTP/1.1\nhost: localhost\ncontent-type: multipart/form-data; boundary=b\n\
         content-length: {}",
        body.len()
    );
    let (head, body) = endpoint.http(&head, &body).await;
    (head, String::from_utf8(body).unwrap())
}

fn policy(expires: &str, conditions: &str) -> String {
    BASE64.encode(format!(r#"{{"expiration":"{expires}","conditions":[{conditions}]}}"#))
}

#[tokio::test]
async fn a_form_is_answered_as_it_wishes() {
    let endpoint = Endpoint::start().await;
    let file = bytes(3_000_000);
    let (head, _) = post(&endpoint, &[("key", "in/${filename}")], &file).await;
    assert!(head.starts_with("http/1.1 204"), "{head}");
    assert!(endpoint.get("in/f 1.csv").await.unwrap() == file);
    let fields = [("key", "k"), ("success_action_status", "201"), ("x-amz-meta-a", "b")];
    let (head, body) = post(&endpoint, &fields, b"1").await;
    assert!(head.starts_with("http/1.1 201"), "{head}");
    assert!(body.contains("<PostResponse><Location>http://localhost/raw/k</Location>"), "{body}");
    let kept = endpoint.s3.head_object().bucket(BUCKET).key("k").send().await.unwrap();
    assert_eq!(kept.metadata().unwrap()["a"], "b");
    let fields = [("key", "k"), ("success_action_redirect", "http://there/done")];
    let (head, _) = post(&endpoint, &fields, b"1").await;
    assert!(head.starts_with("http/1.1 303"), "{head}");
    assert!(head.contains("location: http://there/done?bucket=raw&key=k&etag="), "{head}");
}

#[tokio::test]
async fn a_form_keeps_to_its_policy() {
    let endpoint = Endpoint::start().await;
    let conditions =
        r#"{"bucket":"raw"},["starts-with","$key","in/"],["content-length-range",2,4]"#;
    let valid = policy("2999-01-01T00:00:00.000Z", conditions);
    let send = async |policy: &str, key: &str, more: Option<(&str, &str)>, file: &[u8]| {
        let fields: Vec<_> = [("key", key), ("policy", policy)].into_iter().chain(more).collect();
        let (head, body) = post(&endpoint, &fields, file).await;
        (head[9..12].to_owned(), body)
    };
    assert_eq!(send(&valid, "in/k", None, b"123").await.0, "204");
    let refused = [
        (send(&valid, "out/k", None, b"123").await, "403", "Policy Condition failed"),
        (send(&valid, "in/l", Some(("acl", "private")), b"123").await, "403", "Extra input fields"),
        (send(&valid, "in/l", None, b"1").await, "400", "EntityTooSmall"),
        (send(&valid, "in/l", None, b"12345").await, "400", "EntityTooLarge"),
        (send("e30=", "in/l", None, b"123").await, "400", "InvalidPolicyDocument"),
    ];
    for ((status, body), expected, reason) in refused {
        assert_eq!(status, expected, "{body}");
        assert!(body.contains(reason), "{body}");
    }
    let expired = policy("2020-01-01T00:00:00.000Z", conditions);
    let (status, body) = send(&expired, "in/l", None, b"123").await;
    assert_eq!(status, "403");
    assert!(body.contains("Policy expired"), "{body}");
    assert_eq!(endpoint.keys().await, ["in/k"]);
    assert_eq!(endpoint.content_files().len(), 1);
}

#[tokio::test]
async fn a_form_without_a_file_is_refused() {
    let endpoint = Endpoint::start().await;
    let body = b"--b\r\ncontent-disposition: form-data; name=\"key\"\r\n\r\nk\r\n--b--\r\n";
    let head = format!(
        "POST /{BUCKET} HTTP/1.1\nhost: localhost\ncontent-type: multipart/form-data; boundary=b\n\
         content-length: {}",
        body.len()
    );
    let (head, _) = endpoint.http(&head, body).await;
    assert!(head.starts_with("http/1.1 400"), "{head}");
}
