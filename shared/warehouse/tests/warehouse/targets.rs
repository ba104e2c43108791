//! Tables as the pipeline file asks for them: schemas, primary keys, indexes,
//! comments and defaults.

use millrace_contract::{ColumnDef, DataType, LoadMode};
use millrace_ledger::Dialect;
use millrace_retry::{Classify, FailureClass};
use millrace_warehouse::LoadError;

use crate::support::{File, Place, fresh, people, places, places_with, postgres, sqlite};

fn file(rows: &[(i64, &str)]) -> File {
    File::new("people", vec![people(rows)])
}

fn differences(error: &LoadError) -> &[String] {
    match error {
        LoadError::Table { differences, .. } => differences,
        other => panic!("{other}"),
    }
}

/// Columns of every index of a table.
async fn indexes(place: &Place, table: &str) -> Vec<String> {
    let sql = match place.database.dialect() {
        Dialect::MySql => format!(
            "SELECT GROUP_CONCAT(column_name ORDER BY seq_in_index) AS text \
             FROM information_schema.statistics \
             WHERE table_schema = DATABASE() AND table_name = '{table}' GROUP BY index_name"
        ),
        Dialect::Sqlite => format!(
            "SELECT (SELECT group_concat(name, ',') FROM pragma_index_info(i.name)) AS text \
             FROM pragma_index_list('{table}') AS i"
        ),
        Dialect::Postgres => format!(
            "SELECT substring(indexdef from '\\((.*)\\)') AS text FROM pg_indexes \
             WHERE tablename = '{table}'"
        ),
    };
    let mut found: Vec<String> = place.texts(&sql).await.into_iter().flatten().collect();
    for text in &mut found {
        *text = text.replace(", ", ",");
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_schema_is_created_where_that_is_asked_for() {
    let Some(place) = postgres().await else { return };
    let mut first = file(&[(1, "a")]);
    first.target.schema = Some("fin\"ance".into());
    let error = first.load_into(&place.warehouse).await.expect_err("no schema");
    assert_eq!(error.class(), FailureClass::Contract);
    assert!(differences(&error)[0].contains("there is no schema `fin\"ance`"), "{error}");
    first.target.create_schema = true;
    assert_eq!(first.load_into(&place.warehouse).await.unwrap(), fresh(1));
    // One of the same name in the default schema is another table.
    assert_eq!(file(&[(2, "b")]).load_into(&place.warehouse).await.unwrap(), fresh(1));
    assert_eq!(place.column("\"fin\"\"ance\".people", "name").await, ["a"]);
    assert_eq!(place.column("people", "name").await, ["b"]);
    assert_eq!(place.column("millrace_loads", "table_name").await, ["fin\"ance.people", "people"]);
}

#[tokio::test]
async fn every_mode_loads_into_a_schema() {
    let Some(place) = postgres().await else { return };
    let loads = (0..4).map(|number| {
        let mut file = file(&[(1, "a"), (2, "b")]).key(&format!("in/{number}.csv"));
        file.target.schema = Some("s".into());
        file.target.create_schema = true;
        file.target.table = format!("t{number}");
        file.target.indexes = vec![vec!["name".into()]];
        match number {
            0 => {}
            1 => file.target.mode = LoadMode::ReplaceFile,
            2 => file.target.mode = LoadMode::ReplaceTable,
            _ => file = file.upsert(&["id"]),
        }
        let warehouse = place.warehouse.clone();
        tokio::spawn(async move { file.load_into(&warehouse).await })
    });
    for loaded in futures::future::join_all(loads).await {
        assert_eq!(loaded.unwrap().unwrap(), fresh(2));
    }
    for number in 0..4 {
        assert_eq!(place.count(&format!("s.t{number}")).await, 2);
    }
}

#[tokio::test]
async fn sqlite_has_no_schemas() {
    let place = sqlite().await;
    let mut first = file(&[(1, "a")]);
    first.target.schema = Some("finance".into());
    let error = first.load_into(&place.warehouse).await.expect_err("no schemas");
    assert!(differences(&error)[0].contains("SQLite has none"), "{error}");
}

#[tokio::test]
async fn indexes_are_made_with_the_table_or_when_they_are_asked_for() {
    for place in places().await {
        let mut first = file(&[(1, "a")]);
        first.target.indexes = vec![vec!["name".into(), "id".into()]];
        first.load_into(&place.warehouse).await.unwrap();
        assert_eq!(indexes(&place, "people").await, ["name,id"]);
        let mut second = file(&[(1, "a")]).key("in/b.csv");
        second.target.indexes = vec![vec!["name".into(), "id".into()], vec!["id".into()]];
        second.load_into(&place.warehouse).await.unwrap();
        assert_eq!(indexes(&place, "people").await, ["id", "name,id"]);
    }
}

#[tokio::test]
async fn a_primary_key_is_made_with_the_table_and_upserts_rest_on_it() {
    for place in places().await {
        let mut first = file(&[(1, "a"), (1, "b")]).upsert(&["id"]);
        first.target.primary_key = vec!["id".into()];
        first.load_into(&place.warehouse).await.unwrap();
        assert_eq!(place.column("people", "name").await, ["b"]);
        let indexes = indexes(&place, "people").await;
        assert!(indexes.len() <= 1, "{indexes:?}");
        let mut second = file(&[(1, "twice")]).key("in/b.csv");
        second.target.primary_key = vec!["id".into()];
        let error = second.load_into(&place.warehouse).await.expect_err("a duplicate");
        assert_eq!(error.class(), FailureClass::Contract);
    }
}

#[tokio::test]
async fn a_table_without_the_primary_key_is_different_and_so_is_whatever_else() {
    for place in places().await {
        place.run("CREATE TABLE people (id VARCHAR(9), _load_id BIGINT)").await;
        let mut first = file(&[(1, "a")]);
        first.target.primary_key = vec!["id".into()];
        let error = first.load_into(&place.warehouse).await.expect_err("different");
        let found = differences(&error);
        assert_eq!(found.len(), 3, "{error}");
        assert!(found[0].contains("no primary key"), "{error}");
        place.run("DROP TABLE people").await;
        let text = match place.database.dialect() {
            Dialect::Postgres | Dialect::Sqlite => "TEXT PRIMARY KEY",
            Dialect::MySql => "VARCHAR(9) PRIMARY KEY",
        };
        let sql = format!("CREATE TABLE people (id BIGINT, name {text}, _load_id BIGINT)");
        place.run(&sql).await;
        let error = first.load_into(&place.warehouse).await.expect_err("different");
        let text = "the primary key is (name) in the table but (id) in the dataset";
        assert_eq!(differences(&error), [text]);
    }
}

#[tokio::test]
async fn a_table_that_evolves_gets_its_primary_key_and_comments() {
    let Some(place) = postgres().await else { return };
    file(&[(1, "a")]).load_into(&place.warehouse).await.unwrap();
    let mut second = file(&[(2, "b")]).key("in/b.csv").evolving();
    second.target.primary_key = vec!["id".into()];
    second.description = Some("it's people".into());
    let name = ColumnDef {
        description: Some("their name".into()),
        ..ColumnDef::new("name", DataType::String)
    };
    second.columns = vec![name];
    second.load_into(&place.warehouse).await.unwrap();
    assert_eq!(indexes(&place, "people").await, ["id"]);
    let sql = "SELECT description AS text FROM pg_description \
               WHERE objoid = CAST('people' AS REGCLASS) ORDER BY objsubid";
    let comments = [Some("it's people".to_owned()), Some("their name".to_owned())];
    assert_eq!(place.texts(sql).await, comments);
}

#[tokio::test]
async fn a_default_is_the_tables_too() {
    for place in places().await {
        let defaulted = |name: &str, data_type: &str, default: &str| ColumnDef {
            default: Some(default.into()),
            ..ColumnDef::new(name, data_type.parse().unwrap())
        };
        let columns =
            vec![defaulted("name", "string", "it's nobody"), defaulted("id", "int64", "7")];
        let mut made = File::new("made", vec![people(&[(1, "a")])]);
        made.columns = columns;
        made.load_into(&place.warehouse).await.unwrap();
        place.run("INSERT INTO made (_load_id) VALUES (0)").await;
        let sql = format!("SELECT name || {} AS text FROM made ORDER BY id", place.as_text("id"));
        assert_eq!(
            place.texts(&sql).await,
            [Some("a1".to_owned()), Some("it's nobody7".to_owned())]
        );
    }
}

#[tokio::test]
async fn a_column_with_an_index_and_a_default_is_widened() {
    // MySQL would lose the default, and says that the column does not fit.
    for place in places_with(&[Dialect::Postgres, Dialect::Sqlite]).await {
        let id = ColumnDef { default: Some("7".into()), ..ColumnDef::new("id", DataType::Int64) };
        let mut narrow = file(&[(1, "a")]).evolving();
        narrow.columns = vec![id];
        narrow.target.indexes = vec![vec!["id".into(), "name".into()]];
        narrow.load_into(&place.warehouse).await.unwrap();
        let texts: arrow::array::ArrayRef =
            std::sync::Arc::new(arrow::array::StringArray::from(vec!["A-1"]));
        let columns = [("id", texts.clone()), ("name", texts)];
        let batch = arrow::record_batch::RecordBatch::try_from_iter(columns).unwrap();
        let mut wide = File { batches: vec![batch], ..narrow.clone() }.key("in/b.csv");
        wide.columns[0].data_type = DataType::String;
        assert_eq!(wide.load_into(&place.warehouse).await.unwrap(), fresh(1));
        assert_eq!(place.column("people", "id").await, ["1", "A-1"]);
        assert_eq!(indexes(&place, "people").await, ["id,name"]);
        place.run("INSERT INTO people (_load_id) VALUES (0)").await;
        assert_eq!(place.column("people", "id").await, ["1", "7", "A-1"]);
    }
}
