//! Outputs that lie side by side in one object, since they were joined there, as one:
//! an object is opened once, however many files its rows are of.

use std::collections::HashMap;

use millrace_contract::Output;

/// The outputs of buckets, with those of one object that follow one another joined.
/// Rows are the same; only their order changes.
pub fn coalesced(outputs: Vec<(String, Output)>) -> Vec<(String, Output)> {
    let mut whole: Vec<(String, Output)> = Vec::with_capacity(outputs.len());
    let mut parts: HashMap<(String, String), Vec<(u64, Output)>> = HashMap::new();
    for (bucket, output) in outputs {
        match output.first_row {
            None => whole.push((bucket, output)),
            Some(first) => {
                parts.entry((bucket, output.key.clone())).or_default().push((first, output));
            }
        }
    }
    let mut objects: Vec<_> = parts.into_iter().collect();
    objects.sort_by(|(one, _), (other, _)| one.cmp(other));
    for ((bucket, _), mut parts) in objects {
        parts.sort_by_key(|(first, _)| *first);
        whole.extend(runs(parts).into_iter().map(|output| (bucket.clone(), output)));
    }
    whole
}

/// Parts in the order of their rows, those that follow one another as one.
fn runs(parts: Vec<(u64, Output)>) -> Vec<Output> {
    let mut runs: Vec<(u64, Output)> = Vec::new();
    for (first, output) in parts {
        match runs.last_mut() {
            Some((start, last)) if *start + last.rows == first => last.rows += output.rows,
            Some(_) | None => runs.push((first, output)),
        }
    }
    runs.into_iter().map(|(_, output)| output).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(key: &str, first_row: Option<u64>, rows: u64) -> (String, Output) {
        let output = Output {
            key: key.into(),
            rows,
            bytes: 9,
            first_row,
            partition: Vec::new(),
            carried: None,
        };
        ("lake".into(), output)
    }

    #[test]
    fn parts_that_follow_one_another_are_read_as_one() {
        let outputs = vec![
            part("b", Some(5), 2),
            part("a", None, 7),
            part("b", Some(0), 3),
            part("c", Some(0), 1),
            part("b", Some(3), 2),
            part("b", Some(9), 1),
        ];
        let read = coalesced(outputs).into_iter().map(|(_, o)| (o.key, o.first_row, o.rows));
        let expected = [("a", None, 7), ("b", Some(0), 7), ("b", Some(9), 1), ("c", Some(0), 1)];
        let expected = expected.map(|(key, first, rows)| (key.to_owned(), first, rows));
        assert_eq!(read.collect::<Vec<_>>(), expected);
    }
}
