//! UTF-32, which the WHATWG Encoding Standard leaves out and some tools write all the same. Must not know files.

/// Bytes that are looked at for UTF-32 without a mark.
const LOOKED_AT: usize = 64 << 10;

/// The order of a code point's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// The lowest byte first.
    Little,
    /// The highest byte first.
    Big,
}

impl Order {
    fn code(self, four: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(four),
            Self::Big => u32::from_be_bytes(four),
        }
    }

    /// From a byte order mark (The Unicode Standard, section 23.8). No text goes on with a zero after the mark of UTF-16.
    pub(crate) fn of_mark(head: &[u8]) -> Option<Self> {
        match head {
            [0xff, 0xfe, 0, 0, ..] => Some(Self::Little),
            [0, 0, 0xfe, 0xff, ..] => Some(Self::Big),
            _ => None,
        }
    }

    /// From text without a mark: every four bytes are one character and no control, a tenth of them ASCII.
    pub(crate) fn evident(head: &[u8]) -> Option<Self> {
        let fours = || head.get(..LOOKED_AT.min(head.len())).unwrap_or_default().chunks_exact(4);
        // Delimiters, digits and line ends are ASCII in any script; binary data may be characters by chance.
        let is_text = |order: Self| {
            let mut ascii = 0;
            let all = fours().all(|four| {
                let code = four.try_into().ok().map(|four| order.code(four));
                let found = code.and_then(char::from_u32);
                ascii += usize::from(found.is_some_and(|c| c.is_ascii()));
                found.is_some_and(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r'))
            });
            all && ascii * 10 >= fours().len()
        };
        (head.len() >= 8).then_some([Self::Little, Self::Big])?.into_iter().find(|order| is_text(*order))
    }
}

/// Turns a stream of UTF-32 into UTF-8, a part at a time.
pub(crate) struct Utf32 {
    order: Order,
    /// Bytes of a character that a part cut.
    cut: Vec<u8>,
}

impl Utf32 {
    /// For one file.
    pub(crate) fn new(order: Order) -> Self {
        Self { order, cut: Vec::new() }
    }

    /// Appends the text of `raw` as UTF-8; whether some of it meant nothing and became U+FFFD.
    pub(crate) fn decode(&mut self, raw: &[u8], last: bool, out: &mut Vec<u8>) -> bool {
        let mut damaged = false;
        for byte in raw {
            self.cut.push(*byte);
            let Ok(four) = <[u8; 4]>::try_from(self.cut.as_slice()) else { continue };
            self.cut.clear();
            let found = char::from_u32(self.order.code(four));
            damaged |= found.is_none();
            push(found.unwrap_or(char::REPLACEMENT_CHARACTER), out);
        }
        if last && !self.cut.is_empty() {
            self.cut.clear();
            damaged = true;
            push(char::REPLACEMENT_CHARACTER, out);
        }
        damaged
    }
}

fn push(character: char, out: &mut Vec<u8>) {
    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_cut_gives_the_same_text_and_damage_shows() {
        let text = "a€😀b";
        let bytes: Vec<u8> = text.chars().flat_map(|c| (c as u32).to_be_bytes()).collect();
        for cut in 0..=bytes.len() {
            let (mut decoder, mut out) = (Utf32::new(Order::Big), Vec::new());
            assert!(!decoder.decode(&bytes[..cut], false, &mut out));
            assert!(!decoder.decode(&bytes[cut..], true, &mut out));
            assert_eq!(String::from_utf8(out).unwrap(), text, "cut at {cut}");
        }
        // A half of a surrogate pair is no character, and three bytes are none.
        let mut out = Vec::new();
        assert!(Utf32::new(Order::Little).decode(b"\x00\xd8\x00\x00a\0\0\0b\0\0", true, &mut out));
        assert_eq!(String::from_utf8(out).unwrap(), "\u{fffd}a\u{fffd}");
    }

    #[test]
    fn only_text_is_evident() {
        let encoded =
            |text: &str| -> Vec<u8> { text.chars().flat_map(|c| (c as u32).to_le_bytes()).collect() };
        assert_eq!(Order::evident(&encoded("город,n\nМосква,12\n")), Some(Order::Little));
        assert_eq!(Order::evident(b"\0\0\0a\0\0\0,\0\0\0b"), Some(Order::Big));
        assert_eq!(Order::evident(b"a,b\n1,2\n3,4\n"), None);
        assert_eq!(Order::evident(b"a\0,\0b\0\n\x001\0,\x002\0\n\0"), None);
        assert_eq!(Order::evident(&[1, 0, 0, 0, 2, 0, 0, 0]), None);
        assert_eq!(Order::evident(&[1, 0, 2, 0, 0, 0, 7, 0, 0, 1, 0, 0]), None);
    }
}
