//! Small files that come at the same time are loaded together.
//!
//! A transaction per file bounds small files by the database's round trips and
//! commits. Here a file's rows are read first, by its own message; whoever finds
//! a free turn then carries all files that are ready. A file that comes alone is
//! loaded alone, at once.

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use millrace_contract::{ColumnDef, LoadSize, LoadTarget, LoadTask, SchemaMode};
use millrace_ledger::{Gathering, Waiting};
use millrace_runtime::Lease;
use millrace_warehouse::{
    CommitGuard, LoadError, LoadPlan, Loaded, SmallFile, SourceError, Warehouse,
};

use crate::handler::LeaseGuard;

/// Parquet up to this size in all is small.
const SMALL_BYTES: u64 = 256 * 1024;

/// Rows up to this number are few.
const FEW_ROWS: u64 = 5_000;

/// Decoded rows up to this size are kept at hand; Parquet that turns out larger is
/// loaded batch by batch, by itself.
const AT_HAND_BYTES: usize = 1024 * 1024;

/// Files of one transaction: more do not make it faster, and all that are at hand
/// have to fit in memory.
const MOST: usize = 64;

/// Groups at a time, so that one reads answers while another's commit waits for
/// the disk.
const TURNS: usize = 2;

/// Whether a file is small enough to be loaded with others, and to be handled
/// without a turn of its own. A replay is judged by what it is a replay of, and
/// goes alone.
pub(crate) fn is_small(size: LoadSize) -> bool {
    size.first && size.bytes <= SMALL_BYTES && size.rows <= FEW_ROWS
}

/// A small file, as its group needs it.
pub(crate) struct Small {
    pub(crate) task: LoadTask,
    pub(crate) target: LoadTarget,
    pub(crate) columns: Vec<ColumnDef>,
    pub(crate) schema: SchemaRef,
    pub(crate) mode: SchemaMode,
    pub(crate) description: Option<String>,
    pub(crate) lease: Lease,
}

impl Small {
    fn plan(&self) -> LoadPlan<'_> {
        LoadPlan {
            task: &self.task,
            target: &self.target,
            schema: self.schema.clone(),
            columns: &self.columns,
            mode: self.mode,
            description: self.description.as_deref(),
        }
    }

    /// Whether both go to the same table in the same way.
    fn goes_with(&self, other: &Self) -> bool {
        self.target == other.target
            && self.mode == other.mode
            && self.schema == other.schema
            && self.columns == other.columns
            && self.description == other.description
    }
}

/// Carries small files in groups.
pub(crate) struct SmallLoads {
    warehouse: Warehouse,
    gathering: Gathering<Ready, Result<Loaded, LoadError>>,
}

struct Ready {
    file: Small,
    rows: Vec<RecordBatch>,
}

type Asked = Waiting<Ready, Result<Loaded, LoadError>>;

impl SmallLoads {
    pub(crate) fn new(warehouse: &Warehouse) -> Self {
        Self { warehouse: warehouse.clone(), gathering: Gathering::new(TURNS, MOST) }
    }

    /// Reads the file's rows and loads them, with those of others if there are
    /// any.
    pub(crate) async fn load(
        &self,
        file: Small,
        mut source: BoxStream<'_, Result<RecordBatch, SourceError>>,
    ) -> Result<Loaded, LoadError> {
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while let Some(batch) = source.next().await.transpose()? {
            bytes += batch.get_array_memory_size();
            rows.push(batch);
            if bytes > AT_HAND_BYTES {
                let rest = stream::iter(rows.into_iter().map(Ok)).chain(source).boxed();
                return self.warehouse.load(&file.plan(), rest, &LeaseGuard(&file.lease)).await;
            }
        }
        let warehouse = self.warehouse.clone();
        let ready = Ready { file, rows };
        let answer = self.gathering.submit(ready, |group| carry(warehouse, group)).await;
        // Its group was given up, and nothing of it was committed.
        answer.unwrap_or(Err(LoadError::LeaseLost))
    }
}

/// A file of a group, with its lease. One whose message is no longer handled was
/// handed back and may be in other hands.
struct Carried(Asked);

#[async_trait]
impl CommitGuard for Carried {
    async fn allowed(&self) -> bool {
        self.0.is_wanted() && self.0.job.file.lease.still_held()
    }
}

async fn carry(warehouse: Warehouse, group: Vec<Asked>) {
    for kin in sorted_out(group) {
        let answers = {
            let files: Vec<_> = kin.iter().map(Carried::as_small_file).collect();
            warehouse.load_together(&files).await
        };
        for (Carried(asked), answer) in kin.into_iter().zip(answers) {
            asked.answer(answer);
        }
    }
}

impl Carried {
    fn as_small_file(&self) -> SmallFile<'_> {
        let Ready { file, rows } = &self.0.job;
        SmallFile { plan: file.plan(), rows, guard: self }
    }
}

/// Files that go to the same table in the same way, in the order they came.
fn sorted_out(group: Vec<Asked>) -> Vec<Vec<Carried>> {
    let mut kinds: Vec<Vec<Carried>> = Vec::new();
    for asked in group {
        let kind = kinds.iter_mut().find(|kind| {
            kind.first().is_some_and(|first| first.0.job.file.goes_with(&asked.job.file))
        });
        match kind {
            Some(kind) => kind.push(Carried(asked)),
            None => kinds.push(vec![Carried(asked)]),
        }
    }
    kinds
}
