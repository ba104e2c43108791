//! SQL of the user's that the database carries out as it is: looked at as far
//! as that goes without knowing the database, so that what can't be right is
//! said by `millrace check` and nothing gets in that ends a transaction.

/// Statements that change rows.
const CHANGES: [&str; 6] = ["insert", "update", "delete", "merge", "replace", "with"];

/// Queries.
const QUERIES: [&str; 3] = ["select", "with", "values"];

/// A statement without the semicolon and the spaces behind it.
pub(crate) fn trimmed(sql: &str) -> &str {
    sql.trim().trim_end_matches([';', ' ', '\t', '\n', '\r'])
}

/// Whether it is one statement that changes rows.
///
/// # Errors
/// What is wrong, in words.
pub(crate) fn changes_rows(sql: &str) -> Result<(), String> {
    one_of(sql, &CHANGES, "a load's SQL changes rows")
}

/// Whether it is one query, whose rows are exported.
///
/// # Errors
/// What is wrong, in words.
pub(crate) fn selects(sql: &str) -> Result<(), String> {
    one_of(sql, &QUERIES, "an export's SQL is a query")
}

/// Whether it is one query, whose rows are charted.
///
/// # Errors
/// What is wrong, in words.
pub(crate) fn charts(sql: &str) -> Result<(), String> {
    one_of(sql, &QUERIES, "a chart's SQL is a query")
}

/// Whether it is one query.
///
/// # Errors
/// What is wrong, in words.
pub(crate) fn queries(sql: &str) -> Result<(), String> {
    one_of(sql, &QUERIES, "a view is a query")
}

fn one_of(sql: &str, words: &[&str], what: &str) -> Result<(), String> {
    let skeleton = skeleton(trimmed(sql))?;
    let first = skeleton.split_whitespace().next().unwrap_or_default();
    let word: String = first.chars().take_while(char::is_ascii_alphabetic).collect();
    if skeleton.trim().is_empty() {
        return Err("the SQL is empty".to_owned());
    }
    if !words.iter().any(|known| word.eq_ignore_ascii_case(known)) {
        let known = words.join(", ").to_ascii_uppercase();
        return Err(format!("{what}, and begins with one of {known}, not with `{first}`"));
    }
    if skeleton.contains(';') {
        return Err("there is more than one statement; write a list, one text each".to_owned());
    }
    let mut open = 0_i32;
    for c in skeleton.chars() {
        open += i32::from(c == '(') - i32::from(c == ')');
        if open < 0 {
            return Err("there is a `)` too many".to_owned());
        }
    }
    if open > 0 {
        return Err("a `(` is not closed".to_owned());
    }
    Ok(())
}

/// The statement with everything taken out in which no character has a meaning:
/// comments, texts and quoted names.
fn skeleton(sql: &str) -> Result<String, String> {
    let mut bare = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let taken = match meaningless(rest)? {
            0 => {
                bare.push(first);
                first.len_utf8()
            }
            taken => {
                bare.push(' ');
                taken
            }
        };
        rest = &rest[taken..];
    }
    Ok(bare)
}

/// Length of the comment, text or quoted name that SQL begins with; 0 if it
/// begins otherwise.
///
/// # Errors
/// What is not closed.
pub(crate) fn meaningless(sql: &str) -> Result<usize, String> {
    match sql.chars().next() {
        Some(quote @ ('\'' | '"' | '`')) => quoted(sql, quote),
        Some('-') if sql.starts_with("--") => Ok(sql.find('\n').unwrap_or(sql.len())),
        Some('/') if sql.starts_with("/*") => comment(sql),
        Some('$') => dollar_quoted(sql),
        Some(_) | None => Ok(0),
    }
}

/// Length of what is quoted; a quote within is written twice.
fn quoted(sql: &str, quote: char) -> Result<usize, String> {
    let mut end = 1;
    loop {
        let Some(next) = sql[end..].find(quote) else {
            return Err(format!("a `{quote}` is not closed"));
        };
        end += next + 1;
        match sql[end..].starts_with(quote) {
            true => end += 1,
            false => return Ok(end),
        }
    }
}

/// Length of a comment, which may have others in it.
fn comment(sql: &str) -> Result<usize, String> {
    let (mut end, mut depth) = (0, 0);
    while end < sql.len() {
        let rest = &sql[end..];
        if rest.starts_with("/*") {
            (end, depth) = (end + 2, depth + 1);
        } else if rest.starts_with("*/") {
            (end, depth) = (end + 2, depth - 1);
            if depth == 0 {
                return Ok(end);
            }
        } else {
            end += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    Err("a comment is not closed".to_owned())
}

/// Length of PostgreSQL's `$tag$…$tag$`, or of the dollar alone.
fn dollar_quoted(sql: &str) -> Result<usize, String> {
    let Some(tag) = sql[1..].find('$').map(|end| &sql[..end + 2]) else { return Ok(1) };
    let name = &tag[1..tag.len() - 1];
    let is_tag = name.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    if !is_tag {
        return Ok(1);
    }
    match sql[tag.len()..].find(tag) {
        Some(end) => Ok(end + 2 * tag.len()),
        None => Err(format!("a `{tag}` is not closed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_statement_that_changes_rows_is_taken() {
        for sql in [
            "INSERT INTO {table} SELECT * FROM {input}",
            "  merge into t using {input} i on t.id = i.id when matched then delete ; ",
            "-- why; not\nUPDATE t SET a = ';' WHERE b = $1 AND c = ')'",
            "/* a /* b; */ c */ delete from \"a;b\"",
            "with x as (select 1) insert into t select $f$ ; ' $f$",
            "insert into t select 'it''s; fine', `a;b`",
        ] {
            assert_eq!(changes_rows(sql), Ok(()), "{sql}");
        }
    }

    #[test]
    fn what_can_not_be_a_loads_statement_is_refused() {
        for (sql, why) in [
            ("", "empty"),
            ("-- nothing", "empty"),
            ("COMMIT", "begins with one of"),
            ("drop table t", "not with `drop`"),
            ("insert into t select 1; commit", "more than one statement"),
            ("insert into t values ((1)", "is not closed"),
            ("insert into t values (1))", "too many"),
            ("insert into t values ('1)", "`'` is not closed"),
            ("insert into t /* (1)", "comment is not closed"),
            ("insert into t values ($a$ 1)", "`$a$` is not closed"),
        ] {
            let error = changes_rows(sql).expect_err(sql);
            assert!(error.contains(why), "{sql}: {error}");
        }
        assert!(queries("select 1").is_ok());
        assert!(queries("insert into t values (1)").is_err());
    }
}
