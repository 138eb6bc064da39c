use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The version of the set of facts and of their canonical encoding. It goes into every fingerprint.
pub const FACT_SCHEMA: u32 = 1;

/// Named facts about a machine and its tools, such as `cpu = "AMD EPYC 7763"`.
pub type Facts = BTreeMap<String, String>;

/// Where something was measured, in two tiers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Two runs that differ in one of these cannot be compared.
    pub identity: Facts,
    /// Recorded and shown, never a reason to refuse.
    pub context: Facts,
}

impl Environment {
    /// Returns the fingerprint of the identity. Context does not enter.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("perf identity {FACT_SCHEMA}\n").as_bytes());
        for (key, value) in &self.identity {
            // The lengths keep `a=bc` and `ab=c` apart whatever characters a fact holds.
            hasher.update(format!("{} {} {key}={value}\n", key.len(), value.len()).as_bytes());
        }
        let hex = hasher.finalize().to_hex();
        Fingerprint(hex[..Fingerprint::LEN].to_owned())
    }
}

/// The first 16 hex digits of the BLAKE3 hash of an environment's identity; names its notes ref.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(String);

/// A text that is no fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a fingerprint is {} lower-case hexadecimal digits", Fingerprint::LEN)]
pub struct FingerprintError;

impl Fingerprint {
    /// How many hex digits a fingerprint has.
    pub const LEN: usize = 16;

    /// Returns the hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid = text.len() == Self::LEN && is_lower_hex(text);
        if valid { Ok(Self(text.to_owned())) } else { Err(FingerprintError) }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(crate) fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn environment(identity: &[(&str, &str)]) -> Environment {
        let identity = identity.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        Environment { identity, context: Facts::new() }
    }

    #[test]
    fn the_fingerprint_of_known_facts_never_changes() {
        // Refs are named after it: a change here orphans every stored baseline.
        let known = environment(&[("arch", "x86_64"), ("os", "linux")]);
        assert_eq!(known.fingerprint().as_str(), "054096e85e5d2aeb");
    }

    #[test]
    fn only_its_own_form_is_a_fingerprint() {
        let good = environment(&[]).fingerprint();
        assert_eq!(good.as_str().parse(), Ok(good));
        for bad in
            ["", "0123", "0123456789ABCDEF", "0123456789abcdefg", "../../0123456789", "-123456789abcdef"]
        {
            assert_eq!(bad.parse::<Fingerprint>(), Err(FingerprintError), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_fingerprint_ignores_context(identity: BTreeMap<String, String>, context: BTreeMap<String, String>) {
            let bare = Environment { identity: identity.clone(), context: Facts::new() };
            prop_assert_eq!(bare.fingerprint(), Environment { identity, context }.fingerprint());
        }

        #[test]
        fn different_identities_have_different_fingerprints(
            one: BTreeMap<String, String>,
            other: BTreeMap<String, String>,
        ) {
            let fingerprint = |identity: &Facts| {
                Environment { identity: identity.clone(), context: Facts::new() }.fingerprint()
            };
            prop_assert_eq!(one == other, fingerprint(&one) == fingerprint(&other));
        }
    }
}
