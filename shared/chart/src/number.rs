//! Numbers for people: exact digits where they are read, short ones along an axis.

use millrace_contract::DisplayFormat;

use crate::cell::Number;

/// Digits of a float that say something.
const FLOAT_DIGITS: i32 = 15;

/// A number as it is read in a table, beside a bar, or large.
pub(crate) fn exact(number: &Number, format: Option<&DisplayFormat>) -> String {
    match format {
        Some(format) => formatted(&number.digits, format),
        None => plain(number),
    }
}

/// Without a format: every digit, thousands set apart from ten thousand on, so that
/// a year stays one.
fn plain(number: &Number) -> String {
    let digits = match number.is_float {
        true => meant(number.value),
        false => number.digits.clone(),
    };
    let parts = Parts::read(&digits);
    let is_grouped = parts.whole.len() > 4;
    let fraction = parts.fraction.len();
    parts.written(is_grouped, fraction)
}

/// The digits of a float without what rounding left: 0.30000000000000004 is 0.3.
fn meant(value: f64) -> String {
    let before = if value == 0.0 { 0 } else { value.abs().log10().floor() as i32 + 1 };
    let decimals = usize::try_from((FLOAT_DIGITS - before).clamp(0, 17)).unwrap_or_default();
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

fn formatted(digits: &str, format: &DisplayFormat) -> String {
    let mut parts = Parts::read(digits);
    if format.is_percent {
        parts.shift(2);
    }
    let (least, most) = (usize::from(format.least_decimals), usize::from(format.most_decimals));
    parts.round(most);
    let kept = parts.fraction.trim_end_matches('0').len().max(least);
    let sign = if parts.is_negative { "\u{2212}" } else { "" };
    parts.is_negative = false;
    let written = parts.written(format.is_grouped, kept);
    format!("{sign}{}{written}{}", format.prefix, format.suffix)
}

/// A number in digits before and behind the point.
struct Parts {
    is_negative: bool,
    whole: String,
    fraction: String,
}

impl Parts {
    fn read(digits: &str) -> Self {
        let bare = digits.trim_start_matches(['-', '+']);
        let (whole, fraction) = bare.split_once('.').unwrap_or((bare, ""));
        let mut parts = Self {
            is_negative: digits.starts_with('-'),
            whole: whole.to_owned(),
            fraction: fraction.to_owned(),
        };
        parts.tidy();
        parts
    }

    /// No zeros in front, and none is not negative.
    fn tidy(&mut self) {
        let kept = self.whole.trim_start_matches('0').to_owned();
        self.whole = if kept.is_empty() { "0".to_owned() } else { kept };
        let is_zero = |text: &str| text.bytes().all(|digit| digit == b'0');
        if is_zero(&self.whole) && is_zero(&self.fraction) {
            self.is_negative = false;
        }
    }

    /// Times ten to the power of `places`.
    fn shift(&mut self, places: usize) {
        for _ in 0..places {
            match self.fraction.is_empty() {
                true => self.whole.push('0'),
                false => self.whole.push(self.fraction.remove(0)),
            }
        }
        self.tidy();
    }

    /// To so many decimals; a half goes away from zero.
    fn round(&mut self, decimals: usize) {
        if self.fraction.len() > decimals {
            let is_up = self.fraction.as_bytes()[decimals] >= b'5';
            self.fraction.truncate(decimals);
            if is_up {
                self.add_one();
            }
        }
        self.tidy();
    }

    /// One more in the last place.
    fn add_one(&mut self) {
        let places = self.fraction.len();
        let mut digits: Vec<u8> = self.whole.bytes().chain(self.fraction.bytes()).collect();
        let mut carried = true;
        for digit in digits.iter_mut().rev() {
            if *digit == b'9' {
                *digit = b'0';
            } else {
                *digit += 1;
                carried = false;
                break;
            }
        }
        if carried {
            digits.insert(0, b'1');
        }
        let text: String = digits.into_iter().map(char::from).collect();
        let (whole, fraction) = text.split_at(text.len() - places);
        (self.whole, self.fraction) = (whole.to_owned(), fraction.to_owned());
    }

    fn written(&self, is_grouped: bool, decimals: usize) -> String {
        let mut text = String::new();
        if self.is_negative {
            text.push('\u{2212}');
        }
        for (index, digit) in self.whole.chars().enumerate() {
            if is_grouped && index > 0 && (self.whole.len() - index).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        if decimals > 0 {
            text.push('.');
            text.push_str(&format!("{:0<decimals$}", self.fraction)[..decimals]);
        }
        text
    }
}

/// How the numbers of an axis are written, whose ticks lie `step` apart and reach to
/// `most` from zero.
pub(crate) struct AxisNumbers<'a> {
    format: Option<&'a DisplayFormat>,
    unit: (f64, &'static str),
    decimals: usize,
    is_grouped: bool,
}

impl<'a> AxisNumbers<'a> {
    pub(crate) fn new(format: Option<&'a DisplayFormat>, step: f64, most: f64) -> Self {
        let factor = if format.is_some_and(|format| format.is_percent) { 100.0 } else { 1.0 };
        let (step, most) = (step * factor, most * factor);
        let unit = match most {
            most if most >= 1e12 => (1e12, "T"),
            most if most >= 1e9 => (1e9, "B"),
            most if most >= 1e6 => (1e6, "M"),
            most if most >= 1e4 => (1e3, "k"),
            _ => (1.0, ""),
        };
        let decimals = (0..=9).find(|&decimals| {
            let scaled = step / unit.0 * 10_f64.powi(decimals);
            (scaled - scaled.round()).abs() < 1e-6 * scaled.abs().max(1e-12)
        });
        let decimals = usize::try_from(decimals.unwrap_or(9)).unwrap_or_default();
        let is_grouped = format.is_some_and(|format| format.is_grouped);
        Self { format, unit: (unit.0 / factor, unit.1), decimals, is_grouped }
    }

    pub(crate) fn write(&self, value: f64) -> String {
        let scaled = value / self.unit.0;
        let sign = if scaled < 0.0 && value != 0.0 { "\u{2212}" } else { "" };
        let digits = format!("{:.*}", self.decimals, scaled.abs());
        let digits = Parts::read(&digits).written(self.is_grouped, self.decimals);
        let unit = if value == 0.0 { "" } else { self.unit.1 };
        let (prefix, suffix) =
            self.format.map_or(("", ""), |format| (format.prefix.as_str(), format.suffix.as_str()));
        let digits = if value == 0.0 { "0" } else { digits.as_str() };
        format!("{sign}{prefix}{digits}{unit}{suffix}")
    }
}

/// How much a number changed, as people say it: `+12.5%`; of shares in points, and
/// from nothing or from below, of which there is no share, by how much.
pub(crate) fn change(
    before: &Number,
    after: &Number,
    format: Option<&DisplayFormat>,
) -> (f64, String) {
    let difference = after.value - before.value;
    let sign = if difference < 0.0 { "\u{2212}" } else { "+" };
    let is_share = format.is_some_and(|format| format.is_percent);
    let text = if is_share {
        format!("{sign}{:.1} points", difference.abs() * 100.0)
    } else if before.value <= 0.0 {
        let by =
            Number { digits: meant(difference.abs()), value: difference.abs(), is_float: true };
        format!("{sign}{}", exact(&by, format))
    } else {
        format!("{sign}{:.1}%", difference.abs() / before.value * 100.0)
    };
    (difference, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::Cell;

    fn of(digits: &str, format: &str) -> String {
        let Cell::Number(number) = Cell::of_digits(digits) else { panic!("{digits}") };
        let format = (!format.is_empty()).then(|| format.parse().expect(format));
        exact(&number, format.as_ref())
    }

    #[test]
    fn every_digit_of_a_decimal_is_there() {
        for (digits, format, expected) in [
            ("1234567890123456789.01", "", "1,234,567,890,123,456,789.01"),
            ("2024", "", "2024"),
            ("12345", "", "12,345"),
            ("-0.00", "#,##0.00", "0.00"),
            ("-1234.5", "currency:AUD", "\u{2212}A$1,234.50"),
            ("99.995", "0.00", "100.00"),
            ("0.1255", "0.0%", "12.6%"),
            ("7", "0.0#%", "700.0%"),
            ("0.5", "0", "1"),
            ("1.50", "0.###", "1.5"),
            ("1234", "0 kg", "1234 kg"),
            ("1234.5", "currency:JPY", "¥1,235"),
        ] {
            assert_eq!(of(digits, format), expected, "{digits} {format}");
        }
    }

    #[test]
    fn a_float_has_the_digits_that_are_meant() {
        let of = |value: f64| match Cell::of_float(value) {
            Cell::Number(number) => exact(&number, None),
            other => panic!("{other:?}"),
        };
        assert_eq!(of(0.1 + 0.2), "0.3");
        assert_eq!(of(12_427_997.339_999_998), "12,427,997.34");
        assert_eq!(of(1e21), "1,000,000,000,000,000,000,000");
        assert_eq!(of(-0.0), "0");
    }

    #[test]
    fn axes_are_short() {
        let axis = |format: &str, step: f64, most: f64, value: f64| {
            let format: Option<DisplayFormat> = (!format.is_empty())
                .then(|| format.parse().unwrap_or_else(|error| panic!("{error}")));
            AxisNumbers::new(format.as_ref(), step, most).write(value)
        };
        assert_eq!(axis("", 2.5, 10.0, 7.5), "7.5");
        assert_eq!(axis("", 0.0001, 0.001, 0.0003), "0.0003");
        assert_eq!(axis("currency:AUD", 20_000.0, 80_000.0, -20_000.0), "\u{2212}A$20k");
        assert_eq!(axis("currency:AUD", 500_000.0, 2e6, 1.5e6), "A$1.5M");
        assert_eq!(axis("0.0%", 0.05, 0.2, 0.05), "5%");
        assert_eq!(axis("0.0%", 0.05, 0.2, 0.0), "0%");
    }

    #[test]
    fn a_change_is_said_in_per_cent_in_points_or_by_how_much() {
        let number = |digits: &str| match Cell::of_digits(digits) {
            Cell::Number(number) => number,
            other => panic!("{other:?}"),
        };
        let share: DisplayFormat = "0.0%".parse().expect("a format");
        assert_eq!(change(&number("100"), &number("112.5"), None).1, "+12.5%");
        assert_eq!(change(&number("-100"), &number("-150"), None).1, "\u{2212}50");
        assert_eq!(change(&number("0.10"), &number("0.125"), Some(&share)).1, "+2.5 points");
        assert_eq!(change(&number("0"), &number("3"), None).1, "+3");
    }
}
