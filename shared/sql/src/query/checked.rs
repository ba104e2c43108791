//! Integers that do not fit fail, where DataFusion would let them wrap around
//! and become other numbers.

use arrow::array::{ArrayRef, Datum};
use arrow::compute::kernels::numeric;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, LogicalPlan, Operator, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion::physical_expr_common::datum::apply;

/// Puts checked arithmetic in the place of DataFusion's, once types are settled.
#[derive(Debug)]
pub(crate) struct CheckedIntegers;

impl AnalyzerRule for CheckedIntegers {
    fn name(&self) -> &str {
        "checked_integers"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let checked = plan.transform_up_with_subqueries(|node| {
            let schema = merge_schema(&node.inputs());
            let names = NamePreserver::new(&node);
            node.map_expressions(|expr| {
                let name = names.save(&expr);
                let checked = expr.transform_up(|part| check(part, &schema))?;
                Ok(checked.update_data(|expr| name.restore(expr)))
            })
        });
        Ok(checked?.data)
    }
}

fn check(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Expr::BinaryExpr(binary) = expr else { return Ok(Transformed::no(expr)) };
    let kind = Kind::of(binary.op);
    // Chains are deep on the left, so the right side is asked first.
    let checkable = kind.is_some() && {
        let right = type_of(&binary.right, schema)?;
        right.is_integer() && type_of(&binary.left, schema)? == right
    };
    match kind.filter(|_| checkable) {
        None => Ok(Transformed::no(Expr::BinaryExpr(binary))),
        Some(kind) => {
            let checked = ScalarUDF::new_from_impl(Checked::new(kind));
            Ok(Transformed::yes(checked.call(vec![*binary.left, *binary.right])))
        }
    }
}

/// The type of a side. What is checked already has the type of its right side,
/// which spares walking down a long chain from each of its links.
fn type_of(side: &Expr, schema: &DFSchema) -> Result<DataType> {
    match side {
        Expr::ScalarFunction(call) if call.func.inner().is::<Checked>() => match call.args.last() {
            Some(last) => type_of(last, schema),
            None => internal_err!("{} takes two sides", call.func.name()),
        },
        other => other.get_type(schema),
    }
}

/// What can leave the range of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Add,
    Subtract,
    Multiply,
}

impl Kind {
    fn of(op: Operator) -> Option<Self> {
        match op {
            Operator::Plus => Some(Self::Add),
            Operator::Minus => Some(Self::Subtract),
            Operator::Multiply => Some(Self::Multiply),
            _ => None,
        }
    }

    fn compute(self, left: &dyn Datum, right: &dyn Datum) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::Add => numeric::add(left, right),
            Self::Subtract => numeric::sub(left, right),
            Self::Multiply => numeric::mul(left, right),
        }
    }
}

/// One operator over two integers of one type.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Checked {
    kind: Kind,
    signature: Signature,
}

impl Checked {
    fn new(kind: Kind) -> Self {
        Self { kind, signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Add => "checked_add",
            Kind::Subtract => "checked_subtract",
            Kind::Multiply => "checked_multiply",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, sides: &[DataType]) -> Result<DataType> {
        match sides {
            [left, _] => Ok(left.clone()),
            _ => internal_err!("{} takes two sides", self.name()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match &args.args[..] {
            [left, right] => apply(left, right, |left, right| self.kind.compute(left, right)),
            _ => internal_err!("{} takes two sides", self.name()),
        }
    }
}
