//! From a key to its dataset, and from a local file to a key.

use millrace_contract::{Captures, Dataset};
use thiserror::Error;

use crate::glob::{Glob, Token};
use crate::pipeline::Pipeline;

/// The dataset an object belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Route<'p> {
    /// The dataset.
    pub dataset: &'p Dataset,
    /// What the `{name}` parts of its pattern matched.
    pub captures: Captures,
}

/// Why no key could be made for a local file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The dataset is not one of this pipeline.
    #[error("there is no dataset `{0}` in this pipeline")]
    NoDataset(String),
    /// The file's name does not end as the pattern does.
    #[error("`{file}` does not fit `{pattern}`, the pattern of dataset `{dataset}`")]
    Unfit {
        /// The local file.
        file: String,
        /// The dataset's pattern.
        pattern: String,
        /// The dataset.
        dataset: String,
    },
    /// A captured part is not known.
    #[error(
        "the folders above `{file}` do not say what `{{{capture}}}` of `{pattern}` is; give it as \
         `{capture}=…`"
    )]
    MissingCapture {
        /// The local file.
        file: String,
        /// The dataset's pattern.
        pattern: String,
        /// The capture nobody gave.
        capture: String,
    },
    /// A part of the pattern could be anything.
    #[error(
        "`{pattern}` leaves a folder open, so there is no telling where `{file}` goes; put it in \
         such a folder"
    )]
    OpenFolder {
        /// The local file.
        file: String,
        /// The dataset's pattern.
        pattern: String,
    },
    /// Its rows are made, not published.
    #[error("dataset `{0}` is derived from others: no file is published for it")]
    Derived(String),
    /// The key would belong to another dataset, whose pattern is more specific.
    #[error("`{key}` would belong to dataset `{other}`, whose pattern says more")]
    Taken {
        /// The key.
        key: String,
        /// The dataset it belongs to.
        other: String,
    },
}

impl Pipeline {
    /// The datasets an object belongs to, in the order of the file; none for an
    /// object that no pattern matches.
    ///
    /// Where several patterns match, it is the one [`route`](Self::route) finds.
    /// If that one shares its files, all that match and share theirs get the
    /// object.
    pub fn routes(&self, bucket: &str, key: &str) -> Vec<Route<'_>> {
        match self.route(bucket, key) {
            None => Vec::new(),
            Some(route) if !route.dataset.shared => vec![route],
            Some(_) => {
                let sharing = self.datasets.iter().zip(&self.globs);
                let sharing = sharing.filter(|(dataset, _)| dataset.shared);
                let route = |(dataset, glob): (_, &Glob)| {
                    Some(Route { dataset, captures: glob.matches(key)? })
                };
                sharing.filter_map(route).collect()
            }
        }
    }

    /// The dataset an object belongs to first of all, if any.
    ///
    /// Where several patterns match, the one with the longest text before its
    /// first wildcard wins; among equals, the one that comes first in the file.
    pub fn route(&self, bucket: &str, key: &str) -> Option<Route<'_>> {
        if bucket != self.lake.raw {
            return None;
        }
        let mut best: Option<(usize, Route<'_>)> = None;
        for (dataset, glob) in self.datasets.iter().zip(&self.globs) {
            let specific = glob.literal_prefix().len();
            if best.as_ref().is_some_and(|(length, _)| *length >= specific) {
                continue;
            }
            if let Some(captures) = glob.matches(key) {
                best = Some((specific, Route { dataset, captures }));
            }
        }
        best.map(|(_, route)| route)
    }

    /// The key under which a local file is published as `dataset`: the longest
    /// end of its path that fits the pattern, or else the pattern with the
    /// `captures` and the file's name put in.
    ///
    /// # Errors
    /// [`KeyError`] if neither gives a key that leads back to the dataset.
    pub fn key_for(
        &self,
        dataset: &str,
        file: &str,
        captures: &Captures,
    ) -> Result<String, KeyError> {
        let position = self.datasets.iter().position(|known| known.name == dataset);
        let index = position.ok_or_else(|| KeyError::NoDataset(dataset.to_owned()))?;
        let glob = self.globs.get(index).ok_or_else(|| KeyError::Derived(dataset.to_owned()))?;
        let making = Making { dataset: &self.datasets[index], glob, file };
        let key = match making.by_path(captures) {
            Some(key) => key,
            None => making.by_pattern(captures)?,
        };
        let routes = self.routes(&self.lake.raw, &key);
        if routes.iter().any(|route| route.dataset.name == dataset) {
            return Ok(key);
        }
        match routes.first() {
            Some(other) => Err(KeyError::Taken { key, other: other.dataset.name.clone() }),
            None => Err(making.unfit()),
        }
    }
}

/// Making a key for one file of one dataset.
struct Making<'m> {
    dataset: &'m Dataset,
    glob: &'m Glob,
    file: &'m str,
}

impl Making<'_> {
    /// The longest end of the path that fits, and fits what is known.
    fn by_path(&self, known: &Captures) -> Option<String> {
        let path = self.file.replace('\\', "/");
        let starts = path.match_indices('/').map(|(at, _)| at + 1);
        let mut ends = [0].into_iter().chain(starts).map(|start| &path[start..]);
        let fits = |end: &&str| {
            let captures = self.glob.matches(end);
            captures.is_some_and(|found| {
                known
                    .iter()
                    .all(|(name, value)| found.get(name).is_none_or(|captured| captured == value))
            })
        };
        ends.find(fits).map(str::to_owned)
    }

    fn by_pattern(&self, captures: &Captures) -> Result<String, KeyError> {
        let (folder, last) =
            self.dataset.pattern.rsplit_once('/').unwrap_or(("", &self.dataset.pattern));
        let name = self.file.rsplit(['/', '\\']).next().unwrap_or(self.file);
        let fits = Glob::parse(last).is_ok_and(|glob| glob.matches(name).is_some());
        if !fits {
            return Err(self.unfit());
        }
        if folder.is_empty() {
            return Ok(name.to_owned());
        }
        let folder = Glob::parse(&format!("{folder}/")).map_err(|_| self.unfit())?;
        let parts: Result<String, _> =
            folder.tokens().iter().map(|token| self.part(token, captures)).collect();
        Ok(parts? + name)
    }

    fn part(&self, token: &Token, captures: &Captures) -> Result<String, KeyError> {
        let (file, pattern) = (self.file.to_owned(), self.dataset.pattern.clone());
        match token {
            Token::Literal(text) => Ok(text.clone()),
            Token::Parts => Ok(String::new()),
            Token::Capture(name) => captures
                .get(name)
                .cloned()
                .ok_or_else(|| KeyError::MissingCapture { file, pattern, capture: name.clone() }),
            Token::One | Token::Within | Token::Rest => Err(KeyError::OpenFolder { file, pattern }),
        }
    }

    fn unfit(&self) -> KeyError {
        KeyError::Unfit {
            file: self.file.to_owned(),
            pattern: self.dataset.pattern.clone(),
            dataset: self.dataset.name.clone(),
        }
    }
}
