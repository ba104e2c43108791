//! How fast files go, and how old the oldest is that waits.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use millrace_contract::StageName;
use millrace_ledger::{Hop, Transformed};

use crate::support::{file, load_task, object, places};

#[tokio::test]
async fn what_was_done_lately_is_counted_by_stage() {
    for place in places().await {
        let ledger = place.ledger().await;
        let now = Utc::now();
        assert_eq!(ledger.pace(now - TimeDelta::minutes(5), now).await.unwrap(), []);
        for (key, outcome, ago) in [
            ("a", "transformed", 100),
            ("b", "transformed", 40),
            ("c", "contract", 30),
            ("d", "transformed", 4_000),
        ] {
            let mut version = object(key, None);
            version.key = key.into();
            let one = file(version);
            ledger.register(&one).await.unwrap();
            let task = load_task(&one);
            let duration = Duration::from_millis(5);
            ledger
                .transformed(&Transformed { task: &task, rejects: &[], warnings: &[], duration })
                .await
                .unwrap();
            let hop = Hop {
                file_id: &one.file_id,
                stage: StageName::Transform,
                attempt: 1,
                started_at: now - TimeDelta::seconds(ago),
                duration,
                outcome,
                detail: None,
            };
            ledger.hop(&hop).await.unwrap();
        }
        let pace = ledger.pace(now - TimeDelta::minutes(5), now).await.unwrap();
        assert_eq!(pace.len(), 1);
        assert_eq!((pace[0].stage, pace[0].files, pace[0].rows), (StageName::Transform, 2, 20));
        assert_eq!(pace[0].window.as_secs(), 100);
        let oldest = ledger.oldest_waiting().await.unwrap();
        assert_eq!(oldest.len(), 1, "{oldest:?}");
        assert_eq!(oldest[0].stage, StageName::Load);
        assert!((Utc::now() - oldest[0].since) < TimeDelta::minutes(1));
    }
}
