//! Who we are, and whether our clock is right.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;

use super::Findings;

/// AWS refuses requests whose time is off by more than 15 minutes, S3's event
/// times and ours are compared long before that.
const SKEW_REFUSED: Duration = Duration::from_secs(15 * 60);
const SKEW_DOUBTFUL: Duration = Duration::from_secs(60);

/// Where we are: enough to name what is there.
#[derive(Debug, Clone)]
pub(super) struct Account {
    /// `aws`, `aws-cn` …
    partition: String,
    id: String,
    region: String,
}

impl Account {
    /// Of an answer of STS, whose ARN begins with `arn:PARTITION:`.
    fn of(arn: Option<&str>, id: Option<&str>, region: &str) -> Option<Self> {
        let partition = arn?.split(':').nth(1)?.to_owned();
        Some(Self { partition, id: id?.to_owned(), region: region.to_owned() })
    }

    /// The ARN of something of a service, by its name.
    pub(super) fn arn(&self, service: &str, name: &str) -> String {
        let Self { partition, id, region } = self;
        format!("arn:{partition}:{service}:{region}:{id}:{name}")
    }
}

/// Asks STS who we are, which everybody may; answers where we are, if it said so.
pub(super) async fn check(findings: &mut Findings, aws: &SdkConfig) -> Option<Account> {
    let region = aws.region().map_or("none", |region| region.as_ref());
    let subject = aws.endpoint_url().unwrap_or(region);
    let client = aws_sdk_sts::Client::new(aws);
    match client.get_caller_identity().send().await {
        Ok(identity) => {
            let (arn, account) = (identity.arn(), identity.account());
            let seen = format!(
                "{} in account {}, region {region}",
                arn.unwrap_or("somebody"),
                account.unwrap_or("unknown")
            );
            findings.good("credentials", subject, seen);
            Account::of(arn, account, region)
        }
        Err(error) => {
            let error = aws_sdk_sts::error::DisplayErrorContext(&error).to_string();
            findings.broken(
                "credentials",
                subject,
                error,
                "set a profile (AWS_PROFILE), a region (AWS_REGION), or AWS_ENDPOINT_URL for a \
                 local stack",
            );
            None
        }
    }
}

/// Compares our clock with the service's.
pub(super) fn check_clock(findings: &mut Findings, theirs: Option<SystemTime>) {
    let Some(theirs) = theirs else { return };
    let ours = SystemTime::now();
    let skew = ours.duration_since(theirs).or_else(|_| theirs.duration_since(ours));
    let skew = skew.unwrap_or_default();
    let seen = format!("{} s from S3's", skew.as_secs());
    let remedy = "synchronise it, by NTP or chrony";
    if skew >= SKEW_REFUSED {
        findings.broken("clock", "this machine", seen, remedy);
    } else if skew >= SKEW_DOUBTFUL {
        findings.doubtful("clock", "this machine", seen, remedy);
    } else {
        findings.good("clock", "this machine", seen);
    }
}
