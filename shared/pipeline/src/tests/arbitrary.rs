//! Whatever stands in a file, reading it does not panic, and what is refused is
//! refused with a place.

use proptest::prelude::*;

use super::*;
use crate::glob::Glob;

const FULL: &str = include_str!("full.toml");

/// Values that a key may be given by mistake.
const VALUES: [&str; 12] = [
    "1",
    "-1",
    "1.5",
    "true",
    "\"\"",
    "\"x\"",
    "[]",
    "[[]]",
    "{}",
    "{ a = 1 }",
    "1979-05-27",
    "\"{\"",
];

fn check(text: &str) -> Result<(), TestCaseError> {
    let Err(problems) = Pipeline::parse(text) else { return Ok(()) };
    prop_assert!(!problems.problems.is_empty());
    for problem in &problems.problems {
        prop_assert!(problem.line >= 1 && problem.column >= 1 && problem.length >= 1);
        prop_assert!(problem.line <= text.split('\n').count());
        prop_assert!(!problem.message.is_empty());
    }
    prop_assert!(!problems.to_string().is_empty());
    Ok(())
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(.|\n){0,200}") {
        check(&text)?;
    }

    #[test]
    fn a_good_file_with_a_piece_cut_out_is_read_or_refused(
        from in 0..FULL.len(), length in 0..200_usize, put in "[ -~\n]{0,6}"
    ) {
        let end = (from + length).min(FULL.len());
        check(&format!("{}{put}{}", &FULL[..from], &FULL[end..]))?;
    }

    #[test]
    fn any_type_of_a_column_is_read_or_refused(
        pieces in proptest::collection::vec(
            prop::sample::select(vec![
                "list", "struct", "decimal", "int64", "<", ">", "(", ")", ",", ":", "a", "\"", "2",
            ]),
            0..12,
        )
    ) {
        if let Ok(found) = pieces.concat().parse::<millrace_contract::DataType>() {
            prop_assert_eq!(found.to_string().parse(), Ok(found));
        }
    }

    #[test]
    fn any_value_for_any_key_is_read_or_refused(
        line in 0..FULL.lines().count(), value in proptest::sample::select(&VALUES[..])
    ) {
        let changed = FULL.lines().enumerate().map(|(number, text)| match text.split_once(" = ") {
            Some((key, _)) if number == line => format!("{key} = {value}\n"),
            _ => format!("{text}\n"),
        });
        check(&changed.collect::<String>())?;
    }

    #[test]
    fn any_pattern_is_parsed_or_refused_and_matches_without_a_panic(
        pattern in "[a-c/*?{}é]{0,12}", key in "[a-c/é]{0,12}"
    ) {
        let Ok(glob) = Glob::parse(&pattern) else { return Ok(()) };
        if let Some(captures) = glob.matches(&key) {
            prop_assert_eq!(captures.len(), glob.capture_names().count());
            prop_assert!(key.starts_with(glob.literal_prefix()));
            for value in captures.values() {
                prop_assert!(!value.is_empty() && !value.contains('/') && key.contains(value));
            }
        }
    }

    #[test]
    fn a_key_made_for_a_file_leads_back_to_its_dataset(
        year in "[0-9]{4}", file in "[a-z]{1,8}", folder in "[a-z/]{0,8}"
    ) {
        let pipeline = with_patterns(&["raw/{year}/*.csv", "raw/*/x*.csv"]);
        let captures = [("year".to_owned(), year.clone())].into();
        let file = format!("{folder}/{file}.csv");
        let key = pipeline.key_for("a", &file, &captures).unwrap();
        let route = pipeline.route("p-raw", &key).unwrap();
        prop_assert_eq!(&route.dataset.name, "a");
        prop_assert_eq!(&route.captures["year"], &year);
    }
}
