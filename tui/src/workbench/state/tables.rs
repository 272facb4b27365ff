//! Where in a statement a dataset is named: told from what stands before, without understanding the rest.

/// Functions among whose arguments FROM names no dataset.
const WITH_FROM: [&str; 4] = ["EXTRACT", "SUBSTRING", "TRIM", "OVERLAY"];

/// Words after which a comma no longer parts the datasets of FROM.
const ENDS: [&str; 12] = [
    "SELECT", "WHERE", "ON", "USING", "GROUP", "ORDER", "HAVING", "QUALIFY", "LIMIT", "OFFSET", "WITH",
    "UNION",
];

/// Whether a dataset's name has to come next: after FROM, JOIN, or a comma between the datasets of FROM.
pub fn due(before: &str) -> bool {
    let Some(words) = words(before) else { return false };
    match words.split_last().map(|(last, rest)| (last.as_str(), rest)) {
        Some(("FROM", rest)) => names_a_dataset(rest),
        Some(("JOIN", _)) => true,
        Some((",", rest)) => {
            let from = open(rest).rev().find(|(_, w)| *w == "FROM" || *w == "(" || ENDS.contains(w));
            from.is_some_and(|(i, w)| w == "FROM" && names_a_dataset(&rest[..i]))
        }
        _ => false,
    }
}

/// Whether FROM after these words is that of a query.
fn names_a_dataset(before: &[String]) -> bool {
    let parted = before.last().is_some_and(|w| w == "DISTINCT")
        && before.iter().rev().nth(1).is_some_and(|w| w == "IS" || w == "NOT");
    let called = open(before).rev().find(|(_, w)| *w == "(").and_then(|(i, _)| before.get(i.checked_sub(1)?));
    !parted && !called.is_some_and(|w| WITH_FROM.contains(&w.as_str()))
}

/// The words that are in no bracket that was closed again, with their places.
fn open(words: &[String]) -> impl DoubleEndedIterator<Item = (usize, &str)> {
    let mut depth = 0usize;
    let mut open: Vec<(usize, &str)> = Vec::new();
    for (i, word) in words.iter().enumerate().rev() {
        match word.as_str() {
            ")" => depth += 1,
            "(" if depth > 0 => depth -= 1,
            word if depth == 0 => open.push((i, word)),
            _ => {}
        }
    }
    open.reverse();
    open.into_iter()
}

/// Words in capitals, commas and brackets; what is quoted is a word that means nothing. `None` where a word, a quote or a
/// comment has not ended.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' | '\'' => {
                // A doubled quote ends one text and begins another, which changes nothing here.
                chars.find(|next| *next == c)?;
                words.push(String::new());
            }
            '-' if chars.peek() == Some(&'-') => {
                chars.find(|next| *next == '\n')?;
            }
            ',' | '(' | ')' => words.push(c.into()),
            c if c.is_whitespace() => {}
            c => {
                let mut word: String = c.to_uppercase().collect();
                while let Some(next) = chars.next_if(|n| !n.is_whitespace() && !",()\"'".contains(*n)) {
                    word.extend(next.to_uppercase());
                }
                chars.peek()?;
                words.push(word);
            }
        }
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dataset_is_due_after_from_join_and_a_comma_between_datasets() {
        for sql in [
            "SELECT * FROM ",
            "select a,\n  b\nfrom\n",
            "SELECT * FROM a JOIN ",
            "SELECT * FROM a LEFT JOIN b USING (id) join ",
            "SELECT * FROM a, ",
            "SELECT * FROM \"a, (b\",",
            "SELECT * FROM (SELECT max(x) FROM a WHERE y > 1) AS t, ",
            "SELECT * FROM (SELECT x FROM ",
            "SELECT * FROM a WHERE x IN (SELECT y FROM ",
            "WITH t AS (SELECT 1) SELECT * FROM ",
            "SELECT DISTINCT x -- from\nFROM ",
        ] {
            assert!(due(sql), "{sql}");
        }
    }

    #[test]
    fn elsewhere_none_is_due() {
        for sql in [
            "",
            "SELECT ",
            "SELECT a, ",
            "SELECT * FROM a ",
            "SELECT * FROM a WHERE x IN (1, ",
            "SELECT * FROM a ORDER BY x, ",
            "SELECT * FROM a JOIN b ON coalesce(a.x, 1) = b.x, ",
            "SELECT extract(year FROM ",
            "SELECT count(*) FILTER (WHERE a IS DISTINCT FROM ",
            "SELECT * FROM a WHERE x = ' FROM ",
            "SELECT 1 -- FROM ",
            "SELECT xfrom ",
            "SELECT FROM",
        ] {
            assert!(!due(sql), "{sql}");
        }
    }
}
