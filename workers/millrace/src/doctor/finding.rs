//! What was looked at, how it is, and what to do about it.

use serde::Serialize;

use crate::show::{self, Style};

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Health {
    /// As it should be.
    Good,
    /// It works, and could do harm yet; or it could not be found out.
    Doubtful,
    /// It does not work.
    Broken,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Finding {
    /// What it belongs to: `credentials`, `queue`, `bucket` …
    pub(super) area: &'static str,
    /// Its name.
    pub(super) subject: String,
    /// How it is.
    pub(super) health: Health,
    /// What was seen.
    pub(super) seen: String,
    /// What to do; nothing where all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<String>,
}

/// What was found so far. Each is printed as it is found, where a person looks.
pub(super) struct Findings {
    found: Vec<Finding>,
    prints: bool,
}

impl Findings {
    pub(super) fn new(prints: bool) -> Self {
        Self { found: Vec::new(), prints }
    }

    /// All is well.
    pub(super) fn good(&mut self, area: &'static str, subject: &str, seen: impl Into<String>) {
        self.add(area, subject, Health::Good, seen.into(), None);
    }

    /// It works, but.
    pub(super) fn doubtful(
        &mut self,
        area: &'static str,
        subject: &str,
        seen: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(area, subject, Health::Doubtful, seen.into(), Some(remedy.into()));
    }

    /// It does not work.
    pub(super) fn broken(
        &mut self,
        area: &'static str,
        subject: &str,
        seen: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(area, subject, Health::Broken, seen.into(), Some(remedy.into()));
    }

    fn add(
        &mut self,
        area: &'static str,
        subject: &str,
        health: Health,
        seen: String,
        remedy: Option<String>,
    ) {
        let finding = Finding { area, subject: subject.to_owned(), health, seen, remedy };
        if self.prints {
            finding.print();
        }
        self.found.push(finding);
    }

    /// All of it, after a last line that sums it up.
    pub(super) fn finish(self) -> Vec<Finding> {
        if self.prints {
            let count = |health| self.found.iter().filter(|one| one.health == health).count();
            let (doubtful, broken) = (count(Health::Doubtful), count(Health::Broken));
            show::line(match (doubtful, broken) {
                (0, 0) => format!("\n{} checks, all is well", self.found.len()),
                _ => format!("\n{} checks: {broken} broken, {doubtful} doubtful", self.found.len()),
            });
        }
        self.found
    }
}

impl Finding {
    fn print(&self) {
        let (mark, style) = match self.health {
            Health::Good => ("ok   ", Style::Good),
            Health::Doubtful => ("doubt", Style::Bold),
            Health::Broken => ("BAD  ", Style::Bad),
        };
        let mark = show::styled(mark, style);
        show::line(format!("{mark}  {} {}: {}", self.area, self.subject, self.seen));
        if let Some(remedy) = &self.remedy {
            show::line(format!("       → {remedy}"));
        }
    }
}
