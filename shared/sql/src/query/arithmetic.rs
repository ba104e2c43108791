//! Where a float meets a decimal in a query both are floats, as in rules.

use datafusion::common::DFSchema;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;

use crate::floats;

/// Rewrites expressions before they are typed.
#[derive(Debug)]
pub(crate) struct Arithmetic;

impl Arithmetic {
    /// Has all queries of a session rewritten.
    pub(crate) fn register(state: &mut SessionState) -> Result<()> {
        state.register_function_rewrite(std::sync::Arc::new(Self))
    }
}

impl FunctionRewrite for Arithmetic {
    fn name(&self) -> &str {
        "millrace_arithmetic"
    }

    fn rewrite(
        &self,
        expr: Expr,
        schema: &DFSchema,
        _: &ConfigOptions,
    ) -> Result<Transformed<Expr>> {
        match expr {
            Expr::BinaryExpr(_) | Expr::Between(_) | Expr::InList(_) => {
                Ok(Transformed::yes(floats::widen_one(expr, schema)?))
            }
            other => Ok(Transformed::no(other)),
        }
    }
}
