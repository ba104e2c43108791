//! Whose an object of the lake is, by its name. What is not named as ours are is
//! nobody's to remove.

use millrace_contract::{FileId, JoinedId};

/// Digits of an id.
const DIGITS: usize = 32;

/// Whose an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Rows of this file, or of this run of a derived dataset:
    /// `<file id>-0000.parquet`.
    File(FileId),
    /// Rows of several: `joined-<id>.parquet`.
    Joined(JoinedId),
}

/// Whose an object with Parquet is.
pub(crate) fn owner(key: &str) -> Option<Owner> {
    let name = last_part(key).strip_suffix(".parquet")?;
    if let Some(id) = name.strip_prefix(crate::compact::PREFIX) {
        return is_id(id).then(|| Owner::Joined(JoinedId::from_text(id)));
    }
    let (id, ordinal) = name.split_once('-')?;
    let is_ours = is_id(id) && ordinal.len() >= 4 && ordinal.bytes().all(|b| b.is_ascii_digit());
    is_ours.then(|| Owner::File(FileId::from_text(id)))
}

/// The file whose rejected rows an object has: `<file id>.ndjson`.
pub(crate) fn rejects_of(key: &str) -> Option<FileId> {
    let id = last_part(key).strip_suffix(".ndjson")?;
    is_id(id).then(|| FileId::from_text(id))
}

fn last_part(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

fn is_id(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn only_what_is_named_as_ours_has_an_owner() {
        let file = Owner::File(FileId::from_text(ID));
        assert_eq!(owner(&format!("d/year=2024/{ID}-0000.parquet")), Some(file));
        let joined = Owner::Joined(JoinedId::from_text(ID));
        assert_eq!(owner(&format!("d/joined-{ID}.parquet")), Some(joined));
        for other in [
            format!("d/{ID}.parquet"),
            format!("d/{ID}-0000.csv"),
            format!("d/{ID}-x.parquet"),
            format!("d/{}-0000.parquet", ID.to_uppercase()),
            "d/part-00000.parquet".to_owned(),
            "d/joined-.parquet".to_owned(),
            String::new(),
        ] {
            assert_eq!(owner(&other), None, "{other}");
        }
        assert_eq!(rejects_of(&format!("_rejects/d/{ID}.ndjson")), Some(FileId::from_text(ID)));
        assert_eq!(rejects_of("_rejects/d/mine.ndjson"), None);
    }
}
