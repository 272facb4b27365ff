//! Breaking text into lines.

use dropforge_shared::clean;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The text in lines of at most so many columns, broken between words where it can be. Line breaks of the text are kept;
/// all else is cleaned.
pub fn wrapped(text: &str, width: u16) -> Vec<String> {
    let width = usize::from(width.max(1));
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let paragraph = clean::line(paragraph.trim_end_matches('\r'));
        let mut line = String::new();
        for word in paragraph.split_inclusive(' ') {
            if !line.is_empty() && line.width() + word.trim_end().width() > width {
                lines.push(std::mem::take(&mut line).trim_end().to_owned());
            }
            for c in word.chars() {
                if line.width() + c.width().unwrap_or(0) > width {
                    lines.push(std::mem::take(&mut line).trim_end().to_owned());
                    if c == ' ' {
                        continue;
                    }
                }
                line.push(c);
            }
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_where_they_fit() {
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(wrapped("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrapped("a\n\nb", 4), ["a", "", "b"]);
        assert_eq!(wrapped("x\u{1b}[2J", 10), ["x␛[2J"]);
    }
}
