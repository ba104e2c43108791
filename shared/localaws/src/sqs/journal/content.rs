//! What was sent, as it is written in a record: the part of a message that
//! never changes.

use std::sync::Arc;

use uuid::Uuid;

use super::super::message::{
    Attribute, AttributeValue, Content, DeadLetter, Deduplication, Extras, Scope,
};
use super::bytes::{Fields, Put};

/// Reads the extras of one version of the record.
pub(super) type ReadExtras = fn(&mut Fields<'_>) -> Option<Extras>;

/// Appends a message's content; it ends where the record ends.
pub(super) fn put_content(out: &mut Vec<u8>, content: &Content) {
    out.extend_from_slice(content.id.as_bytes());
    out.extend_from_slice(&content.body_md5);
    out.put_u64(content.sent_at);
    out.put_bytes(content.body.as_bytes());
    if let Some(extras) = &content.extras {
        put_extras(out, extras);
    }
}

/// Reads what [`put_content`] wrote.
pub(super) fn read(fields: &mut Fields<'_>, extras: ReadExtras) -> Option<Content> {
    Some(Content {
        id: Uuid::from_bytes(fields.array()?),
        body_md5: fields.array()?,
        sent_at: fields.u64()?,
        body: fields.text()?.into(),
        extras: match fields.is_empty() {
            true => None,
            false => Some(Arc::new(extras(fields)?)),
        },
    })
}

fn put_extras(out: &mut Vec<u8>, extras: &Extras) {
    put_optional_text(out, extras.trace_header.as_deref());
    put_optional_text(out, extras.group.as_deref());
    out.push(extras.deduplication.is_some().into());
    if let Some(Deduplication { given, scope }) = &extras.deduplication {
        put_optional_text(out, given.as_deref());
        out.push(match scope {
            Scope::Queue => 0,
            Scope::Group => 1,
            Scope::Nothing => 2,
        });
    }
    out.push(extras.dead_letter.is_some().into());
    if let Some(DeadLetter { source, moved_at, receive_count }) = extras.dead_letter.as_deref() {
        out.put_bytes(source.as_bytes());
        out.put_u64(*moved_at);
        out.put_u32(*receive_count);
    }
    for attribute in extras.attributes.iter() {
        out.put_bytes(attribute.name.as_bytes());
        out.put_bytes(attribute.data_type.as_bytes());
        out.push(matches!(attribute.value, AttributeValue::Binary(_)).into());
        out.put_bytes(attribute.value.bytes());
    }
}

/// The extras as [`put_content`] writes them.
pub(super) fn extras(fields: &mut Fields<'_>) -> Option<Extras> {
    Some(Extras {
        trace_header: optional_text(fields)?.map(Box::from),
        group: optional_text(fields)?.map(Arc::from),
        deduplication: match fields.u8()? {
            0 => None,
            _ => Some(deduplication(fields)?),
        },
        dead_letter: match fields.u8()? {
            0 => None,
            _ => Some(Box::new(dead_letter(fields)?)),
        },
        attributes: attributes(fields)?.into(),
    })
}

/// The extras as the first version wrote them.
pub(super) fn plain_extras(fields: &mut Fields<'_>) -> Option<Extras> {
    let trace_header = optional_text(fields)?.map(Box::from);
    let group = optional_text(fields)?.map(Arc::from);
    let source = optional_text(fields)?.map(Arc::from);
    let dead_letter = source.map(|source| DeadLetter { source, moved_at: 0, receive_count: 0 });
    let dead_letter = dead_letter.map(Box::new);
    let attributes = attributes(fields)?.into();
    Some(Extras { trace_header, group, dead_letter, attributes, deduplication: None })
}

fn deduplication(fields: &mut Fields<'_>) -> Option<Deduplication> {
    let given = optional_text(fields)?.map(Box::from);
    let scope = match fields.u8()? {
        0 => Scope::Queue,
        1 => Scope::Group,
        2 => Scope::Nothing,
        _ => return None,
    };
    Some(Deduplication { given, scope })
}

fn dead_letter(fields: &mut Fields<'_>) -> Option<DeadLetter> {
    let source = fields.text()?.into();
    Some(DeadLetter { source, moved_at: fields.u64()?, receive_count: fields.u32()? })
}

fn attributes(fields: &mut Fields<'_>) -> Option<Vec<Attribute>> {
    let mut attributes = Vec::new();
    while !fields.is_empty() {
        attributes.push(Attribute {
            name: fields.text()?.to_owned(),
            data_type: fields.text()?.to_owned(),
            value: match fields.u8()? {
                0 => AttributeValue::Text(fields.text()?.to_owned()),
                _ => AttributeValue::Binary(fields.bytes()?.to_owned()),
            },
        });
    }
    Some(attributes)
}

fn put_optional_text(out: &mut Vec<u8>, text: Option<&str>) {
    out.push(text.is_some().into());
    out.put_bytes(text.unwrap_or_default().as_bytes());
}

fn optional_text<'a>(fields: &mut Fields<'a>) -> Option<Option<&'a str>> {
    let is_some = fields.u8()? != 0;
    let text = fields.text()?;
    Some(is_some.then_some(text))
}
