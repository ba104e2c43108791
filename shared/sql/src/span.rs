//! Spans of time as rules have them: `2 days`, `1 day 12 hours`.

/// Microseconds of a span. None for what is no span, or one whose length depends
/// on the calendar, as a month's does.
pub(crate) fn microseconds(text: &str) -> Option<i64> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() || words.len() % 2 == 1 {
        return None;
    }
    words.chunks(2).try_fold(0i64, |total, pair| {
        let number: i64 = pair[0].parse().ok().filter(|number| *number >= 0)?;
        total.checked_add(number.checked_mul(unit(pair[1])?)?)
    })
}

fn unit(name: &str) -> Option<i64> {
    const SECOND: i64 = 1_000_000;
    let name = name.to_ascii_lowercase();
    match name.strip_suffix('s').unwrap_or(&name) {
        "second" | "sec" => Some(SECOND),
        "minute" | "min" => Some(60 * SECOND),
        "hour" => Some(3600 * SECOND),
        "day" => Some(86_400 * SECOND),
        "week" => Some(7 * 86_400 * SECOND),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_numbers_of_units_of_fixed_length() {
        assert_eq!(microseconds("2 days"), Some(172_800_000_000));
        assert_eq!(microseconds(" 1 DAY  12 hours"), Some(129_600_000_000));
        assert_eq!(microseconds("90 minutes"), microseconds("1 hour 30 min"));
        for wrong in
            ["", "2", "days", "1 month", "-1 days", "1.5 days", "9223372036854775807 weeks"]
        {
            assert_eq!(microseconds(wrong), None, "{wrong}");
        }
    }
}
