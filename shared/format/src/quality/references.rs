//! `references` rules: values that have to be among the keys of another dataset.
//! Where those come from is the caller's; here they are held and asked.

use std::collections::HashSet;
use std::fmt;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow::datatypes::DataType;
use millrace_contract::OnFail;
use thiserror::Error;

use super::keys::{Key, KeyMaker};
use crate::{RowRule, RuleError};

/// Values of one column, of one type, as many as memory is allowed for.
pub struct KeySet {
    data_type: DataType,
    maker: KeyMaker,
    keys: HashSet<Key>,
    most: usize,
}

/// Values that a [`KeySet`] does not take.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// More keys than it may hold.
    #[error("there are more than {0} different keys")]
    TooMany(usize),
    /// Values of another type than its own.
    #[error("there are values of {found} among keys of {expected}")]
    Type {
        /// The type of the keys.
        expected: DataType,
        /// The type of the values.
        found: DataType,
    },
    /// Values that cannot be compared.
    #[error("{0}")]
    Incomparable(String),
}

impl KeySet {
    /// No keys of this type, and at most `most` to come.
    ///
    /// # Errors
    /// [`KeyError::Incomparable`] if values of the type can't be compared.
    pub fn new(data_type: DataType, most: usize) -> Result<Self, KeyError> {
        let maker = KeyMaker::new([data_type.clone()]);
        let maker = maker.map_err(|error| KeyError::Incomparable(error.to_string()))?;
        Ok(Self { data_type, maker, keys: HashSet::new(), most })
    }

    /// The type of the keys.
    pub fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// Adds the values of a column; nulls are no keys.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn add(&mut self, column: &ArrayRef) -> Result<(), KeyError> {
        if *column.data_type() != self.data_type {
            let (expected, found) = (self.data_type.clone(), column.data_type().clone());
            return Err(KeyError::Type { expected, found });
        }
        let keys = self.maker.keys(std::slice::from_ref(column));
        let keys = keys.map_err(|error| KeyError::Incomparable(error.to_string()))?;
        self.keys.extend(keys.into_iter().flatten());
        if self.keys.len() > self.most { Err(KeyError::TooMany(self.most)) } else { Ok(()) }
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys of {}", self.keys.len(), self.data_type)
    }
}

/// Holds for rows whose value is among the keys, or null.
#[derive(Debug)]
pub struct References {
    /// The rule as it is written in the pipeline file.
    pub text: String,
    /// What a breach does.
    pub on_fail: OnFail,
    /// Position of the column in the batches; of the keys' type.
    pub column: usize,
    /// The keys.
    pub keys: KeySet,
}

impl RowRule for References {
    fn text(&self) -> &str {
        &self.text
    }

    fn on_fail(&self) -> OnFail {
        self.on_fail
    }

    fn check(&self, batch: &RecordBatch) -> Result<BooleanArray, RuleError> {
        let column = batch.column(self.column);
        if column.data_type() != self.keys.data_type() {
            let (values, keys) = (column.data_type(), self.keys.data_type());
            return Err(RuleError(format!("the values are of {values}, the keys of {keys}")));
        }
        let keys = self.keys.maker.keys(std::slice::from_ref(column));
        let keys = keys.map_err(|error| RuleError(error.to_string()))?;
        let holds = |key: Option<Key>| key.map(|key| self.keys.keys.contains(&key));
        Ok(keys.into_iter().map(holds).collect())
    }
}
