//! The state of a small service: in memory, and in one JSON file that is
//! replaced as a whole on every change.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::{fs, io};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::folder;

/// A state that outlives the process.
#[derive(Debug)]
pub(crate) struct Kept<T> {
    file: PathBuf,
    is_private: bool,
    state: RwLock<Arc<T>>,
}

impl<T: Clone + Default + PartialEq + Serialize + DeserializeOwned> Kept<T> {
    /// Opens the state kept in `<dir>/<name>`; without a file it is the default.
    ///
    /// # Errors
    /// If the folder can't be created or the file is there and can't be read.
    pub(crate) fn open(dir: PathBuf, name: &str) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        let file = dir.join(name);
        let state = match fs::read(&file) {
            Ok(content) => serde_json::from_slice(&content)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => T::default(),
            Err(error) => return Err(error),
        };
        Ok(Self { file, is_private: false, state: RwLock::new(Arc::new(state)) })
    }

    /// As [`Kept::open`]; only the owner of the file can read it.
    ///
    /// # Errors
    /// As of [`Kept::open`].
    pub(crate) fn open_private(dir: PathBuf, name: &str) -> io::Result<Self> {
        Ok(Self { is_private: true, ..Self::open(dir, name)? })
    }

    /// What there is now.
    pub(crate) fn read(&self) -> Arc<T> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes what there is, on disk first; on an error it stays as it is.
    ///
    /// # Errors
    /// What `change` refuses, or the file can't be written.
    pub(crate) fn change<R, E: From<io::Error>>(
        &self,
        change: impl FnOnce(&mut T) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut current = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = T::clone(&current);
        let result = change(&mut changed)?;
        if changed != **current {
            let content = serde_json::to_vec_pretty(&changed).map_err(io::Error::from)?;
            match self.is_private {
                true => folder::replace_private(&self.file, &content)?,
                false => folder::replace(&self.file, &content)?,
            }
            *current = Arc::new(changed);
        }
        Ok(result)
    }
}
