//! Dates that are not written as ISO 8601 writes them: which patterns would
//! read every text of a column. Inference only suggests them, since `01/02/2024`
//! is two days.

use std::sync::OnceLock;

use crate::value::Patterns;

/// Patterns that people write dates by, one bit each.
const PATTERNS: [&str; 15] = [
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y/%m/%d",
    "%d %b %Y",
    "%d-%b-%Y",
    "%b %d, %Y",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
];

/// Bytes of the longest text that one of them reads, roughly.
const LONGEST: usize = 32;

/// The patterns that read every text so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct DatePatterns(u16);

impl Default for DatePatterns {
    fn default() -> Self {
        Self((1 << PATTERNS.len()) - 1)
    }
}

impl DatePatterns {
    /// Leaves the patterns that read this text too.
    pub(super) fn add(&mut self, text: &[u8]) {
        if self.0 == 0 {
            return;
        }
        let text = text.trim_ascii();
        // Each has a day and a year.
        let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
        if text.len() > LONGEST || digits < 5 {
            self.0 = 0;
            return;
        }
        for (index, patterns) in compiled().iter().enumerate() {
            let bit = 1 << index;
            if self.0 & bit != 0 && patterns.timestamp(text).is_none() {
                self.0 &= !bit;
            }
        }
    }

    /// Leaves the patterns that read the texts of a later part as well.
    pub(super) fn merge(&mut self, later: Self) {
        self.0 &= later.0;
    }

    /// What to do about it, for a note; `None` if no pattern reads every text.
    pub(super) fn suggestion(self) -> Option<String> {
        let left = (0..PATTERNS.len()).filter(|index| self.0 & (1 << index) != 0);
        let left: Vec<_> = left.map(|index| PATTERNS[index]).collect();
        match left[..] {
            [] => None,
            [one] => Some(format!("looks like {one}; declare it")),
            _ => Some(format!("looks like {}; declare which", left.join(" or "))),
        }
    }
}

fn compiled() -> &'static [Patterns] {
    static COMPILED: OnceLock<Vec<Patterns>> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let one = |pattern: &&str| Patterns::compile(&[(*pattern).to_owned()]).ok();
        PATTERNS.iter().filter_map(one).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suggested(texts: &[&str]) -> Option<String> {
        let mut patterns = DatePatterns::default();
        texts.iter().for_each(|text| patterns.add(text.as_bytes()));
        patterns.suggestion()
    }

    #[test]
    fn a_pattern_is_suggested_if_it_reads_every_text() {
        assert_eq!(compiled().len(), PATTERNS.len());
        let said = |text: &str| Some(text.to_owned());
        assert_eq!(
            suggested(&["01/02/2024", "31/12/2023"]),
            said("looks like %d/%m/%Y; declare it")
        );
        assert_eq!(
            suggested(&["01/02/2024"]),
            said("looks like %d/%m/%Y or %m/%d/%Y; declare which")
        );
        assert_eq!(suggested(&["1 Feb 2024"]), said("looks like %d %b %Y; declare it"));
        assert_eq!(
            suggested(&["2015/01/01 01:00:00"]),
            said("looks like %Y/%m/%d %H:%M:%S; declare it")
        );
        assert_eq!(suggested(&["01/02/2024", "13/13/2024"]), None);
        assert_eq!(suggested(&["01/02/2024", "31/01/2024", "01/31/2024"]), None);
        assert_eq!(suggested(&["abc"]), None);
    }
}
