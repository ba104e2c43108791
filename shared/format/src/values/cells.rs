//! Cells of a sheet as the texts that a CSV file would have for them.

use calamine::{DataRef, ExcelDateTime};

/// The text of a cell. `None` if it is empty or holds an error.
///
/// A day is a date, a time without a day is a time, and anything else that is
/// formatted as a date is both; durations are hours, minutes and seconds.
pub(crate) fn cell_text(value: &DataRef<'_>) -> Option<String> {
    Some(match value {
        DataRef::Empty | DataRef::Error(_) => return None,
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.clone()
        }
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(flag) => flag.to_string(),
        DataRef::DateTime(moment) => moment_text(moment),
    })
    .filter(|text| !text.is_empty())
}

fn moment_text(moment: &ExcelDateTime) -> String {
    const DAY_MILLIS: f64 = 86_400_000.0;
    let serial = moment.as_f64();
    let millis = (serial * DAY_MILLIS).round();
    // Beyond the year 9999, or no moment at all: the number as it stands.
    if !(0.0..3_000_000.0).contains(&serial) {
        return serial.to_string();
    }
    let millis = millis as u64;
    let clock = |millis: u64| {
        let seconds = millis / 1000;
        let (hour, minute) = (seconds / 3600, seconds / 60 % 60);
        let fraction = match millis % 1000 {
            0 => String::new(),
            fraction => format!(".{fraction:03}"),
        };
        format!("{hour:02}:{minute:02}:{:02}{fraction}", seconds % 60)
    };
    if moment.is_duration() || millis < DAY_MILLIS as u64 {
        return clock(millis);
    }
    let (year, month, day, ..) = moment.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    match millis % DAY_MILLIS as u64 {
        0 => date,
        rest => format!("{date}T{}", clock(rest)),
    }
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType;

    use super::*;

    fn moment(serial: f64, is_1904: bool) -> String {
        let kind = ExcelDateTimeType::DateTime;
        moment_text(&ExcelDateTime::new(serial, kind, is_1904))
    }

    #[test]
    fn serial_numbers_are_days_and_times() {
        assert_eq!(moment(45_292.0, false), "2024-01-01");
        assert_eq!(moment(45_292.0 - 1462.0, true), "2024-01-01");
        assert_eq!(moment(45_292.75, false), "2024-01-01T18:00:00");
        assert_eq!(moment(45_292.000_011_574_07, false), "2024-01-01T00:00:01");
        assert_eq!(moment(61.0, false), "1900-03-01");
        assert_eq!(moment(59.0, false), "1900-02-28");
        assert_eq!(moment(0.5, false), "12:00:00");
        assert_eq!(moment(-1.5, false), "-1.5");
        let hours = ExcelDateTime::new(1.25, ExcelDateTimeType::TimeDelta, false);
        assert_eq!(moment_text(&hours), "30:00:00");
    }

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        assert_eq!(cell_text(&DataRef::Float(3.0)).as_deref(), Some("3"));
        assert_eq!(cell_text(&DataRef::Float(0.1)).as_deref(), Some("0.1"));
        assert_eq!(cell_text(&DataRef::Bool(true)).as_deref(), Some("true"));
        assert_eq!(cell_text(&DataRef::String(String::new())), None);
    }
}
