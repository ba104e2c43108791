//! Which type a column gets that has to hold more than it can.
//!
//! Types only ever widen, and no value is lost on the way, neither one that is
//! seen nor one that an earlier file had:
//!
//! | from | to |
//! |---|---|
//! | `int8` … `int64`, `uint8` … `uint64` | the next wider integer that holds both, of the same kind if one does; a decimal beyond |
//! | `int8` … `int32`, `uint8` … `uint32` | `float64` for fractions |
//! | `int64`, `uint64` | `decimal(19+s,s)`, `decimal(20+s,s)` for fractions of `s` digits: a float64 does not hold every integer |
//! | `float32` | `float64` |
//! | `decimal(p,s)` | a decimal with room for the digits on both sides |
//! | `date` | `timestamp` |
//! | any of these, and `bool` | `string`, in the end |
//!
//! A column that is declared with nothing but a name and a type stays with its
//! kind: integers, floats, decimals and dates widen as above, but never to another kind
//! and never to `string`. One that is declared with any option does not widen at all.

use millrace_contract::{DataType, TimeUnit};

use super::guess::Guess;
use super::look::{Look, Looks, set};

/// How far a column may widen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// To a type of the same kind.
    Kind,
    /// To text.
    Text,
}

const INTEGERS: Looks =
    set(&[Look::Int, Look::LongInt, Look::Negative, Look::Unsigned, Look::HugeInt]);

const NUMBERS: Looks = INTEGERS | set(&[Look::Fraction, Look::NotFinite]);

/// The type that holds what `known` holds and every value seen, where it is
/// another than `known`.
pub(super) fn wider(known: DataType, seen: &Guess, reach: Reach) -> Option<DataType> {
    // Objects and lists are left out: no type but their own holds them, and none
    // turns into it. So is what a column that stays with its kind rejects.
    let counted = match reach {
        Reach::Text => !(Look::Nested as Looks),
        Reach::Kind => kind(known)?.looks(),
    };
    if fits(known, seen, counted) {
        return None;
    }
    let is_kin = |candidate: &DataType| reach == Reach::Text || kind(*candidate) == kind(known);
    candidates(known, seen)
        .into_iter()
        .filter(is_kin)
        .find(|candidate| holds(*candidate, known) && fits(*candidate, seen, counted))
}

/// Which values of a look no column of a type takes, whatever their size.
pub(super) fn allowed(known: DataType) -> Looks {
    match known {
        DataType::Bool => Looks::MAX,
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64 => INTEGERS,
        DataType::Float32 => NUMBERS,
        DataType::Float64 => NUMBERS & !set(&[Look::LongInt, Look::Unsigned, Look::HugeInt]),
        DataType::Decimal { .. } => INTEGERS | Look::Fraction as Looks,
        DataType::Date => Look::Date as Looks,
        DataType::Timestamp { utc: false, .. } => set(&[Look::Date, Look::Timestamp]),
        DataType::Timestamp { utc: true, .. } => set(&[Look::Date, Look::Timestamp, Look::Instant]),
        DataType::Time
        | DataType::String
        | DataType::Json
        | DataType::Uuid
        | DataType::Binary
        | DataType::List(_)
        | DataType::Struct(_) => Looks::MAX,
    }
}

/// Whether a column of a type holds every value seen of the looks that count.
fn fits(known: DataType, seen: &Guess, counted: Looks) -> bool {
    let looks = seen.looks_to_known() & counted;
    if looks & !allowed(known) != 0 {
        return false;
    }
    let numbers = seen.numbers();
    if let Some((least, most)) = bounds(known) {
        return numbers.least >= least && numbers.most <= most;
    }
    match known {
        DataType::Bool => looks == 0 || seen.is_bool(),
        DataType::Float32 => {
            const EXACT: i128 = 1 << 24;
            let is_exact = numbers.least >= -EXACT && numbers.most <= EXACT;
            is_exact && numbers.magnitude <= f64::from(f32::MAX)
        }
        DataType::Decimal { precision, scale } => {
            numbers.scale <= u32::from(scale) && numbers.whole <= u32::from(precision - scale)
        }
        _ => true,
    }
}

/// Types that may be wider, the narrowest first.
fn candidates(known: DataType, seen: &Guess) -> Vec<DataType> {
    use DataType::{Float64, Int8, Int16, Int32, Int64, String, UInt8, UInt16, UInt32, UInt64};
    let signed = [Int8, Int16, Int32, Int64];
    let unsigned = [UInt8, UInt16, UInt32, UInt64];
    let mut all = Vec::new();
    match bounds(known) {
        Some((0, _)) => all.extend(unsigned.into_iter().chain(signed)),
        Some(_) => all.extend(signed),
        None => {}
    }
    all.push(Float64);
    all.extend(decimal(known, seen));
    all.push(DataType::Timestamp { unit: TimeUnit::Micro, utc: false });
    all.push(String);
    all
}

/// The decimal that has room for the digits of a type and of the values seen.
fn decimal(known: DataType, seen: &Guess) -> Option<DataType> {
    let numbers = seen.numbers();
    let (whole, scale) = digits(known)?;
    let scale = scale.max(numbers.scale);
    let whole = whole.max(numbers.whole);
    if whole.checked_add(scale)? > 38 {
        return None;
    }
    Some(DataType::Decimal {
        precision: u8::try_from(whole + scale).ok()?,
        scale: u8::try_from(scale).ok()?,
    })
}

/// Whether a type holds every value of another, exactly.
fn holds(wide: DataType, narrow: DataType) -> bool {
    if let (Some((least, most)), Some((from, to))) = (bounds(wide), bounds(narrow)) {
        return least <= from && to <= most;
    }
    match (wide, narrow) {
        (DataType::String, _) => true,
        (DataType::Float64, DataType::Float32) => true,
        (DataType::Float64, integer) => {
            const EXACT: i128 = 1 << 53;
            bounds(integer).is_some_and(|(least, most)| -EXACT <= least && most <= EXACT)
        }
        (DataType::Decimal { precision, scale }, narrow) => {
            digits(narrow).is_some_and(|(whole, behind)| {
                behind <= u32::from(scale) && whole <= u32::from(precision - scale)
            })
        }
        (DataType::Timestamp { utc: false, .. }, DataType::Date) => true,
        (wide, narrow) => wide == narrow,
    }
}

/// The least and the largest value of an integer type.
fn bounds(data_type: DataType) -> Option<(i128, i128)> {
    Some(match data_type {
        DataType::Int8 => (i8::MIN.into(), i8::MAX.into()),
        DataType::Int16 => (i16::MIN.into(), i16::MAX.into()),
        DataType::Int32 => (i32::MIN.into(), i32::MAX.into()),
        DataType::Int64 => (i64::MIN.into(), i64::MAX.into()),
        DataType::UInt8 => (0, u8::MAX.into()),
        DataType::UInt16 => (0, u16::MAX.into()),
        DataType::UInt32 => (0, u32::MAX.into()),
        DataType::UInt64 => (0, u64::MAX.into()),
        _ => return None,
    })
}

/// Digits of a type in front of the point and behind it, where that is what it
/// is made of.
fn digits(data_type: DataType) -> Option<(u32, u32)> {
    if let DataType::Decimal { precision, scale } = data_type {
        return Some((u32::from(precision - scale), scale.into()));
    }
    let (least, most) = bounds(data_type)?;
    let widest = least.unsigned_abs().max(most.unsigned_abs());
    Some((widest.checked_ilog10()? + 1, 0))
}

/// What widens to each other even where it is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    Float,
    Decimal,
    Date,
}

impl Kind {
    /// What its values look like.
    fn looks(self) -> Looks {
        match self {
            Self::Integer => INTEGERS,
            Self::Float => NUMBERS,
            Self::Decimal => INTEGERS | Look::Fraction as Looks,
            Self::Date => set(&[Look::Date, Look::Timestamp]),
        }
    }
}

fn kind(data_type: DataType) -> Option<Kind> {
    match data_type {
        DataType::Float32 | DataType::Float64 => Some(Kind::Float),
        DataType::Decimal { .. } => Some(Kind::Decimal),
        DataType::Date | DataType::Timestamp { utc: false, .. } => Some(Kind::Date),
        other => bounds(other).map(|_| Kind::Integer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(texts: &[&str]) -> Guess {
        let mut guess = Guess::default();
        texts.iter().for_each(|text| guess.add_text(text.as_bytes()));
        guess
    }

    fn widened(known: &str, texts: &[&str], reach: Reach) -> String {
        let known: DataType = known.parse().expect("a type");
        wider(known, &seen(texts), reach).unwrap_or(known).to_string()
    }

    #[test]
    fn inferred_columns_widen_until_they_hold_every_value() {
        for (known, texts, expected) in [
            ("int64", &["1", "-5"][..], "int64"),
            ("int64", &["1.5", "2.25"], "decimal(21,2)"),
            ("int64", &["9223372036854775808"], "decimal(19,0)"),
            ("int64", &["1e3"], "decimal(19,0)"),
            ("int64", &["1e-30"], "string"),
            ("int64", &["nan"], "string"),
            ("int64", &["007"], "string"),
            ("uint64", &["-1"], "decimal(20,0)"),
            ("uint64", &["18446744073709551616"], "decimal(20,0)"),
            ("decimal(21,2)", &["0.125"], "decimal(22,3)"),
            ("decimal(38,0)", &["0.5"], "string"),
            ("float64", &["1", "0.1", "nan"], "float64"),
            ("float64", &["9007199254740993"], "string"),
            ("date", &["2024-01-01 10:00"], "timestamp"),
            ("date", &["2024-01-01T10:00:00Z"], "string"),
            ("timestamp", &["2024-01-01"], "timestamp"),
            ("timestamptz", &["2024-01-01 10:00"], "timestamptz"),
            ("timestamptz", &["soon"], "string"),
            ("bool", &["true", "0", "yes"], "bool"),
            ("bool", &["2"], "string"),
            ("bool", &["2024-01-01"], "string"),
            ("string", &["1", "x"], "string"),
            ("json", &["x"], "json"),
            ("int64", &[], "int64"),
        ] {
            assert_eq!(widened(known, texts, Reach::Text), expected, "{known} {texts:?}");
        }
    }

    #[test]
    fn declared_columns_stay_with_their_kind() {
        for (known, texts, expected) in [
            ("int8", &["127", "-128"][..], "int8"),
            ("int8", &["128"], "int16"),
            ("int16", &["-2147483648"], "int32"),
            ("int32", &["2147483648"], "int64"),
            ("int64", &["9223372036854775808"], "int64"),
            ("uint8", &["256"], "uint16"),
            ("uint8", &["70000"], "uint32"),
            ("uint8", &["-1"], "int16"),
            ("uint32", &["4294967296", "-1"], "int64"),
            ("uint64", &["-1"], "uint64"),
            ("int32", &["1.5"], "int32"),
            ("int32", &["x"], "int32"),
            ("float32", &["0.1"], "float32"),
            ("float32", &["1e39"], "float64"),
            ("float32", &["16777217"], "float64"),
            ("decimal(5,2)", &["999.99"], "decimal(5,2)"),
            ("decimal(5,2)", &["1000"], "decimal(6,2)"),
            ("decimal(5,2)", &["1.2345"], "decimal(7,4)"),
            ("decimal(5,2)", &["12345.678"], "decimal(8,3)"),
            ("decimal(38,2)", &["0.123"], "decimal(38,2)"),
            ("decimal(5,2)", &["x"], "decimal(5,2)"),
            ("date", &["2024-01-01 10:00"], "timestamp"),
            ("bool", &["2"], "bool"),
        ] {
            assert_eq!(widened(known, texts, Reach::Kind), expected, "{known} {texts:?}");
        }
    }

    #[test]
    fn a_wider_type_holds_whatever_the_narrow_one_does() {
        for known in
            ["int8", "int32", "int64", "uint8", "uint64", "float32", "decimal(9,4)", "date"]
        {
            let known: DataType = known.parse().expect("a type");
            for texts in
                [&["300"][..], &["-3000000000"], &["1.5"], &["1e20"], &["x"], &["2024-01-01 01:00"]]
            {
                if let Some(wide) = wider(known, &seen(texts), Reach::Text) {
                    assert!(
                        holds(wide, known) && fits(wide, &seen(texts), Looks::MAX),
                        "{known} {wide}"
                    );
                    assert_eq!(wider(wide, &seen(texts), Reach::Text), None);
                }
            }
        }
    }

    #[test]
    fn objects_and_lists_do_not_turn_a_column_into_text() {
        let mut guess = seen(&["1"]);
        guess.add_nested(b"{}", None);
        assert_eq!(wider(DataType::Int64, &guess, Reach::Text), None);
    }

    #[test]
    fn strings_that_hold_numbers_are_numbers_to_a_column_of_numbers() {
        let mut guess = Guess::default();
        guess.add_string(b"12");
        guess.add_string(b"-7");
        assert_eq!(wider(DataType::Int64, &guess, Reach::Text), None);
        guess.add_string(b"1.5");
        assert_eq!(
            wider(DataType::Int64, &guess, Reach::Text).map(|wide| wide.to_string()).as_deref(),
            Some("decimal(20,1)")
        );
        guess.add_string(b"none");
        assert_eq!(wider(DataType::Int64, &guess, Reach::Text), Some(DataType::String));
    }
}
