//! Names that are computed, never drawn: the same file under the same contract
//! has the same [`FileId`] in every worker, attempt and redelivery.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Dataset, ObjectVersion};

/// Names one object version under one dataset's contract: 32 hexadecimal
/// digits. Output objects, ledger rows and commit records all carry it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileId(String);

impl FileId {
    /// The id of `object` read as `dataset` under `contract`.
    ///
    /// Two events for one object version give one id. A key that was
    /// overwritten gives another, even if it went back to earlier content,
    /// since the sequencer differs.
    pub fn of(dataset: &str, object: &ObjectVersion, contract: &ContractVersion) -> Self {
        let sequencer = match (&object.version_id, &object.sequencer) {
            (None, Some(sequencer)) => sequencer.sort_key(),
            _ => String::new(),
        };
        Self::from_parts(&[
            dataset,
            &object.bucket,
            &object.key,
            object.revision(),
            &sequencer,
            contract.as_str(),
        ])
    }

    /// The id that follows from the parts of a name.
    pub(crate) fn from_parts(parts: &[&str]) -> Self {
        Self(fingerprint(parts))
    }

    /// Wraps an id read back from a message or the ledger.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The 32 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names an object that others were joined into: 32 hexadecimal digits over what
/// was joined, in its order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JoinedId(String);

impl JoinedId {
    /// The id of what is made of these parts: each a file, the number of one of its
    /// outputs, and the key of the object that the rows are read from.
    pub fn of<'a>(parts: impl IntoIterator<Item = (&'a FileId, u64, &'a str)>) -> Self {
        let parts = parts.into_iter();
        let texts: Vec<String> = parts
            .flat_map(|(file, output, key)| [file.0.clone(), output.to_string(), key.to_owned()])
            .collect();
        Self(fingerprint(&texts.iter().map(String::as_str).collect::<Vec<_>>()))
    }

    /// Wraps an id read back from the ledger or a key.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The 32 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JoinedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Options that came later, if they are used.
fn later<T: Default + PartialEq + Serialize>(options: &T) -> Option<String> {
    let used = *options != T::default();
    used.then(|| serde_json::to_string(options).unwrap_or_default())
}

/// Names what a dataset's definition promised when a file was planned: 12
/// hexadecimal digits over everything that decides which rows come out (not
/// where they are matched or how many workers there are).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContractVersion(String);

impl ContractVersion {
    /// The contract version of a dataset definition.
    pub fn of(dataset: &Dataset) -> Self {
        let definition = serde_json::to_string(&(
            &dataset.format,
            &dataset.csv,
            &dataset.schema,
            &dataset.expect,
            &dataset.rejects,
            &dataset.parquet,
            &dataset.load,
        ))
        .unwrap_or_default();
        // What came later counts only where it is used, so that what does not use
        // it keeps its version.
        let (json, fixed) = (later(&dataset.json), later(&dataset.fixed));
        let filter = dataset.filter.as_ref().map(|filter| format!("where {filter}"));
        let (sheet, sql) = (later(&dataset.xlsx), later(&dataset.transform));
        let (sheet, sql) = (sheet.map(|s| format!("xlsx {s}")), sql.map(|s| format!("sql {s}")));
        let limits = later(&dataset.limits);
        let about = dataset.description.as_ref().map(|text| format!("about {text}"));
        let parts = [Some(definition), json, fixed, filter, limits, sheet, sql, about];
        let parts: Vec<&str> = parts.iter().flatten().map(String::as_str).collect();
        let mut digits = fingerprint(&parts);
        digits.truncate(12);
        Self(digits)
    }

    /// Wraps a version read back from a message or the ledger.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The 12 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ContractVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The first 16 bytes of SHA-256 over length-prefixed parts, in hexadecimal, so
/// that no two different lists of parts run together.
pub(crate) fn fingerprint(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sequencer;

    fn object(key: &str, sequencer: Option<&str>) -> ObjectVersion {
        ObjectVersion {
            bucket: "raw".into(),
            key: key.into(),
            version_id: None,
            etag: "e1".into(),
            sequencer: sequencer.map(Sequencer::new),
            size: None,
        }
    }

    #[test]
    fn an_overwrite_with_the_same_bytes_is_another_file() {
        let contract = ContractVersion::from_text("c");
        let id = |object: &ObjectVersion| FileId::of("d", object, &contract);
        assert_eq!(id(&object("k", Some("01"))), id(&object("k", Some("0100"))));
        assert_ne!(id(&object("k", Some("01"))), id(&object("k", Some("02"))));
        assert_ne!(id(&object("k", None)), id(&object("j", None)));
    }

    #[test]
    fn a_filter_is_part_of_the_contract_and_sharing_files_is_not() {
        let text = r#"{"name":"d","pattern":"*","format":"csv","csv":{},"schema":{"mode":"infer",
            "columns":[],"sample_bytes":1},"expect":[],"rejects":{"max":"1%"},"parquet":{},
            "load":null}"#;
        let plain: Dataset = serde_json::from_str(text).expect("a dataset of an older version");
        let filtered = |filter: &str| Dataset { filter: Some(filter.into()), ..plain.clone() };
        let shared = Dataset { shared: true, ..plain.clone() };
        let version = ContractVersion::of;
        assert_eq!(version(&plain), version(&shared));
        assert_ne!(version(&plain), version(&filtered("a = 1")));
        assert_ne!(version(&filtered("a = 2")), version(&filtered("a = 1")));
        assert!(!serde_json::to_string(&plain).expect("JSON").contains("where"));
    }

    #[test]
    fn what_is_loaded_otherwise_is_another_contract_and_what_is_not_said_is_not() {
        let text = |load: &str| {
            format!(
                r#"{{"name":"d","pattern":"*","format":"csv","csv":{{}},"schema":{{"mode":"strict",
                "columns":[{{"name":"id","type":"int64"}}],"sample_bytes":1}},"expect":[],
                "rejects":{{"max":"1%"}},"parquet":{{}},"load":{load}}}"#
            )
        };
        let read =
            |load: &str| -> Dataset { serde_json::from_str(&text(load)).expect("a dataset") };
        let plain = read(r#"{"table":"t","mode":"append"}"#);
        // As the version before had it.
        assert_eq!(ContractVersion::of(&plain).as_str(), "ad772c0de0a6");
        let indexed = read(r#"{"table":"t","mode":"append","indexes":[["id"]]}"#);
        let described = Dataset { description: Some("sales".into()), ..plain.clone() };
        for other in [indexed, described] {
            assert_ne!(ContractVersion::of(&other), ContractVersion::of(&plain));
        }
    }

    #[test]
    fn what_makes_other_rows_is_another_contract() {
        let text = r#"{"name":"d","pattern":"*","format":"csv","csv":{},"schema":{"mode":"infer",
            "columns":[],"sample_bytes":1},"expect":[],"rejects":{"max":"1%"},"parquet":{},
            "load":null}"#;
        let plain: Dataset = serde_json::from_str(text).expect("a dataset of an older version");
        let with = |part: &str| {
            let text = text.replacen('{', &format!("{{{part},"), 1);
            ContractVersion::of(&serde_json::from_str(&text).expect("a dataset"))
        };
        let versions = [
            ContractVersion::of(&plain),
            with(r#""transform":{"sql":"select 1 from input"}"#),
            with(r#""transform":{"sql":"select 2 from input"}"#),
            with(r#""xlsx":{"sheet":"Prices"}"#),
            with(r#""limits":{"columns":7}"#),
            with(r#""json":{"flatten":true}"#),
        ];
        let different: std::collections::HashSet<_> = versions.iter().collect();
        assert_eq!(different.len(), versions.len());
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(fingerprint(&["ab", "c"]), fingerprint(&["a", "bc"]));
    }
}
