//! Cron expressions against the examples of the documentation, and against a
//! search that tries every minute.

use chrono::TimeDelta;
use chrono_tz::{America, Europe, UTC};
use proptest::prelude::*;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn firings(cron: &str, from: &str, zone: Tz, count: usize) -> Vec<String> {
    let cron: Cron = cron.parse().unwrap();
    let next = |after: &DateTime<Utc>| cron.next_after(*after, zone);
    std::iter::successors(next(&at(from)), next)
        .take(count)
        .map(|at| at.format("%Y-%m-%dT%H:%M").to_string())
        .collect()
}

#[test]
fn the_examples_of_the_documentation_fire_when_it_says() {
    // 2026-11-01 is a Sunday.
    for (cron, expected) in [
        ("0 10 * * ? *", ["2026-11-01T10:00", "2026-11-02T10:00"]),
        ("15 12 * * ? *", ["2026-11-01T12:15", "2026-11-02T12:15"]),
        ("0 18 ? * MON-FRI *", ["2026-11-02T18:00", "2026-11-03T18:00"]),
        ("0 8 1 * ? *", ["2026-11-01T08:00", "2026-12-01T08:00"]),
        ("0/15 * * * ? *", ["2026-11-01T00:15", "2026-11-01T00:30"]),
        ("0/10 * ? * MON-FRI *", ["2026-11-02T00:00", "2026-11-02T00:10"]),
        ("0/5 8-17 ? * MON-FRI *", ["2026-11-02T08:00", "2026-11-02T08:05"]),
        ("0/30 20-2/6 ? * 2-6 *", ["", ""]),
        ("15 10 ? * 6L 2022-2030", ["2026-11-27T10:15", "2026-12-25T10:15"]),
        ("0 9 ? * 3#1 *", ["2026-11-03T09:00", "2026-12-01T09:00"]),
        ("0 0 L * ? *", ["2026-11-30T00:00", "2026-12-31T00:00"]),
        ("0 0 3W * ? *", ["2026-11-03T00:00", "2026-12-03T00:00"]),
        ("0 0 LW * ? *", ["2026-11-30T00:00", "2026-12-31T00:00"]),
        ("0 0 1W * ? *", ["2026-11-02T00:00", "2026-12-01T00:00"]),
        ("0 0 ? * L *", ["2026-11-07T00:00", "2026-11-14T00:00"]),
        ("0 0 29 2 ? *", ["2028-02-29T00:00", "2032-02-29T00:00"]),
        ("0 0 1 jan,JUL ? 2028/2", ["2028-01-01T00:00", "2028-07-01T00:00"]),
        ("30 1,13 15,20 * ? *", ["2026-11-15T01:30", "2026-11-15T13:30"]),
    ] {
        if expected[0].is_empty() {
            assert!(cron.parse::<Cron>().is_err(), "{cron}");
            continue;
        }
        assert_eq!(firings(cron, "2026-11-01T00:00:00Z", UTC, 2), expected, "{cron}");
    }
}

#[test]
fn what_never_comes_is_never_fired() {
    for cron in ["0 0 31 2 ? *", "0 0 1 1 ? 2025", "0 0 ? 2 1#5 2026"] {
        assert_eq!(firings(cron, "2026-11-01T00:00:00Z", UTC, 1), [""; 0], "{cron}");
    }
    assert_eq!(firings("59 23 31 12 ? 2199", "2026-11-01T00:00:00Z", UTC, 3).len(), 1);
}

#[test]
fn a_time_that_is_skipped_is_not_fired_and_one_shown_twice_is_fired_once() {
    let new_york = America::New_York;
    // 2:00 becomes 3:00 on March 8th.
    let spring = firings("30 2 * * ? *", "2026-03-07T12:00:00Z", new_york, 1);
    assert_eq!(spring, ["2026-03-09T06:30"]);
    // 2:00 becomes 1:00 on November 1st.
    let autumn = firings("30 1 * * ? *", "2026-11-01T00:00:00Z", new_york, 2);
    assert_eq!(autumn, ["2026-11-01T05:30", "2026-11-02T06:30"]);
    let between = firings("*/30 1 * * ? *", "2026-11-01T06:10:00Z", new_york, 1);
    assert_eq!(between, ["2026-11-02T06:00"]);
    let berlin = firings("0 2 * * ? *", "2026-03-28T00:00:00Z", Europe::Berlin, 2);
    assert_eq!(berlin, ["2026-03-28T01:00", "2026-03-30T00:00"]);
}

#[test]
fn what_is_wrong_is_named() {
    for (cron, named) in [
        ("0 10 * * ?", "has 5 fields"),
        ("0 10 * * * *", "must be `?`"),
        ("0 10 ? * ? *", "must be `?`"),
        ("0 10 1 * MON *", "must be `?`"),
        ("60 10 * * ? *", "`60` is not a minute"),
        ("0 24 * * ? *", "`24` is not a hour"),
        ("0 10 0 * ? *", "`0` is not a day of month"),
        ("0 10 32W * ? *", "`32` is not a day of month"),
        ("0 10 * 13 ? *", "`13` is not a month"),
        ("0 10 ? * 0 *", "`0` is not a day of week"),
        ("0 10 ? * FOO *", "`FOO` is not a day of week"),
        ("0 10 ? * 2#6 *", "after `#`"),
        ("0 10 * * ? 1969", "`1969` is not a year"),
        ("0 10 * * ? 2200", "`2200` is not a year"),
        ("0/0 10 * * ? *", "step"),
        ("30-10 10 * * ? *", "from the lower"),
        ("? 10 * * ? *", "`?` is not a minute"),
        ("0 10 * L ? *", "`L` is not a month"),
        ("1, 10 * * ? *", "`` is not a minute"),
        ("+1 10 * * ? *", "`+1` is not a minute"),
    ] {
        let error = cron.parse::<Cron>().unwrap_err().to_string();
        assert!(error.contains(named), "{cron}: {error}");
    }
}

fn field(min: u16, max: u16) -> impl Strategy<Value = String> {
    let one = prop_oneof![
        2 => Just("*".to_owned()),
        3 => (min..=max).prop_map(|number| number.to_string()),
        2 => (min..=max, min..=max).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        1 => (min..=max, 1..=max.min(12)).prop_map(|(from, step)| format!("{from}/{step}")),
        1 => (1..=max.min(12)).prop_map(|step| format!("*/{step}")),
    ];
    prop::collection::vec(one, 1..3).prop_map(|parts| parts.join(","))
}

fn days() -> impl Strategy<Value = (String, String)> {
    let none = || "?".to_owned();
    prop_oneof![
        field(1, 31).prop_map(move |days| (days, none())),
        field(1, 7).prop_map(move |days| (none(), days)),
        (1..=31u16).prop_map(move |day| (format!("{day}W,L"), none())),
        Just(("LW".to_owned(), "?".to_owned())),
        (1..=7u16, 1..=5u16).prop_map(move |(day, nth)| (none(), format!("{day}#{nth},{day}L"))),
    ]
}

prop_compose! {
    fn cron()(
        minutes in field(0, 59),
        hours in field(0, 23),
        (of_month, of_week) in days(),
        months in field(1, 12),
    ) -> String {
        format!("{minutes} {hours} {of_month} {months} {of_week} *")
    }
}

/// Whether the wall clock shows a matching time at `instant`, for the first
/// time.
fn fires(cron: &Cron, instant: DateTime<Utc>, zone: Tz) -> bool {
    let shown = instant.with_timezone(&zone).naive_local();
    let minute = any_contains(&cron.minutes, shown.minute());
    let hour = any_contains(&cron.hours, shown.hour());
    minute && hour && cron.has(shown.date()) && zone::instant(shown, zone) == Some(instant)
}

proptest! {
    #[test]
    fn an_expression_survives_being_written_and_read(text in cron()) {
        let cron: Cron = text.parse().unwrap();
        prop_assert_eq!(cron.to_string().parse::<Cron>().unwrap(), cron);
    }

    #[test]
    fn the_next_firing_is_the_first_minute_that_matches(
        text in cron(),
        // Around both changes of the clock in 2026.
        start in prop_oneof![1_772_900_000i64..1_773_000_000, 1_793_450_000i64..1_793_550_000],
    ) {
        let cron: Cron = text.parse().unwrap();
        let zone = America::New_York;
        let after = DateTime::<Utc>::from_timestamp(start, 0).unwrap();
        let first = DateTime::<Utc>::from_timestamp(start / 60 * 60 + 60, 0).unwrap();
        let mut minutes = (0..3 * 24 * 60).map(|minute| first + TimeDelta::minutes(minute));
        let last = minutes.clone().next_back().unwrap();
        let expected = minutes.find(|at| fires(&cron, *at, zone));
        let next = cron.next_after(after, zone);
        match expected {
            Some(expected) => prop_assert_eq!(next, Some(expected)),
            None => prop_assert!(next.is_none_or(|next| next > last)),
        }
    }
}
