//! Filters and rules of every kind at once, over random files: the same rows on
//! any number of threads and blocks, and every row accounted for.

use std::num::NonZeroUsize;

use crate::rules::{IsPositive, IsX, row_count, unique};
use crate::support::{Outcome, csv, run};
use millrace_contract::{OnFail, Reject};
use millrace_format::{FormatError, Plan};
use proptest::prelude::*;

/// A plan with everything at once, for rows `k,n,t`.
fn everything(on_fail: [OnFail; 3], threads: usize, block: usize, keys: usize) -> Plan {
    let mut plan = csv(&["k string", "n int64 required", "t string"]);
    plan.threads = NonZeroUsize::new(threads).unwrap();
    plan.limits.block_bytes = block;
    plan.limits.unique_bytes = keys;
    plan.filter = Some(Box::new(IsX([0])));
    plan.rules = vec![Box::new(IsPositive([1], on_fail[0]))];
    plan.file_rules = vec![
        unique("unique(n)", &[1], on_fail[1]),
        unique("unique(n, t)", &[1, 2], on_fail[2]),
        row_count(0, 5, OnFail::Warn),
    ];
    plan
}

/// What a file comes to: the rows, the lines that are rejected, the rows skipped,
/// and those that `unique(n)` warned of.
type Wanted = (Vec<String>, Vec<u64>, u64, u64);

/// What a file comes to by the rules as they are written down, row by row. None
/// for one that is refused.
fn expected(rows: &[(bool, i64, u8)], on_fail: [OnFail; 3]) -> Option<Wanted> {
    let (mut written, mut rejected, mut skipped, mut warned) = (Vec::new(), Vec::new(), 0, 0);
    let mut seen: Vec<(i64, u8)> = Vec::new();
    for (&(is_x, n, t), line) in rows.iter().zip(2..) {
        if !is_x {
            skipped += 1;
            continue;
        }
        let broken = [n <= 0, seen.iter().any(|(m, _)| *m == n), seen.contains(&(n, t))];
        // 99 stands for a text that is no number.
        let outcomes: Vec<OnFail> = broken
            .into_iter()
            .zip(on_fail)
            .filter_map(|(broken, on_fail)| broken.then_some(on_fail))
            .collect();
        let row_rule = broken[0] && on_fail[0] == OnFail::RejectRow;
        if n == 99 || row_rule {
            rejected.push(line);
            continue;
        }
        warned += u64::from(broken[1] && on_fail[1] == OnFail::Warn);
        if outcomes.contains(&OnFail::RejectFile) {
            return None;
        } else if outcomes.contains(&OnFail::RejectRow) {
            rejected.push(line);
        } else {
            seen.push((n, t));
            written.push(format!("x|{n}|t{t}"));
        }
    }
    Some((written, rejected, skipped, warned))
}

fn on_fail() -> impl Strategy<Value = OnFail> {
    prop_oneof![Just(OnFail::RejectRow), Just(OnFail::Warn), Just(OnFail::RejectFile)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn rules_say_the_same_on_any_number_of_threads_and_blocks(
        rows in prop::collection::vec((any::<bool>(), prop_oneof![-1i64..12, Just(99)], 0u8..3), 0..300),
        on_fail in [on_fail(), on_fail(), on_fail()],
        block in 16usize..2000,
    ) {
        let number = |n: i64| if n == 99 { "none".to_owned() } else { n.to_string() };
        let line = |(is_x, n, t): &(bool, i64, u8)| {
            format!("{},{},t{t}\n", if *is_x { "x" } else { "y" }, number(*n))
        };
        let input = format!("k,n,t\n{}", rows.iter().map(line).collect::<String>());
        let wanted = expected(&rows, on_fail);
        for (threads, keys) in [(1, 1 << 20), (4, 1 << 20), (4, 0)] {
            let plan = everything(on_fail, threads, block, keys);
            match (run(&input, &plan), &wanted) {
                (Ok(outcome), Some(wanted)) => {
                    let Outcome { report, rejects, .. } = &outcome;
                    prop_assert_eq!(&outcome.rows(), &wanted.0);
                    let lines: Vec<u64> = rejects.iter().map(|reject| reject.line).collect();
                    prop_assert_eq!(&lines, &wanted.1);
                    prop_assert_eq!(report.balance.skipped_total(), wanted.2);
                    prop_assert_eq!(report.balance.read, rows.len() as u64);
                    let raw = |reject: &Reject| {
                        input.lines().nth(reject.line as usize - 1) == Some(&reject.raw)
                    };
                    prop_assert!(rejects.iter().all(raw));
                    let warned = |rule: &str| {
                        let found = report.warnings.iter().find(|warning| warning.rule == rule);
                        found.map_or(0, |warning| warning.count)
                    };
                    prop_assert_eq!(warned("row_count"), u64::from(wanted.0.len() > 5));
                    prop_assert_eq!(warned("unique(n)"), wanted.3);
                }
                (Err(FormatError::FileRejected { .. }), None) => {}
                (Ok(_), None) => prop_assert!(false, "not refused"),
                (Err(error), _) => prop_assert!(false, "{}", error),
            }
        }
    }
}
