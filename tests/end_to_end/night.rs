//! A night on call: the database goes away under load, access to some of the data
//! is revoked, and a producer changes its format. In the morning every row is
//! there once, no dead letter is left, and the record says who did what.
//!
//! The database is away for twenty seconds; `MILLRACE_NIGHT_OUTAGE` says for how many
//! instead.

use std::time::{Duration, Instant};

use aws_sdk_ecs::types::DeploymentRolloutState;
use aws_sdk_sqs::types::QueueAttributeName as Attribute;
use millrace_tests::TestServer;
use serde_json::{Value, json};

use crate::books::{self, Books, Published};
use crate::fleet::STAGES;
use crate::stack::{Stack, wait_for};
use crate::telling::{Collected, OPS};

/// Seconds that a cause is quiet for after an alert.
const DIGEST: u64 = 60;

/// Files whose dates are written in a way that the contract does not know.
const BAD: i64 = 1_000;

/// Rows of each.
const ROWS: i64 = 2;

/// Files that nobody may read for a while.
const REVOKED: i64 = 20;

/// How the contract has dates before it is mended, and after.
const DATES: [&str; 2] = ["%Y-%m-%d", "%d/%m/%Y"];

/// As anybody would have it: receives, visibility and retries are the defaults.
fn pipeline(dates: &str) -> String {
    let (datasets, _) = books::PIPELINE.split_once("[stages.ingest]").expect("stages");
    format!(
        r#"{datasets}
[datasets.deliveries]
match = "deliveries/*.csv"
[datasets.deliveries.schema]
columns = [
  {{ name = "id", type = "int64", required = true }},
  {{ name = "day", type = "date", format = "{dates}", required = true }},
]
[datasets.deliveries.rejects]
max = 0
[datasets.deliveries.load]
table = "deliveries"

[stages.transform]
workers = 2
[stages.load]
workers = 2

[alerts]
subscribe = ["{OPS}"]
digest = "{DIGEST}s"
"#
    )
}

struct Night {
    stack: Stack,
    server: TestServer,
    books: Books,
    ops: Collected,
    s3: aws_sdk_s3::Client,
    published: Published,
    began: Instant,
}

impl Night {
    async fn begin() -> Option<Self> {
        let server = TestServer::start().await?;
        let books = Books::Postgres(server.url().to_owned());
        let stack = Stack::start_with(&pipeline(DATES[0]), &books.environment());
        let ops = Collected::create(&stack, "ops").await;
        let (s3, published) = (stack.s3().await, Published::default());
        Some(Self { stack, server, books, ops, s3, published, began: Instant::now() })
    }

    fn say(&self, what: &str) {
        eprintln!("{:6.1} s  {what}", self.began.elapsed().as_secs_f64());
    }

    /// Publishes ten files a second.
    async fn publish_for(&mut self, time: Duration) {
        let until = Instant::now() + time;
        let mut pace = tokio::time::interval(Duration::from_millis(100));
        while Instant::now() < until {
            pace.tick().await;
            self.published.sale(&self.s3).await;
        }
    }

    async fn wait_for_number(&self, what: &str, sql: &str, expected: i64) {
        let deadline = Instant::now() + Duration::from_secs(240);
        loop {
            let found = self.books.number(&self.stack, sql).await;
            if found == expected {
                return;
            }
            let late = Instant::now() > deadline;
            assert!(!late, "{what}: {found}, not {expected}\n{}", self.stack.log_text());
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// Waits until all that was published of `sales` is loaded.
    async fn sales_loaded(&self) {
        let loaded =
            "SELECT count(*) FROM millrace_files WHERE dataset = 'sales' AND state = 'loaded'";
        self.wait_for_number("files of sales", loaded, self.published.sales).await;
    }

    fn dead_letters(&self) -> Vec<Value> {
        self.stack.json(&["dlq", "list"]).as_array().expect("a list").clone()
    }

    /// The database is stopped and started while files arrive. No file is given
    /// up for it, and people hear of it twice.
    async fn the_database_goes_away(&mut self) {
        let away = std::env::var("MILLRACE_NIGHT_OUTAGE").ok().and_then(|text| text.parse().ok());
        let away = Duration::from_secs(away.unwrap_or(20));
        self.published.version(&self.s3, 0).await;
        self.publish_for(Duration::from_secs(3)).await;
        self.server.stop();
        self.say("the database is stopped");
        self.publish_for(away).await;
        self.server.start_again();
        self.say("the database is started");
        let told = self.ops.of_kind("outage", 1, &self.stack).await;
        self.ops.of_kind("recovery", 1, &self.stack).await;
        self.say("the end of the outage is told");
        self.sales_loaded().await;
        self.say(&format!("{} files are loaded", self.published.sales));
        assert_eq!(self.dead_letters(), Vec::<Value>::new());
        assert_eq!(told[0]["severity"], "critical", "{told:#?}");
        self.published.assert_exact(&self.books, &self.stack).await;
        let failed = "SELECT count(*) FROM millrace_failures";
        self.books.expect_history(&self.stack, failed, 0).await;
    }

    /// Files of one dataset can't be read any more. They are dead letters that say
    /// what is missing; those of the other are loaded meanwhile.
    async fn access_is_revoked(&mut self) {
        self.stack.begin_faults(&json!({ "fault": [{
            "do": "error", "status": 403, "code": "AccessDenied", "message": "Access Denied",
            "service": "s3", "operation": "GetObject", "resource": "books-raw/stock/*",
        }] }));
        for key in 1..=REVOKED {
            self.published.version(&self.s3, key).await;
            self.published.sale(&self.s3).await;
        }
        let denied = "SELECT count(*) FROM millrace_failures WHERE class = 'denied'";
        self.wait_for_number("refused files", denied, REVOKED).await;
        self.sales_loaded().await;
        self.say("files that may not be read are dead letters, the others are loaded");
        let groups = self.dead_letters();
        assert_eq!(groups.len(), 1, "{groups:#?}");
        let found = ["count", "class", "datasets"].map(|name| &groups[0][name]);
        assert_eq!(found, [&json!(REVOKED), &json!("denied"), &json!(["stock"])]);
        let said = groups[0]["message"].as_str().expect("a message");
        let missing = "s3:GetObject on `arn:aws:s3:::books-raw/stock/000";
        assert!(said.contains(missing), "{said}");
        let told = &self.ops.of_kind("dead_letter", 1, &self.stack).await[0];
        assert_eq!(told["class"], "denied", "{told:#}");
        assert!(told["message"].as_str().expect("a message").contains(missing), "{told:#}");
    }

    /// A thousand files in a format that the contract does not know are one group
    /// of dead letters, one alert at once, and a digest.
    async fn a_producer_sends_bad_files(&mut self) {
        let folder = self.stack.folder().join("deliveries");
        std::fs::create_dir(&folder).expect("a folder");
        for file in 0..BAD {
            let text =
                format!("id,day\n{},31/01/2024\n{},28/02/2024\n", file * ROWS, file * ROWS + 1);
            std::fs::write(folder.join(format!("{file:04}.csv")), text).expect("a file");
        }
        let folder = folder.to_str().expect("text");
        let output = self.stack.run(&["publish", folder, "--dataset", "deliveries"]);
        assert!(output.status.success(), "{output:?}");
        let first = &self.ops.of_kind("file_rejected", 1, &self.stack).await[0];
        assert_eq!(first["digest"], false, "{first:#}");
        let rejected = "SELECT count(*) FROM millrace_failures WHERE dataset = 'deliveries'";
        self.wait_for_number("bad files", rejected, BAD).await;
        self.say("bad files are dead letters");
        let groups = self.dead_letters();
        assert_eq!(groups.len(), 2, "those from before, and these: {groups:#?}");
        let group = groups.iter().find(|group| group["datasets"][0] == "deliveries");
        let group = group.expect("the group");
        assert_eq!((&group["count"], &group["class"]), (&json!(BAD), &json!("contract")));
    }

    /// The pipeline file is mended and the workers are replaced by new ones, one
    /// by one, as a deployment does, while files go on arriving.
    async fn the_contract_is_mended(&mut self) {
        self.stack.rewrite(&pipeline(DATES[1]));
        let ecs = aws_sdk_ecs::Client::new(&self.stack.sdk().await);
        let services = STAGES.map(|stage| format!("books-{stage}"));
        for service in &services {
            let update = ecs.update_service().cluster("books").service(service);
            update.force_new_deployment(true).send().await.expect("a deployment");
        }
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            self.published.sale(&self.s3).await;
            let describe = ecs.describe_services().cluster("books");
            let described = describe.set_services(Some(services.to_vec())).send().await;
            let described = described.expect("services");
            let is_done = |service: &aws_sdk_ecs::types::Service| {
                let [only] = service.deployments() else { return false };
                only.rollout_state() == Some(&DeploymentRolloutState::Completed)
                    && service.running_count() == service.desired_count()
            };
            if described.services().iter().all(is_done) {
                break;
            }
            assert!(Instant::now() < deadline, "{described:#?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        self.say("workers are replaced");
    }

    /// Some go first; then all that failed is sent again and loaded.
    async fn dead_letters_are_sent_again(&mut self) {
        let redrive = ["dlq", "redrive", "--yes", "--canary", "5"];
        let sent = self.stack.json(&[&redrive[..], &["--dataset", "deliveries"]].concat());
        self.say("bad files are sent again");
        let found = ["sent", "canaries", "failed_again"].map(|name| &sent[name]);
        assert_eq!(found, [&json!(BAD), &json!(5), &json!([])]);
        self.stack.end_faults();
        let sent = self.stack.json(&[&redrive[..], &["--class", "denied"]].concat());
        let found = ["sent", "canaries", "failed_again"].map(|name| &sent[name]);
        assert_eq!(found, [&json!(REVOKED), &json!(5), &json!([])]);
        let loaded = "SELECT count(DISTINCT object_key) FROM millrace_files \
                      WHERE dataset IN ('deliveries', 'stock') AND state = 'loaded'";
        self.wait_for_number("files that were sent again", loaded, BAD + REVOKED + 1).await;
        self.sales_loaded().await;
        self.say("everything is loaded");
    }

    /// Every row is there once, and nothing else is left.
    async fn morning_comes(&mut self) {
        let limit = Duration::from_secs(60);
        wait_for("the queues to drain", limit, || self.stack.is_drained().then_some(()));
        self.published.assert_exact(&self.books, &self.stack).await;
        let rows = BAD * ROWS;
        let stack = &self.stack;
        for (sql, expected) in [
            ("SELECT count(*) FROM deliveries", rows),
            ("SELECT count(DISTINCT id) FROM deliveries", rows),
            ("SELECT cast(sum(id) AS bigint) FROM deliveries", rows * (rows - 1) / 2),
            ("SELECT count(*) FROM deliveries WHERE day = DATE '2024-01-31'", BAD),
        ] {
            assert_eq!(self.books.number(stack, sql).await, expected, "{sql}");
        }
        assert_eq!(self.dead_letters(), Vec::<Value>::new());
    }

    /// The copies in the dead-letter queues have left with those that were sent
    /// again, or leave when a worker looks, about every minute.
    async fn dead_letter_queues_are_empty(&self) {
        let sqs = self.stack.sqs().await;
        let deadline = Instant::now() + Duration::from_secs(120);
        for stage in STAGES {
            let url = sqs.get_queue_url().queue_name(format!("books-{stage}-dlq")).send().await;
            let url = url.expect("a queue").queue_url().expect("a URL").to_owned();
            let counts = sqs.get_queue_attributes().queue_url(url).attribute_names(Attribute::All);
            loop {
                let counts = counts.clone().send().await.expect("counts");
                let counts = counts.attributes().expect("counts");
                let visible = &counts[&Attribute::ApproximateNumberOfMessages];
                let hidden = &counts[&Attribute::ApproximateNumberOfMessagesNotVisible];
                if visible == "0" && hidden == "0" {
                    break;
                }
                assert!(Instant::now() < deadline, "{stage}: {visible} wait, {hidden} are hidden");
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
        }
        self.say("the dead-letter queues are empty");
    }

    /// Who sent what again, and when, is on record: once for every dead letter.
    async fn the_record_is_complete(&self) {
        let all = BAD + REVOKED;
        for (sql, expected) in [
            ("SELECT count(*) FROM millrace_failures", all),
            ("SELECT count(*) FROM millrace_failures WHERE resolution = 'loaded'", all),
            ("SELECT count(*) FROM millrace_dlq_actions", all),
            (
                "SELECT count(*) FROM millrace_dlq_actions JOIN millrace_failures \
                 USING (queue, message_id) WHERE action = 'redrive' AND acted_at >= last_seen \
                 AND actor LIKE '_%@_%' AND detail <> ''",
                all,
            ),
            (
                "SELECT count(*) FROM (SELECT DISTINCT queue, message_id FROM millrace_dlq_actions) \
                 AS once",
                all,
            ),
            ("SELECT count(DISTINCT actor) FROM millrace_dlq_actions", 1),
        ] {
            self.books.expect_history(&self.stack, sql, expected).await;
        }
    }

    /// One outage and its end; for each cause one alert at once, and digests.
    async fn everybody_was_told(&mut self) {
        let flood = "SELECT cast(extract(epoch FROM max(last_seen) - min(last_seen)) AS bigint) \
                     FROM millrace_failures WHERE dataset = 'deliveries'";
        let flood = self.books.history(&self.stack, flood).await.unsigned_abs();
        for (kind, expected) in [("file_rejected", BAD), ("dead_letter", REVOKED)] {
            let mut told = self.ops.of_kind(kind, 2, &self.stack).await;
            let total = |told: &[Value]| told.last().expect("a digest")["total"].as_i64();
            while total(&told) < Some(expected) {
                told = self.ops.of_kind(kind, told.len() + 1, &self.stack).await;
            }
            assert_eq!((&told[0]["digest"], &told[1]["digest"]), (&json!(false), &json!(true)));
            let counts = told.iter().map(|one| one["count"].as_i64().expect("a count"));
            assert_eq!(counts.sum::<i64>(), expected, "{told:#?}");
            assert_eq!(total(&told), Some(expected), "{told:#?}");
            let digests = usize::try_from(flood / DIGEST + 1).expect("few");
            assert!(told.len() <= 1 + digests, "{flood} s: {told:#?}");
        }
        for kind in ["outage", "recovery"] {
            let told = self.ops.of_kind(kind, 1, &self.stack).await;
            assert_eq!(told.len(), 1, "{told:#?}");
        }
        self.say("everybody was told");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_on_call_ends_with_every_row_loaded_once_and_all_of_it_on_record() {
    let Some(mut night) = Night::begin().await else { return };
    night.the_database_goes_away().await;
    night.access_is_revoked().await;
    night.a_producer_sends_bad_files().await;
    night.the_contract_is_mended().await;
    night.dead_letters_are_sent_again().await;
    night.morning_comes().await;
    night.the_record_is_complete().await;
    night.everybody_was_told().await;
    night.dead_letter_queues_are_empty().await;
}
