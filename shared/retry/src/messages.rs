//! The classes of messages that start nothing: what nobody can read is poison, and
//! what names what is not there, its sender can mend.
//!
//! Here rather than with the messages, which are plain data and know nothing of what
//! becomes of them.

use millrace_contract::{DecodeError, DeriveOrderError, OrderError, TaskError};

use crate::{Classify, FailureClass};

impl Classify for TaskError {
    fn class(&self) -> FailureClass {
        FailureClass::Poison
    }
}

impl Classify for DecodeError {
    fn class(&self) -> FailureClass {
        FailureClass::Poison
    }
}

impl Classify for OrderError {
    fn class(&self) -> FailureClass {
        match self {
            Self::Task(error) => error.class(),
            Self::Event(error) => error.class(),
            Self::Unrelated { .. } => FailureClass::Poison,
            Self::Unknown { .. } | Self::Which { .. } | Self::Parameter(_) | Self::NoTime => {
                FailureClass::Contract
            }
        }
    }
}

impl Classify for DeriveOrderError {
    fn class(&self) -> FailureClass {
        match self {
            Self::Task(error) => error.class(),
            Self::Event(error) => error.class(),
            Self::Unrelated { .. } => FailureClass::Poison,
            Self::Unknown { .. } | Self::Which { .. } => FailureClass::Contract,
        }
    }
}
