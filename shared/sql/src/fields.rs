//! `task['GAME_TOKEN']`: a member of a struct by its name.
//!
//! DataFusion has the function, `get_field`, and leaves the brackets to whoever
//! plans them.

use std::sync::Arc;

use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::GetFieldAccess;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawFieldAccessExpr};

/// Plans members of structs.
#[derive(Debug)]
pub(crate) struct Fields;

impl Fields {
    /// Has members of structs planned in a session, beside what it plans already.
    pub(crate) fn register(state: &mut SessionState) {
        // Only registries that keep no planners refuse.
        let _registered = state.register_expr_planner(Arc::new(Self));
    }
}

impl ExprPlanner for Fields {
    fn plan_field_access(
        &self,
        access: RawFieldAccessExpr,
        _: &DFSchema,
    ) -> Result<PlannerResult<RawFieldAccessExpr>> {
        let RawFieldAccessExpr { field_access, expr } = access;
        Ok(match field_access {
            GetFieldAccess::NamedStructField { name } => {
                PlannerResult::Planned(get_field(expr, name))
            }
            field_access
            @ (GetFieldAccess::ListIndex { .. } | GetFieldAccess::ListRange { .. }) => {
                PlannerResult::Original(RawFieldAccessExpr { field_access, expr })
            }
        })
    }
}
