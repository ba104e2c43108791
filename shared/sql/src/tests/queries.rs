//! SQL over the rows of a file: what comes out, and what is refused.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::util::display::array_value_to_string;
use futures::StreamExt;
use futures::stream::{BoxStream, iter};
use millrace_contract::{Captures, ColumnDef, DataType, SqlTransform};
use millrace_format::{Reshape, ReshapeError, arrow_schema};

use super::*;
use arrow::datatypes::SchemaRef;

use crate::query::{SqlFault, SqlQuery, Table};

fn columns() -> Vec<ColumnDef> {
    let column = |name: &str, kind: &str| ColumnDef::new(name, kind.parse().unwrap());
    vec![
        ColumnDef { required: true, ..column("id", "int64") },
        column("Amount", "decimal(12,2)"),
        column("date", "date"),
        column("city", "string"),
        column("key", "uuid"),
        column("rate", "float64"),
    ]
}

/// Rows `from..to`: amounts of cents, ten cities.
fn rows(from: i64, to: i64) -> RecordBatch {
    let of = |value: &dyn Fn(i64) -> i64| (from..to).map(value).collect::<Vec<_>>();
    let amounts = of(&|id| id * 101).into_iter().map(|cents| Some(i128::from(cents)));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(of(&|id| id))),
        Arc::new(amounts.collect::<Decimal128Array>().with_precision_and_scale(12, 2).unwrap()),
        Arc::new(
            of(&|id| 19_700 + id % 60)
                .into_iter()
                .map(|day| Some(day as i32))
                .collect::<Date32Array>(),
        ),
        Arc::new(
            of(&|id| id % 10)
                .into_iter()
                .map(|city| Some(format!("city {city}")))
                .collect::<StringArray>(),
        ),
        Arc::new(
            of(&|id| id).into_iter().map(|id| Some(format!("{id:036}"))).collect::<StringArray>(),
        ),
        Arc::new(Float64Array::from(
            of(&|id| id).into_iter().map(|id| id as f64).collect::<Vec<_>>(),
        )),
    ];
    RecordBatch::try_new(arrow_schema(&self::columns(), &Captures::new()), columns).unwrap()
}

fn query(sql: &str, memory: u64, tables: &[Arc<dyn Table>]) -> Result<SqlQuery, SqlFault> {
    let transform = SqlTransform { sql: sql.to_owned(), memory };
    SqlQuery::over_input(&transform, &columns(), &Captures::new(), tables)
}

/// What a query makes of batches, as the caller of the port would.
fn made(query: &SqlQuery, batches: &[RecordBatch]) -> Result<Vec<RecordBatch>, ReshapeError> {
    let mut made = Vec::new();
    let mut reshaping = query.start()?;
    for batch in batches {
        while let Some(rows) = reshaping.next()? {
            made.push(rows);
        }
        reshaping.push(batch.clone())?;
    }
    while let Some(rows) = reshaping.next()? {
        made.push(rows);
    }
    reshaping.end();
    while let Some(rows) = reshaping.next()? {
        made.push(rows);
    }
    assert!(made.iter().all(|rows| rows.schema() == Reshape::schema(query)));
    Ok(made)
}

/// Rows as lines, after a line of columns with their types.
fn table(query: &SqlQuery, batches: &[RecordBatch]) -> String {
    let shown = |column: &ColumnDef| {
        format!("{}: {}{}", column.name, column.data_type, if column.required { "!" } else { "" })
    };
    let mut lines = vec![query.columns().iter().map(shown).collect::<Vec<_>>().join(", ")];
    for batch in made(query, batches).unwrap() {
        for row in 0..batch.num_rows() {
            let value = |column: &ArrayRef| array_value_to_string(column, row).unwrap();
            lines.push(batch.columns().iter().map(value).collect::<Vec<_>>().join(" | "));
        }
    }
    lines.join("\n")
}

fn shown(sql: &str) -> String {
    let batches = [rows(0, 3), rows(3, 5)];
    match query(sql, 64 << 20, &[Arc::new(Cities)]) {
        Ok(query) => format!("{sql}\n{}", table(&query, &batches)),
        Err(fault) => format!("{sql}\nREFUSED: {fault}"),
    }
}

/// A table beside the rows of the file.
#[derive(Debug)]
struct Cities;

impl Table for Cities {
    fn name(&self) -> &str {
        "Cities"
    }

    fn schema(&self) -> SchemaRef {
        table_schema(&["Name", "country"].map(|name| ColumnDef::new(name, DataType::String)))
    }

    fn rows(&self) -> Option<u64> {
        Some(3)
    }

    fn scan(&self, columns: Vec<usize>) -> BoxStream<'static, std::io::Result<RecordBatch>> {
        let names = StringArray::from(vec!["city 0", "city 1", "city 3"]);
        let countries = StringArray::from(vec!["A", "B", "A"]);
        let schema = self.schema();
        let all = RecordBatch::try_new(schema, vec![Arc::new(names), Arc::new(countries)]).unwrap();
        iter([Ok(all.project(&columns).unwrap())]).boxed()
    }
}

#[test]
fn queries_make_rows_of_rows() {
    let queries = [
        "select * from input",
        "select *, date_trunc('month', date) as month from input where AMOUNT > 1.01",
        "select city, sum(amount) as Total, count(*) as n from input group by city order by city",
        "with big as (select id, \"Amount\" from input where id >= 2) select id, amount * 2 as twice from big",
        "select id, row_number() over (order by id desc) as place, sum(id) over () as whole from input",
        "select distinct id % 2 as odd from input order by 1",
        "select id, country from input join Cities on city = name order by id",
        "select id, c.\"Name\", country is null as unknown from input i left join cities c on i.city = c.name order by id",
        "select id, rate * 0.1 as tenth, amount / 3 as third from input limit 2",
        "select upper(city) as city, key from input order by id desc limit 1;",
        "select id, (select max(country) from cities) as last from input limit 1",
        "select id from input where city in (select name from cities where country = 'B')",
        "select id from input union all select 7 as id",
        "select min(date) as first, max(cast(id as smallint)) as top from input",
        "select id, key as other, cast(key as varchar) as plain, case when id > 1 then 'x' end as x from input limit 1",
        "select * from input where false",
    ];
    insta::assert_snapshot!(queries.map(shown).join("\n\n"));
}

#[test]
fn what_is_no_query_over_the_rows_is_refused_with_a_remedy() {
    let queries = [
        "",
        "select",
        "select * from input; select 1",
        "drop table input",
        "copy input to 'x.csv'",
        "set x = 1",
        "explain select * from input",
        "insert into input values (1)",
        "create table x as select * from input",
        "select * into x from input",
        "select * from inptu",
        "select * from customers",
        "select * from other.input",
        "select amuont from input",
        "select c.nme from input join cities c on c.name = city",
        "select \"amount\" from input",
        "select sum(amount) from input",
        "select id + 1, 2 from input",
        "select id, ID from input",
        "select *, id from input",
        "select i.city, c.name as City from input i join cities c on c.name = i.city",
        "select name, city as name from input join cities on name = city",
        "select 1 as one",
        "select id / (select sum(id) from input) as share from input",
        "select a.id from input a join input b on a.id = b.id",
        "select id, now() as at from input",
        "select id from input where random() < 0.5",
        "select id, current_date as day from input",
        "select id, uuid() as u from input",
        "select id from input where city > 5",
        "select id from input where date = 5",
        "select null as nothing from input",
        "select date - date as days from input",
        "select lenght(city) as n from input",
        "select cast('x' as bigint) as n from input",
        "select sum(city) as n from input",
        "select city, id from input group by city",
        "with recursive r as (select 1 as n union all select n + 1 from r) select id, n from input, r",
    ];
    insta::assert_snapshot!(queries.map(shown).join("\n\n"));
}

#[test]
fn groups_beyond_the_memory_go_on_on_disk() {
    let sql = "select id % 200000 as id, key, count(*) as n, sum(amount) as total \
               from input group by id % 200000, key";
    let query = query(sql, 8 << 20, &[]).unwrap();
    let batches: Vec<_> = (0..50).map(|block| rows(block * 8_000, (block + 1) * 8_000)).collect();
    let made = made(&query, &batches).unwrap();
    assert_eq!(made.iter().map(RecordBatch::num_rows).sum::<usize>(), 400_000);
    let mut total = 0;
    for rows in &made {
        total += rows
            .column(3)
            .as_primitive::<arrow::datatypes::Decimal128Type>()
            .values()
            .iter()
            .sum::<i128>();
    }
    assert_eq!(total, (0..400_000_i128).map(|id| id * 101).sum::<i128>());
}

#[test]
fn sorting_beyond_the_memory_goes_on_on_disk() {
    let query = query("select id, key, city from input order by id desc", 8 << 20, &[]).unwrap();
    let batches: Vec<_> = (0..50).map(|block| rows(block * 8_000, (block + 1) * 8_000)).collect();
    let made = made(&query, &batches).unwrap();
    let ids = made.iter().flat_map(|rows| {
        rows.column(0).as_primitive::<arrow::datatypes::Int64Type>().values().to_vec()
    });
    assert!(ids.eq((0..400_000).rev()));
}

#[test]
fn what_does_not_fit_the_memory_says_so() {
    let query = query("select string_agg(key, ',') as joined from input", 4 << 20, &[]).unwrap();
    let batches: Vec<_> = (0..50).map(|block| rows(block * 8_000, (block + 1) * 8_000)).collect();
    let error = made(&query, &batches).unwrap_err();
    assert!(matches!(error, ReshapeError::Refused(_)), "{error:?}");
    assert!(error.to_string().contains("the 4 MiB of memory"), "{error}");
}

#[test]
fn the_same_rows_become_the_same_rows() {
    let sql = "select city, date, sum(rate) as rate, count(*) as n from input group by city, date";
    let query = query(sql, 64 << 20, &[]).unwrap();
    let batches: Vec<_> = (0..20).map(|block| rows(block * 500, (block + 1) * 500)).collect();
    assert_eq!(table(&query, &batches), table(&query, &batches));
}

#[test]
fn a_value_that_cannot_be_made_fails_with_what_it_is() {
    let query = query("select id, 10 / (id - 3) as x from input", 64 << 20, &[]).unwrap();
    let error = made(&query, &[rows(0, 5)]).unwrap_err();
    assert!(matches!(error, ReshapeError::Refused(_)), "{error:?}");
    assert!(error.to_string().to_lowercase().contains("divide by zero"), "{error}");
}

#[test]
fn integers_that_do_not_fit_fail_and_do_not_wrap_around() {
    for expression in [
        "id + 9223372036854775807",
        "-2 - 9223372036854775807 + id - id",
        "(id + 4611686018427387904) * 2",
    ] {
        let sql = format!("select {expression} as x from input");
        let error = match query(&sql, 64 << 20, &[]) {
            Ok(query) => made(&query, &[rows(0, 5)]).unwrap_err().to_string(),
            Err(fault) => fault.to_string(),
        };
        assert!(error.contains("Overflow happened on"), "{expression}: {error}");
    }
    let guarded = "select case when id < 1 then id + 9223372036854775807 end as x from input \
                   where id + 1 > 0 group by id order by id - 1 limit 1";
    assert!(
        table(&query(guarded, 64 << 20, &[]).unwrap(), &[rows(0, 5)])
            .ends_with("9223372036854775807")
    );
}

#[test]
fn a_query_that_is_dropped_half_way_ends() {
    let query = query("select id from input", 64 << 20, &[]).unwrap();
    let mut reshaping = query.start().unwrap();
    assert!(reshaping.next().unwrap().is_none());
    reshaping.push(rows(0, 5)).unwrap();
    drop(reshaping);
    let mut again = query.start().unwrap();
    assert!(again.next().unwrap().is_none());
}

#[test]
fn the_longest_query_does_not_overflow_the_stack() {
    let link = "id = 1 or ";
    let sql = format!("select id from input where {}id = 2", link.repeat(490));
    assert!(table(&query(&sql, 64 << 20, &[]).unwrap(), &[rows(0, 5)]).ends_with("1\n2"));
    let sum = format!("select {}id as total from input", "id + ".repeat(990));
    assert!(query(&sum, 64 << 20, &[]).is_ok());
    assert!(matches!(query(&sum.repeat(2), 64 << 20, &[]), Err(SqlFault::TooLong(_))));
}

#[test]
fn names_of_captures_are_columns_too() {
    let captures: Captures = BTreeMap::from([("year".to_owned(), "2024".to_owned())]);
    let transform = SqlTransform { sql: "select id, year from input".to_owned(), memory: 64 << 20 };
    let query = SqlQuery::over_input(&transform, &columns(), &captures, &[]).unwrap();
    assert_eq!(query.columns()[1], ColumnDef::new("year", DataType::String));
}

#[test]
fn members_of_structs_stand_in_brackets_and_lists_make_rows() {
    let sql = "select made['whole'] as id, made['parts']['city'] as city \
               from (select named_struct('whole', id, 'parts', named_struct('city', city)) as made \
                     from input) as t where made['whole'] >= 3";
    assert_eq!(shown(sql), format!("{sql}\nid: int64!, city: string\n3 | city 3\n4 | city 4"));
    let unknown =
        "select made['x'] as x from (select named_struct('whole', id) as made from input) as t";
    assert!(shown(unknown).contains("REFUSED"), "{}", shown(unknown));
}
