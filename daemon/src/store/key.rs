//! Index keys as bytes that sort as their parts do, and spans of them.
//!
//! Must not know: which index a key is for.

/// Builds a key part by part.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(Vec<u8>);

impl Key {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn u8(mut self, n: u8) -> Self {
        self.0.push(n);
        self
    }

    pub(super) fn u32(mut self, n: u32) -> Self {
        self.0.extend(n.to_be_bytes());
        self
    }

    pub(super) fn u64(mut self, n: u64) -> Self {
        self.0.extend(n.to_be_bytes());
        self
    }

    /// Text of any length. It ends in two zero bytes, and a zero inside is followed by 255, so that no text's key begins
    /// another's and the order is that of the texts.
    pub(super) fn text(mut self, text: &str) -> Self {
        for byte in text.bytes() {
            self.0.push(byte);
            if byte == 0 {
                self.0.push(255);
            }
        }
        self.0.extend([0, 0]);
        self
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        self.0
    }
}

/// The last eight bytes of a key: the sequence number, in those that end in one.
pub(super) fn sequence_of(key: &[u8]) -> u64 {
    key.last_chunk::<8>().map_or(0, |tail| u64::from_be_bytes(*tail))
}

/// The text that a key has from a place on, as [`Key::text`] wrote it; `None` where there is none.
pub(super) fn text_at(key: &[u8], at: usize) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = key.get(at..)?.iter();
    loop {
        match *rest.next()? {
            // A zero inside is followed by 255.
            0 if *rest.next()? == 0 => return String::from_utf8(bytes).ok(),
            byte => bytes.push(byte),
        }
    }
}

/// Keys from `from` up to but not including `to`; no `to` means to the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: Vec<u8>,
    pub(super) to: Option<Vec<u8>>,
}

impl Span {
    /// All keys that begin with these parts.
    pub(super) fn of(prefix: Key) -> Self {
        let from = prefix.bytes();
        let mut to = from.clone();
        // The first key that no longer begins so: the last byte that can be raised, raised.
        while let Some(last) = to.pop() {
            if last < 255 {
                to.push(last + 1);
                return Self { from, to: Some(to) };
            }
        }
        Self { from, to: None }
    }

    /// As [`Span::of`], but only with a sequence number below the given one.
    pub(super) fn below(prefix: Key, sequence: Option<u64>) -> Self {
        match sequence {
            None => Self::of(prefix),
            Some(n) => Self { from: prefix.clone().bytes(), to: Some(prefix.u64(n).bytes()) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_their_parts() {
        let texts = ["", "\0", "\0\0", "\0a", "a", "a\0", "a\0b", "aa", "b", "é"];
        let numbers = [0, 1, 255, 256, u64::MAX];
        let mut parts: Vec<(&str, u64)> =
            texts.iter().flat_map(|t| numbers.iter().map(|n| (*t, *n))).collect();
        parts.sort_unstable();
        let keys: Vec<_> = parts.iter().map(|(t, n)| Key::new().text(t).u64(*n).bytes()).collect();
        assert!(keys.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_text_comes_back_out_of_its_key() {
        for text in ["", "a", "\0", "a\0b", "ü\0\0"] {
            let key = Key::new().u32(7).text(text).text("x").u64(1).bytes();
            assert_eq!(text_at(&key, 4).as_deref(), Some(text));
        }
        assert_eq!(text_at(&[1, 2], 0), None);
    }

    #[test]
    fn a_span_holds_what_begins_so_and_nothing_else() {
        let inside = |span: &Span, key: &[u8]| {
            key >= span.from.as_slice() && span.to.as_ref().is_none_or(|to| key < to.as_slice())
        };
        let span = Span::of(Key::new().u8(255).u8(255));
        assert!(inside(&span, &[255, 255, 255, 255]) && !inside(&span, &[255, 254, 255]));
        let span = Span::of(Key::new().u8(7).u8(255));
        assert!(inside(&span, &[7, 255, 255]) && !inside(&span, &[8]) && !inside(&span, &[7, 254]));
        let span = Span::of(Key::new().text("a"));
        assert!(inside(&span, &Key::new().text("a").u32(u32::MAX).bytes()));
        assert!(
            !inside(&span, &Key::new().text("a\0").bytes()) && !inside(&span, &Key::new().text("ab").bytes())
        );
        let span = Span::below(Key::new().u32(3), Some(10));
        assert!(
            inside(&span, &Key::new().u32(3).u64(9).bytes())
                && !inside(&span, &Key::new().u32(3).u64(10).bytes())
        );
    }
}
