//! Where the records of a JSON document are.

use super::Fault;
use super::scan::{Listener, Scanner, Value};

/// Keys of the outermost object that are looked at; a record has no more columns than the limit on columns anyway.
const MAX_KEYS: usize = 10_000;

/// Where records lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The elements of the outermost array.
    Array,
    /// The elements of the array that is the outermost object's value of this number, from 0.
    Under(usize),
    /// The document is one record.
    Whole,
}

/// An array of records within the outermost object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its key.
    pub(crate) name: String,
    /// Where.
    pub(crate) place: Place,
}

#[derive(Debug, Default)]
struct Seen {
    root: Option<Value>,
    keys: usize,
    name: String,
    /// Elements of the array at hand that are objects, and that are not.
    objects: u64,
    others: u64,
    in_array: bool,
    arrays: Vec<Found>,
}

impl Listener for Seen {
    fn begin(&mut self, value: Value, depth: usize, _at: usize, _line: u64) {
        let root_is_object = self.root == Some(Value::Object);
        match depth {
            0 => self.root = Some(value),
            1 if root_is_object => {
                self.keys += 1;
                self.in_array = value == Value::Array;
                (self.objects, self.others) = (0, 0);
            }
            1 => self.count(value),
            2 if root_is_object && self.in_array => self.count(value),
            _ => {}
        }
    }

    fn end(&mut self, depth: usize, _end: usize) {
        if depth == 1 && self.root == Some(Value::Object) && self.in_array {
            self.in_array = false;
            if self.objects > 0 && self.others == 0 && self.arrays.len() < MAX_KEYS {
                let name = std::mem::take(&mut self.name);
                self.arrays.push(Found { name, place: Place::Under(self.keys - 1) });
            }
        }
    }

    fn key(&mut self, depth: usize, raw: &[u8]) {
        if depth == 0 {
            let quoted = format!("\"{}\"", String::from_utf8_lossy(raw));
            self.name = serde_json::from_str(&quoted).unwrap_or(quoted);
        }
    }

    fn line_end(&mut self, _at: usize) {}
}

impl Seen {
    fn count(&mut self, value: Value) {
        if value == Value::Object {
            self.objects += 1;
        } else {
            self.others += 1;
        }
    }
}

/// Looks through a document for its records.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    scanner: Scanner,
    seen: Seen,
}

impl Survey {
    /// The next bytes.
    pub(crate) fn feed(&mut self, chunk: &[u8]) -> Result<(), Fault> {
        self.scanner.feed(chunk, &mut self.seen)
    }

    /// The document has ended.
    pub(crate) fn finish(&mut self) -> Result<(), Fault> {
        self.scanner.finish(&mut self.seen)
    }

    /// Whether the document is an array.
    pub(crate) fn is_array(&self) -> bool {
        self.seen.root == Some(Value::Array)
    }

    /// Whether at least one record was seen, or the document is an object.
    pub(crate) fn began_well(&self) -> bool {
        match self.seen.root {
            Some(Value::Array) => self.seen.objects > 0,
            Some(Value::Object) => self.seen.keys > 0,
            _ => false,
        }
    }

    /// Keys of the outermost object.
    pub(crate) fn keys(&self) -> usize {
        self.seen.keys
    }

    /// The arrays of records in the outermost object, in order.
    pub(crate) fn arrays(&self) -> &[Found] {
        &self.seen.arrays
    }

    /// Why there are no records, as far as was looked.
    pub(crate) fn why_not(&self) -> Option<&'static str> {
        match self.seen.root {
            Some(Value::Array) if self.seen.objects == 0 && self.seen.others == 0 => {
                Some("it is a JSON array without elements")
            }
            Some(Value::Array) if self.seen.objects <= self.seen.others => {
                Some("it is a JSON array, but its elements are not objects")
            }
            Some(Value::Object) if self.seen.keys == 0 => Some("it is a JSON object without keys"),
            Some(Value::Scalar) | None => Some("it is a single JSON value"),
            Some(_) => None,
        }
    }
}
