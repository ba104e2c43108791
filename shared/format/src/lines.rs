//! How lines end, and how many there are.

use memchr::{memchr_iter, memchr2};

/// What ends the lines of a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum LineEnd {
    /// LF; a CR before it belongs to it.
    #[default]
    Lf,
    /// CR, as in old files.
    Cr,
    /// LF, CRLF and CR in any mixture.
    Mixed,
}

impl LineEnd {
    /// How the first line of a text ends. `None` if it does not end there.
    pub(crate) fn of_first_line(text: &[u8], at_end: bool) -> Option<Self> {
        match memchr2(b'\n', b'\r', text) {
            Some(at) if text[at] == b'\n' => Some(Self::Lf),
            Some(at) if at + 1 == text.len() => at_end.then_some(Self::Cr),
            Some(at) if text[at + 1] == b'\n' => Some(Self::Lf),
            Some(_) => Some(Self::Cr),
            None => at_end.then_some(Self::Lf),
        }
    }

    /// The byte that always ends a line.
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Lf | Self::Mixed => b'\n',
            Self::Cr => b'\r',
        }
    }

    /// How many lines end in a text, which does not end within a CRLF.
    pub(crate) fn count(self, text: &[u8]) -> usize {
        let ends = memchr_iter(self.byte(), text).count();
        match self {
            Self::Lf | Self::Cr => ends,
            Self::Mixed => {
                let alone = |&at: &usize| text.get(at + 1) != Some(&b'\n');
                ends + memchr_iter(b'\r', text).filter(alone).count()
            }
        }
    }

    /// Where the first line of a text ends and where the next one starts. `None`
    /// if no line ends in it, or it can't be told yet.
    pub(crate) fn first(self, text: &[u8], at_end: bool) -> Option<(usize, usize)> {
        let at = match self {
            Self::Lf | Self::Cr => memchr::memchr(self.byte(), text)?,
            Self::Mixed => memchr2(b'\n', b'\r', text)?,
        };
        match (self, text[at], text.get(at + 1)) {
            (Self::Mixed, b'\r', Some(b'\n')) => Some((at, at + 2)),
            (Self::Mixed, b'\r', None) if !at_end => None,
            (Self::Lf, ..) if at > 0 && text[at - 1] == b'\r' => Some((at - 1, at + 1)),
            _ => Some((at, at + 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_they_are_said_to() {
        let text = b"a\r\nb\rc\n\rd";
        let counts = [LineEnd::Lf, LineEnd::Cr, LineEnd::Mixed].map(|end| end.count(text));
        assert_eq!(counts, [2, 3, 4]);
        assert_eq!(LineEnd::Lf.first(text, true), Some((1, 3)));
        assert_eq!(LineEnd::Cr.first(text, true), Some((1, 2)));
        assert_eq!(LineEnd::Mixed.first(b"a\rb", true), Some((1, 2)));
        assert_eq!(LineEnd::Mixed.first(b"a\r", false), None);
        assert_eq!(LineEnd::Lf.first(b"a", true), None);
    }
}
