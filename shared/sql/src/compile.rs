//! From a rule's text to something that can be evaluated.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, ExprSchemable};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::BinaryExpr;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::sql::sqlparser::ast::ExprWithAlias;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use millrace_contract::Expectation;

use crate::message::message;
use crate::problem::{MOST_TOKENS, RuleFault};
use crate::rule::CompiledRule;
use crate::session::session;
use crate::{columns, floats, refuse};

/// Compiles one rule; to be run [`with_stack`](crate::stack::with_stack).
pub(crate) fn compile(
    expectation: &Expectation,
    schema: &Schema,
) -> Result<CompiledRule, RuleFault> {
    let refused = |error| RuleFault::Refused(message(&error));
    let df_schema = DFSchema::try_from(schema.clone()).map_err(refused)?;
    let logical = typed(&expectation.rule, schema, &df_schema)?;
    let physical = session().create_physical_expr(logical, &df_schema).map_err(refused)?;
    let physical = checked_arithmetic(physical).map_err(refused)?;
    probe(&physical, schema)?;
    Ok(CompiledRule {
        text: expectation.rule.clone(),
        on_fail: expectation.on_fail,
        columns: used_columns(&physical),
        expr: physical,
    })
}

/// The rule as a typed expression, refused if it is none over one row.
fn typed(rule: &str, schema: &Schema, df_schema: &DFSchema) -> Result<Expr, RuleFault> {
    let session = session();
    let mut parsed = parse(rule)?;
    columns::resolve(&mut parsed.expr, schema)?;
    let expr = session.create_logical_expr_from_sql_expr(parsed, df_schema).map_err(unplanned)?;
    refuse::check(&expr, df_schema)?;
    let expr = simplified(expr, df_schema).map_err(|error| RuleFault::Refused(message(&error)))?;
    match expr.get_type(df_schema) {
        Ok(DataType::Boolean) => Ok(expr),
        Ok(other) => Err(RuleFault::NotACondition(refuse::shown_type(&other))),
        Err(error) => Err(RuleFault::Refused(message(&error))),
    }
}

/// The rule as SQL has it.
pub(crate) fn parse(rule: &str) -> Result<ExprWithAlias, RuleFault> {
    check_length(rule)?;
    let session = session();
    let dialect = session.config().options().sql_parser.dialect;
    let parsed = session.sql_to_expr_with_alias(rule, &dialect);
    let parsed = parsed.map_err(|error| RuleFault::Syntax(message(&error)))?;
    match &parsed.alias {
        Some(alias) => Err(RuleFault::Syntax(format!("it names its value `{}`", alias.value))),
        None => Ok(parsed),
    }
}

/// The parser itself goes no deeper than fifty brackets; chains such as
/// `a + a + …` nest as deep as they are long.
fn check_length(rule: &str) -> Result<(), RuleFault> {
    let tokens = Tokenizer::new(&GenericDialect {}, rule).tokenize();
    let tokens = tokens.map_err(|error| RuleFault::Syntax(error.to_string()))?;
    let count = tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))).count();
    if count > MOST_TOKENS { Err(RuleFault::TooLong(count)) } else { Ok(()) }
}

/// The checks that are no conditions over a row.
fn unplanned(error: datafusion::error::DataFusionError) -> RuleFault {
    let message = message(&error);
    let beyond = ["unique", "row_count", "max_age", "references"];
    match beyond.into_iter().find(|name| message.starts_with(&format!("Invalid function '{name}'")))
    {
        Some(name) => RuleFault::BeyondTheRow(format!("`{name}`")),
        None => RuleFault::Refused(message),
    }
}

/// Brings both sides of everything to one type and works out what is constant.
fn simplified(expr: Expr, schema: &DFSchema) -> DfResult<Expr> {
    let context = SimplifyContext::builder()
        .with_schema(Arc::new(schema.clone()))
        .with_config_options(Arc::clone(session().config_options()))
        .build();
    let simplifier = ExprSimplifier::new(context);
    let expr = floats::widen(expr, schema)?;
    simplifier.simplify(simplifier.coerce(expr, schema)?)
}

/// DataFusion lets integers wrap around unless each operator is told not to: a
/// rule would then hold, or not, by accident.
fn checked_arithmetic(expr: Arc<dyn PhysicalExpr>) -> DfResult<Arc<dyn PhysicalExpr>> {
    let checked = expr.transform_up(|expr| {
        let Some(binary) = expr.downcast_ref::<BinaryExpr>() else {
            return Ok(Transformed::no(expr));
        };
        let (left, right) = (Arc::clone(binary.left()), Arc::clone(binary.right()));
        let checked = BinaryExpr::new(left, *binary.op(), right).with_fail_on_overflow(true);
        Ok(Transformed::yes(Arc::new(checked) as Arc<dyn PhysicalExpr>))
    });
    Ok(checked?.data)
}

/// Evaluates the rule on a row of nulls: what fails there fails everywhere, such
/// as a date that is none.
fn probe(expr: &Arc<dyn PhysicalExpr>, schema: &Schema) -> Result<(), RuleFault> {
    let refused = |error| RuleFault::Refused(message(&error));
    let nullable = |field: &Arc<Field>| field.as_ref().clone().with_nullable(true);
    let schema = Arc::new(Schema::new(schema.fields().iter().map(nullable).collect::<Vec<_>>()));
    let nulls = schema.fields().iter().map(|field| new_null_array(field.data_type(), 1)).collect();
    let one_row = RecordBatchOptions::new().with_row_count(Some(1));
    let batch = RecordBatch::try_new_with_options(schema, nulls, &one_row)
        .map_err(|error| refused(error.into()))?;
    expr.evaluate(&batch).map(drop).map_err(refused)
}

/// The columns a rule looks at, in the order of the schema.
fn used_columns(expr: &Arc<dyn PhysicalExpr>) -> Vec<usize> {
    let mut columns: Vec<usize> = collect_columns(expr).iter().map(|c| c.index()).collect();
    columns.sort_unstable();
    columns
}
