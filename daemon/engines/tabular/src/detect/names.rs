//! Column names as rules compare them: whatever the case, the accents, the separators and a counting suffix. Knows
//! nothing of types of data.

use sha2::{Digest as _, Sha256};

/// A column's name, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    /// Lower-case words joined by `_`: `CustomerID` and `customer id` are both `customer_id`.
    pub(crate) words: String,
    /// What canonical names are compared with, each without any separator: the whole name, the name without what
    /// stands in brackets, and both without digits at the end.
    pub(crate) keys: Vec<String>,
}

impl Name {
    /// Takes a name apart.
    pub(crate) fn new(raw: &str) -> Self {
        let words = words(raw);
        let mut keys = Vec::new();
        for text in [raw.to_owned(), without_brackets(raw)] {
            let key = key(&text);
            let bare = key.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
            for key in [key, bare] {
                if !key.is_empty() && !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
        Self { words, keys }
    }
}

/// A name without case, accents and separators.
pub(crate) fn key(raw: &str) -> String {
    words(raw).replace('_', "")
}

/// Lower-case words without accents, joined by `_`. A word begins after what is neither letter nor digit, and where
/// small letters are followed by a capital one.
fn words(raw: &str) -> String {
    // Names are as long as their file likes; the rest of a long one says no more.
    let chars: Vec<char> = raw.chars().take(200).collect();
    let mut out = String::with_capacity(raw.len().min(200));
    for (i, c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| chars.get(i)).copied().unwrap_or('_');
        let after = chars.get(i + 1).copied().unwrap_or('_');
        let begins = c.is_uppercase()
            && (before.is_lowercase() || (before.is_uppercase() && after.is_lowercase()))
            || (c.is_uppercase() && before.is_ascii_digit());
        if !c.is_alphanumeric() {
            if !out.ends_with('_') && !out.is_empty() && !is_mark(*c) {
                out.push('_');
            }
            continue;
        }
        if begins && !out.ends_with('_') && !out.is_empty() {
            out.push('_');
        }
        fold(*c, &mut out);
    }
    while out.ends_with('_') {
        out.pop();
    }
    out
}

/// Combining accents belong to the letter before them; an apostrophe parts no word.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\'' | '’')
}

/// The plain small letters of a letter with an accent (Latin-1 Supplement and Latin Extended-A); others in lower case.
fn fold(c: char, out: &mut String) {
    let plain = match c {
        'À'..='Å' | 'à'..='å' | 'Ā'..='ą' => "a",
        'Æ' | 'æ' => "ae",
        'Ç' | 'ç' | 'Ć'..='č' => "c",
        'Ď'..='đ' | 'Ð' | 'ð' => "d",
        'È'..='Ë' | 'è'..='ë' | 'Ē'..='ě' => "e",
        'Ĝ'..='ģ' => "g",
        'Ĥ'..='ħ' => "h",
        'Ì'..='Ï' | 'ì'..='ï' | 'Ĩ'..='ı' => "i",
        'Ĵ' | 'ĵ' => "j",
        'Ķ'..='ĸ' => "k",
        'Ĺ'..='ł' => "l",
        'Ñ' | 'ñ' | 'Ń'..='ŋ' => "n",
        'Ò'..='Ö' | 'Ø' | 'ò'..='ö' | 'ø' | 'Ō'..='ő' => "o",
        'Œ' | 'œ' => "oe",
        'Ŕ'..='ř' => "r",
        'Ś'..='š' => "s",
        'ß' => "ss",
        'Ţ'..='ŧ' => "t",
        'Ù'..='Ü' | 'ù'..='ü' | 'Ũ'..='ų' => "u",
        'Ŵ' | 'ŵ' => "w",
        'Ý' | 'ý' | 'ÿ' | 'Ŷ'..='Ÿ' => "y",
        'Ź'..='ž' => "z",
        'Þ' | 'þ' => "th",
        other => {
            out.extend(other.to_lowercase());
            return;
        }
    };
    out.push_str(plain);
}

fn without_brackets(raw: &str) -> String {
    let mut depth = 0usize;
    let mut out = String::new();
    for c in raw.chars() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

/// What tools write where nobody named a column: `col_1`, `V3`, `Unnamed: 0`, `7`. Such a name says nothing.
pub(crate) fn is_placeholder(raw: &str) -> bool {
    const WORDS: [&str; 24] = [
        "",
        "a",
        "attr",
        "attribute",
        "c",
        "champ",
        "col",
        "colonne",
        "coluna",
        "column",
        "columna",
        "f",
        "feat",
        "feature",
        "field",
        "merkmal",
        "spalte",
        "unnamed",
        "v",
        "value",
        "var",
        "variable",
        "x",
        "colonna",
    ];
    let key = key(raw);
    let bare = key.trim_end_matches(|c: char| c.is_ascii_digit());
    bare.len() < key.len() && WORDS.contains(&bare) || key.is_empty()
}

/// SHA-256, in hexadecimal, of the sorted normalised names: the same for the same columns in any order and case.
pub(crate) fn fingerprint<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut keys: Vec<String> = names.map(key).collect();
    keys.sort_unstable();
    let mut hash = Sha256::new();
    for key in keys {
        hash.update(key.as_bytes());
        hash.update([0x1f]);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A pattern on a name's words: `*` is any text, `#` one or more digits, all else itself.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Pattern(String);

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let good = |c: char| match c {
            '_' | '*' | '#' => true,
            c => c.is_ascii_digit() || (c.is_alphabetic() && !c.is_uppercase()),
        };
        if let Some(c) = text.chars().find(|c| !good(*c)) {
            return Err(format!(
                "the pattern '{text}' has {c:?}: a pattern is of small letters, digits, '_', '*' for any text and '#' for digits"
            ));
        }
        if text.chars().all(|c| matches!(c, '*' | '_' | '#')) {
            return Err(format!("the pattern '{text}' would match any name: give it letters"));
        }
        Ok(Self(text))
    }
}

impl Pattern {
    /// Whether the whole name follows the pattern.
    pub(crate) fn matches(&self, words: &str) -> bool {
        // Most names lack a pattern's literal text, and this is much quicker to see.
        if self.0.split(['*', '#']).any(|literal| !words.contains(literal)) {
            return false;
        }
        let pattern: Vec<char> = self.0.chars().collect();
        let text: Vec<char> = words.chars().collect();
        follows(&pattern, &text)
    }

    /// As written in the rule.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

/// Which ends of the text can be reached, pattern character by pattern character: time and memory are bounded by the
/// product of the lengths, whatever the pattern.
fn follows(pattern: &[char], text: &[char]) -> bool {
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for p in pattern {
        let mut next = vec![false; text.len() + 1];
        let mut carried = false;
        for (i, here) in reached.iter().enumerate() {
            match p {
                '*' => {
                    carried |= here;
                    next[i] = carried;
                }
                '#' => {
                    let digit = i > 0 && text[i - 1].is_ascii_digit();
                    next[i] = digit && (reached[i - 1] || next[i - 1]);
                }
                c => next[i] = i > 0 && text[i - 1] == *c && reached[i - 1],
            }
        }
        reached = next;
    }
    reached.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_whatever_case_accents_and_separators() {
        for raw in ["customer_id", "CustomerID", "customerId", "Customer ID", "customer.id", "CUSTOMER-ID"] {
            assert!(Name::new(raw).keys.contains(&"customerid".to_owned()), "{raw}");
        }
        assert_eq!(Name::new("Straße").words, "strasse");
        assert_eq!(Name::new("Prénom").words, "prenom");
        assert_eq!(Name::new("Pre\u{301}nom").words, "prenom");
        assert_eq!(Name::new("HTTPStatus").words, "http_status");
        assert_eq!(Name::new("  Año ").words, "ano");
        assert_eq!(Name::new("Temp (°C)").keys, ["tempc", "temp"]);
        assert_eq!(Name::new("price_2").keys, ["price2", "price"]);
        assert_eq!(Name::new("цена").words, "цена");
    }

    #[test]
    fn patterns_match_the_whole_name() {
        let matches =
            |p: &str, n: &str| Pattern::try_from(p.to_owned()).unwrap().matches(&Name::new(n).words);
        assert!(matches("*_price", "unitPrice") && !matches("*_price", "priceless"));
        assert!(matches("q#", "Q12") && !matches("q#", "q") && !matches("q#", "q1a"));
        assert!(matches("q_#*", "q_1_agree"));
        assert!(matches("*pric*", "unit price 2"));
        assert!(!matches("price", "unit_price"));
        for bad in ["*", "A*", "a b", "_#"] {
            assert!(Pattern::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_that_nobody_gave_are_known() {
        for raw in ["col_1", "V3", "Unnamed: 0", "7", "", "column12", "Spalte 2", "X1"] {
            assert!(is_placeholder(raw), "{raw}");
        }
        for raw in ["x", "price1", "q1", "id", "variable"] {
            assert!(!is_placeholder(raw), "{raw}");
        }
    }

    #[test]
    fn the_fingerprint_is_of_the_set_of_names() {
        let print = |names: &[&str]| fingerprint(names.iter().copied());
        assert_eq!(print(&["Order ID", "Größe"]), print(&["groSSe", "order_id"]));
        assert_ne!(print(&["a", "b"]), print(&["ab"]));
        // sha256sum of 'a' 0x1f 'b' 0x1f.
        assert_eq!(print(&["b", "A"]), "023b8059a924f728a2155e4cc8b907389b6468b5ffba4905e3588ebe872d62d2");
    }
}
