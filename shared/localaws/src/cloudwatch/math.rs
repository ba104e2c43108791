//! Metric math: expressions over series.
//!
//! Source: "Using math expressions with CloudWatch metrics", CloudWatch User
//! Guide. Not there: anomaly detection, `SEARCH`, `RATE` and the like, and
//! Metrics Insights queries.

mod parse;

use std::collections::BTreeMap;

use super::fault::Fault;
use super::series::{Range, Values};

pub(super) use self::parse::Expression;

/// A value in an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    /// A number.
    Number(f64),
    /// One series.
    Series(Values),
    /// Several series, as of `METRICS()`.
    Several(Vec<Values>),
}

/// An operation on two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    And,
    Or,
}

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    Abs,
    Average,
    Ceil,
    Fill,
    Floor,
    If,
    Maximum,
    Metrics,
    Minimum,
    Sum,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Number(f64),
    Id(String),
    /// How `FILL` repeats: the last value that was there.
    Repeat,
    Negative(Box<Node>),
    Binary(Operator, Box<Node>, Box<Node>),
    Call(Function, Vec<Node>),
    List(Vec<Node>),
}

impl Operand {
    /// Its series; a number has none.
    pub(super) fn series(&self) -> Vec<Values> {
        match self {
            Self::Number(_) => Vec::new(),
            Self::Series(values) => vec![values.clone()],
            Self::Several(several) => several.clone(),
        }
    }

    fn map(self, each: impl Fn(f64) -> f64) -> Self {
        let map =
            |values: Values| values.into_iter().map(|(at, value)| (at, each(value))).collect();
        match self {
            Self::Number(number) => Self::Number(each(number)),
            Self::Series(values) => Self::Series(map(values)),
            Self::Several(several) => Self::Several(several.into_iter().map(map).collect()),
        }
    }
}

impl Operator {
    /// The result, if there is one: nothing is divided by 0.
    fn apply(self, a: f64, b: f64) -> Option<f64> {
        let flag = |holds: bool| Some(f64::from(u8::from(holds)));
        match self {
            Self::Add => Some(a + b),
            Self::Subtract => Some(a - b),
            Self::Multiply => Some(a * b),
            Self::Divide => (b != 0.0).then(|| a / b),
            Self::Less => flag(a < b),
            Self::LessOrEqual => flag(a <= b),
            Self::Greater => flag(a > b),
            Self::GreaterOrEqual => flag(a >= b),
            Self::Equal => flag(a == b),
            Self::NotEqual => flag(a != b),
            Self::And => flag(a != 0.0 && b != 0.0),
            Self::Or => flag(a != 0.0 || b != 0.0),
        }
    }

    /// Series meet where both have a value.
    fn combine(self, a: Operand, b: Operand) -> Result<Operand, Fault> {
        let one = |values: Values, apply: &dyn Fn(f64) -> Option<f64>| -> Values {
            values.into_iter().filter_map(|(at, value)| Some((at, apply(value)?))).collect()
        };
        let two = |a: &Values, b: &Values| -> Values {
            let met = a.iter().filter_map(|(at, value)| Some((*at, *value, *b.get(at)?)));
            met.filter_map(|(at, a, b)| Some((at, self.apply(a, b)?))).collect()
        };
        Ok(match (a, b) {
            (Operand::Number(a), Operand::Number(b)) => {
                let result = self.apply(a, b);
                Operand::Number(result.ok_or_else(|| Fault::validation("a division by 0"))?)
            }
            (Operand::Number(a), Operand::Series(b)) => {
                Operand::Series(one(b, &|b| self.apply(a, b)))
            }
            (Operand::Series(a), Operand::Number(b)) => {
                Operand::Series(one(a, &|a| self.apply(a, b)))
            }
            (Operand::Series(a), Operand::Series(b)) => Operand::Series(two(&a, &b)),
            (Operand::Several(several), b) => {
                let each = several.into_iter().map(|a| self.combine(Operand::Series(a), b.clone()));
                of_each(each)?
            }
            (a, Operand::Several(several)) => {
                let each = several.into_iter().map(|b| self.combine(a.clone(), Operand::Series(b)));
                of_each(each)?
            }
        })
    }
}

fn of_each(each: impl Iterator<Item = Result<Operand, Fault>>) -> Result<Operand, Fault> {
    let mut several = Vec::new();
    for operand in each {
        several.extend(operand?.series());
    }
    Ok(Operand::Several(several))
}

impl Expression {
    /// Its value over the series that are known.
    ///
    /// # Errors
    /// `ValidationError` if a function is given what it can't take.
    pub(super) fn value(
        &self,
        known: &BTreeMap<String, Operand>,
        range: Range,
    ) -> Result<Operand, Fault> {
        let value = Scope { known, range }.value(&self.0)?;
        // A number alone is drawn as a line.
        Ok(match value {
            Operand::Number(number) => {
                Operand::Series(range.periods().map(|at| (at, number)).collect())
            }
            Operand::Series(_) | Operand::Several(_) => value,
        })
    }
}

struct Scope<'a> {
    known: &'a BTreeMap<String, Operand>,
    range: Range,
}

impl Scope<'_> {
    fn value(&self, node: &Node) -> Result<Operand, Fault> {
        match node {
            Node::Number(number) => Ok(Operand::Number(*number)),
            Node::Id(id) => Ok(self.known[id].clone()),
            Node::Repeat => Err(Fault::validation("REPEAT belongs into FILL")),
            Node::Negative(node) => Ok(self.value(node)?.map(|value| -value)),
            Node::Binary(operator, a, b) => operator.combine(self.value(a)?, self.value(b)?),
            Node::List(nodes) => of_each(nodes.iter().map(|node| self.value(node))),
            Node::Call(function, arguments) => self.call(*function, arguments),
        }
    }

    fn call(&self, function: Function, arguments: &[Node]) -> Result<Operand, Fault> {
        match (function, arguments) {
            (Function::Abs, [of]) => Ok(self.value(of)?.map(f64::abs)),
            (Function::Ceil, [of]) => Ok(self.value(of)?.map(f64::ceil)),
            (Function::Floor, [of]) => Ok(self.value(of)?.map(f64::floor)),
            (Function::Average, [of]) => Ok(summary(self.value(of)?, |values| {
                values.iter().sum::<f64>() / values.len() as f64
            })),
            (Function::Sum, [of]) => Ok(summary(self.value(of)?, |values| values.iter().sum())),
            (Function::Maximum, [of]) => Ok(summary(self.value(of)?, |values| {
                values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
            })),
            (Function::Minimum, [of]) => Ok(summary(self.value(of)?, |values| {
                values.iter().copied().fold(f64::INFINITY, f64::min)
            })),
            (Function::Metrics, []) => {
                Ok(Operand::Several(self.known.values().flat_map(Operand::series).collect()))
            }
            (Function::Fill, [of, with]) => self.fill(of, with),
            (Function::If, [condition, then]) => self.choose(condition, then, None),
            (Function::If, [condition, then, otherwise]) => {
                self.choose(condition, then, Some(otherwise))
            }
            (_, _) => Err(Fault::validation("a function has the wrong number of arguments")),
        }
    }

    /// The series with what is missing filled in.
    fn fill(&self, of: &Node, with: &Node) -> Result<Operand, Fault> {
        let with = match with {
            Node::Repeat => None,
            with => Some(self.value(with)?),
        };
        let fill = |values: Values| -> Values {
            let mut last = None;
            let filled = self.range.periods().filter_map(|at| {
                let filler = match &with {
                    None => last,
                    Some(Operand::Number(number)) => Some(*number),
                    Some(Operand::Series(other)) => other.get(&at).copied(),
                    Some(Operand::Several(_)) => None,
                };
                let value = values.get(&at).copied().or(filler);
                last = value.or(last);
                Some((at, value?))
            });
            filled.collect()
        };
        Ok(match self.value(of)? {
            Operand::Number(number) => Operand::Number(number),
            Operand::Series(values) => Operand::Series(fill(values)),
            Operand::Several(several) => Operand::Several(several.into_iter().map(fill).collect()),
        })
    }

    /// `IF(condition, then, otherwise)`, by time.
    fn choose(
        &self,
        condition: &Node,
        then: &Node,
        otherwise: Option<&Node>,
    ) -> Result<Operand, Fault> {
        let condition = self.value(condition)?;
        let then = self.value(then)?;
        let otherwise = otherwise.map(|otherwise| self.value(otherwise)).transpose()?;
        if let Operand::Number(holds) = condition {
            let chosen = if holds != 0.0 { Some(then) } else { otherwise };
            return Ok(chosen.unwrap_or(Operand::Series(Values::new())));
        }
        let at = |operand: &Operand, at: &u64| match operand {
            Operand::Number(number) => Some(*number),
            Operand::Series(values) => values.get(at).copied(),
            Operand::Several(_) => None,
        };
        let Operand::Series(condition) = condition else {
            return Err(Fault::validation("the condition of IF must be one series or a number"));
        };
        let chosen = condition.iter().filter_map(|(time, holds)| {
            let chosen = if *holds != 0.0 { Some(&then) } else { otherwise.as_ref() };
            Some((*time, at(chosen?, time)?))
        });
        Ok(Operand::Series(chosen.collect()))
    }
}

/// Over the values of one series a number; over several series one series, by
/// time.
fn summary(of: Operand, each: impl Fn(&[f64]) -> f64) -> Operand {
    match of {
        Operand::Number(number) => Operand::Number(number),
        Operand::Series(values) if values.is_empty() => Operand::Series(values),
        Operand::Series(values) => {
            Operand::Number(each(&values.values().copied().collect::<Vec<_>>()))
        }
        Operand::Several(several) => {
            let mut by_time: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
            for (at, value) in several.into_iter().flatten() {
                by_time.entry(at).or_default().push(value);
            }
            Operand::Series(by_time.into_iter().map(|(at, values)| (at, each(&values))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::series::Time;
    use super::*;

    fn evaluate(text: &str) -> Result<Operand, Fault> {
        let series = |values: &[(u64, f64)]| Operand::Series(values.iter().copied().collect());
        let known = BTreeMap::from([
            ("visible".to_owned(), series(&[(0, 90.0), (60_000, 30.0)])),
            ("running".to_owned(), series(&[(60_000, 3.0)])),
        ]);
        let range = Range::new(Time(0), Time(120_000), 60).expect("a range");
        Expression::parse(text)?.value(&known, range)
    }

    fn points(text: &str) -> Vec<(u64, f64)> {
        match evaluate(text) {
            Ok(Operand::Series(values)) => values.into_iter().collect(),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn backlog_per_task_is_computed_where_both_are_known() {
        assert_eq!(points("visible / running"), [(60_000, 10.0)]);
        let filled = "visible / IF(FILL(running, 0) > 0, FILL(running, 0), 1)";
        assert_eq!(points(filled), [(0, 90.0), (60_000, 10.0)]);
        assert_eq!(points("visible / FILL(running, 0)"), [(60_000, 10.0)]);
    }

    #[test]
    fn operators_bind_as_in_arithmetic() {
        assert_eq!(points("1 + 2 * 3 - -4 / 2")[0].1, 9.0);
        assert_eq!(points("(1 + 2) * 3")[0].1, 9.0);
        assert_eq!(points("visible - 10 >= 25 && running > 2"), [(60_000, 0.0)]);
    }

    #[test]
    fn functions_take_series_or_lists_of_them() {
        assert_eq!(points("MAX(visible)")[0].1, 90.0);
        assert_eq!(points("SUM([visible, running])"), [(0, 90.0), (60_000, 33.0)]);
        assert_eq!(points("AVG(METRICS())"), [(0, 90.0), (60_000, 16.5)]);
        assert_eq!(points("FILL(running, REPEAT)"), [(60_000, 3.0)]);
        assert_eq!(points("FLOOR(visible / 7)"), [(0, 12.0), (60_000, 4.0)]);
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for wrong in
            ["visible +", "(visible", "NOPE(visible)", "visible running", "FILL(visible)", "1 / 0"]
        {
            assert!(evaluate(wrong).is_err(), "{wrong}");
        }
    }
}
