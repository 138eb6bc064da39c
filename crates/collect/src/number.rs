//! Numbers as tools print them.

use perf_model::{Dimension, Unit};

/// Reads a finite decimal number: digits, a point, an exponent. Neither `inf` nor `nan`, neither hexadecimal
/// nor a decimal comma.
pub(crate) fn decimal(text: &str) -> Option<f64> {
    let allowed = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
    if !text.bytes().all(allowed) {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// Reads a decimal number that may have commas between groups of three digits, such as `22,498,915.10`.
pub(crate) fn grouped(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let whole = digits.split_once('.').map_or(digits, |(whole, _)| whole);
    let mut groups = whole.split(',');
    let first = groups.next()?.len();
    let sound = groups.clone().all(|group| group.len() == 3);
    if groups.next().is_none() {
        return decimal(text);
    }
    if !sound || !(1..=3).contains(&first) {
        return None;
    }
    decimal(&text.replace(',', ""))
}

/// Splits `15.041ms`, `1.65 µs` or `3.5e-3s` into its number and what follows it, without blanks around it.
pub(crate) fn split(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let mut end = text.find(|c: char| !matches!(c, '0'..='9' | '.' | ',' | '+' | '-')).unwrap_or(text.len());
    // An exponent is one only where digits follow: `2e` is two of something.
    let exponent = text[end..].strip_prefix(['e', 'E']).unwrap_or_default();
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    if length > 0 {
        end = text.len() - digits.len() + length;
    }
    let value = grouped(&text[..end])?;
    Some((value, text[end..].trim_start()))
}

/// Reads a number with a unit of time.
pub(crate) fn duration(text: &str) -> Option<(f64, Unit)> {
    let (value, unit) = split(text)?;
    let unit = Unit::new(unit);
    (unit.dimension() == Some(Dimension::Time)).then_some((value, unit))
}

/// Returns a rate's number and unit without a decimal prefix that the table of units does not know:
/// `2 Melem/s` is `2000000 elem/s`.
pub(crate) fn rate(value: f64, unit: &str) -> (f64, Unit) {
    let known = Unit::new(unit);
    if known.dimension() == Some(Dimension::BytesPerSecond) || known.symbol() == "1/s" {
        return (value, known);
    }
    let prefixes = [("K", 1e3), ("k", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12), ("P", 1e15)];
    for (prefix, factor) in prefixes {
        match unit.strip_prefix(prefix) {
            Some("Hz") => return (value * factor, Unit::new("Hz")),
            Some(thing) if thing.starts_with(char::is_lowercase) => {
                return (value * factor, Unit::new(thing));
            }
            Some(_) | None => {}
        }
    }
    (value, known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_decimal_numbers_only() {
        for (text, expected) in [
            ("12.5", Some(12.5)),
            ("1e-3", Some(1e-3)),
            ("-0.5", Some(-0.5)),
            ("0.0000012", Some(1.2e-6)),
            ("1e999", None),
            ("0x10", None),
            ("inf", None),
            ("NaN", None),
            ("12,5", None),
            ("", None),
            ("1_000", None),
            ("1 ", None),
        ] {
            assert_eq!(decimal(text), expected, "{text:?}");
        }
    }

    #[test]
    fn reads_thousands_in_groups() {
        for (text, expected) in [
            ("22,498,915.10", Some(22_498_915.1)),
            ("1,234", Some(1234.0)),
            ("-1,234", Some(-1234.0)),
            ("123", Some(123.0)),
            ("1,5", None),
            ("1234,567", None),
            (",123", None),
            ("1,234,56", None),
            ("1.234,5", None),
        ] {
            assert_eq!(grouped(text), expected, "{text:?}");
        }
    }

    #[test]
    fn splits_a_number_from_its_unit() {
        for (text, expected) in [
            ("15.041ms", Some((15.041, "ms"))),
            (" 1.65 µs ", Some((1.65, "µs"))),
            ("3.5e-3s", Some((0.0035, "s"))),
            ("2e6", Some((2e6, ""))),
            ("2 elem/s", Some((2.0, "elem/s"))),
            ("1,168 MB/s", Some((1168.0, "MB/s"))),
            ("2e", Some((2.0, "e"))),
            ("ms", None),
            ("", None),
        ] {
            assert_eq!(split(text), expected, "{text:?}");
        }
        assert_eq!(duration("2 μs"), Some((2.0, Unit::new("us"))));
        assert_eq!(duration("2 MB"), None);
    }

    #[test]
    fn rates_lose_prefixes_that_no_table_knows() {
        for (value, unit, expected) in [
            (2.0, "Melem/s", (2e6, "elem/s")),
            (1.5, "GHz", (1.5e9, "1/s")),
            (3.0, "MiB/s", (3.0, "MiB/s")),
            (3.0, "Kitem/s", (3e3, "item/s")),
            (3.0, "char/s", (3.0, "char/s")),
            (3.0, "MS/s", (3.0, "MS/s")),
        ] {
            assert_eq!(rate(value, unit), (expected.0, Unit::new(expected.1)), "{unit}");
        }
    }
}
