//! The names that a statement could mean tables by: every identifier in it, quoted or not, once. Whoever looks them up passes
//! over those that mean nothing.
//!
//! Must not know: SQL's grammar; the engine parses.

/// Every identifier of a statement, in order, each once. Text in single quotes and comments are passed over.
pub(crate) fn names_in(sql: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut chars = sql.chars().peekable();
    while let Some(c) = chars.next() {
        let mut name = String::new();
        match c {
            '\'' => {
                while let Some(c) = chars.next() {
                    if c == '\'' && chars.next_if_eq(&'\'').is_none() {
                        break;
                    }
                }
            }
            '"' | '`' => {
                while let Some(inner) = chars.next() {
                    if inner == c && chars.next_if_eq(&c).is_none() {
                        break;
                    }
                    name.push(inner);
                }
            }
            '-' if chars.next_if_eq(&'-').is_some() => while chars.next_if(|c| *c != '\n').is_some() {},
            '/' if chars.next_if_eq(&'*').is_some() => {
                let mut before = ' ';
                for c in chars.by_ref() {
                    if before == '*' && c == '/' {
                        break;
                    }
                    before = c;
                }
            }
            c if c.is_alphabetic() || c == '_' => {
                name.push(c);
                while let Some(c) = chars.next_if(|c| c.is_alphanumeric() || *c == '_') {
                    name.push(c);
                }
            }
            _ => {}
        }
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_and_texts_and_comments_are_not() {
        let sql = "SELECT \"a \"\"b\" FROM \"x.csv\" /* y */ JOIN z ON z.\"k\" = 'it''s w' -- v";
        assert_eq!(names_in(sql), ["SELECT", "a \"b", "FROM", "x.csv", "JOIN", "z", "ON", "k"]);
    }
}
