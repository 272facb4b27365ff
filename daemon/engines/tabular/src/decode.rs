//! Bytes to UTF-8.
//!
//! An encoding is told from a byte order mark; else UTF-8 where all bytes are valid in it; else UTF-16 where every
//! other byte of ASCII text is zero, be it only the delimiters and line ends between East Asian letters (or UTF-32 where
//! every four bytes are a character); else what `chardetng` takes it for. `encoding_rs` decodes, after the WHATWG
//! Encoding Standard, a part of the file at a time. UTF-8 passes through untouched.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{UTF_8, UTF_16BE, UTF_16LE};

use crate::utf32::{Order, Utf32};

/// How the text of a file is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// UTF-8 without a mark (plain ASCII too).
    Utf8,
    /// UTF-8 after a byte order mark.
    Utf8Bom,
    /// UTF-8 with a few damaged sequences, which become U+FFFD.
    Utf8Damaged,
    /// UTF-32, with a mark or without.
    Utf32(Order),
    /// Any other encoding of the WHATWG Encoding Standard.
    Other(&'static encoding_rs::Encoding),
}

/// Bytes in which every second byte is looked at for UTF-16.
const UTF16_BYTES: usize = 64 << 10;

impl Encoding {
    /// The name shown to users: the standard's, in lower case.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Utf8 => "utf-8".to_owned(),
            Self::Utf8Bom => "utf-8-bom".to_owned(),
            Self::Utf8Damaged => "utf-8-damaged".to_owned(),
            Self::Utf32(Order::Little) => "utf-32le".to_owned(),
            Self::Utf32(Order::Big) => "utf-32be".to_owned(),
            Self::Other(encoding) => encoding.name().to_lowercase(),
        }
    }

    /// The encoding of a label that a user gave; `None` where the standard knows no such label. The names that
    /// [`Self::name`] gives are known as well.
    pub(crate) fn named(label: &str) -> Option<Self> {
        let label = label.trim();
        let label = match label.to_ascii_lowercase().as_str() {
            "utf-8-bom" | "utf-8-sig" | "utf-8-damaged" => "utf-8".to_owned(),
            "utf-32" | "utf-32le" | "utf-32-le" => return Some(Self::Utf32(Order::Little)),
            "utf-32be" | "utf-32-be" => return Some(Self::Utf32(Order::Big)),
            other => other.to_owned(),
        };
        let found = encoding_rs::Encoding::for_label_no_replacement(label.as_bytes())?;
        Some(if found == UTF_8 { Self::Utf8 } else { Self::Other(found) })
    }

    /// An encoding that a user set, with what the first bytes add to it: a mark tells UTF-16's byte order, and a set
    /// UTF-8 is kept even where bytes are damaged.
    pub(crate) fn set(self, head: &[u8], whole: bool) -> Self {
        match self {
            Self::Other(e) if e == UTF_16LE && head.starts_with(b"\xfe\xff") => Self::Other(UTF_16BE),
            Self::Utf32(order) => Self::Utf32(Order::of_mark(head).unwrap_or(order)),
            Self::Utf8 if damaged(head, whole) => Self::Utf8Damaged,
            Self::Utf8 if head.starts_with(b"\xef\xbb\xbf") => Self::Utf8Bom,
            other => other,
        }
    }

    /// From the first bytes of a file; `whole` says that they are all of it.
    pub(crate) fn of(head: &[u8], whole: bool) -> Self {
        if head.starts_with(b"\xef\xbb\xbf") {
            return if damaged(head, whole) { Self::Utf8Damaged } else { Self::Utf8Bom };
        }
        if let Some(order) = Order::of_mark(head) {
            return Self::Utf32(order);
        }
        if head.starts_with(b"\xff\xfe") {
            return Self::Other(UTF_16LE);
        }
        if head.starts_with(b"\xfe\xff") {
            return Self::Other(UTF_16BE);
        }
        if let Some(order) = Order::evident(head) {
            return Self::Utf32(order);
        }
        // Text of UTF-16 is often valid UTF-8 full of zero bytes, so it comes first.
        if let Some(encoding) = utf16_without_mark(head) {
            return Self::Other(encoding);
        }
        if damaged(head, whole) { Self::fallback(head, false) } else { Self::Utf8 }
    }

    /// For bytes that are not valid UTF-8: mostly UTF-8 with damage where many sequences are valid (`seen` says that
    /// earlier text had some), as multi-byte sequences hardly come about by chance; else what `chardetng` says.
    pub(crate) fn fallback(bytes: &[u8], seen: bool) -> Self {
        let (mut valid, mut invalid) = (usize::from(seen) * 1_000, 0usize);
        for chunk in bytes.utf8_chunks() {
            valid += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
            invalid += usize::from(!chunk.invalid().is_empty());
        }
        if valid >= invalid.saturating_mul(10) {
            return Self::Utf8Damaged;
        }
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
        detector.feed(bytes, true);
        Self::Other(detector.guess(None, Utf8Detection::Deny))
    }

    /// How the encoding was told, for people.
    pub(crate) fn why(self) -> &'static str {
        match self {
            Self::Utf8 => "all bytes are valid UTF-8",
            Self::Utf8Bom => "it starts with the byte order mark of UTF-8",
            Self::Utf8Damaged => {
                "nearly all of its sequences are UTF-8; the damaged ones are shown as \u{fffd}"
            }
            Self::Utf32(_) => "a byte order mark, or a character in every four bytes, shows it",
            Self::Other(e) if e == UTF_16LE || e == UTF_16BE => {
                "a byte order mark, or the zero bytes of its delimiters and line ends, shows it"
            }
            Self::Other(_) => {
                "its bytes are not UTF-8; the letters and their neighbours fit this encoding best"
            }
        }
    }
}

/// Whether bytes are not UTF-8; a character that is only cut off at the end of a part is none.
fn damaged(head: &[u8], whole: bool) -> bool {
    std::str::from_utf8(head).is_err_and(|error| error.error_len().is_some() || whole)
}

/// UTF-16 that starts without a mark: digits, delimiters and line ends are ASCII in any script, so that one byte of many
/// pairs is zero, always on the same side.
fn utf16_without_mark(head: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let head = head.get(..UTF16_BYTES.min(head.len()) & !1)?;
    let pairs = head.len() / 2;
    let (mut little, mut big, mut ascii, mut parting) = (0usize, 0usize, 0usize, 0usize);
    let parts = |b: &u8| matches!(b, b'\t' | b'\n' | b'\r' | b' ' | b',' | b';');
    for pair in head.chunks_exact(2) {
        parting += usize::from(!pair.contains(&0) && pair.iter().any(parts));
        match pair {
            [b'\t' | b'\n' | b'\r' | b' '..=b'~', 0] => little += 1,
            [0, b'\t' | b'\n' | b'\r' | b' '..=b'~'] => big += 1,
            [b' '..=b'~' | b'\n', b' '..=b'~' | b'\n'] => ascii += 1,
            _ => {}
        }
    }
    let (many, few, encoding) = if little > big { (little, big, UTF_16LE) } else { (big, little, UTF_16BE) };
    // A tenth: in Chinese or Russian text only delimiters, digits and line ends are ASCII.
    let many_are_ascii = many * 10 >= pairs && ascii * 5 <= pairs * 2;
    // Pairs of ASCII are characters of Chinese at times, and mostly plain text with a stray zero; but then blanks, commas
    // and line ends are among them, as often as in any text.
    let few_are_ascii = many * 100 >= pairs && parting * 10 <= pairs;
    if pairs < 2 || few * 10 > many || !(many_are_ascii || few_are_ascii) {
        return None;
    }
    // Binary data with zeros does not decode.
    let (text, damaged) = encoding.decode_without_bom_handling(head);
    let cut = text.ends_with('\u{fffd}') && text.matches('\u{fffd}').count() == 1;
    let controls = text.chars().filter(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')).count();
    let sound = (!damaged || cut) && controls * 50 <= pairs;
    (sound && (many_are_ascii || (controls == 0 && is_east_asian(&text)))).then_some(encoding)
}

/// Whether a text is of lines, and nearly all of it in the scripts of China, Japan and Korea, where a cell may be long
/// without a character of ASCII. Bytes that are something else hit those often, but not nearly always.
fn is_east_asian(text: &str) -> bool {
    let known = |c: char| {
        c.is_ascii()
            || matches!(c, '\u{2010}'..='\u{2027}' | '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}')
            || matches!(c, '\u{ac00}'..='\u{d7a3}' | '\u{ff00}'..='\u{ffee}' | '\u{20000}'..='\u{3134f}')
    };
    let (count, others) = text.chars().fold((0, 0), |(n, o), c| (n + 1, o + usize::from(!known(c))));
    count >= 16 && others * 50 <= count && text.contains('\n')
}

/// Turns a stream of bytes into UTF-8, a part at a time.
pub(crate) struct Decoder {
    /// `None` where bytes stay as they are.
    decoder: Option<encoding_rs::Decoder>,
    /// The decoder of what the standard leaves out.
    utf32: Option<Utf32>,
    damaged: bool,
}

impl Decoder {
    /// For one file.
    pub(crate) fn new(encoding: Encoding) -> Self {
        let decoder = match encoding {
            Encoding::Other(encoding) => Some(encoding.new_decoder_with_bom_removal()),
            _ => None,
        };
        let utf32 = match encoding {
            Encoding::Utf32(order) => Some(Utf32::new(order)),
            _ => None,
        };
        Self { decoder, utf32, damaged: false }
    }

    /// Whether the bytes stay as they are (damage is mended later, a block at a time).
    pub(crate) fn is_identity(&self) -> bool {
        self.decoder.is_none() && self.utf32.is_none()
    }

    /// Whether some bytes meant nothing in the encoding and became U+FFFD.
    pub(crate) fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// Appends the text of `raw` as UTF-8. After `last` nothing may follow.
    pub(crate) fn decode(&mut self, raw: &[u8], last: bool, out: &mut Vec<u8>) {
        if let Some(utf32) = &mut self.utf32 {
            self.damaged |= utf32.decode(raw, last, out);
            return;
        }
        let Some(decoder) = &mut self.decoder else {
            out.extend_from_slice(raw);
            return;
        };
        let mut rest = raw;
        loop {
            let start = out.len();
            let room =
                decoder.max_utf8_buffer_length(rest.len()).unwrap_or(rest.len().saturating_mul(3) + 16);
            out.resize(start + room, 0);
            let free = out.get_mut(start..).unwrap_or_default();
            let (result, read, written, damaged) = decoder.decode_to_utf8(rest, free, last);
            self.damaged |= damaged;
            out.truncate(start + written);
            rest = rest.get(read..).unwrap_or_default();
            if result == encoding_rs::CoderResult::InputEmpty {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(encoding: Encoding, bytes: &[u8]) -> String {
        let mut out = Vec::new();
        Decoder::new(encoding).decode(bytes, true, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn encodings_are_told_apart() {
        assert_eq!(Encoding::of("für".as_bytes(), true), Encoding::Utf8);
        assert_eq!(Encoding::of(b"\xef\xbb\xbfa", true), Encoding::Utf8Bom);
        assert_eq!(Encoding::of(b"f\xfcr", true).name(), "windows-1252");
        assert_eq!(Encoding::of(b"\xff\xfea\0", true).name(), "utf-16le");
        // A sample that ends within a character is still UTF-8.
        assert_eq!(Encoding::of(b"f\xc3", false), Encoding::Utf8);
        let mut mostly = "ä".repeat(50).into_bytes();
        mostly.push(0xff);
        assert_eq!(Encoding::of(&mostly, true), Encoding::Utf8Damaged);
    }

    #[test]
    fn text_of_many_countries_is_told_from_its_bytes() {
        // Encoded by Python's codecs, decoded by it to the same text.
        let russian =
            b"\xe3\xee\xf0\xee\xe4,\xed\xe0\xf1\xe5\xeb\xe5\xed\xe8\xe5\n\xcc\xee\xf1\xea\xe2\xe0,12655050\n";
        let found = Encoding::of(russian, true);
        assert_eq!(found.name(), "windows-1251");
        assert_eq!(decoded(found, russian), "город,население\nМосква,12655050\n");
        let japanese =
            b"\x96\xbc\x91O,\x94N\x97\xee\n\x8eR\x93c\x91\xbe\x98Y,36\n\x97\xe9\x96\xd8\x89\xd4\x8eq,42\n";
        let found = Encoding::of(japanese, true);
        assert_eq!(found.name(), "shift_jis");
        assert_eq!(decoded(found, japanese), "名前,年齢\n山田太郎,36\n鈴木花子,42\n");
    }

    #[test]
    fn utf16_is_told_without_a_mark_and_binary_is_not_taken_for_it() {
        for text in ["name,age\nAda,36\n", "город,число\nМосква,12\nТверь,7\n"] {
            let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            assert_eq!(Encoding::of(&little, true).name(), "utf-16le", "{text}");
            assert_eq!(Encoding::of(&big, true).name(), "utf-16be", "{text}");
            assert_eq!(decoded(Encoding::of(&big, true), &big), text);
        }
        let long = "編號,說明文字內容以及其他資料\n".repeat(2)
            + &"甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥,".repeat(9);
        let little: Vec<u8> = long.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = long.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(Encoding::of(&little, true).name(), "utf-16le");
        assert_eq!(Encoding::of(&big, true).name(), "utf-16be");
        let eight_bits = encoding_rs::GBK.encode(&long).0;
        assert!(!Encoding::of(&eight_bits, true).name().starts_with("utf-16"));
        let text = "番号,名前\n田中太郎,東京都港区\n鈴木花子,大阪市北区\n";
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(Encoding::of(&big, true).name(), "utf-16be", "halves of ideographs are letters");
        // Plain text that has zeros where no text has them.
        let padded = "abcdefgh,name of it\n\0more words here, and there\n\0".repeat(20);
        assert!(!Encoding::of(padded.as_bytes(), true).name().starts_with("utf-16"));
        assert_eq!(Encoding::of(b"a\0b,c\n1,2\n", true), Encoding::Utf8);
        assert_eq!(Encoding::of(&[1, 0, 2, 0, 0, 0, 7, 0, 0, 1, 0, 0], true), Encoding::Utf8);
    }

    #[test]
    fn utf32_is_told_with_a_mark_and_without() {
        let text = "name,città\nAda,Torino\n";
        let little: Vec<u8> = text.chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
        let big: Vec<u8> = text.chars().flat_map(|c| (c as u32).to_be_bytes()).collect();
        assert_eq!(Encoding::of(&little, true).name(), "utf-32le");
        assert_eq!(decoded(Encoding::of(&big, true), &big), text);
        let marked = [&b"\xff\xfe\0\0"[..], &little].concat();
        assert_eq!(decoded(Encoding::of(&marked, true), &marked), format!("\u{feff}{text}"));
        let set = Encoding::named("UTF-32").unwrap().set(b"\0\0\xfe\xff\0\0\0a", true);
        assert_eq!(set.name(), "utf-32be");
    }

    #[test]
    fn labels_are_those_of_the_standard() {
        assert_eq!(Encoding::named("latin1").map(Encoding::name).as_deref(), Some("windows-1252"));
        assert_eq!(Encoding::named(" Shift_JIS ").map(Encoding::name).as_deref(), Some("shift_jis"));
        assert_eq!(Encoding::named("utf8"), Some(Encoding::Utf8));
        assert_eq!(Encoding::named("klingon"), None);
        let be = Encoding::named("utf-16").unwrap().set(b"\xfe\xff\0a", true);
        assert_eq!(be.name(), "utf-16be");
    }

    #[test]
    fn windows_1252_gives_the_characters_of_its_table() {
        assert_eq!(decoded(Encoding::Other(encoding_rs::WINDOWS_1252), b"\x80 \xe9\x9f"), "€ éŸ");
    }

    #[test]
    fn any_cut_gives_the_same_text() {
        let text = "a€😀b";
        let bytes: Vec<u8> =
            std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        for cut in 0..bytes.len() {
            let mut decoder = Decoder::new(Encoding::Other(UTF_16LE));
            let mut out = Vec::new();
            decoder.decode(&bytes[..cut], false, &mut out);
            decoder.decode(&bytes[cut..], true, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text, "cut at {cut}");
        }
    }
}
