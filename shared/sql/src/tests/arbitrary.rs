//! Whatever stands in a rule, compiling and evaluating it does not panic.

use proptest::prelude::*;

use super::*;

const WORDS: [&str; 36] = [
    "amount",
    "currency",
    "date",
    "qty",
    "big",
    "rate",
    "paid",
    "at",
    "0",
    "1.5",
    "'x'",
    "null",
    "true",
    "(",
    ")",
    "+",
    "-",
    "*",
    "/",
    "%",
    "=",
    "<",
    "<>",
    "and",
    "or",
    "not",
    "is",
    "in",
    "between",
    "like",
    "~",
    "case",
    "when",
    "cast",
    ",",
    "'2024-01-01'",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_is_a_rule_or_refused(rule in ".{0,40}") {
        let _ = verdicts(&rule);
    }

    #[test]
    fn any_words_are_a_rule_or_refused(
        words in proptest::collection::vec(proptest::sample::select(&WORDS[..]), 1..10)
    ) {
        let _ = verdicts(&words.join(" "));
    }
}
