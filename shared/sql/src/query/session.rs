//! The DataFusion session a query is planned and carried out in.

use std::sync::Arc;

use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::prelude::SessionConfig;

use super::arithmetic::Arithmetic;
use super::checked::CheckedIntegers;
use super::fault::SqlFault;
use crate::fields::Fields;

/// Memory that sorting keeps free to read back what it has put on disk.
const SORT_RESERVE: usize = 10 << 20;

/// A session with this much memory, and something for its scans to find.
pub(crate) fn session<T: Send + Sync + 'static>(
    memory: u64,
    extension: Arc<T>,
) -> Result<SessionState, SqlFault> {
    let memory = usize::try_from(memory).unwrap_or(usize::MAX);
    // One partition: the rows come out in an order that no timing decides.
    let mut config = SessionConfig::new().with_target_partitions(1).with_extension(extension);
    let options = config.options_mut();
    // `0.1` is a decimal, exact beside decimal columns.
    options.sql_parser.parse_float_as_decimal = true;
    options.sql_parser.map_string_types_to_utf8view = false;
    options.execution.enable_recursive_ctes = false;
    options.execution.sort_spill_reservation_bytes = SORT_RESERVE.min(memory / 8);
    let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::OsTmpDirectory);
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(memory)))
        .with_disk_manager_builder(disk)
        .build_arc()?;
    let mut state = SessionStateBuilder::new_with_default_features()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_analyzer_rule(Arc::new(CheckedIntegers))
        .build();
    Arithmetic::register(&mut state)?;
    Fields::register(&mut state);
    Ok(state)
}
