//! Pages that stand alone: style, scripts and data in one file, and a policy that lets nothing else run.

use sha2::{Digest, Sha256};

use crate::escape::{html, script};

/// What both kinds of pages look like.
const STYLE: &str = include_str!("../assets/page.css");
/// Search and sort in tables.
pub(crate) const TABLE: &str = include_str!("../assets/table.js");
/// The charting library (`assets/uplot/README.md`), and what draws with it.
pub(crate) const CHART: [&str; 2] =
    [include_str!("../assets/uplot/uPlot.iife.min.js"), include_str!("../assets/history.js")];
/// The style of the charting library.
pub(crate) const CHART_STYLE: &str = include_str!("../assets/uplot/uPlot.min.css");
/// Under which conditions the charting library may be handed on.
pub(crate) const CHART_LICENSE: &str = include_str!("../assets/uplot/LICENSE");

/// A page to be.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    /// What the window is called: a text that others may have written.
    pub(crate) title: &'a str,
    /// What the page holds, as markup.
    pub(crate) body: String,
    /// What the scripts read: finished JSON.
    pub(crate) data: Option<String>,
    /// Styles beside that of all pages.
    pub(crate) styles: &'a [&'a str],
    /// The scripts, in order.
    pub(crate) scripts: &'a [&'a str],
}

impl Page<'_> {
    /// Returns the whole document.
    ///
    /// Only the style and the scripts whose hashes the policy names are used; nothing is loaded from anywhere.
    pub(crate) fn document(&self) -> String {
        let style = [&[STYLE][..], self.styles].concat().concat();
        let hashes: Vec<String> = self.scripts.iter().map(|text| hash(text)).collect();
        let policy = format!(
            "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
            hash(&style),
            hashes.join(" ")
        );
        let data = self.data.as_deref().map_or_else(String::new, |data| {
            format!("<script type=\"application/json\" id=\"data\">{}</script>\n", script(data))
        });
        let scripts: String = self.scripts.iter().map(|text| format!("<script>{text}</script>\n")).collect();
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n<title>{}</title>\n<style>{style}</style>\n</head>\n\
             <body>\n{}\n{data}{scripts}</body>\n</html>\n",
            html(self.title),
            self.body
        )
    }
}

/// Names a text in a content security policy (W3C, CSP Level 3, 2.3.1).
fn hash(text: &str) -> String {
    format!("'sha256-{}'", base64(&Sha256::digest(text.as_bytes())))
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Writes bytes in base 64 (RFC 4648, 4).
fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits =
            group.iter().fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= group.len() { digit.into() } else { '=' });
        }
    }
    text
}

/// Writes whole numbers in digits of base 64, as the mappings of source maps are written (ECMA-426): five bits a
/// digit, the least first, the sign in the lowest.
pub(crate) fn packed(numbers: impl IntoIterator<Item = i64>) -> String {
    let mut text = String::new();
    for number in numbers {
        let mut rest = (number.unsigned_abs() << 1) | u64::from(number < 0);
        loop {
            let (digit, more) = (rest & 31, rest >> 5);
            rest = more;
            text.push(DIGITS[(digit | if more > 0 { 32 } else { 0 }) as usize].into());
            if more == 0 {
                break;
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::HOSTILE;

    #[test]
    fn bytes_and_numbers_in_base_64_are_those_of_the_standards() {
        // RFC 4648, 10.
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
        for (number, text) in
            [(0, "A"), (1, "C"), (-1, "D"), (15, "e"), (16, "gB"), (-511, "/f"), (512, "ggB")]
        {
            assert_eq!(packed([number]), text, "{number}");
        }
    }

    #[test]
    fn no_name_ends_the_element_that_it_stands_in() {
        for name in HOSTILE {
            let data = serde_json::to_string(name).unwrap();
            let page = Page {
                title: name,
                body: crate::sink::Sink::Html.name(name),
                data: Some(data),
                styles: &[],
                scripts: &[TABLE],
            };
            let document = page.document();
            for (tag, count) in
                [("<script", 2), ("</script", 2), ("<title", 1), ("</title", 1), ("<!--", 0), ("<img", 0)]
            {
                assert_eq!(document.matches(tag).count(), count, "{tag} {name:?}");
            }
            let written = document.split("id=\"data\">").nth(1).unwrap().split("</script>").next().unwrap();
            assert_eq!(serde_json::from_str::<String>(written).unwrap(), *name);
        }
    }

    #[test]
    fn nothing_embedded_ends_its_element_or_asks_for_the_network() {
        for text in [STYLE, TABLE, CHART[0], CHART[1], CHART_STYLE] {
            for forbidden in
                ["</script", "</style", "<!--", "@import", "url(", "fetch(", "XMLHttpRequest", "eval("]
            {
                assert!(!text.contains(forbidden), "{forbidden}");
            }
        }
    }
}
