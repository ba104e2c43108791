//! Column names in a rule, matched as everywhere else: without regard to letter
//! case, unless they are quoted.

use std::ops::ControlFlow;

use arrow::datatypes::Schema;
use datafusion::sql::sqlparser::ast::{Expr, Ident, visit_expressions_mut};

use crate::problem::RuleFault;

/// Gives every column name in an expression the letter case of its column.
pub(crate) fn resolve(expr: &mut Expr, schema: &Schema) -> Result<(), RuleFault> {
    let outcome = visit_expressions_mut(expr, |expr| match resolve_one(expr, schema) {
        Ok(()) => ControlFlow::Continue(()),
        Err(fault) => ControlFlow::Break(fault),
    });
    match outcome {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(fault) => Err(fault),
    }
}

fn resolve_one(expr: &mut Expr, schema: &Schema) -> Result<(), RuleFault> {
    match expr {
        Expr::Identifier(name) => resolve_name(name, schema),
        Expr::CompoundIdentifier(names) => {
            let name = names.iter().map(|name| name.value.as_str()).collect::<Vec<_>>().join(".");
            Err(no_column(&name, schema))
        }
        Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => {
            Err(RuleFault::BeyondTheRow("a subquery".to_owned()))
        }
        _ => Ok(()),
    }
}

fn resolve_name(name: &mut Ident, schema: &Schema) -> Result<(), RuleFault> {
    let names = || schema.fields().iter().map(|field| field.name().as_str());
    let exact = names().find(|column| *column == name.value);
    let folded = || {
        let wanted = name.value.to_lowercase();
        names().find(|column| name.quote_style.is_none() && column.to_lowercase() == wanted)
    };
    let unknown = || match name.value.to_lowercase().as_str() {
        "row_count" => RuleFault::BeyondTheRow("`row_count`".to_owned()),
        _ => no_column(&name.value, schema),
    };
    let column = exact.or_else(folded).ok_or_else(unknown)?;
    *name = Ident::with_quote('"', column);
    Ok(())
}

fn no_column(name: &str, schema: &Schema) -> RuleFault {
    let columns: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    RuleFault::NoColumn { name: name.to_owned(), nearest: nearest(name, &columns), columns }
}

/// The name that is likeliest meant by one that is not there.
pub(crate) fn nearest(name: &str, names: &[String]) -> Option<String> {
    let folded = name.to_lowercase();
    let allowed = (name.chars().count() / 3).clamp(1, 3);
    names
        .iter()
        .map(|name| (strsim::osa_distance(&folded, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name.clone())
}
