//! Errors of CloudWatch. The newer protocols know them by their shape, the
//! Query protocol by an older code.

/// An error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// HTTP status.
    pub(super) status: u16,
    /// As in `InvalidParameterValueException`.
    pub(super) shape: &'static str,
    /// As in `InvalidParameterValue`.
    pub(super) code: &'static str,
    /// What went wrong.
    pub(super) message: String,
}

impl Fault {
    fn new(status: u16, shape: &'static str, code: &'static str, message: String) -> Self {
        Self { status, shape, code, message }
    }

    /// The code with whose fault it was, as in `InvalidParameterValue;Sender`.
    pub(super) fn query(&self) -> String {
        let fault = if self.status < 500 { "Sender" } else { "Receiver" };
        format!("{};{fault}", self.code)
    }

    /// A parameter has a value that it can't have.
    pub(super) fn value(message: impl Into<String>) -> Self {
        let shape = "InvalidParameterValueException";
        Self::new(400, shape, "InvalidParameterValue", message.into())
    }

    /// Parameters exclude each other, or one of several is missing.
    pub(super) fn combination(message: impl Into<String>) -> Self {
        let shape = "InvalidParameterCombinationException";
        Self::new(400, shape, "InvalidParameterCombination", message.into())
    }

    /// A request is not formed as it must be.
    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationException", "ValidationError", message.into())
    }

    /// An alarm or a dashboard that is not there.
    pub(super) fn missing(shape: &'static str, message: impl Into<String>) -> Self {
        Self::new(404, shape, "ResourceNotFound", message.into())
    }

    /// Something that has tags is not there.
    pub(super) fn no_resource(message: impl Into<String>) -> Self {
        let shape = "ResourceNotFoundException";
        Self::new(404, shape, shape, message.into())
    }

    /// A dashboard that is no JSON.
    pub(super) fn dashboard(message: impl Into<String>) -> Self {
        Self::new(400, "DashboardInvalidInputError", "InvalidParameterInput", message.into())
    }

    /// A token that was not given out.
    pub(super) fn token() -> Self {
        let message = "The next token is invalid.".to_owned();
        Self::new(400, "InvalidNextToken", "InvalidNextToken", message)
    }

    /// An operation that this endpoint does not have.
    pub(super) fn unknown_operation(operation: &str) -> Self {
        let message = format!("this endpoint has no CloudWatch operation `{operation}`");
        Self::new(400, "UnknownOperationException", "InvalidAction", message)
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        tracing::error!(%error, "metrics can't be stored");
        let message = format!("the endpoint can't store its state: {error}");
        Self::new(500, "InternalServiceFault", "InternalServiceError", message)
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::validation(format!("the request is not what was expected: {error}"))
    }
}
