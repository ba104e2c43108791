//! From a text to one statement that only reads.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::{
    Ident, Query, Select, SelectItem, SetExpr, Statement, TableAlias, TableFactor, Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::fault::{MOST_TOKENS, SqlFault};
use super::names::Names;

/// A query, parsed.
pub(crate) struct Parsed {
    /// As DataFusion plans it.
    pub(crate) statement: DfStatement,
    /// Names that it gives to columns, in small letters.
    pub(crate) aliases: HashSet<String>,
    /// Its columns as they are written, where each is written.
    pub(crate) texts: Vec<String>,
}

/// Parses a query whose names are `names`.
pub(crate) fn parse(sql: &str, names: &Names) -> Result<Parsed, SqlFault> {
    let dialect = GenericDialect {};
    let tokens = Tokenizer::new(&dialect, sql).tokenize_with_location();
    let mut tokens = tokens.map_err(|error| SqlFault::Syntax(error.to_string()))?;
    let is_word = |token: &&_| !matches!(Token::clone(token), Token::Whitespace(_));
    let count = tokens.iter().map(|token| &token.token).filter(is_word).count();
    if count > MOST_TOKENS {
        return Err(SqlFault::TooLong(count));
    }
    names.rewrite(&mut tokens);
    let mut parser = Parser::new(&dialect).with_tokens_with_locations(tokens);
    let statements = parser.parse_statements().map_err(syntax)?;
    let query = only_query(statements)?;
    let mut aliases = Aliases::default();
    let outcome = query.visit(&mut aliases);
    if let ControlFlow::Break(fault) = outcome {
        return Err(fault);
    }
    let texts = texts(&query.body);
    let statement = DfStatement::Statement(Box::new(Statement::Query(query)));
    Ok(Parsed { statement, aliases: aliases.0, texts })
}

/// The columns of the outermost query up to a `*`, which stands for several.
fn texts(body: &SetExpr) -> Vec<String> {
    let SetExpr::Select(select) = body else { return Vec::new() };
    let text = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(expr) => Some(expr.to_string()),
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.to_string()),
        SelectItem::ExprWithAliases { .. }
        | SelectItem::QualifiedWildcard(..)
        | SelectItem::Wildcard(_) => None,
    };
    select.projection.iter().map_while(text).collect()
}

fn syntax(error: ParserError) -> SqlFault {
    SqlFault::Syntax(match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
        ParserError::RecursionLimitExceeded => "it is nested too deeply".to_owned(),
    })
}

fn only_query(mut statements: Vec<Statement>) -> Result<Box<Query>, SqlFault> {
    match (statements.pop(), statements.len()) {
        (None, _) => Err(SqlFault::NotAQuery("it is empty".to_owned())),
        (Some(Statement::Query(query)), 0) => Ok(query),
        (Some(other), 0) => {
            let text = other.to_string();
            let verb = text.split_whitespace().next().unwrap_or_default().to_lowercase();
            Err(SqlFault::NotAQuery(format!("`{verb}` is none")))
        }
        (Some(_), before) => {
            Err(SqlFault::NotAQuery(format!("there are {} statements", before + 1)))
        }
    }
}

/// Collects the names a query gives to columns, and finds parts of it that write.
#[derive(Default)]
struct Aliases(HashSet<String>);

impl Aliases {
    fn add(&mut self, name: &Ident) {
        self.0.insert(name.value.to_lowercase());
    }

    fn add_columns(&mut self, alias: &TableAlias) {
        alias.columns.iter().for_each(|column| self.add(&column.name));
    }
}

impl Visitor for Aliases {
    type Break = SqlFault;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<SqlFault> {
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.add_columns(&table.alias);
        }
        match writes(&query.body) {
            Some(verb) => {
                ControlFlow::Break(SqlFault::NotAQuery(format!("`{verb}` has no place in it")))
            }
            None => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<SqlFault> {
        if select.into.is_some() {
            let what = "`into` has no place in it".to_owned();
            return ControlFlow::Break(SqlFault::NotAQuery(what));
        }
        for item in &select.projection {
            if let SelectItem::ExprWithAlias { alias, .. } = item {
                self.add(alias);
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<SqlFault> {
        if let TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. }
        | TableFactor::NestedJoin { alias: Some(alias), .. } = table
        {
            self.add_columns(alias);
        }
        ControlFlow::Continue(())
    }
}

/// What in the body of a query is none.
fn writes(body: &SetExpr) -> Option<&'static str> {
    match body {
        SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) | SetExpr::Table(_) => None,
        SetExpr::SetOperation { left, right, .. } => writes(left).or_else(|| writes(right)),
        SetExpr::Insert(_) => Some("insert"),
        SetExpr::Update(_) => Some("update"),
        SetExpr::Delete(_) => Some("delete"),
        SetExpr::Merge(_) => Some("merge"),
    }
}
