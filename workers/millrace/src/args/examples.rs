//! What the help of every command ends with: how it is called. A test parses each
//! example, so that none goes stale.
//!
//! A remark stands behind a command, three blanks apart.

/// Behind the list of commands.
pub(crate) const ALL: &str = "\
Exit codes:
  0    done
  1    it failed; standard error says why and what to do
  2    the command line or the pipeline file is wrong
  3    files or messages were followed to their end, and some were dead-lettered
  130  ended by Ctrl-C

Examples:
  millrace demo   see it work
  millrace check && millrace dev   check the pipeline file, then run it here
  millrace publish data/ --wait   upload files and follow them to the end
  millrace status --watch   what is going on
  millrace dlq list   what went wrong";

pub(crate) const DEMO: &str = "\
Examples:
  millrace demo
  millrace demo --example preparation
  millrace demo --data /tmp/demo";

pub(crate) const DEV: &str = "\
Examples:
  millrace dev
  millrace dev --pipeline finance.toml --data /var/millrace --port 4600
  millrace dev --until-idle   drain what waits, then exit";

pub(crate) const WORKER: &str = "\
Examples:
  millrace worker transform
  millrace worker load --log-format json --metrics 0.0.0.0:9464";

pub(crate) const CHECK: &str = "\
Examples:
  millrace check
  millrace check finance.toml -o json";

pub(crate) const PLAN: &str = "\
Examples:
  millrace plan
  millrace plan -o json > plan.json   what Terraform reads
  millrace plan --format cloudformation > template.json";

pub(crate) const PUBLISH: &str = "\
Examples:
  millrace publish data/raw --dry-run
  millrace publish expenses.csv --dataset expenses --set year=2024 --wait";

pub(crate) const STATUS: &str = "\
Examples:
  millrace status
  millrace status --watch
  millrace status --watch 10 -o json   a line every ten seconds";

pub(crate) const SCALE: &str = "\
Examples:
  millrace scale transform=4 load=2
  millrace scale transform=0   pause a stage; its messages wait
  millrace scale load=8 --wait -o json

The number lasts until something else changes it: automatic scaling in the cloud,
a restart of `millrace dev` locally.";

pub(crate) const RUNS: &str = "\
Examples:
  millrace runs --since 2h
  millrace runs --dataset expenses --state failed -o json";

pub(crate) const EXPORTS: &str = "\
Examples:
  millrace exports
  millrace exports --export users --state failed -o json";

pub(crate) const DERIVED: &str = "\
Examples:
  millrace derived
  millrace derived --dataset user_transactions --state failed -o json";

pub(crate) const REPORT: &str = "\
Examples:
  millrace report   which there are, and what came of them last
  millrace report spending --out /tmp/spending --open
  millrace report spending --at 2026-01-31T07:00:00Z --param user=ann";

pub(crate) const CATALOG_LIST: &str = "\
Examples:
  millrace catalog list
  millrace catalog list expenses -o json   with every partition";

pub(crate) const CATALOG_DDL: &str = "\
Examples:
  millrace catalog ddl > tables.sql
  millrace catalog ddl expenses --database finance --projection 2020-01-01,NOW";

pub(crate) const CATALOG_MANIFESTS: &str = "\
Examples:
  millrace catalog manifests
  millrace catalog manifests expenses -o json";

pub(crate) const CATALOG_REFRESH: &str = "\
Examples:
  millrace catalog refresh --dry-run
  millrace catalog refresh expenses -o json";

pub(crate) const CATALOG_QUICKSIGHT: &str = "\
Examples:
  millrace catalog quicksight expenses --database finance > data-set.json
  millrace catalog quicksight users   the manifest of an export of CSV or JSON";

pub(crate) const RECONCILE: &str = "\
Examples:
  millrace reconcile --dry-run
  millrace reconcile --dataset expenses --older-than 1h
  millrace reconcile --prefix raw/Expenses/2019/ -o json";

pub(crate) const COMPACT: &str = "\
Examples:
  millrace compact --dry-run
  millrace compact --dataset expenses -o json";

pub(crate) const RETENTION: &str = "\
Examples:
  millrace retention --dry-run
  millrace retention --yes -o json";

pub(crate) const MAINTENANCE: &str = "\
Examples:
  millrace maintenance
  millrace maintenance --upkeep reconcile --limit 5 -o json";

pub(crate) const SEND: &str = "\
Examples:
  millrace send log.ndjson
  millrace send --stream clicks --attribute source=web < clicks.ndjson
  millrace send --example superhero --count 5000   games that dice play";

pub(crate) const BATCHES: &str = "\
Examples:
  millrace batches
  millrace batches --stream clicks --state committed -o json";

pub(crate) const SCHEDULE_LIST: &str = "\
Examples:
  millrace schedule list
  millrace schedule list -o json";

pub(crate) const SCHEDULE_RUN: &str = "\
Examples:
  millrace schedule run users
  millrace schedule run users --at 2026-01-31T02:00:00Z --wait
  millrace schedule run orders --param user=ann --param date=2026-01-01
  millrace schedule run maintain-reconcile --wait";

pub(crate) const SCHEDULE_ENABLE: &str = "\
Examples:
  millrace schedule enable users";

pub(crate) const SCHEDULE_DISABLE: &str = "\
Examples:
  millrace schedule disable users";

pub(crate) const TRACE: &str = "\
Examples:
  millrace trace s3://finance-raw/raw/Expenses/2024/may.csv
  millrace trace raw/Expenses/2024/may.csv -o json";

pub(crate) const REPLAY: &str = "\
Examples:
  millrace replay raw/Expenses/2024/may.csv
  millrace replay --dataset expenses --since 7d --from source --dry-run";

pub(crate) const REJECTS_LIST: &str = "\
Examples:
  millrace rejects list
  millrace rejects list --dataset expenses -o json";

pub(crate) const REJECTS_SHOW: &str = "\
Examples:
  millrace rejects show s3://finance-raw/raw/Expenses/2024/may.csv
  millrace rejects show raw/Expenses/2024/may.csv --rule 'amount > 0' --limit 5";

pub(crate) const REJECTS_REPLAY: &str = "\
Examples:
  millrace rejects replay --dataset expenses --dry-run
  millrace rejects replay raw/Expenses/2024/may.csv";

pub(crate) const DLQ_LIST: &str = "\
Examples:
  millrace dlq list
  millrace dlq list --dataset expenses --class contract --since 2d
  millrace dlq list --each --limit 20 -o json";

pub(crate) const DLQ_SHOW: &str = "\
Examples:
  millrace dlq show 5fd2
  millrace dlq show 5fd2 -o json";

pub(crate) const DLQ_REDRIVE: &str = "\
Examples:
  millrace dlq redrive --group 3f9c --dry-run
  millrace dlq redrive --dataset expenses --since 2d --canary 3
  millrace dlq redrive --all --rate 50/s --yes";

pub(crate) const DLQ_EDIT: &str = "\
Examples:
  millrace dlq edit 5fd2   opens $VISUAL or $EDITOR
  millrace dlq edit 5fd2 --body-file mended.json";

pub(crate) const DLQ_DISCARD: &str = "\
Examples:
  millrace dlq discard 5fd2 --reason 'test file'
  millrace dlq discard --group 3f9c --reason 'sent again by the bank' --dry-run";

pub(crate) const DLQ_EXPORT: &str = "\
Examples:
  millrace dlq export > dead.ndjson
  millrace dlq export --dataset expenses --resolved --to dead.ndjson";

pub(crate) const DLQ_ADOPT: &str = "\
Examples:
  millrace dlq adopt
  millrace dlq adopt --stage transform -o json";

pub(crate) const DOCTOR: &str = "\
Examples:
  millrace doctor
  millrace doctor --no-canary -o json";

pub(crate) const TRANSFORM: &str = "\
Examples:
  millrace transform may.csv --out parquet/
  millrace transform may.csv --dataset expenses --set year=2024 --out parquet/";

pub(crate) const PREVIEW: &str = "\
Examples:
  millrace preview may.csv
  millrace preview may.csv --dataset expenses --rows 3";

pub(crate) const INFER: &str = "\
Examples:
  millrace infer may.csv >> millrace.toml
  millrace infer may.txt --name expenses --delimiter ';' --null NA";

pub(crate) const QUERY: &str = "\
Examples:
  millrace query 'select year, sum(amount) from expenses group by year'
  millrace query 'describe expenses'
  millrace query 'show partitions expenses'
  millrace query 'select count(*) from may' --file may.parquet -o csv";

pub(crate) const AWS: &str = "\
Examples:
  millrace aws --port 4566
  millrace aws --port 0 --data /tmp/aws --faults faults.toml";

pub(crate) const HEALTHCHECK: &str = "\
Examples:
  millrace healthcheck --heartbeat /tmp/heartbeat";

pub(crate) const SCHEMA: &str = "\
Examples:
  millrace schema > millrace.schema.json";

pub(crate) const COMPLETIONS: &str = "\
Examples:
  millrace completions bash > /etc/bash_completion.d/millrace
  millrace completions zsh > ~/.zfunc/_millrace
  millrace completions fish > ~/.config/fish/completions/millrace.fish";

pub(crate) const MAN: &str = "\
Examples:
  millrace man --out /usr/local/share/man/man1
  millrace man | man -l -";
