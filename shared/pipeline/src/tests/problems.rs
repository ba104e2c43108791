//! What is wrong is said all at once, each with its line.

use super::*;
use crate::Problem;

pub(super) fn problems(text: &str) -> Vec<Problem> {
    Pipeline::parse(text).unwrap_err().problems
}

#[test]
fn every_problem_of_a_file_is_found_at_once() {
    let problems = Pipeline::parse(include_str!("broken.toml")).unwrap_err();
    insta::assert_snapshot!(problems);
}

#[test]
fn syntax_errors_do_not_hide_the_others() {
    let text = "version = 1\nname = \"p\nnmae = 3\n[datasets.d]\nmatch = *.csv\nfromat = \"csv\"\n\
                [datasets.d]\n";
    let found: Vec<String> =
        problems(text).iter().map(|p| format!("{}:{} {}", p.line, p.column, p.message)).collect();
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn an_empty_file_lacks_everything() {
    for text in ["", "# nothing\n"] {
        let missing: Vec<String> = problems(text).iter().map(|p| p.message.clone()).collect();
        assert_eq!(missing, ["`version` is missing", "`name` is missing", "`datasets` is missing"]);
    }
}

#[test]
fn a_value_of_the_wrong_type_is_said_to_be_one_wherever_it_stands() {
    let text = "version = \"1\"\nname = 1\nwarehouse = \"x\"\nledger = []\nlake = 1.5\n\
                stages = true\n[datasets]\nd = 1979-05-27\ne = [1]\n[datasets.f]\nmatch = 1\n\
                csv = \"x\"\nschema = 1\nexpect = { rule = \"a\" }\nrejects = \"1%\"\nparquet = []\n\
                load = \"t\"\n";
    let found: Vec<String> =
        problems(text).iter().map(|p| format!("{} {}", p.line, p.message)).collect();
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn a_problem_found_elsewhere_gets_its_line() {
    let pipeline = Pipeline::parse(include_str!("full.toml")).unwrap();
    let line = |key: &str| {
        let problem = pipeline.problem(key, "m", Some("h"));
        (problem.source_line.trim().to_owned(), problem.column)
    };
    assert_eq!(
        line("datasets.expenses.expect[1].rule"),
        ("rule = \"date is not null\"".to_owned(), 8)
    );
    assert_eq!(line("datasets.clicks.load.table"), ("table = \"clicks\"".to_owned(), 9));
    assert_eq!(line("datasets.clicks.load.key").0, "[datasets.clicks.load]");
    assert_eq!(line("nothing.of.the.kind").0, "version = 1");
}

/// What is said about a dataset with these lines, and on which of them.
pub(super) fn said(lines: &str) -> Vec<String> {
    let text =
        format!("version = 1\nname = \"p\"\n[datasets.d]\nmatch = \"{{y}}/*.csv\"\n{lines}\n");
    problems(&text)
        .iter()
        .map(|problem| format!("{}: {}", problem.line - 4, problem.message))
        .collect()
}

#[test]
fn what_does_not_go_together_is_said() {
    let columns = r#"schema = { mode = "strict", columns = [{ name = "id", type = "int64" }] }"#;
    for (lines, expected) in [
        (r#"load = { table = "t", mode = "upsert" }"#, "1: `key` is missing in `datasets.d.load`"),
        (
            r#"load = { table = "t", mode = "upsert", key = [] }"#,
            "1: mode `upsert` needs key columns",
        ),
        (
            &format!(
                "{columns}\nload = {{ table = \"t\", mode = \"upsert\", key = [\"y\", \"id\"] }}"
            ),
            "2: column `id` may be null, and a row without its key has no place",
        ),
        (
            r#"load = { table = "t", mode = "upsort", key = ["id"] }"#,
            "1: `upsort` is not one of append, replace_file, replace_table, upsert, merge",
        ),
        (
            r#"load = { table = "millrace_loads" }"#,
            "1: `millrace_loads` cannot be a table: names that begin with `millrace_` are taken",
        ),
        (r#"schema = { mode = "strict" }"#, "1: `columns` is missing in `datasets.d.schema`"),
        (
            r#"schema = { mode = "strict", columns = [] }"#,
            "1: mode `strict` takes the declared columns, and there are none",
        ),
        (
            &format!("{columns}\nparquet = {{ partition_by = [\"id\"] }}"),
            "2: `partition_by` names every column, so nothing is left for the files",
        ),
        (
            r#"parquet = { compression = "zstd(99)" }"#,
            "1: `zstd(99)` is not a compression; write zstd, zstd(1) to zstd(22), gzip, gzip(1) to gzip(9), snappy or uncompressed",
        ),
        (
            r#"parquet = { file_size = "1KiB" }"#,
            "1: `file_size` has to be 1MiB to 5120GiB, not `1KiB`",
        ),
        (
            r#"parquet = { dictionary = "id" }"#,
            "1: `dictionary` has to be true, false or a list of columns",
        ),
        (
            &format!("{columns}\nparquet = {{ sort_by = [\"id\", \"idd desc\"] }}"),
            "2: `idd` is neither a column nor captured by the pattern",
        ),
        (
            r#"parquet = { partition_by = ["day"], sort_by = ["day"] }"#,
            "1: `day` is a partition column, which is not in the files",
        ),
        (
            "schema = { columns = [{ name = \"ok\", type = \"bool\" }] }\nparquet = { bloom_filter = [\"ok\"] }",
            "2: column `ok` has two values only; a bloom filter is no use",
        ),
        (
            "schema = { columns = [{ name = \"tags\", type = \"list<string>\" }] }\nparquet = { sort_by = [\"tags\"] }",
            "2: column `tags` is a list or a struct, which can't be used here",
        ),
        (
            "limits = { row_bytes = \"1GiB\" }",
            "1: `row_bytes` has to be 1KiB to 256MiB, not `1GiB`",
        ),
        ("limits = { partition = 5 }", "1: unknown key `partition` in `datasets.d.limits`"),
        (
            r#"schema = { columns = [{ name = "a", type = "date" }, { name = "b", from = "A", type = "date" }] }"#,
            "1: column `a` is read from `A` already",
        ),
        (
            r#"schema = { columns = [{ name = "_load_id", type = "int64" }] }"#,
            "1: `_load_id` cannot be a column: every table has one of that name",
        ),
        (r#"csv = { quote = "," }"#, "1: `delimiter` and `quote` are the same character"),
        (
            r#"csv = { delimiter = "||" }"#,
            "1: \"||\" has 2 characters, but has to be one: rows are split by single bytes",
        ),
        (
            r#"csv = { quote = "\\", escape = "backslash" }"#,
            "1: a backslash is the delimiter or the quote already",
        ),
        (
            r#"csv = { comment = ",#" }"#,
            "1: rows may begin like a comment: it starts with the delimiter or the quote",
        ),
        (r#"csv = { comment = "" }"#, "1: \"\" cannot begin a comment: it takes 1 to 8 bytes"),
        (
            "json = { flatten = true }",
            "1: `json` says how JSON objects are read, but the format is another",
        ),
        (
            "format = \"json\"\njson = { duplicate_keys = \"keep\" }",
            "2: `keep` is not one of last, first, reject",
        ),
        (
            "format = \"fixed\"\nschema = { mode = \"infer\" }",
            "2: the places of columns can't be inferred; declare them with mode `strict`",
        ),
        (
            r#"schema = { columns = [{ name = "a", type = "int64", start = 1 }] }"#,
            "1: only columns of format `fixed` have places",
        ),
        (
            r#"schema = { columns = [{ name = "a", type = "date", number = { decimal = "," } }] }"#,
            "1: only numbers are written as numbers, and the type is date",
        ),
        (
            r#"schema = { columns = [{ name = "a", type = "float64", number = { thousands = "." } }] }"#,
            "1: `decimal` and `thousands` are the same character",
        ),
        (
            r#"schema = { columns = [{ name = "a", type = "int64", number = { percent = true } }] }"#,
            "1: a per cent is a fraction, and the type is int64",
        ),
        (
            r#"schema = { columns = [{ name = "a", type = "bool", true = ["x"] }] }"#,
            "1: `true` and `false` have to be said both",
        ),
        (
            r#"schema = { columns = [{ name = "a", type = "timestamptz", zone = "Mars" }] }"#,
            "1: `Mars` is not a time zone",
        ),
        (r#"csv = { ragged = "cut" }"#, "1: `cut` is not one of reject, pad, truncate, fit"),
        (r#"schema = { extra = "drop" }"#, "1: `drop` is not one of refuse, ignore"),
        (
            r#"schema = { mode = "evolve", extra = "ignore" }"#,
            "1: mode `evolve` adds the columns that are not declared; they can't be ignored",
        ),
        (
            "schema = { mode = \"evolve\" }\ncsv = { header = false }",
            "2: without a header, columns have no names to evolve by",
        ),
        (
            r#"schema = { rescue = true, extra = "ignore" }"#,
            "1: `extra` says that columns which are not declared are left out, not kept",
        ),
        (
            r#"schema = { rescue = true, columns = [{ name = "_Rescued", type = "json" }] }"#,
            "1: there is a column `_Rescued` already",
        ),
        (
            "format = \"tsv\"\ncsv = { delimiter = \",\" }",
            "2: the format is tsv, whose delimiter is a tab",
        ),
        (
            "format = \"ndjson\"\ncsv = { header = true }",
            "2: `csv` says how delimited text is written, but the format is ndjson",
        ),
    ] {
        assert_eq!(said(lines), [expected], "{lines}");
    }
}

#[test]
fn datasets_of_the_same_files_have_to_share_them_and_not_a_table() {
    let two = |one: &str, other: &str| -> Vec<String> {
        let text = format!(
            "version = 1\nname = \"p\"\n[datasets.a]\nmatch = \"x/*.csv\"\n{one}\n\
             [datasets.b]\nmatch = \"x/*.csv\"\n{other}\n"
        );
        let problems = Pipeline::parse(&text).err().map(|problems| problems.problems);
        problems.into_iter().flatten().map(|problem| problem.message).collect()
    };
    let taken = "dataset `a` matches the same keys already";
    let table = "`b` and `a` share files and load both into `t`";
    for (one, other, expected) in [
        ("", "", &[taken][..]),
        ("where = \"k = 1\"", "", &[taken]),
        ("where = \"k = 1\"\nshared = false", "where = \"k = 2\"", &[taken]),
        ("where = \"k = 1\"", "where = \"k = 2\"", &[]),
        ("shared = true", "shared = true", &[]),
        (
            "shared = true\nload = { table = \"t\" }",
            "shared = true\nload = { table = \"t\" }",
            &[table],
        ),
        ("shared = true\nload = { table = \"t\" }", "shared = true\nload = { table = \"u\" }", &[]),
        (
            "where = \" \"\nshared = 1",
            "shared = true",
            &[
                "the condition is empty",
                "`shared` has to be true or false, but is a whole number",
                taken,
            ],
        ),
    ] {
        assert_eq!(two(one, other), expected, "{one} / {other}");
    }
}

#[test]
fn names_and_buckets_are_checked_together() {
    let dataset = "[datasets.d]\nmatch = \"*.csv\"\n";
    for (head, expected) in [
        (
            "name = \"p_q\"",
            vec![
                "`p_q-raw` cannot be a bucket: bucket names take small letters, digits, `-` and `.`",
                "`p_q-lake` cannot be a bucket: bucket names take small letters, digits, `-` and `.`",
            ],
        ),
        (
            "name = \"p\"\nlake = { raw = \"one\", curated = \"one\" }",
            vec!["`one` is the raw bucket too, so what is written would come back as input"],
        ),
        (
            "name = \"p\"\nwarehouse = { url = \"env:1X\" }",
            vec!["`1X` is not the name of a variable"],
        ),
        (
            "name = \"p\"\nwarehouse = { url = \"DATABASE_URL\" }",
            vec!["this is not the URL of a database"],
        ),
    ] {
        let text = format!("version = 1\n{head}\n{dataset}");
        let found: Vec<String> =
            problems(&text).into_iter().map(|problem| problem.message).collect();
        assert_eq!(found, expected);
    }
}
