//! When something is late, over days on which clocks are changed, too.

use chrono_tz::Europe::London;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn daily() -> Expected {
    Expected::parse("cron(0 7 * * ? *)", London).unwrap()
}

/// Since when, and the newest time that was missed.
fn late(expected: &Expected, newest: Option<&str>, now: &str) -> Option<(String, String)> {
    let watched = at("2026-01-01T00:00:00Z");
    let late = expected.late(watched, newest.map(at), at(now))?;
    let text = |time: DateTime<Utc>| time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    Some((text(late.since), text(late.missed)))
}

fn both(time: &str) -> Option<(String, String)> {
    Some((time.to_owned(), time.to_owned()))
}

#[test]
fn what_came_since_the_time_before_is_in_time() {
    let daily = daily();
    for newest in ["2026-02-09T07:00:01Z", "2026-02-10T06:00:00Z", "2026-02-10T07:00:00Z"] {
        assert_eq!(late(&daily, Some(newest), "2026-02-10T12:00:00Z"), None, "{newest}");
    }
    // Until the time comes, nothing is missed yet.
    assert_eq!(late(&daily, Some("2026-02-09T06:00:00Z"), "2026-02-10T06:59:59Z"), None);
    let missed = late(&daily, Some("2026-02-09T07:00:00Z"), "2026-02-10T07:00:00Z");
    assert_eq!(missed, both("2026-02-10T07:00:00Z"));
}

#[test]
fn what_comes_late_ends_it() {
    let newest = Some("2026-02-10T09:30:00Z");
    assert_eq!(late(&daily(), newest, "2026-02-10T09:30:00Z"), None);
}

#[test]
fn each_missed_time_is_another_one_and_it_is_late_since_the_first() {
    let newest = Some("2026-02-07T06:00:00Z");
    let expected = ("2026-02-08T07:00:00Z".to_owned(), "2026-02-10T07:00:00Z".to_owned());
    assert_eq!(late(&daily(), newest, "2026-02-10T08:00:00Z"), Some(expected));
}

#[test]
fn nothing_is_late_before_the_first_time_that_was_watched() {
    let daily = daily();
    let watched = at("2026-02-10T07:00:00Z");
    assert_eq!(daily.late(watched, None, at("2026-02-11T06:59:59Z")), None);
    let first = at("2026-02-11T07:00:00Z");
    let late = Late { since: first, missed: first };
    assert_eq!(daily.late(watched, None, first), Some(late));
    // What came long before does not make it late since before it was watched.
    let old = Some(at("2025-06-01T00:00:00Z"));
    assert_eq!(daily.late(watched, old, first), Some(late));
}

#[test]
fn a_time_of_day_follows_the_wall_clock_over_both_changes() {
    let daily = daily();
    // Spring: 2026-03-29, 01:00 UTC; 7 o'clock is 06:00 UTC from then on.
    let before = Some("2026-03-28T06:30:00Z");
    assert_eq!(late(&daily, before, "2026-03-29T05:59:59Z"), None);
    assert_eq!(late(&daily, before, "2026-03-29T06:00:00Z"), both("2026-03-29T06:00:00Z"));
    // Autumn: 2026-10-25, 01:00 UTC; 7 o'clock is 07:00 UTC from then on.
    let before = Some("2026-10-24T05:30:00Z");
    assert_eq!(late(&daily, before, "2026-10-25T06:59:59Z"), None);
    assert_eq!(late(&daily, before, "2026-10-25T07:00:00Z"), both("2026-10-25T07:00:00Z"));
}

#[test]
fn a_time_that_the_clock_skips_is_not_expected_and_one_shown_twice_is_once() {
    let night = Expected::parse("cron(30 1 * * ? *)", London).unwrap();
    assert_eq!(night.last(at("2026-03-29T12:00:00Z")), Some(at("2026-03-28T01:30:00Z")));
    assert_eq!(night.last(at("2026-10-25T12:00:00Z")), Some(at("2026-10-25T00:30:00Z")));
    assert_eq!(night.next(at("2026-10-25T00:30:00Z")), Some(at("2026-10-26T01:30:00Z")));
}

#[test]
fn rates_lie_on_the_grid_of_utc() {
    let rate = Expected::parse("rate(6 hours)", London).unwrap();
    assert_eq!(rate.last(at("2026-07-01T11:59:59Z")), Some(at("2026-07-01T06:00:00Z")));
    let missed = late(&rate, Some("2026-07-01T06:00:00Z"), "2026-07-01T12:00:00Z");
    assert_eq!(missed, both("2026-07-01T12:00:00Z"));
}

#[test]
fn the_last_time_is_found_however_far_back_it_is() {
    for (text, now, last) in [
        ("cron(* * * * ? *)", "2026-05-05T05:05:30Z", Some("2026-05-05T05:05:00Z")),
        ("cron(0 0 1 1 ? *)", "2026-05-05T05:05:30Z", Some("2026-01-01T00:00:00Z")),
        ("cron(0 0 29 2 ? *)", "2026-05-05T05:05:30Z", Some("2024-02-29T00:00:00Z")),
        ("cron(0 0 1 1 ? 2199)", "2026-05-05T05:05:30Z", None),
    ] {
        let expected = Expected::parse(text, Tz::UTC).unwrap();
        assert_eq!(expected.last(at(now)), last.map(at), "{text}");
    }
}

#[test]
fn what_comes_once_is_not_expected_again_and_again() {
    assert!(Expected::parse("at(2026-11-21T10:00:00)", Tz::UTC).is_err());
    assert!(Expected::parse("daily", Tz::UTC).is_err());
    assert_eq!(daily().to_string(), "cron(0 7 * * ? *) Europe/London");
}
