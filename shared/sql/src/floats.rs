//! Where a float meets a decimal, both become floats, as in PostgreSQL.
//! DataFusion makes both decimals, which fails for what a decimal cannot be: NaN,
//! infinity, 1e300.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, ExprSchemable, cast};

/// Turns decimals that meet floats into floats.
pub(crate) fn widen(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    Ok(expr.transform_up(|expr| Ok(Transformed::yes(widen_one(expr, schema)?)))?.data)
}

/// Turns the decimals of one expression that meet floats there into floats.
pub(crate) fn widen_one(mut expr: Expr, schema: &DFSchema) -> Result<Expr> {
    match &mut expr {
        Expr::BinaryExpr(binary) => meet(&mut [&mut binary.left, &mut binary.right], schema)?,
        Expr::Between(between) => {
            let mut sides = [&mut *between.expr, &mut *between.low, &mut *between.high];
            meet(&mut sides, schema)?;
        }
        Expr::InList(list) => {
            let mut sides: Vec<&mut Expr> = list.list.iter_mut().collect();
            sides.push(&mut list.expr);
            meet(&mut sides, schema)?;
        }
        _ => {}
    }
    Ok(expr)
}

fn meet(sides: &mut [&mut Expr], schema: &DFSchema) -> Result<()> {
    let types: Result<Vec<DataType>> = sides.iter().map(|side| side.get_type(schema)).collect();
    let types = types?;
    if !types.iter().any(DataType::is_floating) {
        return Ok(());
    }
    for (side, data_type) in sides.iter_mut().zip(types) {
        if data_type.is_decimal() {
            **side = cast(std::mem::take(*side), DataType::Float64);
        }
    }
    Ok(())
}
