//! Bytes to UTF-8. Encodings are told from a byte order mark, else UTF-8 where it is valid, else windows-1252.

/// How the text of a file is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// UTF-8 without a mark (plain ASCII too).
    Utf8,
    /// UTF-8 after a byte order mark.
    Utf8Bom,
    /// UTF-8 with a few damaged sequences, which become U+FFFD.
    Utf8Damaged,
    /// UTF-16, little endian, after a byte order mark.
    Utf16Le,
    /// UTF-16, big endian, after a byte order mark.
    Utf16Be,
    /// The Western single-byte encoding of Windows; any bytes are valid in it.
    Windows1252,
}

impl Encoding {
    /// The name shown to users.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf8Bom => "utf-8-bom",
            Self::Utf8Damaged => "utf-8-damaged",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Windows1252 => "windows-1252",
        }
    }

    /// From the first bytes of a file; `whole` says that they are all of it.
    pub(crate) fn of(head: &[u8], whole: bool) -> Self {
        if head.starts_with(b"\xef\xbb\xbf") {
            return match std::str::from_utf8(head) {
                Err(error) if error.error_len().is_some() || whole => Self::Utf8Damaged,
                _ => Self::Utf8Bom,
            };
        }
        if head.starts_with(b"\xff\xfe") {
            return Self::Utf16Le;
        }
        if head.starts_with(b"\xfe\xff") {
            return Self::Utf16Be;
        }
        match std::str::from_utf8(head) {
            Ok(_) => Self::Utf8,
            // Only cut off in the middle of a character.
            Err(error) if error.error_len().is_none() && !whole => Self::Utf8,
            Err(_) => Self::fallback(head, false),
        }
    }

    /// For bytes that are not valid UTF-8: mostly UTF-8 with damage where many sequences are valid (`seen` says that
    /// earlier text had some), as multi-byte sequences hardly come about by chance; else windows-1252.
    pub(crate) fn fallback(bytes: &[u8], seen: bool) -> Self {
        let (mut valid, mut invalid) = (usize::from(seen) * 1_000, 0usize);
        for chunk in bytes.utf8_chunks() {
            valid += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
            invalid += usize::from(!chunk.invalid().is_empty());
        }
        if valid >= invalid.saturating_mul(10) { Self::Utf8Damaged } else { Self::Windows1252 }
    }
}

/// The characters of windows-1252 from 0x80 to 0x9F; the five bytes without one map to themselves, as in the WHATWG
/// Encoding Standard.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Turns a stream of bytes into UTF-8, a part at a time.
#[derive(Debug)]
pub(crate) struct Decoder {
    encoding: Encoding,
    carry: Vec<u8>,
    started: bool,
}

impl Decoder {
    /// For one file.
    pub(crate) fn new(encoding: Encoding) -> Self {
        Self { encoding, carry: Vec::new(), started: false }
    }

    /// Whether the bytes stay as they are (damage is mended later, a block at a time).
    pub(crate) fn is_identity(&self) -> bool {
        matches!(self.encoding, Encoding::Utf8 | Encoding::Utf8Bom | Encoding::Utf8Damaged)
    }

    /// Appends the text of `raw` as UTF-8.
    pub(crate) fn decode(&mut self, raw: &[u8], last: bool, out: &mut Vec<u8>) {
        match self.encoding {
            Encoding::Windows1252 => {
                let mut buffer = [0u8; 4];
                for &b in raw {
                    let c = match b {
                        0x80..=0x9f => {
                            WINDOWS_1252.get(usize::from(b - 0x80)).copied().unwrap_or(char::from(b))
                        }
                        _ => char::from(b),
                    };
                    out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
                }
            }
            Encoding::Utf16Le => self.decode_utf16(raw, last, u16::from_le_bytes, out),
            Encoding::Utf16Be => self.decode_utf16(raw, last, u16::from_be_bytes, out),
            _ => out.extend_from_slice(raw),
        }
    }

    fn decode_utf16(&mut self, raw: &[u8], last: bool, unit: fn([u8; 2]) -> u16, out: &mut Vec<u8>) {
        self.carry.extend_from_slice(raw);
        let bytes = std::mem::take(&mut self.carry);
        let mut units: Vec<u16> = bytes
            .chunks_exact(2)
            .map(|pair| unit([pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0)]))
            .collect();
        let mut kept = bytes.len() % 2;
        // The first half of a pair waits for the second.
        if !last && units.last().is_some_and(|u| (0xd800..0xdc00).contains(u)) {
            units.pop();
            kept += 2;
        }
        if !last {
            self.carry = bytes.get(bytes.len() - kept..).unwrap_or_default().to_vec();
        }
        let units_empty = units.is_empty();
        let mut text = String::with_capacity(units.len());
        text.extend(char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')));
        let text = if self.started { text.as_str() } else { text.trim_start_matches('\u{feff}') };
        self.started |= !units_empty;
        out.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_told_apart() {
        assert_eq!(Encoding::of("für".as_bytes(), true), Encoding::Utf8);
        assert_eq!(Encoding::of(b"\xef\xbb\xbfa", true), Encoding::Utf8Bom);
        assert_eq!(Encoding::of(b"f\xfcr", true), Encoding::Windows1252);
        assert_eq!(Encoding::of(b"\xff\xfea\0", true), Encoding::Utf16Le);
        // A sample that ends within a character is still UTF-8.
        assert_eq!(Encoding::of(b"f\xc3", false), Encoding::Utf8);
        let mut mostly = "ä".repeat(50).into_bytes();
        mostly.push(0xff);
        assert_eq!(Encoding::of(&mostly, true), Encoding::Utf8Damaged);
    }

    #[test]
    fn windows_1252_gives_the_characters_of_its_table() {
        let mut out = Vec::new();
        Decoder::new(Encoding::Windows1252).decode(b"\x80 \xe9\x9f", true, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "€ éŸ");
    }

    #[test]
    fn utf16_survives_any_cut() {
        let text = "a€😀b";
        let bytes: Vec<u8> =
            std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        for cut in 0..bytes.len() {
            let mut decoder = Decoder::new(Encoding::Utf16Le);
            let mut out = Vec::new();
            decoder.decode(&bytes[..cut], false, &mut out);
            decoder.decode(&bytes[cut..], true, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text, "cut at {cut}");
        }
    }
}
