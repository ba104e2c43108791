//! Several connections that see what one sees, each with a range of keys.

use millrace_contract::{DataType, Split};
use millrace_ledger::{Database, Detached};

use super::super::ExtractError;
use super::super::columns::check_column;
use super::super::select::From;
use super::BEGIN;
use super::describe::Described;
use crate::column::quote;

/// Connections in the first one's snapshot, each with what has to hold for its
/// rows. Every row is one part's.
pub(super) async fn open(
    database: &Database,
    mut first: Detached,
    split: &Split,
    from: &From,
    described: &Described,
    conditions: &[String],
) -> Result<Vec<(Detached, Option<String>)>, ExtractError> {
    check_column(&described.names(), &split.column, "split")?;
    check_type(split, described)?;
    let column = quote(&split.column);
    let sql = from.rows(
        &[
            format!("CAST(min({column}) AS bigint) AS least"),
            format!("CAST(max({column}) AS bigint) AS most"),
        ],
        conditions,
        false,
    );
    let rows = first.session().fetch_all(&sql, &[]).await?;
    let Some(row) = rows.first() else { return Ok(vec![(first, None)]) };
    let (least, most): (Option<i64>, Option<i64>) = (row.get("least")?, row.get("most")?);
    let (Some(least), Some(most)) = (least, most) else { return Ok(vec![(first, None)]) };
    let ranges = ranges(least, most, split.parts);
    let exported = first.session().fetch_all("SELECT pg_export_snapshot() AS id", &[]).await?;
    let id: Option<String> = exported.first().map(|row| row.get("id")).transpose()?;
    let id = id.ok_or_else(|| ExtractError::Protocol("the snapshot has no name".to_owned()))?;
    let mut parts = Vec::with_capacity(ranges.len());
    for (index, (from, to)) in ranges.iter().enumerate().skip(1) {
        let mut connection = database.detached().await?;
        let begin =
            format!("{}; SET TRANSACTION SNAPSHOT '{}'", first_of(BEGIN), id.replace('\'', ""));
        connection.session().run_script(&begin).await?;
        connection.session().run_script(rest_of(BEGIN)).await?;
        let is_last = index + 1 == ranges.len();
        parts.push((connection, Some(within(&column, Some(*from), (!is_last).then_some(*to)))));
    }
    let end = ranges.first().filter(|_| ranges.len() > 1).map(|(_, to)| *to);
    // Rows without a key are the first part's.
    let own = format!("({} OR {column} IS NULL)", within(&column, None, end));
    parts.insert(0, (first, Some(own)));
    Ok(parts)
}

/// `SET TRANSACTION SNAPSHOT` has to come before anything else is asked.
fn first_of(begin: &str) -> &str {
    begin.split_once(';').map_or(begin, |(first, _)| first)
}

fn rest_of(begin: &str) -> &str {
    begin.split_once(';').map_or("", |(_, rest)| rest)
}

fn check_type(split: &Split, described: &Described) -> Result<(), ExtractError> {
    match described.data_type(&split.column) {
        Some(DataType::Int16 | DataType::Int32 | DataType::Int64) => Ok(()),
        Some(other) => Err(ExtractError::Split(format!(
            "column `{}` is {other}; ranges are made of whole numbers",
            split.column
        ))),
        None => Ok(()),
    }
}

fn within(column: &str, from: Option<i64>, to: Option<i64>) -> String {
    match (from, to) {
        (Some(from), Some(to)) => format!("({column} >= {from} AND {column} < {to})"),
        (Some(from), None) => format!("{column} >= {from}"),
        (None, Some(to)) => format!("{column} < {to}"),
        (None, None) => "1 = 1".to_owned(),
    }
}

/// Ranges of about one length from `least` to `most`: each from its first number
/// to the next one's first.
fn ranges(least: i64, most: i64, parts: u32) -> Vec<(i64, i64)> {
    let (least, most) = (i128::from(least), i128::from(most));
    let length = ((most - least) / i128::from(parts.max(1)) + 1).max(1);
    let mut ranges = Vec::new();
    let mut from = least;
    while from <= most {
        let to = from + length;
        let bounded = |number: i128| i64::try_from(number).unwrap_or(i64::MAX);
        ranges.push((bounded(from), bounded(to)));
        from = to;
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_every_key_once() {
        for (least, most, parts) in
            [(1, 10, 4), (0, 0, 4), (-5, 5, 3), (i64::MIN, i64::MAX, 4), (1, 3, 16)]
        {
            let ranges = ranges(least, most, parts);
            assert!(ranges.len() <= parts as usize, "{ranges:?}");
            assert_eq!(ranges[0].0, least);
            assert!(ranges.windows(2).all(|pair| pair[0].1 == pair[1].0), "{ranges:?}");
            let (from, to) = ranges[ranges.len() - 1];
            assert!(from <= most && (to > most || to == i64::MAX), "{ranges:?}");
        }
    }
}
