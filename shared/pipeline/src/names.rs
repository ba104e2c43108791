//! What AWS and the databases allow as names.

/// Why a text cannot name a bucket.
///
/// Source: "General purpose bucket naming rules" in the Amazon S3 User Guide.
pub(crate) fn bucket(name: &str) -> Result<(), String> {
    let refused = |why: &str| Err(format!("`{name}` cannot be a bucket: {why}"));
    if !(3..=63).contains(&name.len()) {
        return refused("bucket names have 3 to 63 characters");
    }
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    if !name.chars().all(allowed) {
        return refused("bucket names take small letters, digits, `-` and `.`");
    }
    if name.starts_with(['-', '.']) || name.ends_with(['-', '.']) {
        return refused("bucket names begin and end with a letter or a digit");
    }
    if name.contains("..") {
        return refused("two dots in a row are not allowed");
    }
    if name.split('.').count() == 4 && name.split('.').all(|part| part.parse::<u8>().is_ok()) {
        return refused("it looks like an IP address");
    }
    let starts = ["xn--", "sthree-", "amzn-s3-demo-"];
    let ends = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];
    let reserved = starts.into_iter().find(|start| name.starts_with(start));
    match reserved.or_else(|| ends.into_iter().find(|end| name.ends_with(end))) {
        Some(affix) => refused(&format!("AWS keeps `{affix}` for itself")),
        None => Ok(()),
    }
}

/// The longest thing that is put after the pipeline's name to name a queue.
const LONGEST_SUFFIX: &str = "-transform-dlq";

/// Why a text cannot name a pipeline, whose queues begin with it.
///
/// Source: "Amazon SQS message quotas" in the SQS Developer Guide: up to 80
/// letters, digits, `-` and `_`.
pub(crate) fn pipeline(name: &str) -> Result<(), String> {
    let longest = 80 - LONGEST_SUFFIX.len();
    if name.is_empty() {
        return Err("a pipeline needs a name: its queues begin with it".to_owned());
    }
    if let Some(c) = name.chars().find(|&c| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_')) {
        return Err(format!(
            "`{name}` has {c:?} in it; queues, which begin with it, take letters, digits, `-` and `_`"
        ));
    }
    if name.len() > longest {
        return Err(format!(
            "`{name}` has {} characters; with `{LONGEST_SUFFIX}` after it a queue's name may have \
             80, so {longest} are left",
            name.len()
        ));
    }
    Ok(())
}

/// Why a text cannot name a dataset, which becomes a folder of the lake.
pub(crate) fn dataset(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.is_empty() || name.len() > 64 || !name.chars().all(allowed) {
        return Err(format!(
            "`{name}` cannot be a dataset's name, which has 1 to 64 letters, digits, `-` and `_`"
        ));
    }
    if name.starts_with('_') {
        return Err(format!(
            "`{name}` cannot be a dataset's name: folders of the lake that begin with `_` are ours"
        ));
    }
    Ok(())
}

/// The longest name of a schedule ("CreateSchedule" in the EventBridge Scheduler
/// API Reference).
const LONGEST_SCHEDULE: usize = 64;

/// Why a text cannot name an export, whose schedule has its name.
pub(crate) fn export(name: &str) -> Result<(), String> {
    scheduled(name, "an export")
}

/// Why a text cannot name a report, whose schedule has its name.
pub(crate) fn report(name: &str) -> Result<(), String> {
    scheduled(name, "a report")
}

fn scheduled(name: &str, what: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match name.is_empty() || name.len() > LONGEST_SCHEDULE || !name.chars().all(allowed) {
        true => Err(format!(
            "`{name}` cannot be {what}'s name, which has 1 to {LONGEST_SCHEDULE} letters, \
             digits, `-` and `_`"
        )),
        false => Ok(()),
    }
}

/// Why a text cannot name a stream, which is a folder of the lake.
pub(crate) fn stream(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match name.is_empty() || name.len() > 64 || !name.chars().all(allowed) {
        true => Err(format!(
            "`{name}` cannot be a stream's name, which has 1 to 64 letters, digits, `-` and `_`"
        )),
        false => Ok(()),
    }
}

/// The longest name PostgreSQL keeps in full, in bytes.
const LONGEST_IDENTIFIER: usize = 63;

/// Why a text cannot name a table.
pub(crate) fn table(name: &str) -> Result<(), String> {
    identifier(name, "a table")?;
    let taken = ["millrace_", "sqlite_"];
    let folded = name.to_ascii_lowercase();
    match taken.into_iter().find(|prefix| folded.starts_with(prefix)) {
        Some(prefix) => {
            Err(format!("`{name}` cannot be a table: names that begin with `{prefix}` are taken"))
        }
        None => Ok(()),
    }
}

/// Why a text cannot name a schema of the database.
pub(crate) fn schema(name: &str) -> Result<(), String> {
    identifier(name, "a schema")?;
    if name.contains('.') {
        return Err(format!("`{name}` has a dot, which stands between schema and table"));
    }
    let folded = name.to_ascii_lowercase();
    match folded.starts_with("pg_") || folded == "information_schema" {
        true => Err(format!("`{name}` is a schema of the database's own")),
        false => Ok(()),
    }
}

/// The column that the warehouse adds to every table.
const LOAD_ID: &str = "_load_id";

/// Why a text cannot name a column.
pub(crate) fn column(name: &str) -> Result<(), String> {
    identifier(name, "a column")?;
    match name.eq_ignore_ascii_case(LOAD_ID) {
        true => Err(format!("`{name}` cannot be a column: every table has one of that name")),
        false => Ok(()),
    }
}

fn identifier(name: &str, what: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err(format!("the name of {what} is empty"));
    }
    if name.chars().any(char::is_control) {
        return Err(format!("`{}` has a control character", name.escape_debug()));
    }
    if name.len() > LONGEST_IDENTIFIER {
        return Err(format!(
            "`{name}` has {} bytes; PostgreSQL would cut it off at {LONGEST_IDENTIFIER}",
            name.len()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names_follow_the_rules_of_s3() {
        for name in ["finance-raw", "a.b-c", "123", &"a".repeat(63)] {
            assert_eq!(bucket(name), Ok(()), "{name}");
        }
        for name in [
            "ab",
            "Finance",
            "a_b",
            "-ab",
            "ab.",
            "a..b",
            "192.168.5.4",
            "xn--abc",
            "abc-s3alias",
            "é-raw",
            &"a".repeat(64),
        ] {
            assert!(bucket(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_pipelines_longest_queue_fits() {
        let longest = "p".repeat(66);
        assert_eq!(pipeline(&longest), Ok(()));
        assert_eq!(longest.len() + LONGEST_SUFFIX.len(), 80);
        for name in ["", "a b", "a.fifo", "naïve", &"p".repeat(67)] {
            assert!(pipeline(name).is_err(), "{name}");
        }
    }

    #[test]
    fn names_that_are_taken_are_refused() {
        assert!(table("millrace_files").is_err());
        assert!(table("SQLITE_master").is_err());
        assert!(dataset("_rejects").is_err());
        assert!(column("_Load_ID").is_err());
        assert_eq!(table("Monthly balance"), Ok(()));
    }
}
