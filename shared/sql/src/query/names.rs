//! Names in a query are matched as everywhere else: without regard to letter
//! case, unless they are quoted.
//!
//! DataFusion writes every name that is not quoted in small letters and then
//! wants it exactly. So tables and columns are shown to it in small letters, what
//! is quoted is changed likewise before it is parsed, and the columns that come
//! out get back the letters they had.

use std::collections::HashMap;

use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Word};

/// The names of tables and columns that have other letters than DataFusion sees.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// By the name as it is, the name that is shown.
    shown: HashMap<String, String>,
    /// By the name that is shown, the name as it is.
    real: HashMap<String, String>,
    /// By the name folded, the name that is shown, where DataFusion folds
    /// otherwise.
    folded: HashMap<String, String>,
}

impl Names {
    /// Takes a name up and answers how it is shown. Of names that differ in case
    /// alone, the first is given back.
    pub(crate) fn show(&mut self, name: &str) -> String {
        let shown = name.to_ascii_lowercase();
        self.real.entry(shown.clone()).or_insert_with(|| name.to_owned());
        if shown != name {
            self.shown.insert(name.to_owned(), shown.clone());
        }
        if !name.is_ascii() {
            self.folded.entry(name.to_lowercase()).or_insert_with(|| shown.clone());
        }
        shown
    }

    /// Takes a table's name up, which is not given back for a column.
    pub(crate) fn show_table(&mut self, name: &str) -> String {
        let shown = name.to_ascii_lowercase();
        if shown != name {
            self.shown.insert(name.to_owned(), shown.clone());
        }
        shown
    }

    /// The name as it is, of one that is shown.
    pub(crate) fn real(&self, shown: &str) -> String {
        self.real.get(shown).cloned().unwrap_or_else(|| shown.to_owned())
    }

    /// Whether a name that is shown is a column's.
    pub(crate) fn has(&self, shown: &str) -> bool {
        self.real.contains_key(shown)
    }

    /// Writes the names of a query as they are shown.
    pub(crate) fn rewrite(&self, tokens: &mut [TokenWithSpan]) {
        for token in tokens {
            if let Token::Word(word) = &mut token.token {
                self.rewrite_word(word);
            }
        }
    }

    fn rewrite_word(&self, word: &mut Word) {
        let shown = match word.quote_style {
            Some(_) => self.shown.get(&word.value),
            None if word.value.is_ascii() => None,
            None => self.folded.get(&word.value.to_lowercase()),
        };
        if let Some(shown) = shown {
            word.value.clone_from(shown);
            word.quote_style.get_or_insert('"');
        }
    }
}
