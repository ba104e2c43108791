//! Rules that look beyond the row, as they are written: `unique(id)`,
//! `row_count between 1 and 1000`, `max_age(at) <= interval '2 days'`,
//! `references(customer_id, customers.id)`.

use arrow::datatypes::{DataType, Schema};
use arrow::row::{RowConverter, SortField};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Interval, Value,
};
use millrace_contract::{Expectation, OnFail};
use millrace_format::{FileCheck, FileRule};

use crate::problem::RuleFault;
use crate::reference::Reference;
use crate::refuse::shown_type;
use crate::{columns, span};

/// A rule that looks beyond the row.
pub(crate) enum Beyond {
    /// At the file.
    File(FileRule),
    /// At another dataset.
    Reference(Reference),
}

const UNIQUE: &str = "`unique(id)` or `unique(a, b)`";
const ROW_COUNT: &str = "`row_count > 0` or `row_count between 1 and 1000000`";
const MAX_AGE: &str = "`max_age(updated_at) <= interval '2 days'`";
const REFERENCES: &str = "`references(customer_id, customers.id)`";

/// Reads a rule that looks beyond the row; none if it is one over a row. Ages
/// are counted from `file_time`, in microseconds since 1970.
pub(crate) fn read(
    expectation: &Expectation,
    expr: &Expr,
    schema: &Schema,
    file_time: i64,
) -> Option<Result<Beyond, RuleFault>> {
    let (text, on_fail) = (expectation.rule.clone(), expectation.on_fail);
    let file = |check: Result<FileCheck, RuleFault>| {
        let check = check?;
        if on_fail == OnFail::RejectRow && !matches!(check, FileCheck::Unique { .. }) {
            return Err(RuleFault::NoRowToReject);
        }
        Ok(Beyond::File(FileRule { text: text.clone(), on_fail, check }))
    };
    match Shape::of(expr, schema)? {
        Shape::Unique(arguments) => Some(file(unique(arguments, schema))),
        Shape::RowCount => Some(file(row_count(expr))),
        Shape::MaxAge(arguments) => Some(file(max_age(expr, arguments, schema, file_time))),
        Shape::References(arguments) => {
            let reference = references(arguments, schema).map(|found| {
                let (column, dataset, key) = found;
                let data_type = schema.field(column).data_type().clone();
                let text = text.clone();
                Beyond::Reference(Reference { text, on_fail, column, data_type, dataset, key })
            });
            Some(reference)
        }
    }
}

/// What a rule looks at, and the arguments of its function.
enum Shape<'e> {
    Unique(Option<Vec<&'e Expr>>),
    RowCount,
    MaxAge(Option<Vec<&'e Expr>>),
    References(Option<Vec<&'e Expr>>),
}

impl<'e> Shape<'e> {
    fn of(expr: &'e Expr, schema: &Schema) -> Option<Self> {
        let function = match expr {
            Expr::BinaryOp { left, .. } | Expr::Between { expr: left, .. } => {
                if is_row_count(left, schema) {
                    return Some(Self::RowCount);
                }
                left
            }
            other => other,
        };
        let (name, arguments) = call(function)?;
        match name.to_lowercase().as_str() {
            "unique" => Some(Self::Unique(arguments.filter(|_| std::ptr::eq(function, expr)))),
            "references" => {
                Some(Self::References(arguments.filter(|_| std::ptr::eq(function, expr))))
            }
            "max_age" => Some(Self::MaxAge(arguments)),
            _ => None,
        }
    }
}

/// Whether it is the number of rows, and no column of that name.
fn is_row_count(expr: &Expr, schema: &Schema) -> bool {
    let Expr::Identifier(name) = expr else { return false };
    name.value.eq_ignore_ascii_case("row_count") && columns::position(name, schema).is_err()
}

/// The name and the plain arguments of a function; no arguments if they are not
/// plain.
fn call(expr: &Expr) -> Option<(&str, Option<Vec<&Expr>>)> {
    let Expr::Function(function) = expr else { return None };
    let [name] = function.name.0.as_slice() else { return None };
    let is_plain = function.filter.is_none() && function.over.is_none();
    let arguments = match &function.args {
        FunctionArguments::List(list) if is_plain && list.duplicate_treatment.is_none() => {
            list.args.iter().map(plain_argument).collect()
        }
        FunctionArguments::List(_) | FunctionArguments::None | FunctionArguments::Subquery(_) => {
            None
        }
    };
    Some((&name.as_ident()?.value, arguments))
}

fn plain_argument(argument: &FunctionArg) -> Option<&Expr> {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr),
        FunctionArg::Unnamed(_) | FunctionArg::Named { .. } | FunctionArg::ExprNamed { .. } => None,
    }
}

fn column(expr: &Expr, schema: &Schema, form: &'static str) -> Result<usize, RuleFault> {
    match expr {
        Expr::Identifier(name) => columns::position(name, schema),
        _ => Err(RuleFault::Form(form)),
    }
}

fn unique(arguments: Option<Vec<&Expr>>, schema: &Schema) -> Result<FileCheck, RuleFault> {
    let arguments = arguments.filter(|arguments| !arguments.is_empty());
    let arguments = arguments.ok_or(RuleFault::Form(UNIQUE))?;
    let mut columns = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let column = column(argument, schema, UNIQUE)?;
        comparable(column, schema)?;
        if columns.contains(&column) {
            let name = schema.field(column).name();
            return Err(RuleFault::Refused(format!("it names `{name}` twice")));
        }
        columns.push(column);
    }
    Ok(FileCheck::Unique { columns })
}

/// Nested values have no key.
fn comparable(column: usize, schema: &Schema) -> Result<(), RuleFault> {
    let field = schema.field(column);
    let sortable = SortField::new(field.data_type().clone());
    if !field.data_type().is_nested() && RowConverter::supports_fields(&[sortable]) {
        return Ok(());
    }
    let (name, data_type) = (field.name(), shown_type(field.data_type()));
    Err(RuleFault::Refused(format!("`{name}` is of type {data_type}, which makes no key")))
}

fn row_count(expr: &Expr) -> Result<FileCheck, RuleFault> {
    let bounds = match expr {
        Expr::Between { negated: false, low, high, .. } => number(low).zip(number(high)),
        Expr::BinaryOp { op, right, .. } => number(right).and_then(|right| bounds(op, right)),
        _ => None,
    };
    let (least, most) = bounds.ok_or(RuleFault::Form(ROW_COUNT))?;
    if least > most {
        return Err(RuleFault::Refused("no number of rows is within these bounds".to_owned()));
    }
    Ok(FileCheck::RowCount { least, most })
}

fn bounds(op: &BinaryOperator, number: u64) -> Option<(u64, u64)> {
    match op {
        BinaryOperator::Gt => Some((number.checked_add(1)?, u64::MAX)),
        BinaryOperator::GtEq => Some((number, u64::MAX)),
        // Less than none is no number of rows.
        BinaryOperator::Lt => number.checked_sub(1).map_or(Some((1, 0)), |most| Some((0, most))),
        BinaryOperator::LtEq => Some((0, number)),
        BinaryOperator::Eq => Some((number, number)),
        _ => None,
    }
}

fn number(expr: &Expr) -> Option<u64> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) => digits.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

fn max_age(
    expr: &Expr,
    arguments: Option<Vec<&Expr>>,
    schema: &Schema,
    from: i64,
) -> Result<FileCheck, RuleFault> {
    let form = || RuleFault::Form(MAX_AGE);
    let Some([argument]) = arguments.as_deref() else { return Err(form()) };
    let column = column(argument, schema, MAX_AGE)?;
    let field = schema.field(column);
    if !matches!(field.data_type(), DataType::Date32 | DataType::Timestamp(..)) {
        let (name, data_type) = (field.name(), shown_type(field.data_type()));
        return Err(RuleFault::Refused(format!(
            "`{name}` is of type {data_type}; only dates and timestamps have an age"
        )));
    }
    let Expr::BinaryOp { op, right, .. } = expr else { return Err(form()) };
    let span = span_of(right).ok_or_else(form)?;
    let at_most = match op {
        BinaryOperator::LtEq => span,
        BinaryOperator::Lt => span.checked_sub(1).ok_or_else(form)?,
        _ => return Err(form()),
    };
    Ok(FileCheck::MaxAge { column, at_most, from })
}

/// `interval '2 days'`, `interval '2' day` or plainly `'2 days'`.
fn span_of(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Interval(Interval { value, leading_field, last_field: None, .. }) => {
            let text = text(value)?;
            match leading_field {
                Some(unit) => span::microseconds(&format!("{text} {unit}")),
                None => span::microseconds(text),
            }
        }
        other => span::microseconds(text(other)?),
    }
}

fn text(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// The column, the other dataset and its key.
fn references(
    arguments: Option<Vec<&Expr>>,
    schema: &Schema,
) -> Result<(usize, String, String), RuleFault> {
    let form = || RuleFault::Form(REFERENCES);
    let Some([argument, target]) = arguments.as_deref() else { return Err(form()) };
    let Expr::CompoundIdentifier(path) = target else { return Err(form()) };
    let [dataset, key]: &[Ident] = path.as_slice() else { return Err(form()) };
    let column = column(argument, schema, REFERENCES)?;
    comparable(column, schema)?;
    Ok((column, dataset.value.clone(), key.value.clone()))
}
