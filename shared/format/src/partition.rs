//! Hive partition folders: `year=2024/month=01`.

use std::fmt::Write;

/// The folder value that stands for SQL null in Hive, Spark, Athena and DuckDB.
pub const NULL_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";

/// The folder of a partition: `name=value` parts joined by `/`, without a
/// slash at either end; empty for no columns.
///
/// Whatever could be taken for a separator, an escape or a control character is
/// percent-escaped, so that no value leaves its folder and different values never
/// share one. The empty string is `name=`. A text that is [`NULL_PARTITION`] itself
/// has a folder of its own too, which some readers still take for null (pyarrow
/// and polars do, DuckDB does not).
pub fn partition_path(partition: &[(String, Option<String>)]) -> String {
    let mut path = String::new();
    for (name, value) in partition {
        if !path.is_empty() {
            path.push('/');
        }
        escape_into(&mut path, name);
        path.push('=');
        match value {
            None => path.push_str(NULL_PARTITION),
            Some(value) if value == NULL_PARTITION => {
                path.push_str("%5F");
                path.push_str(&value[1..]);
            }
            Some(value) => escape_into(&mut path, value),
        }
    }
    path
}

fn escape_into(path: &mut String, text: &str) {
    for character in text.chars() {
        if is_unsafe(character) {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                // Writing to a string does not fail.
                let _ = write!(path, "%{byte:02X}");
            }
        } else {
            path.push(character);
        }
    }
}

/// The characters Hive escapes in partition names, those that S3, shells and
/// URLs give a meaning to, and those that a listing in XML can't have.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || ['\u{FFFE}', '\u{FFFF}'].contains(&character)
        || "\"#%'*/:=?\\{}[]^<>|`~&+ ".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(parts: &[(&str, Option<&str>)]) -> String {
        let owned: Vec<_> = parts
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned)))
            .collect();
        partition_path(&owned)
    }

    #[test]
    fn folders_are_named_as_hive_names_them() {
        assert_eq!(path(&[("year", Some("2024")), ("month", Some("01"))]), "year=2024/month=01");
        assert_eq!(path(&[("city", None)]), "city=__HIVE_DEFAULT_PARTITION__");
        assert_eq!(path(&[]), "");
    }

    #[test]
    fn no_value_leaves_its_folder() {
        assert_eq!(path(&[("p", Some("../../etc"))]), "p=..%2F..%2Fetc");
        assert_eq!(path(&[("a/b", Some("x=y%\n"))]), "a%2Fb=x%3Dy%25%0A");
        assert_eq!(path(&[("t", Some("2024-01-01 10:00:00"))]), "t=2024-01-01%2010%3A00%3A00");
        assert_eq!(path(&[("n", Some("naïve"))]), "n=naïve");
        assert_eq!(path(&[("x", Some("\u{FFFE}\u{7F}"))]), "x=%EF%BF%BE%7F");
    }

    #[test]
    fn null_empty_and_the_null_name_are_three_folders() {
        let folders =
            [path(&[("c", None)]), path(&[("c", Some(""))]), path(&[("c", Some(NULL_PARTITION))])];
        assert_eq!(
            folders,
            ["c=__HIVE_DEFAULT_PARTITION__", "c=", "c=%5F_HIVE_DEFAULT_PARTITION__"]
        );
    }
}
