//! `*` in a pattern stands for any text.

use super::PatternError;

/// A text with gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wildcard(Vec<Letter>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Letter {
    This(char),
    Gap,
}

impl Wildcard {
    /// Reads a text in which `*` is a gap, `\*` an asterisk and `\\` a
    /// backslash. Two gaps can't be side by side.
    pub(super) fn parse(text: &str) -> Result<Self, PatternError> {
        let mut letters: Vec<Letter> = Vec::with_capacity(text.len());
        let mut chars = text.chars().enumerate();
        while let Some((at, letter)) = chars.next() {
            letters.push(match letter {
                '*' if letters.last() == Some(&Letter::Gap) => {
                    return Err(PatternError::Consecutive(at));
                }
                '*' => Letter::Gap,
                '\\' => match chars.next() {
                    Some((_, escaped @ ('*' | '\\'))) => Letter::This(escaped),
                    Some(_) | None => return Err(PatternError::Escape(at)),
                },
                letter => Letter::This(letter),
            });
        }
        Ok(Self(letters))
    }

    /// Whether all of `text` fits. Takes time of at most the product of both
    /// lengths.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut wanted, mut found) = (0, 0);
        // The last gap, and how far it reaches.
        let mut gap: Option<(usize, usize)> = None;
        while found < text.len() {
            match self.0.get(wanted) {
                Some(Letter::This(letter)) if *letter == text[found] => {
                    wanted += 1;
                    found += 1;
                }
                Some(Letter::Gap) => {
                    gap = Some((wanted, found));
                    wanted += 1;
                }
                Some(Letter::This(_)) | None => {
                    let Some((at, reach)) = gap else { return false };
                    gap = Some((at, reach + 1));
                    wanted = at + 1;
                    found = reach + 1;
                }
            }
        }
        self.0[wanted..].iter().all(|letter| *letter == Letter::Gap)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Too simple to be wrong, and too slow to be used.
    fn fits(letters: &[Letter], text: &[char]) -> bool {
        match (letters, text) {
            ([], text) => text.is_empty(),
            ([Letter::Gap, rest @ ..], text) => {
                (0..=text.len()).any(|skipped| fits(rest, &text[skipped..]))
            }
            ([Letter::This(letter), rest @ ..], [first, text @ ..]) => {
                letter == first && fits(rest, text)
            }
            ([Letter::This(_), ..], []) => false,
        }
    }

    proptest! {
        #[test]
        fn a_text_fits_if_there_is_a_way_to_fill_the_gaps(
            pattern in "[ab*]{0,8}",
            text in "[ab]{0,12}",
        ) {
            prop_assume!(!pattern.contains("**"));
            let wildcard = Wildcard::parse(&pattern).unwrap();
            let letters: Vec<char> = text.chars().collect();
            prop_assert_eq!(wildcard.matches(&text), fits(&wildcard.0, &letters));
        }
    }
}
