//! The lists of live objects in the lake's bucket.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use millrace_catalog::Manifest;
use millrace_storage::Storage;

use crate::{Permit, RegisterError};

/// Lists that are written at a time.
const AT_A_TIME: usize = 8;

/// Writes lists, each whole.
///
/// # Errors
/// [`RegisterError`]; lists that were written before stay written.
pub async fn write(
    storage: &dyn Storage,
    bucket: &str,
    lists: &[Manifest],
    permit: Permit<'_>,
) -> Result<(), RegisterError> {
    let put = |list: &Manifest| {
        let (key, body) = (list.key.clone(), Bytes::from(list.text.clone()));
        async move {
            permit.check()?;
            storage.put_as(bucket, &key, body, "text/plain").await?;
            Ok::<_, RegisterError>(())
        }
    };
    let puts: Vec<_> = lists.iter().map(put).collect();
    stream::iter(puts).buffer_unordered(AT_A_TIME).try_collect::<Vec<()>>().await?;
    Ok(())
}

/// The keys of the lists that are there.
///
/// # Errors
/// [`RegisterError::Storage`].
pub async fn keys(
    storage: &dyn Storage,
    bucket: &str,
    prefix: &str,
) -> Result<Vec<String>, RegisterError> {
    let (mut keys, mut page) = (Vec::new(), None);
    loop {
        let listing = storage.list(bucket, prefix, page).await?;
        keys.extend(listing.objects.into_iter().map(|(key, _)| key));
        page = listing.next;
        if page.is_none() {
            return Ok(keys);
        }
    }
}
