//! What SQS answers when it does not do what was asked.
//!
//! An error has two names on the wire: the shape name in `__type`, and the code
//! of the older Query protocol in `x-amzn-query-error`, by which every SDK
//! tells typed errors apart. Source: the `awsQueryError` traits of the public
//! SQS model.

use std::io;

use thiserror::Error;

use super::take::MAX_IN_FLIGHT;

/// The kind of an error, named as its shape in the SQS model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    BatchEntryIdsNotDistinct,
    BatchRequestTooLong,
    EmptyBatchRequest,
    InternalFailure,
    InvalidAddress,
    InvalidAttributeName,
    InvalidAttributeValue,
    InvalidBatchEntryId,
    InvalidMessageContents,
    InvalidParameterValue,
    MessageNotInflight,
    MissingParameter,
    OverLimit,
    PurgeQueueInProgress,
    QueueDoesNotExist,
    QueueNameExists,
    ReceiptHandleIsInvalid,
    ResourceNotFoundException,
    SerializationException,
    TooManyEntriesInBatchRequest,
    UnknownOperationException,
    UnsupportedOperation,
}

impl Code {
    /// The shape name.
    pub(crate) fn shape(self) -> &'static str {
        match self {
            Self::BatchEntryIdsNotDistinct => "BatchEntryIdsNotDistinct",
            Self::BatchRequestTooLong => "BatchRequestTooLong",
            Self::EmptyBatchRequest => "EmptyBatchRequest",
            Self::InternalFailure => "InternalFailure",
            Self::InvalidAddress => "InvalidAddress",
            Self::InvalidAttributeName => "InvalidAttributeName",
            Self::InvalidAttributeValue => "InvalidAttributeValue",
            Self::InvalidBatchEntryId => "InvalidBatchEntryId",
            Self::InvalidMessageContents => "InvalidMessageContents",
            Self::InvalidParameterValue => "InvalidParameterValueException",
            Self::MessageNotInflight => "MessageNotInflight",
            Self::MissingParameter => "MissingRequiredParameterException",
            Self::OverLimit => "OverLimit",
            Self::PurgeQueueInProgress => "PurgeQueueInProgress",
            Self::QueueDoesNotExist => "QueueDoesNotExist",
            Self::QueueNameExists => "QueueNameExists",
            Self::ReceiptHandleIsInvalid => "ReceiptHandleIsInvalid",
            Self::ResourceNotFoundException => "ResourceNotFoundException",
            Self::SerializationException => "SerializationException",
            Self::TooManyEntriesInBatchRequest => "TooManyEntriesInBatchRequest",
            Self::UnknownOperationException => "UnknownOperationException",
            Self::UnsupportedOperation => "UnsupportedOperation",
        }
    }

    /// The code of the Query protocol.
    pub(crate) fn query(self) -> &'static str {
        match self {
            Self::BatchEntryIdsNotDistinct => "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
            Self::BatchRequestTooLong => "AWS.SimpleQueueService.BatchRequestTooLong",
            Self::EmptyBatchRequest => "AWS.SimpleQueueService.EmptyBatchRequest",
            Self::InvalidBatchEntryId => "AWS.SimpleQueueService.InvalidBatchEntryId",
            Self::InvalidParameterValue => "InvalidParameterValue",
            Self::MessageNotInflight => "AWS.SimpleQueueService.MessageNotInflight",
            Self::MissingParameter => "MissingParameter",
            Self::PurgeQueueInProgress => "AWS.SimpleQueueService.PurgeQueueInProgress",
            Self::QueueDoesNotExist => "AWS.SimpleQueueService.NonExistentQueue",
            Self::QueueNameExists => "QueueAlreadyExists",
            Self::TooManyEntriesInBatchRequest => {
                "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"
            }
            Self::UnsupportedOperation => "AWS.SimpleQueueService.UnsupportedOperation",
            Self::InternalFailure
            | Self::InvalidAddress
            | Self::InvalidAttributeName
            | Self::InvalidAttributeValue
            | Self::InvalidMessageContents
            | Self::OverLimit
            | Self::ReceiptHandleIsInvalid
            | Self::ResourceNotFoundException
            | Self::SerializationException
            | Self::UnknownOperationException => self.shape(),
        }
    }

    /// Whether the request was at fault, not the endpoint.
    pub(crate) fn is_sender_fault(self) -> bool {
        self != Self::InternalFailure
    }
}

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub(crate) struct SqsError {
    /// Its kind.
    pub(crate) code: Code,
    /// What is said to the caller, worded as SQS words it.
    pub(crate) message: String,
}

impl SqsError {
    /// An error of this kind.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// `Value <value> for parameter <parameter> is invalid. Reason: <reason>`
    pub(crate) fn value(value: impl std::fmt::Display, parameter: &str, reason: &str) -> Self {
        Self::new(
            Code::InvalidParameterValue,
            format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}"),
        )
    }

    /// The request lacks a parameter.
    pub(crate) fn missing(parameter: &str) -> Self {
        let message = format!("The request must contain the parameter {parameter}.");
        Self::new(Code::MissingParameter, message)
    }

    /// No queue has the name.
    pub(crate) fn no_queue() -> Self {
        Self::new(Code::QueueDoesNotExist, "The specified queue does not exist.")
    }

    /// A message has more bytes than its queue takes.
    pub(crate) fn too_long(maximum: u32) -> Self {
        let message = format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {maximum} bytes."
        );
        Self::new(Code::InvalidParameterValue, message)
    }

    /// Too many messages are in flight.
    pub(crate) fn over_limit() -> Self {
        let message = format!("There are {MAX_IN_FLIGHT} messages in flight; delete some first.");
        Self::new(Code::OverLimit, message)
    }

    /// The handle was never given out for this queue.
    pub(crate) fn receipt_handle(handle: &str) -> Self {
        Self::new(
            Code::ReceiptHandleIsInvalid,
            format!("The input receipt handle \"{handle}\" is not a valid receipt handle."),
        )
    }
}

impl From<io::Error> for SqsError {
    fn from(error: io::Error) -> Self {
        tracing::error!(%error, "can't write to the data folder");
        Self::new(Code::InternalFailure, format!("can't write to the data folder: {error}"))
    }
}

impl From<serde_json::Error> for SqsError {
    fn from(error: serde_json::Error) -> Self {
        let text = error.to_string();
        let field = text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
        match field {
            Some(field) => Self::missing(field),
            None => Self::new(Code::SerializationException, text),
        }
    }
}
