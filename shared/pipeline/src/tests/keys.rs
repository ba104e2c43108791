//! Keys to datasets and files to keys.

use millrace_contract::Captures;

use super::*;
use crate::KeyError;

fn routed(pipeline: &Pipeline, key: &str) -> Option<String> {
    pipeline.route("p-raw", key).map(|route| route.dataset.name.clone())
}

#[test]
fn a_key_goes_to_the_most_specific_pattern() {
    let pipeline = with_patterns(&[
        "raw/**",
        "raw/a/*.csv",
        "raw/{kind}/*.csv",
        "**/special.csv",
        "raw/a/x.csv",
    ]);
    for (key, dataset) in [
        ("raw/a/x.csv", Some("e")),
        ("raw/a/y.csv", Some("b")),
        // `raw/**` and `raw/{kind}/…` begin alike: the first in the file wins.
        ("raw/b/y.csv", Some("a")),
        ("raw/special.csv", Some("a")),
        ("special.csv", Some("d")),
        ("other.csv", None),
    ] {
        assert_eq!(routed(&pipeline, key).as_deref(), dataset, "{key}");
    }
    assert_eq!(pipeline.route("another-bucket", "raw/a/x.csv"), None);
}

#[test]
fn a_key_goes_to_all_that_share_it_if_the_most_specific_does() {
    let pipeline = with_datasets(
        "[datasets.all]\nmatch = \"log/**\"\nformat = \"csv\"\nshared = true\n\
         [datasets.own]\nmatch = \"log/{day}/own.csv\"\n\
         [datasets.hits]\nmatch = \"log/x/*.csv\"\nwhere = \"kind = 'hit'\"\n\
         [datasets.misses]\nmatch = \"log/x/{name}.csv\"\nwhere = \"kind = 'miss'\"\n\
         [datasets.alone]\nmatch = \"log/x/alone*.csv\"\nwhere = \"a = 1\"\nshared = false\n",
    );
    let names = |key: &str| -> Vec<&str> {
        pipeline.routes("p-raw", key).iter().map(|route| &*route.dataset.name).collect()
    };
    assert_eq!(names("log/x/a.csv"), ["all", "hits", "misses"]);
    assert_eq!(names("log/x/alone.csv"), ["alone"]);
    // `log/` begins both; the first in the file wins, and shares with nobody here.
    assert_eq!(names("log/y/own.csv"), ["all"]);
    assert_eq!(names("elsewhere.csv"), [""; 0]);
    let routes = pipeline.routes("p-raw", "log/x/a.csv");
    assert_eq!(routes[2].captures, captures(&[("name", "a")]));
    let key = |dataset| pipeline.key_for(dataset, "log/x/a.csv", &Captures::new());
    assert!(["all", "hits", "misses"].iter().all(|dataset| key(dataset).is_ok()));
}

#[test]
fn captures_come_with_the_route() {
    let pipeline = with_patterns(&["raw/{year}/{month}-*.csv"]);
    let route = pipeline.route("p-raw", "raw/2024/01-a.csv").unwrap();
    assert_eq!(route.captures, captures(&[("year", "2024"), ("month", "01")]));
}

fn captures(pairs: &[(&str, &str)]) -> Captures {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_files_own_folders_give_its_key_if_they_fit() {
    let pipeline = with_patterns(&["raw/{year}/*.csv", "**/*.log"]);
    let key = |dataset, file| pipeline.key_for(dataset, file, &Captures::new()).unwrap();
    assert_eq!(key("a", "/home/me/raw/2024/jan.csv"), "raw/2024/jan.csv");
    assert_eq!(key("a", r"C:\data\raw\2024\jan.csv"), "raw/2024/jan.csv");
    assert_eq!(key("a", "raw/raw/2024/jan.csv"), "raw/2024/jan.csv");
    assert_eq!(key("b", "logs/x.log"), "logs/x.log");
}

#[test]
fn captures_that_are_given_fill_the_pattern() {
    let pipeline = with_patterns(&["raw/{year}/*.csv", "logs/**/day={day}/x-?.log", "one.csv"]);
    let year = captures(&[("year", "2023")]);
    assert_eq!(pipeline.key_for("a", "jan.csv", &year).unwrap(), "raw/2023/jan.csv");
    // What is given wins over what the folders say.
    assert_eq!(pipeline.key_for("a", "raw/2024/jan.csv", &year).unwrap(), "raw/2023/jan.csv");
    let day = captures(&[("day", "7")]);
    assert_eq!(pipeline.key_for("b", "tmp/x-1.log", &day).unwrap(), "logs/day=7/x-1.log");
    assert_eq!(pipeline.key_for("c", "tmp/one.csv", &day).unwrap(), "one.csv");
}

#[test]
fn a_file_without_a_key_is_told_why() {
    let pipeline = with_patterns(&["raw/{year}/*.csv", "raw/*/x.csv", "raw/2024/jan.csv"]);
    let refusals: Vec<String> = [
        ("a", "jan.txt", captures(&[("year", "2024")])),
        ("a", "jan.csv", Captures::new()),
        ("a", "jan.csv", captures(&[("year", "20/24")])),
        ("a", "jan.csv", captures(&[("year", "2024")])),
        ("b", "x.csv", Captures::new()),
        ("z", "x.csv", Captures::new()),
    ]
    .into_iter()
    .map(|(dataset, file, given)| pipeline.key_for(dataset, file, &given).unwrap_err().to_string())
    .collect();
    insta::assert_snapshot!(refusals.join("\n"));
    assert!(matches!(
        pipeline.key_for("a", "jan.csv", &Captures::new()),
        Err(KeyError::MissingCapture { capture, .. }) if capture == "year"
    ));
}
