//! From bytes to text: encodings, byte order marks, colours, lines.

/// Why bytes are no text.
pub(crate) enum NoText {
    /// Compressed with gzip.
    Gzip,
    /// Not text at all.
    Binary,
}

/// Bytes as text, and how many characters of it could not be decoded.
pub(crate) struct Decoded {
    pub(crate) text: String,
    pub(crate) replaced: usize,
}

/// One line of a text; `number` counts from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    pub(crate) number: usize,
    pub(crate) text: &'a str,
}

/// Decodes UTF-8, or UTF-16 with a byte order mark (as PowerShell's `>` writes it), and strips colours.
///
/// What is neither is replaced by U+FFFD and counted, but for the bytes that Latin-1 writes `µ` and `±` with.
pub(crate) fn decode(bytes: Vec<u8>) -> Result<Decoded, NoText> {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(NoText::Gzip);
    }
    let mut decoded = match bytes.as_slice() {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => utf8(bytes)?,
    };
    if decoded.text.starts_with('\u{feff}') {
        decoded.text.drain(..'\u{feff}'.len_utf8());
    }
    if decoded.text.contains('\u{1b}') {
        decoded.text = without_escapes(&decoded.text);
    }
    Ok(decoded)
}

/// Splits a text at line feeds, and at the lone carriage returns that progress lines end with.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    (1..).zip(text.lines()).flat_map(|(number, line)| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        line.split('\r').map(move |text| Line { number, text })
    })
}

fn utf8(bytes: Vec<u8>) -> Result<Decoded, NoText> {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return Ok(Decoded { text, replaced: 0 }),
        Err(error) => error.into_bytes(),
    };
    if bytes.contains(&0) {
        return Err(NoText::Binary);
    }
    let mut decoded = Decoded { text: String::with_capacity(bytes.len()), replaced: 0 };
    for chunk in bytes.utf8_chunks() {
        decoded.text.push_str(chunk.valid());
        match chunk.invalid() {
            [] => {}
            [0xB5] => decoded.text.push('µ'),
            [0xB1] => decoded.text.push('±'),
            _ => {
                decoded.text.push(char::REPLACEMENT_CHARACTER);
                decoded.replaced += 1;
            }
        }
    }
    Ok(decoded)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Decoded {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut decoded = Decoded { text: String::with_capacity(pairs.len()), replaced: rest.len() };
    for character in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        decoded.replaced += usize::from(character.is_err());
        decoded.text.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    decoded
}

/// Removes what terminals take as commands (ECMA-48): `ESC [ ... letter`, `ESC ] ... BEL` and `ESC` with one
/// more character. A command ends with its line, so that a broken one hides no further lines.
fn without_escapes(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        clean.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let length = match rest.as_bytes().first() {
            Some(b'[') => {
                let body = rest[1..].find(|c: char| !(' '..='?').contains(&c)).unwrap_or(rest.len() - 1);
                let ends = rest[1 + body..].starts_with(|c: char| ('@'..='~').contains(&c));
                1 + body + usize::from(ends)
            }
            Some(b']') => match rest.find(['\u{7}', '\u{1b}', '\n']) {
                Some(end) if rest[end..].starts_with('\u{7}') => end + 1,
                Some(end) if rest[end..].starts_with("\u{1b}\\") => end + 2,
                Some(end) => end,
                None => rest.len(),
            },
            Some(b'\n') | None => 0,
            Some(_) => rest.chars().next().map_or(0, char::len_utf8),
        };
        rest = &rest[length..];
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> (String, usize) {
        let decoded = decode(bytes.to_vec()).ok().expect("text");
        (decoded.text, decoded.replaced)
    }

    #[test]
    fn decodes_what_shells_write() {
        let utf16 = |order: fn(u16) -> [u8; 2], text: &str| -> Vec<u8> {
            ["\u{feff}", text].concat().encode_utf16().flat_map(order).collect()
        };
        for (bytes, expected, replaced) in [
            (b"plain".to_vec(), "plain", 0),
            (b"\xef\xbb\xbf{}".to_vec(), "{}", 0),
            (utf16(u16::to_le_bytes, "1 µs\r\n🚀"), "1 µs\r\n🚀", 0),
            (utf16(u16::to_be_bytes, "a"), "a", 0),
            (b"\xff\xfea\0b".to_vec(), "a", 1),
            (b"\xff\xfe\x00\xd8a\0".to_vec(), "\u{fffd}a", 1),
            (b"1 \xb5s \xb1 2".to_vec(), "1 µs ± 2", 0),
            (b"a\xff\xfe\xc3(".to_vec(), "a\u{fffd}\u{fffd}\u{fffd}(", 3),
        ] {
            assert_eq!(text(&bytes), (expected.to_owned(), replaced), "{bytes:?}");
        }
        assert!(matches!(decode(b"\x1f\x8b\x08".to_vec()), Err(NoText::Gzip)));
        assert!(matches!(decode(b"\x89PNG\r\n\0\0".to_vec()), Err(NoText::Binary)));
    }

    #[test]
    fn strips_what_terminals_take_as_commands() {
        for (bytes, expected) in [
            ("\u{1b}[1;32mok\u{1b}[0m", "ok"),
            ("\u{1b}]0;title\u{7}a\u{1b}]8;;x\u{1b}\\b", "ab"),
            ("a\u{1b}(B", "aB"),
            ("a\u{1b}", "a"),
            ("\u{1b}[12\nb", "\nb"),
            ("\u{1b}]open\nb", "\nb"),
            ("\u{1b}[é", "é"),
        ] {
            assert_eq!(text(bytes.as_bytes()).0, expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_line_ends_at_any_line_ending() {
        let found: Vec<_> = lines("a\r\nb\n1%\r2%\rc\n\nd").map(|line| (line.number, line.text)).collect();
        assert_eq!(found, [(1, "a"), (2, "b"), (3, "1%"), (3, "2%"), (3, "c"), (4, ""), (5, "d")]);
    }
}
