//! The folder of a run: what is there from before, and what may stay.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use millrace_contract::{ExportObject, ExportRunId};
use millrace_runtime::Failed;
use millrace_storage::{ObjectRef, Storage, StorageError};

use crate::manifest::{Manifest, NAME};

/// Bytes of a manifest that are read: one of a hundred thousand objects.
const MANIFEST_BYTES: u64 = 16 << 20;

/// How the names of objects begin.
const PART: &str = "part-";

/// A folder of a bucket.
#[derive(Clone)]
pub(crate) struct Folder {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) bucket: String,
    /// Ends with `/`.
    pub(crate) key: String,
}

impl Folder {
    /// The key of an object: `part-00000.parquet`, or of one of several parts
    /// that are read at once `part-2-00000.parquet`.
    pub(crate) fn object(&self, part: Option<usize>, ordinal: u32, ending: &str) -> String {
        match part {
            None => format!("{}{PART}{ordinal:05}.{ending}", self.key),
            Some(part) => format!("{}{PART}{part}-{ordinal:05}.{ending}", self.key),
        }
    }

    fn manifest_key(&self) -> String {
        format!("{}{NAME}", self.key)
    }

    /// The manifest as an `s3://` URL.
    pub(crate) fn manifest_url(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.manifest_key())
    }

    /// Takes back what an earlier run, or an earlier attempt at this one, says is
    /// complete. The rows of an incremental run are not another's to replace.
    pub(crate) async fn make_room(
        &self,
        run: &ExportRunId,
        is_incremental: bool,
    ) -> Result<(), Failed> {
        let Some(bytes) = self.read_manifest().await? else { return Ok(()) };
        let is_own =
            serde_json::from_slice::<Manifest>(&bytes).is_ok_and(|found| found.run == *run);
        if is_incremental && !is_own {
            return Err(Failed::contract(format!(
                "`{}` is another run's, whose rows would be lost; give each run a folder of its \
                 own by `{{run}}` in `to`",
                self.manifest_url()
            )));
        }
        Ok(self.storage.delete(&self.bucket, &self.manifest_key()).await?)
    }

    async fn read_manifest(&self) -> Result<Option<Vec<u8>>, StorageError> {
        let object = ObjectRef::latest(&self.bucket, self.manifest_key());
        let mut found = match self.storage.get(&object, 0, Some(MANIFEST_BYTES)).await {
            Ok(found) => found.body,
            Err(StorageError::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        while let Some(chunk) = found.next().await {
            bytes.extend_from_slice(&chunk?);
        }
        Ok(Some(bytes))
    }

    /// Removes objects that an earlier run or attempt left and this one did not
    /// write again.
    pub(crate) async fn remove_others(&self, objects: &[ExportObject]) -> Result<(), StorageError> {
        let prefix = format!("{}{PART}", self.key);
        let mut page = None;
        loop {
            let listing = self.storage.list(&self.bucket, &prefix, page).await?;
            for (key, _) in &listing.objects {
                let is_below = key[prefix.len().min(key.len())..].contains('/');
                if !is_below && !objects.iter().any(|object| object.key == *key) {
                    self.storage.delete(&self.bucket, key).await?;
                }
            }
            page = listing.next;
            if page.is_none() {
                return Ok(());
            }
        }
    }

    /// Says that everything is there.
    pub(crate) async fn write_manifest(&self, manifest: &Manifest) -> Result<(), Failed> {
        let bytes = serde_json::to_vec_pretty(manifest)
            .map_err(|error| Failed::contract(format!("the manifest can't be written: {error}")))?;
        self.storage.put(&self.bucket, &self.manifest_key(), Bytes::from(bytes)).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use millrace_storage::MemoryStorage;

    use super::*;

    fn folder(storage: &Arc<MemoryStorage>) -> Folder {
        Folder { storage: storage.clone(), bucket: "lake".into(), key: "e/users/".into() }
    }

    async fn keys(storage: &MemoryStorage) -> Vec<String> {
        let listing = storage.list("lake", "", None).await.expect("a listing");
        listing.objects.into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn names_follow_from_folder_part_and_number() {
        let folder = folder(&Arc::new(MemoryStorage::new()));
        assert_eq!(folder.object(None, 0, "parquet"), "e/users/part-00000.parquet");
        assert_eq!(folder.object(Some(3), 12, "csv"), "e/users/part-3-00012.csv");
        assert_eq!(folder.manifest_url(), "s3://lake/e/users/_manifest.json");
    }

    #[tokio::test]
    async fn only_what_this_run_did_not_write_is_removed() {
        let storage = Arc::new(MemoryStorage::new());
        for key in ["part-00000.csv", "part-00001.csv", "part-x/deep.csv", "other.csv"] {
            let key = format!("e/users/{key}");
            storage.put("lake", &key, Bytes::new()).await.expect("stored");
        }
        let kept = ExportObject { key: "e/users/part-00000.csv".into(), rows: 1, bytes: 1 };
        folder(&storage).remove_others(&[kept]).await.expect("removed");
        let expected = ["e/users/other.csv", "e/users/part-00000.csv", "e/users/part-x/deep.csv"];
        assert_eq!(keys(&storage).await, expected);
    }

    #[tokio::test]
    async fn an_incremental_run_replaces_no_others_rows() {
        let storage = Arc::new(MemoryStorage::new());
        let folder = folder(&storage);
        let run = ExportRunId::from_text("r1");
        assert!(folder.make_room(&run, true).await.is_ok(), "nothing is there");
        let manifest = br#"{"version":1,"run":"r0"}"#;
        let key = "e/users/_manifest.json";
        storage.put("lake", key, Bytes::from_static(manifest)).await.expect("stored");
        assert!(matches!(folder.make_room(&run, true).await, Err(Failed::Verdict(_))));
        assert_eq!(keys(&storage).await, [key]);
        assert!(folder.make_room(&run, false).await.is_ok());
        assert!(keys(&storage).await.is_empty());
    }
}
