//! Upkeep by hand, and the history of all of it.

mod claim;
mod compact;
mod history;
mod reconcile;
mod retention;

use std::sync::Arc;

use aws_config::SdkConfig;
use chrono::Utc;
use millrace_ledger::Ledger;
use millrace_maintain::Site;
use millrace_pipeline::Pipeline;
use millrace_queue::{Outgoing, Queues, Sqs};
use millrace_storage::S3Storage;

use crate::setup::{self, Setup};

pub(super) use compact::run as compact;
pub(super) use history::{as_json, run as history};
pub(super) use reconcile::run as reconcile;
pub(super) use retention::run as retention;

/// Connections of upkeep to the ledger.
const CONNECTIONS: u32 = 2;

/// Tells the catalog of datasets of which other objects live now, if there is one.
async fn tell_catalog(
    pipeline: &Pipeline,
    aws: &SdkConfig,
    datasets: impl Iterator<Item = &str>,
) -> anyhow::Result<()> {
    for change in datasets.filter_map(|dataset| pipeline.catalog_news(dataset)) {
        let queue = Sqs::new(aws).queue(&change.queue).await?;
        for sent in queue.send(&[Outgoing::new(change.body)]).await {
            sent?;
        }
    }
    Ok(())
}

/// What upkeep of a pipeline works on.
async fn site(setup: &Setup) -> anyhow::Result<(Site, SdkConfig)> {
    let aws = setup::signed_in().await?;
    let ledger: Ledger = setup.ledger(CONNECTIONS).await?.1;
    let site = Site {
        pipeline: Arc::new(setup.pipeline.clone()),
        ledger,
        storage: Arc::new(S3Storage::new(&aws)),
        now: Utc::now(),
    };
    Ok((site, aws))
}
