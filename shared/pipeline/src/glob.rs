//! Patterns over object keys: `raw/Expenses/{year}/*.csv`.
//!
//! Letter case counts, as it does in S3. Wildcards take as little as they can,
//! so that in `{kind}-*.csv` the capture ends at the first `-`.

use std::collections::BTreeSet;

use millrace_contract::Captures;
use thiserror::Error;

/// A parsed pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glob {
    tokens: Vec<Token>,
}

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// These characters.
    Literal(String),
    /// `?`: one character but `/`.
    One,
    /// `*`: any number of characters but `/`.
    Within,
    /// `**/`: any number of path parts, none included.
    Parts,
    /// `**` at the end: all the rest, which is something.
    Rest,
    /// `{name}`: one or more characters but `/`.
    Capture(String),
}

/// What is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum GlobError {
    #[error("the pattern is empty")]
    Empty,
    #[error("the pattern begins with `/`, and keys do not; leave it out")]
    LeadingSlash,
    #[error("`**` stands for whole path parts, so it needs a `/` or an end on both sides")]
    HalfPart,
    #[error("`{{` opens a capture that is not closed; write `{{name}}`")]
    Unclosed,
    #[error("`}}` closes nothing; write `?` to match one such character")]
    Unopened,
    #[error(
        "`{{{0}}}` is not a capture; its name takes letters, digits and `_`, no digit at first"
    )]
    Name(String),
    #[error("`{{{0}}}` captures twice; the names in a pattern have to differ")]
    Twice(String),
    #[error("`{0}` and what follows it have no text between them, so neither has an end")]
    Adjacent(String),
    #[error("`{0}` has no special meaning in patterns; write `?` to match one such character")]
    Special(char),
}

impl Glob {
    /// Parses a pattern.
    pub(crate) fn parse(pattern: &str) -> Result<Self, GlobError> {
        if pattern.is_empty() {
            return Err(GlobError::Empty);
        }
        if pattern.starts_with('/') {
            return Err(GlobError::LeadingSlash);
        }
        let mut tokens = Vec::new();
        let mut rest = pattern;
        while !rest.is_empty() {
            let (token, length) = next_token(rest, at_part_start(pattern, rest))?;
            push(&mut tokens, token);
            rest = &rest[length..];
        }
        check_captures(&tokens)?;
        Ok(Self { tokens })
    }

    /// The pieces, no two literals in a row.
    pub(crate) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The names it captures, in order.
    pub(crate) fn capture_names(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().filter_map(|token| match token {
            Token::Capture(name) => Some(name.as_str()),
            Token::Literal(_) | Token::One | Token::Within | Token::Parts | Token::Rest => None,
        })
    }

    /// What every key it matches begins with.
    pub(crate) fn literal_prefix(&self) -> &str {
        match self.tokens.first() {
            Some(Token::Literal(text)) => text,
            _ => "",
        }
    }

    /// The pattern without the names of its captures: two of the same shape
    /// match the same keys.
    pub(crate) fn shape(&self) -> Vec<Token> {
        let nameless = |token: &Token| match token {
            Token::Capture(_) => Token::Capture(String::new()),
            other => other.clone(),
        };
        self.tokens.iter().map(nameless).collect()
    }

    /// What the captures matched, if the key matches as a whole.
    pub(crate) fn matches(&self, key: &str) -> Option<Captures> {
        let dead = vec![false; self.tokens.len() * (key.len() + 1)];
        let mut attempt = Attempt { tokens: &self.tokens, key, dead, captures: Captures::new() };
        attempt.run(0, 0).then_some(attempt.captures)
    }
}

/// Whether the rest of the pattern begins a path part.
fn at_part_start(pattern: &str, rest: &str) -> bool {
    pattern.len() == rest.len() || pattern[..pattern.len() - rest.len()].ends_with('/')
}

/// The first token of `rest` and how much of it that takes.
fn next_token(rest: &str, part_start: bool) -> Result<(Token, usize), GlobError> {
    if let Some(after) = rest.strip_prefix("**") {
        return match (after, part_start) {
            ("", true) => Ok((Token::Rest, 2)),
            (after, true) if after.starts_with('/') => Ok((Token::Parts, 3)),
            _ => Err(GlobError::HalfPart),
        };
    }
    let first = rest.chars().next().unwrap_or_default();
    match first {
        '*' => Ok((Token::Within, 1)),
        '?' => Ok((Token::One, 1)),
        '{' => capture(&rest[1..]).map(|(token, length)| (token, length + 2)),
        '}' => Err(GlobError::Unopened),
        '[' | ']' | '\\' => Err(GlobError::Special(first)),
        _ => {
            let end = rest.find(['*', '?', '{', '}', '[', ']', '\\']).unwrap_or(rest.len());
            Ok((Token::Literal(rest[..end].to_owned()), end))
        }
    }
}

fn capture(rest: &str) -> Result<(Token, usize), GlobError> {
    let end = rest.find(['}', '/']).filter(|&end| rest[end..].starts_with('}'));
    let name = &rest[..end.ok_or(GlobError::Unclosed)?];
    let word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !word || name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(GlobError::Name(name.to_owned()));
    }
    Ok((Token::Capture(name.to_owned()), name.len()))
}

fn push(tokens: &mut Vec<Token>, token: Token) {
    // `**/**` says no more than `**`.
    match (tokens.last(), &token) {
        (Some(Token::Parts), Token::Parts) => {}
        (Some(Token::Parts), Token::Rest) => {
            tokens.pop();
            tokens.push(token);
        }
        _ => tokens.push(token),
    }
}

fn check_captures(tokens: &[Token]) -> Result<(), GlobError> {
    let mut seen = BTreeSet::new();
    for (token, next) in tokens.iter().zip(tokens.iter().skip(1).map(Some).chain([None])) {
        let open = |token: &Token| matches!(token, Token::Capture(_) | Token::Within);
        let shown = match token {
            Token::Capture(name) => format!("{{{name}}}"),
            _ => "*".to_owned(),
        };
        let touches = open(token) && next.is_some_and(open);
        if touches {
            return Err(GlobError::Adjacent(shown));
        }
        if let Token::Capture(name) = token
            && !seen.insert(name.to_ascii_lowercase())
        {
            return Err(GlobError::Twice(name.clone()));
        }
    }
    Ok(())
}

/// One attempt at one key. Positions that led nowhere are remembered, so that
/// no pattern takes exponential time.
struct Attempt<'g> {
    tokens: &'g [Token],
    key: &'g str,
    /// Whether nothing comes of token `t` at byte `b`, at `t * (len + 1) + b`.
    dead: Vec<bool>,
    captures: Captures,
}

impl Attempt<'_> {
    fn run(&mut self, token: usize, at: usize) -> bool {
        let Some(current) = self.tokens.get(token) else { return at == self.key.len() };
        let mark = token * (self.key.len() + 1) + at;
        if self.dead[mark] {
            return false;
        }
        let Some(end) =
            ends(current, self.key, at).into_iter().find(|&end| self.run(token + 1, end))
        else {
            self.dead[mark] = true;
            return false;
        };
        if let Token::Capture(name) = current {
            self.captures.insert(name.clone(), self.key[at..end].to_owned());
        }
        true
    }
}

/// Where a token that begins at byte `at` may end, nearest first.
fn ends(token: &Token, key: &str, at: usize) -> Vec<usize> {
    let rest = &key[at..];
    let part = &rest[..rest.find('/').unwrap_or(rest.len())];
    let after_chars = part.char_indices().map(|(start, c)| at + start + c.len_utf8());
    match token {
        Token::Literal(text) => {
            rest.starts_with(text.as_str()).then_some(at + text.len()).into_iter().collect()
        }
        Token::One => after_chars.take(1).collect(),
        Token::Within => [at].into_iter().chain(after_chars).collect(),
        Token::Capture(_) => after_chars.collect(),
        Token::Parts => [at]
            .into_iter()
            .chain(rest.match_indices('/').map(|(slash, _)| at + slash + 1))
            .collect(),
        Token::Rest => (!rest.is_empty()).then_some(key.len()).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(pattern: &str, key: &str) -> Option<String> {
        let captures = Glob::parse(pattern).expect(pattern).matches(key)?;
        let shown: Vec<String> = captures.iter().map(|(k, v)| format!("{k}={v}")).collect();
        Some(shown.join(" "))
    }

    #[test]
    fn patterns_match_whole_keys() {
        for (pattern, key, expected) in [
            ("raw/a.csv", "raw/a.csv", Some("")),
            ("raw/a.csv", "raw/a.csv.gz", None),
            ("raw/*.csv", "raw/.csv", Some("")),
            ("raw/*.csv", "raw/x/y.csv", None),
            ("raw/*.csv", "Raw/x.csv", None),
            ("raw/?.csv", "raw/ü.csv", Some("")),
            ("raw/?.csv", "raw//.csv", None),
            ("raw/**/*.csv", "raw/x.csv", Some("")),
            ("raw/**/*.csv", "raw/a/b/x.csv", Some("")),
            ("raw/**/*.csv", "raw.csv", None),
            ("raw/**", "raw/a/b", Some("")),
            ("raw/**", "raw/", None),
            ("**", "any/thing", Some("")),
            ("**/**/x", "x", Some("")),
            ("**/**", "x", Some("")),
            ("raw/{year}/*.csv", "raw/2024/jan.csv", Some("year=2024")),
            ("raw/{year}/*.csv", "raw//jan.csv", None),
            ("{kind}-*.csv", "a-b-c.csv", Some("kind=a")),
            ("{a}-{b}.csv", "x-y-z.csv", Some("a=x b=y-z")),
            ("**/{d}/{f}.csv", "r/2024/01/x.csv", Some("d=01 f=x")),
            ("raw/y={y}/*", "raw/y=2024/ä ö", Some("y=2024")),
        ] {
            assert_eq!(captured(pattern, key).as_deref(), expected, "{pattern} {key}");
        }
    }

    #[test]
    fn no_pattern_takes_exponential_time() {
        let glob = Glob::parse("*a*a*a*a*a*a*a*a*a*a*a*a*b").expect("a pattern");
        assert_eq!(glob.matches(&"a".repeat(1024)), None);
        assert!(glob.matches(&("a".repeat(1023) + "b")).is_some());
    }

    #[test]
    fn what_is_not_a_pattern_says_why() {
        for (pattern, says) in [
            ("", "is empty"),
            ("/raw/x", "begins with `/`"),
            ("raw/**.csv", "whole path parts"),
            ("raw/x**", "whole path parts"),
            ("raw/{year", "not closed"),
            ("raw/{a/b}", "not closed"),
            ("raw/year}", "closes nothing"),
            ("raw/{}", "not a capture"),
            ("raw/{2x}", "not a capture"),
            ("raw/{a b}", "not a capture"),
            ("raw/{a}/{a}", "captures twice"),
            ("raw/{a}/{A}", "captures twice"),
            ("raw/{a}{b}", "no text between"),
            ("raw/{a}*", "no text between"),
            ("raw/*{a}", "no text between"),
            ("raw/[0-9]", "`[` has no special meaning"),
        ] {
            let error = Glob::parse(pattern).expect_err(pattern).to_string();
            assert!(error.contains(says), "{pattern}: {error}");
        }
    }
}
