//! The ledger itself, and the states a file goes through.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::announce::Announcer;
use crate::contracts::Contracts;
use crate::entry::Progress;
use crate::migrate::{Migration, migrate};
use crate::register::Arrival;
use crate::together::Together;
use crate::{Database, LedgerError};

const JOURNEY: &[Migration] = &[
    Migration {
        version: 1,
        name: "journey",
        sql: include_str!("../migrations/journey_001.sql"),
        mysql: include_str!("../migrations/mysql/journey_001.sql"),
    },
    Migration {
        version: 2,
        name: "columns that evolve",
        sql: include_str!("../migrations/journey_002.sql"),
        mysql: include_str!("../migrations/mysql/journey_002.sql"),
    },
    Migration {
        version: 3,
        name: "replays",
        sql: include_str!("../migrations/journey_003.sql"),
        mysql: include_str!("../migrations/mysql/journey_003.sql"),
    },
    Migration {
        version: 4,
        name: "dead-letter workbench",
        sql: include_str!("../migrations/journey_004.sql"),
        mysql: include_str!("../migrations/mysql/journey_004.sql"),
    },
    Migration {
        version: 5,
        name: "what is to be told",
        sql: include_str!("../migrations/journey_005.sql"),
        mysql: include_str!("../migrations/mysql/journey_005.sql"),
    },
    Migration {
        version: 6,
        name: "freshness",
        sql: include_str!("../migrations/journey_006.sql"),
        mysql: include_str!("../migrations/mysql/journey_006.sql"),
    },
    Migration {
        version: 7,
        name: "exports",
        sql: include_str!("../migrations/journey_007.sql"),
        mysql: include_str!("../migrations/mysql/journey_007.sql"),
    },
    Migration {
        version: 8,
        name: "collected messages",
        sql: include_str!("../migrations/journey_008.sql"),
        mysql: include_str!("../migrations/mysql/journey_008.sql"),
    },
    Migration {
        version: 9,
        name: "derived datasets",
        sql: include_str!("../migrations/journey_009.sql"),
        mysql: include_str!("../migrations/mysql/journey_009.sql"),
    },
    Migration {
        version: 10,
        name: "upkeep",
        sql: include_str!("../migrations/journey_010.sql"),
        mysql: include_str!("../migrations/mysql/journey_010.sql"),
    },
    Migration {
        version: 11,
        name: "reports",
        sql: include_str!("../migrations/journey_011.sql"),
        mysql: include_str!("../migrations/mysql/journey_011.sql"),
    },
    Migration {
        version: 12,
        name: "catalog",
        sql: include_str!("../migrations/journey_012.sql"),
        mysql: include_str!("../migrations/mysql/journey_012.sql"),
    },
    Migration {
        version: 13,
        name: "origins of partitions",
        sql: include_str!("../migrations/journey_013.sql"),
        mysql: include_str!("../migrations/mysql/journey_013.sql"),
    },
];

/// The history of every file. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ledger {
    pub(crate) database: Database,
    pub(crate) registrations: Arc<Together<Arrival>>,
    pub(crate) progress: Arc<Together<Progress>>,
    pub(crate) contracts: Arc<Contracts>,
    /// Where somebody wants to be told.
    pub(crate) announcer: Option<Arc<Announcer>>,
}

impl Ledger {
    /// Opens the ledger in `database` and brings its tables up to date.
    ///
    /// # Errors
    /// [`LedgerError::Database`].
    pub async fn open(database: &Database) -> Result<Self, LedgerError> {
        migrate(database, "journey", JOURNEY).await?;
        Ok(Self {
            database: database.clone(),
            registrations: Arc::new(Together::new(database)),
            progress: Arc::new(Together::new(database)),
            contracts: Arc::default(),
            announcer: None,
        })
    }

    /// Asks the ledger's database for a sign of life.
    ///
    /// # Errors
    /// [`LedgerError::Database`] with the reason why there is none.
    pub async fn ping(&self) -> Result<(), LedgerError> {
        Ok(self.database.ping().await?)
    }
}

/// How far a file has come. See `design.md` for the diagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileState {
    /// Known and planned.
    Registered,
    /// Parquet and rejects are written.
    Transformed,
    /// Its rows are in the warehouse, or it has no table and is in the lake.
    Loaded,
    /// Nothing to do: the key's content is what it was.
    Unchanged,
    /// A newer version of the key came first.
    Superseded,
    /// Left out by a named rule.
    Skipped,
    /// Dead-lettered.
    Failed,
}

impl FileState {
    /// Every state, in the order of the journey.
    pub const ALL: [Self; 7] = [
        Self::Registered,
        Self::Transformed,
        Self::Loaded,
        Self::Unchanged,
        Self::Superseded,
        Self::Skipped,
        Self::Failed,
    ];

    /// The name in the ledger and on the screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Transformed => "transformed",
            Self::Loaded => "loaded",
            Self::Unchanged => "unchanged",
            Self::Superseded => "superseded",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing more will happen to the file by itself.
    pub fn is_final(self) -> bool {
        match self {
            Self::Registered | Self::Transformed => false,
            Self::Loaded | Self::Unchanged | Self::Superseded | Self::Skipped | Self::Failed => {
                true
            }
        }
    }
}

impl fmt::Display for FileState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for FileState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|state| state.as_str()).collect();
            format!("`{text}` is not a state; the states are {}", names.join(", "))
        })
    }
}

pub(crate) fn parse_state(text: &str) -> Result<FileState, LedgerError> {
    text.parse().map_err(|_| LedgerError::unreadable("a file's state", text))
}
