//! Access control lists, from the canned names, headers and documents that
//! requests give them in.

use s3s::dto::{AccessControlPolicy, Grant, Grantee, Grants, Permission, Type};
use s3s::{S3Result, s3_error};

use super::error;
use super::store::Store;

/// Name that an object's list is kept under, among its headers.
pub(super) const KEPT: &str = "acl";

const EVERYONE: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const AUTHENTICATED: &str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
const LOG_DELIVERY: &str = "http://acs.amazonaws.com/groups/s3/LogDelivery";

/// The list of what only its owner may use.
pub(super) fn private(store: &Store) -> Grants {
    vec![grant(user(&store.account), Permission::FULL_CONTROL)]
}

fn grant(grantee: Grantee, permission: &'static str) -> Grant {
    Grant { grantee: Some(grantee), permission: Some(Permission::from_static(permission)) }
}

fn user(id: &str) -> Grantee {
    Grantee {
        display_name: None,
        email_address: None,
        id: Some(id.to_owned()),
        type_: Type::from_static(Type::CANONICAL_USER),
        uri: None,
    }
}

fn group(uri: &str) -> Grantee {
    Grantee {
        display_name: None,
        email_address: None,
        id: None,
        type_: Type::from_static(Type::GROUP),
        uri: Some(uri.to_owned()),
    }
}

/// What a request's headers say of a list.
#[derive(Debug, Default)]
pub(super) struct Given<'a> {
    /// `x-amz-acl`.
    pub(super) canned: Option<&'a str>,
    /// `x-amz-grant-full-control`.
    pub(super) full_control: Option<&'a str>,
    /// `x-amz-grant-read`.
    pub(super) read: Option<&'a str>,
    /// `x-amz-grant-read-acp`.
    pub(super) read_acp: Option<&'a str>,
    /// `x-amz-grant-write`.
    pub(super) write: Option<&'a str>,
    /// `x-amz-grant-write-acp`.
    pub(super) write_acp: Option<&'a str>,
}

/// What a request's input says of a list; buckets have `write` beside the others.
macro_rules! given_acl {
    ($input:expr) => {
        $crate::s3::acl::Given {
            canned: $input.acl.as_ref().map(|canned| canned.as_str()),
            full_control: $input.grant_full_control.as_deref(),
            read: $input.grant_read.as_deref(),
            read_acp: $input.grant_read_acp.as_deref(),
            write: None,
            write_acp: $input.grant_write_acp.as_deref(),
        }
    };
    ($input:expr, write) => {
        $crate::s3::acl::Given {
            write: $input.grant_write.as_deref(),
            ..$crate::s3::acl::given_acl!($input)
        }
    };
}

pub(super) use given_acl;

impl Given<'_> {
    fn headers(&self) -> [(Option<&str>, &'static str); 5] {
        [
            (self.full_control, Permission::FULL_CONTROL),
            (self.read, Permission::READ),
            (self.read_acp, Permission::READ_ACP),
            (self.write, Permission::WRITE),
            (self.write_acp, Permission::WRITE_ACP),
        ]
    }

    /// Whether the headers say nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.canned.is_none() && self.headers().iter().all(|(header, _)| header.is_none())
    }

    /// The list that a request gives in one of the three ways.
    ///
    /// # Errors
    /// `InvalidRequest` if it is given in two, `MissingSecurityHeader` if in
    /// none, or what is wrong with it.
    pub(super) fn grants(
        &self,
        store: &Store,
        document: Option<AccessControlPolicy>,
    ) -> S3Result<Grants> {
        let by_headers = self.headers().iter().any(|(header, _)| header.is_some());
        match (self.canned, by_headers, document) {
            (Some(canned), false, None) => by_name(canned, &store.account),
            (None, true, None) => self.by_headers(),
            (None, false, Some(document)) => {
                document.grants.ok_or_else(|| s3_error!(MalformedACLError))
            }
            (None, false, None) => {
                Err(s3_error!(MissingSecurityHeader, "Your request was missing a required header"))
            }
            (Some(_), true, _) => Err(s3_error!(
                InvalidRequest,
                "Specifying both Canned ACLs and Header Grants is not allowed"
            )),
            (Some(_), false, Some(_)) | (None, true, Some(_)) => Err(error::unexpected_content()),
        }
    }

    fn by_headers(&self) -> S3Result<Grants> {
        let mut grants = Vec::new();
        for (header, permission) in self.headers() {
            for grantee in header.into_iter().flat_map(|header| header.split(',')) {
                grants.push(grant(grantee_of(grantee)?, permission));
            }
        }
        Ok(grants)
    }
}

/// Reads `id="…"`, `uri="…"` or `emailAddress="…"`.
fn grantee_of(text: &str) -> S3Result<Grantee> {
    let malformed = || s3_error!(InvalidArgument, "Argument format not recognized");
    let (kind, value) = text.trim().split_once('=').ok_or_else(malformed)?;
    let value = value.trim_matches('"');
    match kind {
        "id" => Ok(user(value)),
        "uri" => Ok(group(value)),
        "emailAddress" => Ok(Grantee {
            display_name: None,
            email_address: Some(value.to_owned()),
            id: None,
            type_: Type::from_static(Type::AMAZON_CUSTOMER_BY_EMAIL),
            uri: None,
        }),
        _ => Err(malformed()),
    }
}

/// The list of a canned name, as "Canned ACL" in the Amazon S3 User Guide has
/// them. Bucket and objects have the same owner here.
fn by_name(canned: &str, account: &str) -> S3Result<Grants> {
    let more = match canned {
        "private" | "bucket-owner-read" | "bucket-owner-full-control" | "aws-exec-read" => vec![],
        "public-read" => vec![grant(group(EVERYONE), Permission::READ)],
        "public-read-write" => vec![
            grant(group(EVERYONE), Permission::READ),
            grant(group(EVERYONE), Permission::WRITE),
        ],
        "authenticated-read" => vec![grant(group(AUTHENTICATED), Permission::READ)],
        "log-delivery-write" => vec![
            grant(group(LOG_DELIVERY), Permission::WRITE),
            grant(group(LOG_DELIVERY), Permission::READ_ACP),
        ],
        _ => return Err(s3_error!(InvalidArgument, "`{canned}` is not a canned ACL")),
    };
    let owners = grant(user(account), Permission::FULL_CONTROL);
    Ok(std::iter::once(owners).chain(more).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canned_lists_begin_with_the_owner() {
        let grants = by_name("public-read", "me").unwrap();
        assert_eq!(grants.len(), 2);
        assert_eq!(grants[0].grantee.as_ref().unwrap().id.as_deref(), Some("me"));
        assert_eq!(grants[1].grantee.as_ref().unwrap().uri.as_deref(), Some(EVERYONE));
        assert!(by_name("nonsense", "me").is_err());
    }

    #[test]
    fn grants_are_read_from_headers() {
        let full_control = Some("id=\"a\", uri=\"http://x\"");
        let grants = Given { full_control, ..Given::default() }.by_headers().unwrap();
        assert_eq!(grants.len(), 2);
        assert_eq!(grants[1].grantee.as_ref().unwrap().uri.as_deref(), Some("http://x"));
        assert!(Given { read: Some("a"), ..Given::default() }.by_headers().is_err());
    }
}
