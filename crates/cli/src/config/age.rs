//! `max-age`: how old a baseline may be.

use std::str::FromStr;

use perf_compare::MaxAge;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use time::Duration;

use super::text_schema;

/// An age as it is written: `30d`, `12w`, or `off`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Age(pub(crate) MaxAge);

/// Longer than any repository of today has been.
const MOST_DAYS: u32 = 36_500;

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            || format!("`{text}`: expected a number of days or weeks such as `30d` or `12w`, or `off`");
        if text == "off" {
            return Ok(Self(MaxAge(None)));
        }
        let (number, factor) = match (text.strip_suffix('d'), text.strip_suffix('w')) {
            (Some(days), _) => (days, 1),
            (None, Some(weeks)) => (weeks, 7),
            (None, None) => return Err(expected()),
        };
        let number: u32 = number.trim_end().parse().map_err(|_| expected())?;
        let days = number.checked_mul(factor).filter(|days| *days <= MOST_DAYS).ok_or_else(expected)?;
        Ok(Self(MaxAge(Some(Duration::days(days.into())))))
    }
}

impl<'de> Deserialize<'de> for Age {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

text_schema!(Age, "Age", {
    "type": "string",
    "description": "a number of days or weeks (`30d`, `12w`), or `off`",
    "pattern": r"^([0-9]+\s*[dw]|off)$",
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_days_or_weeks_or_off() {
        let days = |days| Ok(Age(MaxAge(Some(Duration::days(days)))));
        for (text, expected) in
            [("30d", days(30)), ("12w", days(84)), ("0d", days(0)), ("off", Ok(Age(MaxAge(None))))]
        {
            assert_eq!(text.parse(), expected, "{text}");
        }
        for bad in ["", "30", "d", "-1d", "1.5d", "4294967295w", "36501d", "never"] {
            assert!(bad.parse::<Age>().is_err(), "{bad}");
        }
        assert_eq!(Age::default(), "30d".parse().unwrap());
    }
}
