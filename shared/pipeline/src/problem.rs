//! What is wrong with a pipeline file, printed the way a compiler would.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// How many characters of the line are at fault, at least 1.
    pub length: usize,
    /// The key at fault, as in `datasets.expenses.load.mode`; empty for the file
    /// as a whole.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The line as it stands in the file, passwords in URLs masked.
    pub source_line: String,
}

impl Problem {
    /// Places a problem at a byte range of the text.
    pub(crate) fn at(text: &str, span: Range<usize>, finding: Finding) -> Self {
        let start = floor_boundary(text, span.start);
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let end = floor_boundary(text, span.end).clamp(start, line_end);
        Self {
            line: text[..start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            length: text[start..end].chars().count().max(1),
            key: finding.key,
            message: finding.message,
            hint: finding.hint,
            source_line: mask_password(text[line_start..line_end].trim_end_matches('\r')),
        }
    }

    /// The problem under a file's name: position and message, the line, a caret
    /// and the hint.
    pub fn render(&self, file: &str) -> String {
        let Self { line, column, message, source_line, .. } = self;
        let gutter = " ".repeat(line.to_string().len());
        let indent: String =
            source_line.chars().take(column - 1).map(|c| if c == '\t' { c } else { ' ' }).collect();
        let carets = "^".repeat(self.length);
        let mut text = format!(
            "{file}:{line}:{column}: {message}\n{gutter} |\n{line} | {source_line}\n{gutter} | {indent}{carets}\n"
        );
        if let Some(hint) = &self.hint {
            text += &format!("{gutter} = {hint}\n");
        }
        text
    }
}

/// Everything that is wrong with a pipeline file, in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problems {
    /// The file's name as it was given, or `millrace.toml`.
    pub file: String,
    /// The problems; never empty.
    pub problems: Vec<Problem>,
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "{}", problem.render(&self.file))?;
        }
        match self.problems.len() {
            1 => write!(f, "1 problem in {}", self.file),
            count => write!(f, "{count} problems in {}", self.file),
        }
    }
}

impl std::error::Error for Problems {}

/// A problem before it has a line: the key at fault, message and hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) key: String,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// Replaces the password of `scheme://user:password@host` by as many stars, so
/// that columns stay where they are.
fn mask_password(line: &str) -> String {
    let masked = || {
        let authority = line.find("://")? + 3;
        let at = authority + line[authority..].rfind('@')?;
        let colon = authority + line[authority..at].find(':')?;
        let stars = "*".repeat(line[colon + 1..at].chars().count());
        Some(format!("{}{stars}{}", &line[..=colon], &line[at..]))
    };
    masked().unwrap_or_else(|| line.to_owned())
}

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding() -> Finding {
        Finding { key: "k".into(), message: "no good".into(), hint: Some("do better".into()) }
    }

    #[test]
    fn a_problem_is_shown_with_its_line_and_a_caret() {
        let text = "a = 1\n\tÄöü = \"x\"\n";
        let at = text.find("\"x\"").expect("there");
        let problem = Problem::at(text, at..at + 3, finding());
        assert_eq!((problem.line, problem.column, problem.length), (2, 8, 3));
        insta::assert_snapshot!(problem.render("f.toml"), @r#"
        f.toml:2:8: no good
          |
        2 | 	Äöü = "x"
          | 	      ^^^
          = do better
        "#);
    }

    #[test]
    fn a_span_beyond_the_text_and_across_lines_is_cut_to_its_first_line() {
        let problem = Problem::at("ab\ncd", 1..4, finding());
        assert_eq!((problem.line, problem.column, problem.length), (1, 2, 1));
        let problem = Problem::at("ab\ncd", 90..99, finding());
        assert_eq!((problem.line, problem.column, problem.length), (2, 3, 1));
    }

    #[test]
    fn a_password_is_not_shown() {
        for (line, shown) in [
            (r#"url = "postgres://u:s3cr:et@h/d""#, r#"url = "postgres://u:*******@h/d""#),
            (r#"url = "postgres://h:5432/d""#, r#"url = "postgres://h:5432/d""#),
            (r#"url = "sqlite://a@b""#, r#"url = "sqlite://a@b""#),
        ] {
            assert_eq!(mask_password(line), shown);
        }
    }
}
