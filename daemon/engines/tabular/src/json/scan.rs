//! Checks a JSON document (RFC 8259) byte by byte, in the memory of its depth, and tells where values begin and end.

use memchr::memchr3;

use super::Fault;
use crate::limits::Limits;

/// A kind of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    Object,
    Array,
    /// A text, a number or a literal.
    Scalar,
}

/// Hears of a document's values. Positions are those of the chunk that is being fed.
pub(crate) trait Listener {
    /// A value begins at `at`, inside `depth` others.
    fn begin(&mut self, value: Value, depth: usize, at: usize, line: u64);
    /// The value inside `depth` others has ended before `end`.
    fn end(&mut self, depth: usize, end: usize);
    /// A key of an object that lies inside `depth` others, quotes and escapes as written, cut where it is long.
    fn key(&mut self, depth: usize, raw: &[u8]);
    /// A line end between tokens at `at`.
    fn line_end(&mut self, at: usize);
}

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
    Nothing,
}

/// A token that is being read, and may go on in the next chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    None,
    /// A text; `true` for a key.
    Text(bool),
    /// After a backslash.
    Escape(bool),
    /// In `\uXXXX`, with so many digits to come.
    Hex(bool, u8),
    Number(Number),
    /// The rest of `true`, `false` or `null`.
    Literal(&'static [u8]),
}

/// Where in a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    Minus,
    Zero,
    Whole,
    Point,
    Fraction,
    E,
    Sign,
    Exponent,
}

impl Number {
    /// The state after `byte`; `None` where the number does not go on with it.
    fn next(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (Self::Minus, b'0') => Some(Self::Zero),
            (Self::Minus, b'1'..=b'9') | (Self::Whole, b'0'..=b'9') => Some(Self::Whole),
            (Self::Zero | Self::Whole, b'.') => Some(Self::Point),
            (Self::Point | Self::Fraction, b'0'..=b'9') => Some(Self::Fraction),
            (Self::Zero | Self::Whole | Self::Fraction, b'e' | b'E') => Some(Self::E),
            (Self::E, b'+' | b'-') => Some(Self::Sign),
            (Self::E | Self::Sign | Self::Exponent, b'0'..=b'9') => Some(Self::Exponent),
            _ => None,
        }
    }

    fn may_end(self) -> bool {
        matches!(self, Self::Zero | Self::Whole | Self::Fraction | Self::Exponent)
    }
}

/// Bytes of a key that are kept to be told.
const KEY_BYTES: usize = 256;

/// The state of a document that is being read.
#[derive(Debug)]
pub(crate) struct Scanner {
    /// The objects (`true`) and arrays around the place.
    stack: Vec<bool>,
    expect: Expect,
    token: Token,
    key: Vec<u8>,
    line: u64,
    before: u64,
}

impl Default for Scanner {
    fn default() -> Self {
        Self {
            stack: Vec::new(),
            expect: Expect::Value,
            token: Token::None,
            key: Vec::new(),
            line: 1,
            before: 0,
        }
    }
}

impl Scanner {
    /// Reads the next bytes of the document.
    pub(crate) fn feed(&mut self, chunk: &[u8], listener: &mut impl Listener) -> Result<(), Fault> {
        let mut at = 0;
        while let Some(&byte) = chunk.get(at) {
            match self.token {
                Token::Text(is_key) => at = self.text(chunk, at, is_key, listener)?,
                Token::None => {
                    self.structure(byte, at, listener)?;
                    at += 1;
                }
                Token::Escape(is_key) => {
                    self.token = match byte {
                        b'u' => Token::Hex(is_key, 4),
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Token::Text(is_key),
                        _ => return Err(self.fault(at, format!("\\{} is no escape", shown(byte)))),
                    };
                    self.keep(is_key, byte);
                    at += 1;
                }
                Token::Hex(is_key, left) => {
                    if !byte.is_ascii_hexdigit() {
                        return Err(self.fault(at, format!("{} in a \\u escape", shown(byte))));
                    }
                    self.token = if left > 1 { Token::Hex(is_key, left - 1) } else { Token::Text(is_key) };
                    self.keep(is_key, byte);
                    at += 1;
                }
                Token::Number(state) => match state.next(byte) {
                    Some(next) => {
                        self.token = Token::Number(next);
                        at += 1;
                    }
                    // The byte belongs to what follows.
                    None if state.may_end() => self.scalar_ends(at, listener),
                    None => return Err(self.fault(at, format!("{} in a number", shown(byte)))),
                },
                Token::Literal(rest) => {
                    let Some((first, rest)) = rest.split_first().filter(|(first, _)| **first == byte) else {
                        return Err(self.fault(at, format!("{} in a literal", shown(byte))));
                    };
                    debug_assert_eq!(*first, byte);
                    at += 1;
                    self.token = Token::Literal(rest);
                    if rest.is_empty() {
                        self.scalar_ends(at, listener);
                    }
                }
            }
        }
        self.before += chunk.len() as u64;
        Ok(())
    }

    /// The document has ended.
    pub(crate) fn finish(&mut self, listener: &mut impl Listener) -> Result<(), Fault> {
        if let Token::Number(state) = self.token
            && state.may_end()
        {
            self.scalar_ends(0, listener);
        }
        if self.token == Token::None && self.expect == Expect::Nothing {
            return Ok(());
        }
        Err(self.fault(0, "it ends in the middle of a value".to_owned()))
    }

    fn fault(&self, at: usize, reason: String) -> Fault {
        Fault { place: format!("line {}, byte {}", self.line, self.before + at as u64), reason }
    }

    fn keep(&mut self, is_key: bool, byte: u8) {
        if is_key && self.key.len() < KEY_BYTES {
            self.key.push(byte);
        }
    }

    /// Goes on within a text, quickly: only quotes, backslashes and control characters matter.
    fn text(
        &mut self,
        chunk: &[u8],
        at: usize,
        is_key: bool,
        listener: &mut impl Listener,
    ) -> Result<usize, Fault> {
        let rest = chunk.get(at..).unwrap_or_default();
        let end = memchr3(b'"', b'\\', b'\n', rest).unwrap_or(rest.len());
        let plain = rest.get(..end).unwrap_or_default();
        if let Some(bad) = plain.iter().position(|b| *b < 0x20) {
            return Err(self.fault(at + bad, "a control character in a text".to_owned()));
        }
        if is_key {
            let room = KEY_BYTES.saturating_sub(self.key.len());
            self.key.extend(plain.iter().take(room));
        }
        match rest.get(end) {
            None => Ok(at + end),
            Some(b'"') if is_key => {
                self.token = Token::None;
                self.expect = Expect::Colon;
                listener.key(self.stack.len().saturating_sub(1), &self.key);
                Ok(at + end + 1)
            }
            Some(b'"') => {
                self.scalar_ends(at + end + 1, listener);
                Ok(at + end + 1)
            }
            Some(b'\\') => {
                self.keep(is_key, b'\\');
                self.token = Token::Escape(is_key);
                Ok(at + end + 1)
            }
            Some(_) => Err(self.fault(at + end, "a line end in a text".to_owned())),
        }
    }

    fn scalar_ends(&mut self, end: usize, listener: &mut impl Listener) {
        self.token = Token::None;
        self.value_ends(end, listener);
    }

    fn value_ends(&mut self, end: usize, listener: &mut impl Listener) {
        listener.end(self.stack.len(), end);
        self.expect = if self.stack.is_empty() { Expect::Nothing } else { Expect::CommaOrEnd };
    }

    fn structure(&mut self, byte: u8, at: usize, listener: &mut impl Listener) -> Result<(), Fault> {
        let in_object = self.stack.last() == Some(&true);
        match (byte, self.expect) {
            (b' ' | b'\t' | b'\r', _) => {}
            (b'\n', _) => {
                listener.line_end(at);
                self.line += 1;
            }
            (b'"', Expect::Key | Expect::KeyOrEnd) => {
                self.key.clear();
                self.token = Token::Text(true);
            }
            (b':', Expect::Colon) => self.expect = Expect::Value,
            (b',', Expect::CommaOrEnd) => self.expect = if in_object { Expect::Key } else { Expect::Value },
            (b'}', Expect::KeyOrEnd | Expect::CommaOrEnd) if in_object => {
                self.stack.pop();
                self.value_ends(at + 1, listener);
            }
            (b']', Expect::ValueOrEnd | Expect::CommaOrEnd) if !in_object => {
                self.stack.pop();
                self.value_ends(at + 1, listener);
            }
            (_, Expect::Value | Expect::ValueOrEnd) => self.value(byte, at, listener)?,
            (_, Expect::Nothing) => {
                return Err(self.fault(at, format!("{} after the end of the document", shown(byte))));
            }
            (_, expect) => {
                let wanted = match expect {
                    Expect::Colon => "a colon",
                    Expect::Key | Expect::KeyOrEnd => "a key in quotes",
                    _ => "a comma or the end",
                };
                return Err(self.fault(at, format!("{} where {wanted} is expected", shown(byte))));
            }
        }
        Ok(())
    }

    fn value(&mut self, byte: u8, at: usize, listener: &mut impl Listener) -> Result<(), Fault> {
        let (value, token) = match byte {
            b'{' => (Value::Object, Token::None),
            b'[' => (Value::Array, Token::None),
            b'"' => (Value::Scalar, Token::Text(false)),
            b'-' => (Value::Scalar, Token::Number(Number::Minus)),
            b'0' => (Value::Scalar, Token::Number(Number::Zero)),
            b'1'..=b'9' => (Value::Scalar, Token::Number(Number::Whole)),
            b't' => (Value::Scalar, Token::Literal(b"rue")),
            b'f' => (Value::Scalar, Token::Literal(b"alse")),
            b'n' => (Value::Scalar, Token::Literal(b"ull")),
            _ => return Err(self.fault(at, format!("{} where a value is expected", shown(byte)))),
        };
        listener.begin(value, self.stack.len(), at, self.line);
        self.token = token;
        if value != Value::Scalar {
            if self.stack.len() >= Limits::JSON_DEPTH {
                return Err(self.fault(at, format!("more than {} levels of nesting", Limits::JSON_DEPTH)));
            }
            self.stack.push(value == Value::Object);
            self.expect = if value == Value::Object { Expect::KeyOrEnd } else { Expect::ValueOrEnd };
        }
        Ok(())
    }
}

/// A byte for a message.
fn shown(byte: u8) -> String {
    match byte {
        0x21..=0x7e => format!("‘{}’", char::from(byte)),
        _ => format!("byte 0x{byte:02x}"),
    }
}
