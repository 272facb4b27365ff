//! Reads the CSV that Dropforge itself writes: the rejected records' file and the rows that a verb prints. What users drop is
//! read by the engine, never here.

/// The records of a text as RFC 4180 has it, each ended by a line feed. A record that the text breaks off in is left out.
pub(crate) fn records(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut chars = text.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => field.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            c => field.push(c),
        }
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_breaks_off_is_left_out() {
        assert_eq!(
            records("line,reason\r\n3,\"too, long\"\n4,\"bro"),
            [["line", "reason"], ["3", "too, long"]]
        );
    }
}
