//! A JSON document as JSON Lines: each record on a line of its own, on the line number that it starts on where there
//! is room.

use super::Fault;
use super::scan::{Listener, Scanner, Value};
use super::shape::Place;

struct Copy<'a> {
    place: Place,
    state: &'a mut State,
    chunk: &'a [u8],
    out: &'a mut Vec<u8>,
}

#[derive(Debug, Default)]
struct State {
    /// Number of the outermost object's value at hand, counted from 1.
    key: usize,
    /// Where in the chunk the part that is not copied yet begins, while a record is open.
    from: Option<usize>,
    /// Lines given.
    lines: u64,
}

impl Copy<'_> {
    fn depth(&self) -> usize {
        match self.place {
            Place::Whole => 0,
            Place::Array => 1,
            Place::Under(_) => 2,
        }
    }

    fn take(&mut self, from: usize, to: usize) {
        self.out.extend_from_slice(self.chunk.get(from..to).unwrap_or_default());
    }
}

impl Listener for Copy<'_> {
    fn begin(&mut self, _value: Value, depth: usize, at: usize, line: u64) {
        if depth == 1 {
            self.state.key += 1;
        }
        let wanted = match self.place {
            Place::Under(number) => self.state.key == number + 1,
            Place::Whole | Place::Array => true,
        };
        if depth == self.depth() && wanted {
            // Lines before the record keep their numbers.
            while self.state.lines + 1 < line {
                self.out.push(b'\n');
                self.state.lines += 1;
            }
            self.state.from = Some(at);
        }
    }

    fn end(&mut self, depth: usize, end: usize) {
        if depth == self.depth()
            && let Some(from) = self.state.from.take()
        {
            self.take(from, end);
            self.out.push(b'\n');
            self.state.lines += 1;
        }
    }

    fn key(&mut self, _depth: usize, _raw: &[u8]) {}

    fn line_end(&mut self, at: usize) {
        if let Some(from) = self.state.from {
            self.take(from, at);
            self.out.push(b' ');
            self.state.from = Some(at + 1);
        }
    }
}

/// Turns a document into lines, chunk by chunk.
#[derive(Debug)]
pub(crate) struct Lines {
    scanner: Scanner,
    place: Place,
    state: State,
}

impl Lines {
    /// For a document whose records lie at `place`.
    pub(crate) fn new(place: Place) -> Self {
        Self { scanner: Scanner::default(), place, state: State::default() }
    }

    /// Reads a chunk and appends the records in it.
    pub(crate) fn feed(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        let mut copy = Copy { place: self.place, state: &mut self.state, chunk, out };
        self.scanner.feed(chunk, &mut copy)?;
        if let Some(from) = copy.state.from {
            copy.take(from, chunk.len());
            copy.state.from = Some(0);
        }
        Ok(())
    }

    /// The document has ended.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        let mut copy = Copy { place: self.place, state: &mut self.state, chunk: &[], out };
        self.scanner.finish(&mut copy)
    }
}

#[cfg(test)]
mod tests {
    use super::super::shape::Survey;
    use super::*;

    /// All cuts of a document into two chunks must give the same.
    fn lines(text: &str, place: Place) -> Result<String, Fault> {
        let run = |cut: usize| {
            let mut out = Vec::new();
            let mut lines = Lines::new(place);
            for chunk in [&text.as_bytes()[..cut], &text.as_bytes()[cut..]] {
                lines.feed(chunk, &mut out)?;
            }
            lines.finish(&mut out)?;
            Ok(String::from_utf8(out).unwrap())
        };
        let whole = run(text.len());
        for cut in 0..text.len() {
            assert_eq!(run(cut), whole, "cut at {cut}");
        }
        whole
    }

    #[test]
    fn records_come_one_a_line_with_their_line_numbers() {
        let text = "[\n{\"a\":\n 1},\n\n{\"b\": \"]},{\\\"\"} , 3]\n";
        assert_eq!(
            lines(text, Place::Array).unwrap(),
            "\n{\"a\":  1}\n\n\n{\"b\": \"]},{\\\"\"}\n3\n",
            "the second record stands on line 5"
        );
        let nested = "{\"x\":[1],\"rows\":[{\"a\":[{}]},{\"a\":{\"b\":[]}}],\"y\":{}}";
        assert_eq!(lines(nested, Place::Under(1)).unwrap(), "{\"a\":[{}]}\n{\"a\":{\"b\":[]}}\n");
        assert_eq!(lines(" {\"a\": 1.5e-3}", Place::Whole).unwrap(), "{\"a\": 1.5e-3}\n");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let fault = lines("[{\"a\":1},\n{\"a\":01}]", Place::Array).unwrap_err();
        assert_eq!(fault.place, "line 2, byte 16");
        for bad in [
            "[1,]",
            "{\"a\"}",
            "[tru]",
            "[\"\\x\"]",
            "[\"\t\"]",
            "[1] x",
            "[",
            "{\"a\":1,}",
            "[-]",
            "[1.]",
            "",
        ] {
            assert!(lines(bad, Place::Array).is_err(), "{bad}");
        }
        let deep = "[".repeat(100_000);
        assert!(lines(&deep[..2_000], Place::Array).unwrap_err().reason.contains("levels"));
    }

    #[test]
    fn arrays_of_records_are_found() {
        let survey = |text: &str| {
            let mut survey = Survey::default();
            survey.feed(text.as_bytes()).unwrap();
            survey.finish().unwrap();
            survey
        };
        let found =
            survey("{\"type\":\"F\",\"n\":[1,2],\"fe\\u0061tures\":[{},{}],\"empty\":[],\"mixed\":[{},1]}");
        assert_eq!(
            found.arrays(),
            [super::super::shape::Found { name: "features".into(), place: Place::Under(2) }]
        );
        assert_eq!(found.why_not(), None);
        assert!(survey("[[1,2],[3,4]]").why_not().is_some());
        assert!(survey("7").why_not().is_some());
    }
}
