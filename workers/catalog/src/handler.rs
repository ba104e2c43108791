//! The catalog handler: claims the dataset, does what is to be done, and looks again
//! where something changed meanwhile.

use std::time::Duration;

use async_trait::async_trait;
use millrace_contract::{CatalogTask, Dataset};
use millrace_ledger::{CatalogClaim, CatalogClaimed};
use millrace_retry::FailureClass;
use millrace_runtime::{Delivery, Done, Failure, Handler, Lease, Outcome, Subject, claim_lost};

use crate::{Permit, Plan, RegisterError, Site};

/// How often a dataset is looked at for one message, where it changes all the time or
/// others claim it; what is left is another message's.
const MOST_LOOKS: usize = 20;

/// The catalog stage.
pub struct Registrar {
    site: Site,
    datasets: Vec<Dataset>,
    claim: Duration,
}

impl Registrar {
    /// The handler for the datasets of a pipeline. A claim lasts for `claim` unless it
    /// is renewed: whoever waits for a worker that died waits no longer.
    pub fn new(site: Site, datasets: Vec<Dataset>, claim: Duration) -> Self {
        Self { site, datasets, claim }
    }

    /// Brings the table of a dataset up to date, as a message asks for it or, without
    /// a lease, somebody who gave the command. What is `thorough` believes nothing.
    ///
    /// # Errors
    /// [`RegisterError`].
    pub async fn register(
        &self,
        dataset: &str,
        asked_by: &str,
        permit: Permit<'_>,
        thorough: bool,
    ) -> Result<Registered, RegisterError> {
        let known = self.datasets.iter().find(|known| known.name == dataset);
        let known = known.ok_or_else(|| RegisterError::Unknown(dataset.to_owned()))?;
        let mut registered = Registered::Joined;
        for _ in 0..MOST_LOOKS {
            let claimed = self.site.ledger.claim_catalog(dataset, asked_by, self.claim).await?;
            let CatalogClaimed::Yes(claim) = claimed else { return Ok(registered) };
            match self.under(known, &claim, permit, thorough).await {
                Ok((done, again)) => {
                    registered = done;
                    if !again {
                        return Ok(registered);
                    }
                }
                // Whoever claimed it since may have written before us what we wrote over.
                Err(RegisterError::Lost) => {
                    self.site.ledger.doubt_catalog(dataset).await?;
                    registered = Registered::Joined;
                }
                Err(error) => return Err(error),
            }
            permit.check()?;
        }
        // It changes all the time: the message comes again.
        Err(RegisterError::Lost)
    }

    /// Does what is to be done under a claim. Answers what was done, and whether
    /// something changed meanwhile.
    async fn under(
        &self,
        dataset: &Dataset,
        claim: &CatalogClaim,
        permit: Permit<'_>,
        thorough: bool,
    ) -> Result<(Registered, bool), RegisterError> {
        let work = async {
            let Some(plan) = Plan::of(&self.site, dataset, thorough).await? else {
                return Ok((Registered::Nothing, self.release(claim).await?));
            };
            let again = plan.apply(&self.site, claim, permit).await?;
            Ok((Registered::Done(Box::new(plan)), again))
        };
        let renew = || self.site.ledger.renew_catalog(claim, self.claim);
        let lost = claim_lost(self.claim, renew);
        let ended = tokio::select! {
            ended = work => ended,
            () = lost => Err(RegisterError::Lost),
        };
        if let Err(error) = &ended
            && !matches!(error, RegisterError::Lost)
        {
            // If this fails, the claim ends by itself.
            if let Err(error) = self.release(claim).await {
                tracing::debug!(%error, "the claim is left to end");
            }
        }
        ended
    }

    async fn release(&self, claim: &CatalogClaim) -> Result<bool, RegisterError> {
        self.site.ledger.release_catalog(claim).await?.ok_or(RegisterError::Lost)
    }
}

/// What became of a dataset.
#[derive(Debug)]
pub enum Registered {
    /// This was done.
    Done(Box<Plan>),
    /// It has no file in the lake yet.
    Nothing,
    /// Somebody else is at it, and looks again.
    Joined,
}

impl Registered {
    /// In a word.
    pub fn note(&self) -> &'static str {
        match self {
            Self::Done(plan) if plan.is_nothing() => "unchanged",
            Self::Done(_) => "registered",
            Self::Nothing => "no file in the lake yet",
            Self::Joined => "joined",
        }
    }
}

#[async_trait]
impl Handler for Registrar {
    async fn handle(&self, delivery: &Delivery, lease: &Lease) -> Outcome {
        let task = match CatalogTask::from_message(&delivery.body) {
            Ok(task) => task,
            Err(error) => {
                return Outcome::Failed(Failure::new(FailureClass::Poison, error.to_string()));
            }
        };
        let about = Subject { dataset: Some(task.dataset.clone()), ..Subject::default() };
        let permit = Permit::Lease(lease);
        match self.register(&task.dataset, &delivery.message_id, permit, false).await {
            Ok(registered) => Outcome::Done(Done::new(registered.note()).about(about)),
            Err(RegisterError::Lost) => Outcome::Abandoned,
            Err(error) => Outcome::Failed(Failure::from(error).about(about)),
        }
    }

    async fn probe(&self) -> Result<(), Failure> {
        self.site.ledger.ping().await?;
        Ok(self.site.storage.list(&self.site.lake, "_probe/", None).await.map(drop)?)
    }
}
