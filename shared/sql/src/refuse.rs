//! What SQL can say and a rule must not.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, Volatility};

use crate::problem::RuleFault;

/// Refuses what looks beyond the row, changes from one time to the next, or
/// compares texts with what is none.
pub(crate) fn check(expr: &Expr, schema: &DFSchema) -> Result<(), RuleFault> {
    let mut fault = None;
    let walked = expr.apply(|part| {
        fault = check_part(part, schema).err();
        Ok(match fault {
            Some(_) => TreeNodeRecursion::Stop,
            None => TreeNodeRecursion::Continue,
        })
    });
    match (fault, walked) {
        (Some(fault), _) => Err(fault),
        (None, Err(error)) => Err(RuleFault::Refused(error.strip_backtrace())),
        (None, Ok(_)) => Ok(()),
    }
}

fn check_part(expr: &Expr, schema: &DFSchema) -> Result<(), RuleFault> {
    match expr {
        Expr::AggregateFunction(function) => {
            Err(RuleFault::BeyondTheRow(format!("`{}`", function.func.name())))
        }
        Expr::WindowFunction(function) => {
            Err(RuleFault::BeyondTheRow(format!("`{}`", function.fun.name())))
        }
        Expr::Exists(_)
        | Expr::InSubquery(_)
        | Expr::ScalarSubquery(_)
        | Expr::SetComparison(_) => Err(RuleFault::BeyondTheRow("a subquery".to_owned())),
        Expr::Unnest(_) => Err(RuleFault::BeyondTheRow("`unnest`".to_owned())),
        Expr::ScalarFunction(call) if call.func.signature().volatility != Volatility::Immutable => {
            Err(RuleFault::Changing(format!("{}()", call.func.name())))
        }
        Expr::Placeholder(placeholder) => {
            Err(RuleFault::Refused(format!("`{}` stands for nothing here", placeholder.id)))
        }
        other => check_comparison(other, schema),
    }
}

/// Refuses comparisons between things that have no order between them.
pub(crate) fn check_comparison(expr: &Expr, schema: &DFSchema) -> Result<(), RuleFault> {
    match expr {
        Expr::BinaryExpr(binary) if is_comparison(binary.op) => {
            check_sides(&binary.left, &binary.right, schema)
        }
        Expr::Between(between) => {
            check_sides(&between.expr, &between.low, schema)?;
            check_sides(&between.expr, &between.high, schema)
        }
        Expr::InList(list) => {
            list.list.iter().try_for_each(|item| check_sides(&list.expr, item, schema))
        }
        _ => Ok(()),
    }
}

fn is_comparison(op: Operator) -> bool {
    matches!(
        op,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}

/// A text compares with texts, a date or time with its like. DataFusion would
/// make both sides texts, so that `'10' > 5` were false, or dates numbers.
fn check_sides(left: &Expr, right: &Expr, schema: &DFSchema) -> Result<(), RuleFault> {
    let (Ok(left_type), Ok(right_type)) = (left.get_type(schema), right.get_type(schema)) else {
        return Ok(());
    };
    let clash = |why, advice| {
        let (left, right) = (named(left, &left_type), named(right, &right_type));
        Err(RuleFault::Comparison { left, right, why, advice })
    };
    if left_type.is_null() || right_type.is_null() {
        return Ok(());
    }
    match (left_type.is_string(), right_type.is_string()) {
        (true, false) => match text_advice(left, right, &right_type) {
            Some(advice) => clash("which would be done letter by letter", advice),
            None => Ok(()),
        },
        (false, true) => match text_advice(right, left, &left_type) {
            Some(advice) => clash("which would be done letter by letter", advice),
            None => Ok(()),
        },
        (false, false)
            if left_type.is_temporal() && right_type.is_numeric()
                || left_type.is_numeric() && right_type.is_temporal() =>
        {
            clash(
                "which would count days or parts of a second",
                "write it as in `'2024-01-31'`".to_owned(),
            )
        }
        (true, true) | (false, false) => Ok(()),
    }
}

/// What to write instead of comparing a text with `other`. A literal beside a
/// date or time is meant to be one.
fn text_advice(text: &Expr, other: &Expr, other_type: &DataType) -> Option<String> {
    let literal = matches!(text, Expr::Literal(..));
    Some(match other {
        _ if literal && other_type.is_temporal() => return None,
        _ if literal => "leave out the quotes".to_owned(),
        Expr::Literal(..) if other_type.is_numeric() => format!(
            "put the value in quotes, or write `cast({} as bigint)` to compare numbers",
            shown(text)
        ),
        _ => format!("write `cast({} as …)`", shown(text)),
    })
}

fn named(expr: &Expr, data_type: &DataType) -> String {
    let kind = match data_type {
        text if text.is_string() => "the text",
        number if number.is_numeric() => "the number",
        time if time.is_temporal() => "the date or time",
        _ => "the value",
    };
    format!("{kind} `{}`", shown(expr))
}

/// A type by the name it has in the pipeline file, or nearly.
pub(crate) fn shown_type(data_type: &DataType) -> String {
    match data_type {
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => "string".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(_, None) => "timestamp".to_owned(),
        DataType::Timestamp(_, Some(_)) => "timestamptz".to_owned(),
        other => other.to_string().to_lowercase(),
    }
}

/// An expression as the rule has it, nearly.
fn shown(expr: &Expr) -> String {
    match expr {
        Expr::Column(column) => column.name.clone(),
        Expr::Literal(value, _) => value.to_string(),
        other => other.human_display().to_string(),
    }
}
