//! The queues by name, and their folders.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::{fs, io};

use tracing::warn;

use crate::arn::Account;

use super::description::Description;
use super::error::SqsError;
use super::queue::Queue;

/// The queues by name.
#[derive(Debug)]
pub(crate) struct Registry {
    dir: PathBuf,
    queues: RwLock<BTreeMap<String, Arc<Queue>>>,
}

impl Registry {
    /// Opens every queue kept in `dir`.
    pub(super) fn open(dir: PathBuf, account: &Account) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        let mut queues = BTreeMap::new();
        for entry in fs::read_dir(&dir)? {
            let folder = entry?.path();
            if let Some((name, queue)) = open_queue(folder, account)? {
                queues.insert(name, Arc::new(queue));
            }
        }
        Ok(Self { dir, queues: RwLock::new(queues) })
    }

    /// The queue of this name.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Queue>> {
        self.queues.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Every queue whose name begins with `prefix` and comes after `after`, in
    /// the order of names.
    pub(super) fn list(&self, prefix: &str, after: &str) -> Vec<(String, Arc<Queue>)> {
        let queues = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        let from = prefix.max(after).to_owned();
        queues
            .range(from..)
            .take_while(|(name, _)| name.starts_with(prefix) || name.as_str() <= after)
            .filter(|(name, _)| name.starts_with(prefix) && name.as_str() > after)
            .map(|(name, queue)| (name.clone(), Arc::clone(queue)))
            .collect()
    }

    /// The queue of this name, created by `describe` if there is none. Answers
    /// whether it was there.
    pub(super) fn get_or_create(
        &self,
        name: &str,
        arn: String,
        describe: impl FnOnce() -> Description,
    ) -> Result<(Arc<Queue>, bool), SqsError> {
        let mut queues = self.queues.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get(name) {
            return Ok((Arc::clone(queue), true));
        }
        let queue = Arc::new(Queue::create(self.dir.join(folder_name(name)), arn, describe())?);
        queues.insert(name.to_owned(), Arc::clone(&queue));
        Ok((queue, false))
    }

    /// Deletes the queue of this name with all its messages.
    pub(super) fn delete(&self, name: &str) -> Result<(), SqsError> {
        let mut queues = self.queues.write().unwrap_or_else(PoisonError::into_inner);
        queues.get(name).ok_or_else(SqsError::no_queue)?.destroy()?;
        queues.remove(name);
        Ok(())
    }
}

/// Opens the queue in `folder`. One that is half created or half deleted is
/// cleared away.
fn open_queue(folder: PathBuf, account: &Account) -> io::Result<Option<(String, Queue)>> {
    if !folder.is_dir() {
        return Ok(None);
    }
    let description = match Description::load(&folder) {
        Ok(description) => description,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            clear_away(&folder)?;
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let (name, arn) = (description.name.clone(), account.arn("sqs", &description.name));
    Ok(Some((name, Queue::open(folder, arn, description)?)))
}

/// Removes only what a queue consists of: the folder may be someone else's.
fn clear_away(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "log" || extension == "new") {
            fs::remove_file(path)?;
        }
    }
    if let Err(error) = fs::remove_dir(folder) {
        warn!(folder = %folder.display(), %error, "is not a queue; left alone");
    }
    Ok(())
}

/// Queue names differ by letter case, folder names on some systems do not.
fn folder_name(queue: &str) -> String {
    let mut folder = String::with_capacity(queue.len());
    for letter in queue.chars() {
        if letter.is_ascii_uppercase() {
            folder.push('=');
        }
        folder.push(letter.to_ascii_lowercase());
    }
    folder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_by_case_have_different_folders() {
        assert_eq!(folder_name("Orders-dlq"), "=orders-dlq");
        assert_ne!(folder_name("ORDERS").to_lowercase(), folder_name("orders").to_lowercase());
    }
}
