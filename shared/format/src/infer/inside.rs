//! What the lists and objects of a column hold.

use millrace_contract::{DataType, StructField};

use super::guess::Guess;
use super::objects::{look_at_value, plain};
use crate::json::Tokens;

/// Members that objects have together at most; with more, their keys are values.
const MOST_MEMBERS: usize = 500;

/// Levels that are looked into.
const DEEPEST: usize = 16;

/// Lists and objects so far.
#[derive(Debug, Default, Clone)]
pub(super) struct Inside {
    /// The elements of all lists, if there are lists.
    elements: Option<Box<Guess>>,
    /// The members of all objects by key, in the order in which keys first came.
    members: Vec<(String, Guess)>,
    objects: bool,
    /// Whether there is something that no list and no struct holds.
    shapeless: bool,
}

impl Inside {
    /// Looks at a list or an object that was found to be well formed.
    pub(super) fn add(&mut self, text: &[u8], depth: usize) {
        if depth >= DEEPEST || self.shapeless {
            self.shapeless = true;
        } else if text.first() == Some(&b'[') {
            self.add_list(text, depth);
        } else {
            self.objects = true;
            self.add_object(text, depth);
        }
    }

    fn add_list(&mut self, text: &[u8], depth: usize) {
        let elements = self.elements.get_or_insert_default();
        let mut tokens = Tokens::new(text);
        let mut more = tokens.open_array();
        while let Ok(true) = more {
            let Ok(value) = tokens.value() else { return };
            look_at_value(elements, text, &value, Some(depth + 1));
            more = tokens.next_element();
        }
    }

    fn add_object(&mut self, text: &[u8], depth: usize) {
        let mut tokens = Tokens::new(text);
        let mut more = tokens.open_object();
        let mut expected = 0;
        while let Ok(true) = more {
            let (Ok(key), Ok(value)) = (tokens.key(), tokens.value()) else { return };
            let key = plain(&key, text);
            let Some(position) = self.position_of(&key, expected) else {
                self.shapeless = true;
                return;
            };
            expected = position + 1;
            look_at_value(&mut self.members[position].1, text, &value, Some(depth + 1));
            more = tokens.next_member();
        }
    }

    /// The place of a member, a new one if it is not known. `None` if there are
    /// too many.
    fn position_of(&mut self, key: &[u8], expected: usize) -> Option<usize> {
        let is_it = |(known, _): &(String, Guess)| known.as_bytes() == key;
        if self.members.get(expected).is_some_and(is_it) {
            return Some(expected);
        }
        if let Some(position) = self.members.iter().position(is_it) {
            return Some(position);
        }
        let is_room = self.members.len() < MOST_MEMBERS;
        is_room.then(|| {
            self.members.push((String::from_utf8_lossy(key).into_owned(), Guess::default()));
            self.members.len() - 1
        })
    }

    /// Adds those of a later part of the column.
    pub(super) fn merge(&mut self, later: Self) {
        self.shapeless |= later.shapeless;
        self.objects |= later.objects;
        if let Some(elements) = later.elements {
            self.elements.get_or_insert_default().merge(*elements);
        }
        for (key, guess) in later.members {
            match self.position_of(key.as_bytes(), 0) {
                Some(position) => self.members[position].1.merge(guess),
                None => self.shapeless = true,
            }
        }
    }

    /// The type that holds them all: a list or a struct, or JSON where there are
    /// both, or nothing within that would tell.
    pub(super) fn data_type(&self) -> DataType {
        // A member that is always null may be anything.
        let of = |guess: &Guess| guess.data_type().unwrap_or(DataType::Json);
        match (&self.elements, self.objects, self.shapeless) {
            (Some(elements), false, false) if elements.data_type().is_some() => {
                DataType::list(of(elements))
            }
            (None, true, false) if !self.members.is_empty() => {
                let field = |(name, guess): &(String, Guess)| StructField {
                    name: name.clone(),
                    data_type: of(guess),
                };
                DataType::structure(self.members.iter().map(field).collect())
            }
            _ => DataType::Json,
        }
    }
}
