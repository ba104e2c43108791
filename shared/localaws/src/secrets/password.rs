//! `GetRandomPassword`: a password of the wanted kinds of characters.

use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use serde::Deserialize;
use serde_json::{Value, json};

use super::invalid;
use crate::service::{ServiceError, read};

const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RandomPassword {
    password_length: Option<i64>,
    #[serde(default)]
    exclude_characters: String,
    #[serde(default)]
    exclude_numbers: bool,
    #[serde(default)]
    exclude_punctuation: bool,
    #[serde(default)]
    exclude_uppercase: bool,
    #[serde(default)]
    exclude_lowercase: bool,
    #[serde(default)]
    include_space: bool,
    require_each_included_type: Option<bool>,
}

/// Answers one request.
pub(super) fn random(body: &[u8]) -> Result<Value, ServiceError> {
    let request: RandomPassword = read(body)?;
    let length = match request.password_length.unwrap_or(32) {
        length @ 1..=4096 => length as usize,
        length => {
            return Err(invalid(format!("PasswordLength must be from 1 to 4096, not {length}.")));
        }
    };
    let kinds = request.kinds();
    let all: Vec<char> = kinds.concat();
    if all.is_empty() {
        return Err(invalid("No characters are left to choose from."));
    }
    let mut random = rand::rng();
    let mut password = Vec::with_capacity(length);
    if request.require_each_included_type.unwrap_or(true) {
        if length < kinds.len() {
            return Err(invalid("PasswordLength is too short for a character of each type."));
        }
        password.extend(kinds.iter().filter_map(|kind| kind.choose(&mut random)));
    }
    while password.len() < length {
        password.push(all[random.random_range(0..all.len())]);
    }
    password.shuffle(&mut random);
    Ok(json!({"RandomPassword": password.into_iter().collect::<String>()}))
}

impl RandomPassword {
    /// The characters of each kind that is wanted.
    fn kinds(&self) -> Vec<Vec<char>> {
        let kinds = [
            (!self.exclude_lowercase, LOWER),
            (!self.exclude_uppercase, UPPER),
            (!self.exclude_numbers, DIGITS),
            (!self.exclude_punctuation, PUNCTUATION),
            (self.include_space, " "),
        ];
        let wanted = kinds.into_iter().filter(|(wanted, _)| *wanted).map(|(_, letters)| {
            letters.chars().filter(|letter| !self.exclude_characters.contains(*letter)).collect()
        });
        wanted.filter(|letters: &Vec<char>| !letters.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(request: &Value) -> String {
        let answer = random(request.to_string().as_bytes()).unwrap();
        answer["RandomPassword"].as_str().unwrap().to_owned()
    }

    #[test]
    fn each_kind_is_in_it_and_what_is_excluded_is_not() {
        let plain = password(&json!({}));
        assert_eq!(plain.chars().count(), 32);
        for kind in [LOWER, UPPER, DIGITS, PUNCTUATION] {
            assert!(plain.contains(|letter| kind.contains(letter)), "{plain}");
        }
        let digits = json!({
            "PasswordLength": 50, "ExcludeLowercase": true, "ExcludeUppercase": true,
            "ExcludePunctuation": true, "ExcludeCharacters": "0189",
        });
        assert!(password(&digits).chars().all(|letter| "234567".contains(letter)));
    }

    #[test]
    fn what_can_not_be_made_is_refused() {
        for wrong in [
            json!({"PasswordLength": 0}),
            json!({"PasswordLength": 3}),
            json!({"ExcludeLowercase": true, "ExcludeUppercase": true, "ExcludeNumbers": true,
                   "ExcludePunctuation": true}),
        ] {
            assert!(random(wrong.to_string().as_bytes()).is_err(), "{wrong}");
        }
    }
}
