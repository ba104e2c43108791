//! What a refusal asks for: the action that is not allowed, and on what.
//!
//! AWS says both in the message of most refusals ("Troubleshoot access denied
//! error messages" in the IAM User Guide): `User: ARN is not authorized to perform:
//! ACTION on resource: ARN because …`. So a refusal of S3 that is really one of the
//! key that encrypts the object names the key. Where a service does not say, it is
//! what was tried.

use std::fmt;

/// A permission that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The IAM action, such as `kms:Decrypt`.
    pub action: String,
    /// The ARN it is needed on.
    pub resource: String,
}

impl Grant {
    /// The permission that a service's words name, or else the one that was tried.
    pub fn of(said: &str, action: &str, resource: &str) -> Self {
        Self::said(said)
            .unwrap_or_else(|| Self { action: action.to_owned(), resource: resource.to_owned() })
    }

    /// The permission that a service's words name.
    pub(crate) fn said(said: &str) -> Option<Self> {
        let (_, rest) = said.split_once("not authorized to perform: ")?;
        let action = word(rest);
        let (service, call) = action.split_once(':')?;
        if service.is_empty() || call.is_empty() {
            return None;
        }
        let (_, rest) = rest.split_once("on resource: ")?;
        let resource = word(rest);
        (!resource.is_empty())
            .then(|| Self { action: action.to_owned(), resource: resource.to_owned() })
    }
}

/// The first word, without quotes and the punctuation of the sentence.
fn word(text: &str) -> &str {
    let text = text.trim_start_matches(['"', '\'']);
    let end = text.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(text.len());
    text[..end].trim_end_matches(['.', ',', ';', '\''])
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on `{}`", self.action, self.resource)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_aws_says_is_missing_is_named() {
        for (said, expected) in [
            (
                "User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: kms:Decrypt on \
                 resource: arn:aws:kms:eu-west-1:1:key/k because no identity-based policy allows \
                 the kms:Decrypt action",
                "kms:Decrypt on `arn:aws:kms:eu-west-1:1:key/k`",
            ),
            (
                "User: u is not authorized to perform: s3:GetObject on resource: \
                 \"arn:aws:s3:::b/k.csv\" with an explicit deny",
                "s3:GetObject on `arn:aws:s3:::b/k.csv`",
            ),
            ("Access Denied", "s3:PutObject on `arn:aws:s3:::b/x`"),
            ("not authorized to perform: ", "s3:PutObject on `arn:aws:s3:::b/x`"),
            ("not authorized to perform: a:b on resource: ", "s3:PutObject on `arn:aws:s3:::b/x`"),
        ] {
            let grant = Grant::of(said, "s3:PutObject", "arn:aws:s3:::b/x");
            assert_eq!(grant.to_string(), expected, "{said}");
        }
    }
}
