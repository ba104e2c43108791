//! The points, in the order in which a worker and its messages pass them.

/// A point that a worker or a message passes. Not every stage has every point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The worker's process is there, and has looked at nothing but its settings.
    Started,
    /// The message is in hand, and nothing was done about it.
    Received,
    /// *load*: the transaction is open, and nothing is in it. *export*: the
    /// snapshot is open, and nothing is written. *maintain*: objects are to be joined.
    /// *collect*: a batch is full, and nothing is written.
    Began,
    /// *load*: rows and commit record are written in the open transaction.
    /// *export*: the objects are there, and the manifest is not. *maintain*: what was
    /// joined is encoded, and nothing is visible. *collect*: the batch is staged.
    AfterRows,
    /// *load*: the lease was found held, and the commit comes next. *export*: the
    /// manifest is there, and the ledger does not know. *maintain*: the joined object is
    /// there, and the ledger does not know. *collect*: the leases were found held, and
    /// the commit comes next.
    BeforeCommit,
    /// *load*: rows and commit record are durable, and the ledger does not know.
    /// *export*: the run is done, and its message is still there. *maintain*: the joined
    /// object stands in for what it was made of. *collect*: the ledger knows whose batch
    /// the messages are, and it is not published.
    AfterCommit,
    /// *transform*: the outputs are in the lake, and the ledger does not know.
    /// *collect*: the batch is published, and the ledger does not know.
    /// Any stage: a failure is to be recorded.
    BeforeRecord,
    /// The ledger knows the file's new state, that a batch is published, or the
    /// failure.
    AfterRecord,
    /// The next stage's message, or the dead letter, is about to be sent.
    BeforeSend,
    /// It was sent, and the message that caused it is still there.
    AfterSend,
    /// Everything is done but the delete.
    BeforeDelete,
    /// The message was deleted.
    AfterDelete,
}

impl Point {
    /// Every point.
    pub const ALL: [Self; 12] = [
        Self::Started,
        Self::Received,
        Self::Began,
        Self::AfterRows,
        Self::BeforeCommit,
        Self::AfterCommit,
        Self::BeforeRecord,
        Self::AfterRecord,
        Self::BeforeSend,
        Self::AfterSend,
        Self::BeforeDelete,
        Self::AfterDelete,
    ];

    /// Its name in the environment.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Received => "received",
            Self::Began => "began",
            Self::AfterRows => "after_rows",
            Self::BeforeCommit => "before_commit",
            Self::AfterCommit => "after_commit",
            Self::BeforeRecord => "before_record",
            Self::AfterRecord => "after_record",
            Self::BeforeSend => "before_send",
            Self::AfterSend => "after_send",
            Self::BeforeDelete => "before_delete",
            Self::AfterDelete => "after_delete",
        }
    }
}
