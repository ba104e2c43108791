//! Types made of types: lists and structs, as text and in memory.
//!
//! Every distinct one is kept once for the life of the process, so that a type
//! is a small value to copy and compare. They come from pipeline files and
//! inferred contracts, so there are few.

use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;
use std::sync::{LazyLock, Mutex, PoisonError};

use super::{DataType, TypeError};

/// How deep types may nest.
const DEEPEST: usize = 32;

/// A member of a struct.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StructField {
    /// Its name, as the source has it.
    pub name: String,
    /// Its type.
    pub data_type: DataType,
}

impl DataType {
    /// The type of lists of `element`.
    pub fn list(element: DataType) -> Self {
        static KNOWN: LazyLock<Known<DataType>> = LazyLock::new(Known::default);
        Self::List(kept(&KNOWN, element))
    }

    /// The type of structs with these members, in this order.
    pub fn structure(fields: Vec<StructField>) -> Self {
        static KNOWN: LazyLock<Known<[StructField]>> = LazyLock::new(Known::default);
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(fields.as_slice()) {
            return Self::Struct(found);
        }
        let leaked: &'static [StructField] = Vec::leak(fields);
        known.insert(leaked);
        Self::Struct(leaked)
    }
}

type Known<T> = Mutex<HashSet<&'static T>>;

fn kept<T: Hash + Eq>(known: &Known<T>, value: T) -> &'static T {
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = known.get(&value) {
        return found;
    }
    let leaked: &'static T = Box::leak(Box::new(value));
    known.insert(leaked);
    leaked
}

/// Reads `list<…>` and `struct<…>`.
pub(super) fn parse(text: &str) -> Result<DataType, TypeError> {
    let mut parser = Parser { text, at: 0 };
    let parsed = parser.data_type(0).and_then(|found| match parser.rest().trim() {
        "" => Ok(found),
        rest => Err(Fault::Shape(format!("`{rest}` follows its end"))),
    });
    parsed.map_err(|fault| match fault {
        Fault::Inner(error) => error,
        Fault::Shape(why) => TypeError::Nested(text.to_owned(), why),
    })
}

/// Writes `struct<name: type, …>`; names that need it stand in quotes.
pub(super) fn write_struct(f: &mut fmt::Formatter<'_>, fields: &[StructField]) -> fmt::Result {
    f.write_str("struct<")?;
    for (index, StructField { name, data_type }) in fields.iter().enumerate() {
        let separator = if index > 0 { ", " } else { "" };
        match is_plain(name) {
            true => write!(f, "{separator}{name}: {data_type}")?,
            false => write!(f, "{separator}\"{}\": {data_type}", name.replace('"', "\"\""))?,
        }
    }
    f.write_str(">")
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
}

/// What is wrong: with a type inside, or with what is around it.
enum Fault {
    Inner(TypeError),
    Shape(String),
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_spaces(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn take(&mut self, wanted: char) -> Result<(), Fault> {
        match self.takes(wanted) {
            true => Ok(()),
            false => Err(Fault::Shape(format!("`{wanted}` is missing at `{}`", self.rest()))),
        }
    }

    fn takes(&mut self, wanted: char) -> bool {
        self.skip_spaces();
        let found = self.rest().starts_with(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    fn data_type(&mut self, depth: usize) -> Result<DataType, Fault> {
        if depth > DEEPEST {
            return Err(Fault::Shape(format!("it nests more than {DEEPEST} deep")));
        }
        self.skip_spaces();
        let rest = self.rest();
        let name = &rest[..rest.find(['<', '>', ',', '(']).unwrap_or(rest.len())];
        if !rest[name.len()..].starts_with('<') {
            return self.scalar(rest);
        }
        self.at += name.len() + 1;
        match name.trim().to_ascii_lowercase().as_str() {
            "list" | "array" => {
                let element = self.data_type(depth + 1)?;
                self.take('>')?;
                Ok(DataType::list(element))
            }
            "struct" => self.fields(depth).map(DataType::structure),
            other => Err(Fault::Shape(format!("`{other}` takes no types"))),
        }
    }

    /// A type without types inside, which may have numbers in brackets. What stands in
    /// them is no type, however it looks.
    fn scalar(&mut self, rest: &str) -> Result<DataType, Fault> {
        let mut depth = 0;
        let end = rest.find(|letter| {
            depth += i32::from(letter == '(') - i32::from(letter == ')');
            depth == 0 && matches!(letter, ',' | '>')
        });
        let text = &rest[..end.unwrap_or(rest.len())];
        self.at += text.len();
        super::scalar(text).map_err(Fault::Inner)
    }

    fn fields(&mut self, depth: usize) -> Result<Vec<StructField>, Fault> {
        let mut fields: Vec<StructField> = Vec::new();
        loop {
            let name = self.name()?;
            if fields.iter().any(|field| field.name == name) {
                return Err(Fault::Shape(format!("`{name}` stands twice")));
            }
            self.take(':')?;
            fields.push(StructField { name, data_type: self.data_type(depth + 1)? });
            if self.takes('>') {
                return Ok(fields);
            }
            self.take(',')?;
        }
    }

    fn name(&mut self) -> Result<String, Fault> {
        if self.takes('"') {
            return self.quoted();
        }
        let rest = self.rest();
        let name = &rest[..rest.find(':').unwrap_or(rest.len())];
        self.at += name.len();
        match is_plain(name.trim()) {
            true => Ok(name.trim().to_owned()),
            false => Err(Fault::Shape(format!("`{name}` is no name; put it in double quotes"))),
        }
    }

    fn quoted(&mut self) -> Result<String, Fault> {
        let mut name = String::new();
        loop {
            let rest = self.rest();
            let Some(end) = rest.find('"') else {
                return Err(Fault::Shape("a name's quote is never closed".to_owned()));
            };
            name.push_str(&rest[..end]);
            self.at += end + 1;
            if !self.rest().starts_with('"') {
                return Ok(name);
            }
            name.push('"');
            self.at += 1;
        }
    }
}
