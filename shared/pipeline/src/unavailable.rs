//! Keys the design has and this version has not yet: whoever copies
//! them from the documentation of a later version shall not be told that they
//! do not exist.

/// Keys by path, `*` standing for a name of the user's, and what to do instead.
const KEYS: [(&str, &str); 1] =
    [("stages.catalog", "`millrace catalog` prints and writes what Athena needs")];

/// What to do instead of a key of a later version.
pub(crate) fn key(path: &str) -> Option<String> {
    let (_, instead) = KEYS.into_iter().find(|(pattern, _)| is_at(pattern, path))?;
    Some(instead.to_owned())
}

fn is_at(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == path,
        Some((before, after)) => path
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(|name| !name.is_empty() && !name.contains('.')),
    }
}
