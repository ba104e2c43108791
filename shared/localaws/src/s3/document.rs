//! What is set for a bucket beside versioning, notifications and tags: policy,
//! CORS, lifecycle, encryption and the like, kept as the text it was given in.

use std::collections::BTreeMap;

use s3s::S3Result;
use s3s::xml::{Deserializer, SerializeContent, Serializer};
use serde::{Deserialize, Serialize};

use super::error;

/// Element around a document that is kept as XML.
const ROOT: &str = "Document";

/// A bucket policy, in JSON.
pub(super) const POLICY: &str = "policy";
/// Cross-origin rules.
pub(super) const CORS: &str = "cors";
/// Lifecycle rules.
pub(super) const LIFECYCLE: &str = "lifecycle";
/// What objects need to have for a transition, as its header says it.
pub(super) const TRANSITION_SIZE: &str = "lifecycle-minimum-object-size";
/// Default encryption.
pub(super) const ENCRYPTION: &str = "encryption";
/// Whether public access is blocked.
pub(super) const PUBLIC_ACCESS: &str = "public-access-block";
/// Who owns uploaded objects.
pub(super) const OWNERSHIP: &str = "ownership-controls";
/// Access control list.
pub(super) const ACL: &str = "acl";
/// Where access is logged.
pub(super) const LOGGING: &str = "logging";
/// Website.
pub(super) const WEBSITE: &str = "website";
/// Who pays for requests.
pub(super) const REQUEST_PAYMENT: &str = "request-payment";
/// Transfer acceleration.
pub(super) const ACCELERATE: &str = "accelerate";
/// Replication.
pub(super) const REPLICATION: &str = "replication";
/// Object lock.
pub(super) const OBJECT_LOCK: &str = "object-lock";

/// A bucket's documents by name. An empty one was deleted where a new bucket
/// has one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Documents(BTreeMap<Box<str>, Box<str>>);

impl Documents {
    /// Whether none was ever set.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text of this one; it may be empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(AsRef::as_ref)
    }

    /// This one as it was given, unless it was deleted.
    pub(super) fn read<T: for<'xml> s3s::xml::DeserializeContent<'xml>>(
        &self,
        name: &str,
    ) -> Option<T> {
        parse(self.text(name)?)
    }

    /// Every one whose name begins so, by name.
    pub(super) fn beginning_with<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        let all = self.0.iter().filter(move |(name, _)| name.starts_with(prefix));
        all.map(|(_, text)| &**text)
    }

    /// Replaces this one, or takes it out.
    pub(super) fn set(&mut self, name: &str, text: Option<String>) {
        match text {
            Some(text) => self.0.insert(name.into(), text.into()),
            None => self.0.remove(name),
        };
    }
}

/// A document as XML.
///
/// # Errors
/// If it can't be written as XML.
pub(super) fn write<T: SerializeContent>(document: &T) -> S3Result<String> {
    let mut xml = Vec::new();
    Serializer::new(&mut xml).content(ROOT, document).map_err(s3s::S3Error::internal_error)?;
    String::from_utf8(xml).map_err(s3s::S3Error::internal_error)
}

/// The document that [`write`] wrote; none if it is empty.
pub(super) fn parse<T: for<'xml> s3s::xml::DeserializeContent<'xml>>(text: &str) -> Option<T> {
    if text.is_empty() {
        return None;
    }
    let mut xml = Deserializer::new(text.as_bytes());
    let read = xml.named_element(ROOT, Deserializer::content);
    if let Err(error) = &read {
        tracing::warn!(%error, "a bucket's document can't be read back");
    }
    read.ok()
}

/// Holds a list of rules against how many there may be.
///
/// # Errors
/// `MalformedXML`.
pub(super) fn check_count(rules: usize, most: usize) -> S3Result<()> {
    match (1..=most).contains(&rules) {
        true => Ok(()),
        false => Err(error::malformed_xml()),
    }
}

#[cfg(test)]
mod tests {
    use s3s::dto::{AccessControlPolicy, Grant, Grantee, Permission, Type};

    use super::*;

    #[test]
    fn documents_read_back_as_written() {
        let grantee = Grantee {
            display_name: None,
            email_address: None,
            id: Some("me & <you>".to_owned()),
            type_: Type::from_static(Type::CANONICAL_USER),
            uri: None,
        };
        let permission = Some(Permission::from_static(Permission::READ));
        let grant = Grant { grantee: Some(grantee), permission };
        let policy = AccessControlPolicy { grants: Some(vec![grant]), owner: None };
        let mut documents = Documents::default();
        documents.set(ACL, Some(write(&policy).unwrap()));
        let read: AccessControlPolicy = documents.read(ACL).unwrap();
        assert_eq!(read.grants, policy.grants);
        documents.set(ACL, Some(String::new()));
        assert!(documents.read::<AccessControlPolicy>(ACL).is_none());
    }
}
