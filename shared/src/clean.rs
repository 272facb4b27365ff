//! Text from files is hostile: control characters can drive a terminal, bidirectional marks can reorder what is read,
//! zero-width characters can hide. This is the one place that makes text safe to show. What is stored stays as it was.

/// Whether a character may not reach a screen as it is.
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}'                      // soft hyphen
            | '\u{061C}'                    // Arabic letter mark
            | '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' // Hangul fillers
            | '\u{180E}'                    // Mongolian vowel separator
            | '\u{200B}'..='\u{200F}'       // zero-width space and joiners, LRM, RLM
            | '\u{2028}' | '\u{2029}'       // line and paragraph separators
            | '\u{202A}'..='\u{202E}'       // embeddings and overrides
            | '\u{2060}'..='\u{206F}'       // word joiner, invisible operators, isolates, deprecated
            | '\u{FE00}'..='\u{FE0F}'       // variation selectors change a glyph's width
            | '\u{FEFF}'                    // byte order mark
            | '\u{FFF9}'..='\u{FFFB}'       // interlinear annotation
            | '\u{E0000}'..='\u{E0FFF}'     // tags, further variation selectors
        )
}

/// One line of text that is safe to draw: control characters become their pictures (U+2400 block), bidirectional and
/// zero-width characters become `·`. Borrowed where nothing had to change.
pub fn line(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return text.into();
    }
    text.chars()
        .map(|c| match c {
            '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or('·'),
            '\u{7f}' => '␡',
            c if is_hostile(c) => '·',
            c => c,
        })
        .collect::<String>()
        .into()
}

/// The first `columns` terminal columns of a cleaned line, with `…` where it was cut.
pub fn fit(text: &str, columns: usize) -> String {
    use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};
    let text = line(text);
    if text.width() <= columns {
        return text.into_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w + 1 > columns {
            break;
        }
        out.push(c);
        used += w;
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_bidi_and_zero_width_cannot_pass() {
        assert_eq!(line("a\u{1b}[31mb"), "a␛[31mb");
        assert_eq!(line("x\u{202e}fdp.exe"), "x·fdp.exe");
        assert_eq!(line("a\u{200b}b\nc"), "a·b␊c");
        assert_eq!(line("\u{9b}31m"), "·31m", "C1 controls drive terminals too");
        assert!(matches!(line("naïve 数据 ok"), std::borrow::Cow::Borrowed(_)));
    }

    #[test]
    fn fit_counts_terminal_columns() {
        assert_eq!(fit("数据数据", 5), "数据…");
        assert_eq!(fit("abc", 3), "abc");
        assert_eq!(fit("abcd", 3), "ab…");
        assert_eq!(fit("abcd", 0), "");
    }
}
