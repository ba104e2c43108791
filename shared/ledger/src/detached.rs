//! A connection that is used up: for reads that take long and may be left in the
//! middle.

use std::sync::Arc;

use crate::Session;
use crate::database::Pooled;

/// A connection that no other work gets afterwards: dropped in the middle of an
/// answer or of a transaction, it takes both with it. As long as it lives it is
/// one of its pool's.
pub struct Detached {
    connection: Pooled,
    name: Arc<str>,
}

impl Detached {
    pub(crate) fn new(mut connection: Pooled, name: &Arc<str>) -> Self {
        match &mut connection {
            Pooled::Postgres(connection) => connection.close_on_drop(),
            Pooled::Sqlite(connection) => connection.close_on_drop(),
            Pooled::MySql(connection) => connection.close_on_drop(),
        }
        Self { connection, name: name.clone() }
    }

    /// The connection underneath.
    pub fn session(&mut self) -> Session<'_> {
        self.connection.session(&self.name)
    }

    /// The database, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }
}
