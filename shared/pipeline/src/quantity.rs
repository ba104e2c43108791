//! Durations (`"5m"`) and numbers of bytes (`"8MiB"`), read and shown.

use std::time::Duration;

const SECONDS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];

/// Units that are read and never shown: a year has 365 days.
const LONG: [(&str, u64); 2] = [("y", 365 * 86_400), ("w", 7 * 86_400)];

const BYTES: [(&str, u64); 9] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("kB", 1_000),
    ("B", 1),
    ("", 1),
];

/// Reads `30s`, `5m`, `2h`, `1d`, `2w`, `3y` and sums of them such as `1h30m`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut seconds = 0_u64;
    while !rest.is_empty() {
        let (amount, after) = leading_number(rest)?;
        let (unit, scale) = units().find(|(unit, _)| after.starts_with(unit))?;
        seconds = seconds.checked_add(amount.checked_mul(scale)?)?;
        rest = &after[unit.len()..];
    }
    (!text.trim().is_empty()).then(|| Duration::from_secs(seconds))
}

fn units() -> impl Iterator<Item = (&'static str, u64)> {
    SECONDS.into_iter().chain(LONG)
}

/// Reads `512KiB`, `8MiB`, `2GB`, `100` (bytes).
pub(crate) fn size(text: &str) -> Option<u64> {
    let (amount, unit) = leading_number(text.trim())?;
    let unit = unit.trim_start();
    let (_, scale) = BYTES.into_iter().find(|(name, _)| *name == unit)?;
    amount.checked_mul(scale)
}

fn leading_number(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..digits].parse().ok()?, &text[digits..]))
}

/// The duration in its largest units, as in `12h` or `1m30s`.
pub(crate) fn show_duration(duration: Duration) -> String {
    let mut seconds = duration.as_secs();
    let mut shown = String::new();
    for (unit, scale) in SECONDS {
        if seconds >= scale {
            shown += &format!("{}{unit}", seconds / scale);
            seconds %= scale;
        }
    }
    if shown.is_empty() { "0s".to_owned() } else { shown }
}

/// The number of bytes in the largest unit that divides it.
pub(crate) fn show_size(bytes: u64) -> String {
    let (unit, scale) = BYTES
        .into_iter()
        .find(|(unit, scale)| {
            unit.ends_with("iB") && bytes >= *scale && bytes.is_multiple_of(*scale)
        })
        .unwrap_or(("B", 1));
    format!("{}{unit}", bytes / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_shown() {
        for (text, seconds, shown) in [
            ("30s", 30, "30s"),
            ("5m", 300, "5m"),
            ("1h30m", 5_400, "1h30m"),
            ("90m", 5_400, "1h30m"),
            ("14d", 1_209_600, "14d"),
            ("2w", 1_209_600, "14d"),
            ("3y", 94_608_000, "1095d"),
            (" 0s ", 0, "0s"),
        ] {
            let read = duration(text).expect(text);
            assert_eq!(read.as_secs(), seconds, "{text}");
            assert_eq!(show_duration(read), shown);
        }
        for text in [
            "",
            "5",
            "m",
            "5 m",
            "-5m",
            "1.5h",
            "5min",
            "99999999999999999999s",
            "999999999999999999d",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_read_and_shown() {
        for (text, bytes, shown) in [
            ("100", 100, "100B"),
            ("8MiB", 8 << 20, "8MiB"),
            ("8 MiB", 8 << 20, "8MiB"),
            ("2GB", 2_000_000_000, "1953125KiB"),
            ("1536KiB", 1536 << 10, "1536KiB"),
        ] {
            let read = size(text).expect(text);
            assert_eq!(read, bytes, "{text}");
            assert_eq!(show_size(read), shown);
        }
        for text in ["", "MiB", "8mib", "-1", "1.5GiB", "99999999999GiB"] {
            assert_eq!(size(text), None, "{text}");
        }
    }
}
