//! The known word nearest to one that is not known.

/// The candidate that is likeliest meant by `word`: equal but for letter case,
/// `-` and `_`, or a slip of the finger or two away.
pub fn nearest<S: AsRef<str>>(
    word: &str,
    candidates: impl IntoIterator<Item = S>,
) -> Option<String> {
    let fold = |text: &str| text.to_lowercase().replace('-', "_");
    let word = fold(word);
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| {
            let distance = strsim::osa_distance(&word, &fold(candidate.as_ref()));
            (distance, candidate)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.as_ref().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let known = ["match", "format", "partition_by", "max_workers", "load"];
        for (word, meant) in [
            ("mach", Some("match")),
            ("macth", Some("match")),
            ("partition-by", Some("partition_by")),
            ("partitioned_by", Some("partition_by")),
            ("maxWorkers", Some("max_workers")),
            ("Load", Some("load")),
            ("colour", None),
            ("x", None),
        ] {
            assert_eq!(nearest(word, known).as_deref(), meant, "{word}");
        }
    }
}
