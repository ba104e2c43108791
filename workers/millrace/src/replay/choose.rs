//! Which way a file can be gone through again. Nothing is asked or sent here.

use millrace_contract::{ContractVersion, Dataset, FileId, LoadMode, Replay, ReplayKind};
use millrace_ledger::{FileState, Replayable};
use millrace_sql::rule_of_the_file;

/// What is done about a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Way {
    /// The rejected rows are read again, and those that pass are added.
    Rows(Replay),
    /// The whole object is read again, for the reason given.
    Source(Replay, Option<String>),
    /// What was written of it is loaded again.
    Lake(Replay),
    /// Nothing, and why.
    Not(String),
}

/// Where the rows of a replay come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum From {
    /// From the lake while the contract is the same, else from the source.
    Auto,
    /// The Parquet that was written.
    Lake,
    /// The object that was published.
    Source,
}

/// How the rejected rows of a file get another chance under the definition
/// `now`; `then` is the one they were rejected under.
pub(crate) fn mend(file: &Replayable, then: Option<&Dataset>, now: &Dataset) -> Way {
    let run = &file.run;
    let of = base(file);
    if run.contract == ContractVersion::of(now) {
        return Way::Not("the contract is the one it was rejected under".to_owned());
    }
    let whole = |why: &str| Way::Source(Replay::Whole { of: of.clone() }, Some(why.to_owned()));
    if run.state == FileState::Failed {
        return whole("none of its rows was taken");
    }
    if !file.is_loaded {
        return Way::Not("its other rows are not loaded yet".to_owned());
    }
    if merges(now) {
        return Way::Not(SQL_AGAIN.to_owned());
    }
    let Some(key) = run.rejects_key.clone() else {
        return Way::Not("it has no rejects".to_owned());
    };
    match in_the_way(then, now) {
        Some(why) => whole(&why),
        None => Way::Rows(Replay::Rejects { of, from: run.file_id.clone(), key }),
    }
}

/// How all rows of a loaded file are loaded again.
pub(crate) fn again(file: &Replayable, from: From, now: &Dataset) -> Way {
    if merges(now) {
        return Way::Not(SQL_AGAIN.to_owned());
    }
    let replay = Replay::Whole { of: base(file) };
    let lake = match (&file.task, file.is_mended) {
        (None, _) => Err("nothing was written of it"),
        (Some(_), _) if file.is_removed => Err("what was written of it was removed by retention"),
        (Some(_), true) => Err("rejected rows were added since, so it has to come from the source"),
        (Some(_), false) => Ok(()),
    };
    let is_same = file.run.contract == ContractVersion::of(now);
    match (from, lake) {
        (From::Lake, Ok(())) => Way::Lake(replay),
        (From::Lake, Err(why)) => Way::Not(why.to_owned()),
        (From::Auto, Ok(())) if is_same => Way::Lake(replay),
        (From::Auto | From::Source, _) => Way::Source(replay, None),
    }
}

/// The file that holds the rows which are loaded: itself, unless it is rejected
/// rows of another.
fn base(file: &Replayable) -> FileId {
    match &file.run.replay {
        Some((ReplayKind::Rejects, of)) => of.clone(),
        Some((ReplayKind::Whole, _)) | None => file.run.file_id.clone(),
    }
}

/// Why rows can't be gone through without the others of their file.
pub(crate) fn in_the_way(then: Option<&Dataset>, now: &Dataset) -> Option<String> {
    let Some(then) = then else {
        return Some("the contract it was rejected under is not known any more".to_owned());
    };
    let is_read_alike = then.format == now.format
        && then.csv == now.csv
        && then.json == now.json
        && then.fixed == now.fixed
        && then.xlsx == now.xlsx;
    if !is_read_alike {
        return Some("its rows are read in another way now".to_owned());
    }
    if then.load != now.load {
        return Some("its rows are loaded in another way now".to_owned());
    }
    if then.transform.is_some() || now.transform.is_some() {
        return Some("`transform` may look at all rows".to_owned());
    }
    if let Some(rule) = rule_of_the_file(now).or_else(|| rule_of_the_file(then)) {
        return Some(format!("`{rule}` looks at all rows"));
    }
    None
}

/// Whether rows are put in by SQL of the pipeline file, of which nobody knows what
/// it does to rows that are there.
pub(crate) fn merges(dataset: &Dataset) -> bool {
    dataset.load.as_ref().is_some_and(|load| load.mode == LoadMode::Merge)
}

/// Why a file that is loaded by SQL of its own is left alone.
pub(crate) const SQL_AGAIN: &str = "its SQL (mode `merge`) would be run a second time; publish the object \
                         again if that is meant";

#[cfg(test)]
mod tests {
    use millrace_contract::LoadTarget;

    use super::*;

    fn dataset(change: impl FnOnce(&mut serde_json::Value)) -> Dataset {
        let mut text = serde_json::json!({
            "name": "d", "pattern": "*", "format": "csv", "csv": {}, "expect": [],
            "schema": {"mode": "strict", "sample_bytes": 1, "columns": [
                {"name": "id", "type": "int64", "required": false},
            ]},
            "rejects": {"max": "1%"}, "parquet": {},
            "load": {"table": "d", "mode": "append"},
        });
        change(&mut text);
        serde_json::from_value(text).expect("a dataset")
    }

    fn expecting(rule: &str) -> Dataset {
        dataset(|text| {
            text["expect"] = serde_json::json!([{"rule": rule, "on_fail": "reject_row"}]);
        })
    }

    #[test]
    fn rows_go_alone_where_each_is_judged_and_loaded_by_itself() {
        let then = expecting("id > 0");
        assert_eq!(in_the_way(Some(&then), &expecting("id >= 0")), None);
        let why = |now: &Dataset| in_the_way(Some(&then), now).expect("something in the way");
        assert!(why(&expecting("unique(id)")).contains("`unique(id)` looks at all rows"));
        let sql = dataset(|text| text["transform"] = serde_json::json!({"sql": "select 1"}));
        assert!(why(&sql).contains("`transform`"));
        let read = dataset(|text| text["csv"] = serde_json::json!({"delimiter": ";"}));
        assert!(why(&read).contains("read in another way"));
        let mut elsewhere = expecting("id > 0");
        let load = LoadTarget { table: "e".into(), ..then.load.clone().expect("a table") };
        elsewhere.load = Some(load);
        assert!(why(&elsewhere).contains("loaded in another way"));
        assert!(in_the_way(None, &then).expect("unknown").contains("not known"));
    }

    #[test]
    fn sql_that_loads_rows_is_not_run_again() {
        let merging = dataset(|text| {
            text["load"] = serde_json::json!({"table": "d", "mode": "merge", "sql": ["…"]});
        });
        assert!(merges(&merging));
        assert!(!merges(&expecting("id > 0")));
    }
}
