//! Tags of topics.

use std::collections::BTreeMap;

use crate::query::{Form, Namespace, QueryError, Xml};

use super::{Sns, error, required};

/// Tags of a topic at most.
const MAX_TAGS: usize = 50;

impl Sns {
    pub(super) fn tag_resource(&self, form: &Form) -> Result<Xml, QueryError> {
        let tags = form.map("Tags.member", "Key", "Value");
        self.change_tags(form, |current| current.extend(tags))
    }

    pub(super) fn untag_resource(&self, form: &Form) -> Result<Xml, QueryError> {
        let keys: Vec<_> = form.list("TagKeys.member").filter_map(|key| key.value()).collect();
        self.change_tags(form, |current| current.retain(|key, _| !keys.contains(&key.as_str())))
    }

    pub(super) fn list_tags_for_resource(&self, form: &Form) -> Result<Xml, QueryError> {
        let arn = required(form, "ResourceArn")?;
        let state = self.store.read();
        let topic = state.topics.get(arn).ok_or_else(no_resource)?;
        let mut xml = Xml::default();
        xml.within("Tags", |xml| {
            for (key, value) in &topic.tags {
                xml.within("member", |xml| {
                    xml.text("Key", key).text("Value", value);
                });
            }
        });
        Ok(xml)
    }

    fn change_tags(
        &self,
        form: &Form,
        change: impl FnOnce(&mut BTreeMap<String, String>),
    ) -> Result<Xml, QueryError> {
        let arn = required(form, "ResourceArn")?;
        self.change(|state| {
            let tags = &mut state.topics.get_mut(arn).ok_or_else(no_resource)?.tags;
            change(tags);
            match tags.len() > MAX_TAGS {
                true => Err(error(
                    "TagLimitExceeded",
                    "Could not complete request: tag quota of per resource exceeded",
                )),
                false => Ok(()),
            }
        })?;
        Ok(Xml::default())
    }
}

fn no_resource() -> QueryError {
    QueryError::new(Namespace::SNS, 404, "ResourceNotFound", "Resource does not exist")
}
