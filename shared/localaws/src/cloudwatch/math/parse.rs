//! Reads expressions of metric math.

use super::super::fault::Fault;
use super::{Function, Node, Operator};

/// An expression that was understood.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Expression(pub(super) Node);

/// How deep an expression may be nested.
const MAX_DEPTH: usize = 64;

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// `ValidationError` that names the place where it is none.
    pub(in super::super) fn parse(text: &str) -> Result<Self, Fault> {
        let mut reader = Reader { rest: text, text, depth: 0 };
        let node = reader.either()?;
        match reader.peek() {
            None => Ok(Self(node)),
            Some(_) => Err(reader.fault()),
        }
    }

    /// The ids it uses.
    pub(in super::super) fn ids(&self) -> Vec<&str> {
        let mut ids = Vec::new();
        collect(&self.0, &mut ids);
        ids
    }
}

fn collect<'a>(node: &'a Node, ids: &mut Vec<&'a str>) {
    match node {
        Node::Number(_) | Node::Repeat => {}
        Node::Id(id) => ids.push(id),
        Node::Negative(node) => collect(node, ids),
        Node::Binary(_, a, b) => {
            collect(a, ids);
            collect(b, ids);
        }
        Node::Call(_, nodes) | Node::List(nodes) => {
            nodes.iter().for_each(|node| collect(node, ids));
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
    depth: usize,
}

/// Operators by how tightly they bind, the loosest first; longer signs before
/// those they begin with.
const LEVELS: [&[(&str, Operator)]; 5] = [
    &[("||", Operator::Or), ("OR", Operator::Or)],
    &[("&&", Operator::And), ("AND", Operator::And)],
    &[
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("==", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[("*", Operator::Multiply), ("/", Operator::Divide)],
];

impl<'a> Reader<'a> {
    fn either(&mut self) -> Result<Node, Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.fault());
        }
        let node = self.level(0);
        self.depth -= 1;
        node
    }

    fn level(&mut self, level: usize) -> Result<Node, Fault> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.level(level + 1)?;
        while let Some(operator) = self.operator(operators) {
            let right = self.level(level + 1)?;
            left = Node::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn operator(&mut self, operators: &[(&str, Operator)]) -> Option<Operator> {
        self.peek();
        let (sign, operator) = operators.iter().find(|(sign, _)| self.rest.starts_with(sign))?;
        self.rest = &self.rest[sign.len()..];
        Some(*operator)
    }

    fn unary(&mut self) -> Result<Node, Fault> {
        if self.take('-') {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err(self.fault());
            }
            let node = self.unary()?;
            self.depth -= 1;
            return Ok(Node::Negative(Box::new(node)));
        }
        match self.peek() {
            Some('(') => {
                self.take('(');
                let node = self.either()?;
                self.expect(')').map(|()| node)
            }
            Some('[') => {
                self.take('[');
                self.several(']').map(Node::List)
            }
            Some(digit) if digit.is_ascii_digit() || digit == '.' => self.number(),
            Some(letter) if letter.is_ascii_alphabetic() => self.name(),
            Some(_) | None => Err(self.fault()),
        }
    }

    fn number(&mut self) -> Result<Node, Fault> {
        let word = self.word(|letter| letter.is_ascii_digit() || letter == '.');
        word.parse().map(Node::Number).map_err(|_| self.fault())
    }

    fn name(&mut self) -> Result<Node, Fault> {
        let word = self.word(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if word == "REPEAT" {
            return Ok(Node::Repeat);
        }
        if !self.take('(') {
            return Ok(Node::Id(word.to_owned()));
        }
        let function = match word {
            "ABS" => Function::Abs,
            "AVG" => Function::Average,
            "CEIL" => Function::Ceil,
            "FILL" => Function::Fill,
            "FLOOR" => Function::Floor,
            "IF" => Function::If,
            "MAX" => Function::Maximum,
            "METRICS" => Function::Metrics,
            "MIN" => Function::Minimum,
            "SUM" => Function::Sum,
            _ => {
                return Err(Fault::validation(format!("this endpoint has no function `{word}`")));
            }
        };
        self.several(')').map(|arguments| Node::Call(function, arguments))
    }

    /// What stands between commas, up to the closing sign.
    fn several(&mut self, end: char) -> Result<Vec<Node>, Fault> {
        let mut nodes = Vec::new();
        if self.take(end) {
            return Ok(nodes);
        }
        loop {
            nodes.push(self.either()?);
            if self.take(end) {
                return Ok(nodes);
            }
            self.expect(',')?;
        }
    }

    fn word(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|letter| !is_part(letter)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn take(&mut self, sign: char) -> bool {
        let found = self.peek() == Some(sign);
        if found {
            self.rest = &self.rest[sign.len_utf8()..];
        }
        found
    }

    fn expect(&mut self, sign: char) -> Result<(), Fault> {
        if self.take(sign) { Ok(()) } else { Err(self.fault()) }
    }

    fn fault(&self) -> Fault {
        let at = self.text.len() - self.rest.len();
        Fault::validation(format!("Error in expression `{}` at position {at}", self.text))
    }
}
