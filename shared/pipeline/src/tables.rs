//! Which of the known tables a query reads, as far as its words tell: what stands
//! where `from` and `join` expect a table. SQL is planned elsewhere, and there it
//! is seen to that both find the same.

use crate::statement::meaningless;

/// Words behind which no list of tables goes on.
const ENDS: [&str; 12] = [
    "select",
    "where",
    "group",
    "order",
    "having",
    "limit",
    "offset",
    "union",
    "except",
    "intersect",
    "window",
    "qualify",
];

/// Functions whose arguments have a `from` in them.
const FUNCTIONS: [&str; 5] = ["extract", "trim", "substring", "overlay", "position"];

/// Those of `known` that a query reads, in the order in which it names them first.
pub(crate) fn tables_read<'k>(sql: &str, known: &[&'k str]) -> Vec<&'k str> {
    let mut reader = Reader { levels: vec![Level::default()], ..Reader::default() };
    for token in tokens(sql) {
        reader.take(token);
    }
    reader.end();
    let mut found: Vec<&'k str> = Vec::new();
    for name in &reader.tables {
        let table = known.iter().find(|known| known.eq_ignore_ascii_case(name));
        found.extend(table.filter(|table| !found.contains(table)));
    }
    found
}

/// A part of a query that has a meaning here.
enum Token<'s> {
    Word(&'s str),
    /// A name in quotes, without them.
    Quoted(&'s str),
    Sign(char),
}

/// What is in one pair of parentheses.
#[derive(Default)]
struct Level {
    /// Whether a comma is followed by a table.
    lists_tables: bool,
    /// Whether it is what a function is called with.
    is_call: bool,
}

#[derive(Default)]
struct Reader<'s> {
    levels: Vec<Level>,
    /// Whether a table is expected now.
    expects: bool,
    /// A table that may turn out to be a function or a schema.
    last: Option<&'s str>,
    /// The word before, in small letters.
    word: String,
    tables: Vec<&'s str>,
}

impl<'s> Reader<'s> {
    fn take(&mut self, token: Token<'s>) {
        match token {
            Token::Word(word) => self.word(word),
            Token::Quoted(name) => {
                self.end();
                if std::mem::take(&mut self.expects) {
                    self.last = Some(name);
                }
                self.word.clear();
            }
            Token::Sign(sign) => self.sign(sign),
        }
    }

    /// What may have been more than a table's name was none.
    fn end(&mut self) {
        self.tables.extend(self.last.take());
    }

    fn word(&mut self, word: &'s str) {
        self.end();
        let folded = word.to_ascii_lowercase();
        let is_call = self.levels.last().is_some_and(|level| level.is_call);
        match folded.as_str() {
            "from" if !is_call && self.word != "distinct" => {
                self.expects = true;
                self.set_lists(true);
            }
            "join" => self.expects = true,
            "lateral" | "only" if self.expects => {}
            end if ENDS.contains(&end) => {
                self.expects = false;
                self.set_lists(false);
            }
            _ if self.expects => {
                self.expects = false;
                self.last = Some(word);
            }
            _ => {}
        }
        self.word = folded;
    }

    fn sign(&mut self, sign: char) {
        match sign {
            '(' => {
                // A table with an argument is a function.
                self.last = None;
                let is_call = FUNCTIONS.contains(&self.word.as_str());
                let lists_tables = self.expects;
                self.levels.push(Level { lists_tables, is_call });
            }
            ')' => {
                self.end();
                self.expects = false;
                if self.levels.len() > 1 {
                    self.levels.pop();
                }
            }
            ',' => {
                self.end();
                self.expects = self.levels.last().is_some_and(|level| level.lists_tables);
            }
            // `schema.table`
            '.' => self.last = None,
            _ => self.end(),
        }
        self.word.clear();
    }

    fn set_lists(&mut self, lists: bool) {
        if let Some(level) = self.levels.last_mut() {
            level.lists_tables = lists;
        }
    }
}

fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        // What is not closed is said where the query is planned.
        let skipped = meaningless(rest).unwrap_or(rest.len());
        let length = if skipped > 0 {
            if matches!(first, '"' | '`') && skipped > 2 {
                tokens.push(Token::Quoted(&rest[1..skipped - 1]));
            }
            skipped
        } else if is_of_word(first) {
            let end = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
            tokens.push(Token::Word(&rest[..end]));
            end
        } else {
            if !first.is_whitespace() {
                tokens.push(Token::Sign(first));
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_found_where_tables_stand() {
        let known = ["users", "transactions", "day-sums"];
        for (sql, expected) in [
            ("select * from users", &["users"][..]),
            ("select users from transactions", &["transactions"]),
            (
                "SELECT t.dt FROM Transactions t LEFT JOIN users u ON t.user_id = u.userid",
                &["transactions", "users"],
            ),
            ("select 1 from transactions a, users b, users c", &["transactions", "users"]),
            (
                "select a, (select max(x) from users), b from transactions",
                &["users", "transactions"],
            ),
            ("select 1 from (select 1 from users) x, transactions", &["users", "transactions"]),
            ("select 1 from (transactions join users using (id))", &["transactions", "users"]),
            ("with x as (select * from users) select * from x", &["users"]),
            (
                "select * from users union all select * from transactions",
                &["users", "transactions"],
            ),
            ("select extract(year from users) from transactions", &["transactions"]),
            ("select a is distinct from users from transactions", &["transactions"]),
            ("select * from \"day-sums\" -- from users\n", &["day-sums"]),
            ("select 'from users' from other.users, users(3)", &[]),
            (
                "select a from transactions where a in (users, b) group by a, users",
                &["transactions"],
            ),
            ("select * from 'not closed", &[]),
        ] {
            assert_eq!(tables_read(sql, &known), expected, "{sql}");
        }
    }
}
