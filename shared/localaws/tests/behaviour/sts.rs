//! AWS STS, asked in the protocol itself: it has no SDK here.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::aws::Aws;

/// Sends an action of STS as a form; answers status line, headers and body.
async fn ask(aws: &Aws, form: &str) -> String {
    let host = aws.url.strip_prefix("http://").unwrap();
    let request = format!(
        "POST / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {}\r\n\
         content-type: application/x-www-form-urlencoded\r\nx-amz-date: 20300101T000000Z\r\n\
         authorization: AWS4-HMAC-SHA256 Credential=test/20300101/us-east-1/sts/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature={}\r\n\r\n{form}",
        form.len(),
        "0".repeat(64),
    );
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// The text of an XML element.
fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap_or_else(|| panic!("{xml}"));
    rest.split_once("</").unwrap().0
}

/// Whoever asks is told their account of 12 digits, their ARN and their id.
/// (GetCallerIdentity)
#[tokio::test]
async fn a_caller_is_told_who_it_is() {
    let aws = Aws::start().await;
    let answer = ask(&aws, "Action=GetCallerIdentity&Version=2011-06-15").await;
    let account = element(&answer, "Account");
    assert!(account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()), "{answer}");
    let arn = element(&answer, "Arn");
    assert!(arn.starts_with("arn:aws:") && arn.contains(account), "{arn}");
    assert!(!element(&answer, "UserId").is_empty());
}

/// Assuming a role answers with a key, a secret, a token and when they expire,
/// and with the ARN of the session. (AssumeRole)
#[tokio::test]
async fn a_role_can_be_assumed() {
    let aws = Aws::start().await;
    let role = "arn%3Aaws%3Aiam%3A%3A000000000000%3Arole%2Fworker";
    let form =
        format!("Action=AssumeRole&Version=2011-06-15&RoleArn={role}&RoleSessionName=behaviour");
    let answer = ask(&aws, &form).await;
    for name in ["AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"] {
        assert!(!element(&answer, name).is_empty(), "{name}");
    }
    let arn = element(&answer, "Arn");
    assert!(arn.ends_with(":assumed-role/worker/behaviour"), "{arn}");
}
