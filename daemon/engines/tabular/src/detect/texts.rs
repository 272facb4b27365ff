//! How texts are built: each test is on one value without blanks around it. Knows nothing of columns.

/// Severities as loggers write them (syslog, RFC 5424, and the usual libraries).
pub(crate) const LOG_LEVELS: [&str; 19] = [
    "trace",
    "debug",
    "info",
    "information",
    "informational",
    "notice",
    "warn",
    "warning",
    "err",
    "error",
    "crit",
    "critical",
    "alert",
    "emerg",
    "emergency",
    "fatal",
    "severe",
    "fine",
    "verbose",
];

/// Methods of RFC 9110 and RFC 5789.
pub(crate) const HTTP_METHODS: [&str; 9] =
    ["get", "head", "post", "put", "delete", "connect", "options", "trace", "patch"];

/// Status codes that are in use (IANA's registry).
pub(crate) const HTTP_STATUS: [u16; 61] = [
    100, 101, 102, 103, 200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 307,
    308, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 421, 422,
    423, 424, 425, 426, 428, 429, 431, 451, 500, 501, 502, 503, 504, 505, 506, 507, 508, 511, 599,
];

/// The two sexes, and what stands for others and for no answer, as files spell them.
pub(crate) const SEXES: [&str; 40] = [
    "m",
    "f",
    "w",
    "h",
    "male",
    "female",
    "man",
    "woman",
    "men",
    "women",
    "boy",
    "girl",
    "other",
    "diverse",
    "d",
    "x",
    "u",
    "unknown",
    "nonbinary",
    "non-binary",
    "mann",
    "frau",
    "mannlich",
    "männlich",
    "weiblich",
    "divers",
    "homme",
    "femme",
    "masculin",
    "féminin",
    "feminin",
    "hombre",
    "mujer",
    "masculino",
    "femenino",
    "feminino",
    "maschio",
    "femmina",
    "homem",
    "mulher",
];

/// Codes of ISO 4217 that files often hold.
const CURRENCIES: [&str; 46] = [
    "EUR", "USD", "GBP", "CHF", "JPY", "CNY", "AUD", "CAD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF",
    "RON", "BGN", "TRY", "RUB", "UAH", "INR", "BRL", "MXN", "ARS", "CLP", "COP", "PEN", "ZAR", "EGP", "NGN",
    "KES", "ILS", "AED", "SAR", "SGD", "HKD", "TWD", "KRW", "THB", "IDR", "MYR", "PHP", "VND", "ISK", "HRK",
    "BTC",
];

/// Words of answers on a scale, as they begin or stand in the answer.
const AGREEMENT: [&str; 44] = [
    "strongly agree",
    "agree",
    "disagree",
    "neither",
    "neutral",
    "undecided",
    "never",
    "rarely",
    "seldom",
    "sometimes",
    "often",
    "always",
    "very satisfied",
    "satisfied",
    "dissatisfied",
    "very likely",
    "likely",
    "unlikely",
    "not at all",
    "somewhat",
    "very important",
    "important",
    "unimportant",
    "don't know",
    "stimme",
    "trifft",
    "teils",
    "nie",
    "selten",
    "manchmal",
    "immer",
    "d'accord",
    "jamais",
    "parfois",
    "souvent",
    "toujours",
    "de acuerdo",
    "en desacuerdo",
    "nunca",
    "siempre",
    "concordo",
    "discordo",
    "d'accordo",
    "sempre",
];

const IMAGES: [&str; 14] = [
    ".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".heic", ".dcm", ".svg", ".nii",
    ".nii.gz", ".svs",
];

/// A short word without blanks.
pub(crate) fn is_code(text: &str) -> bool {
    (1..=40).contains(&text.len()) && !text.chars().any(char::is_whitespace)
}

/// Several words that make a text.
pub(crate) fn is_sentence(text: &str) -> bool {
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    text.len() >= 25 && text.split_whitespace().take(5).count() == 5 && letters * 2 > text.chars().count()
}

/// One to five words of letters.
pub(crate) fn is_words(text: &str) -> bool {
    let count = text.split_whitespace().take(6).count();
    (1..=5).contains(&count)
        && text.len() <= 60
        && text.chars().all(|c| {
            c.is_alphabetic() || c.is_whitespace() || matches!(c, '.' | '-' | '\'' | ',' | '’' | '&')
        })
        && text.chars().any(char::is_alphabetic)
}

/// `name@host.domain`.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else { return false };
    !name.is_empty() && host.contains('.') && !host.contains('@') && !text.contains(char::is_whitespace)
}

/// A web address.
pub(crate) fn is_url(text: &str) -> bool {
    ["http://", "https://", "ftp://", "www."].iter().any(|start| text.starts_with(start))
}

/// An internet address of version 4 or 6, with or without a port.
pub(crate) fn is_ip(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok() || text.parse::<std::net::SocketAddr>().is_ok()
}

/// Seven to fifteen digits (E.164) and what stands between them, in more than one group or with a plus.
pub(crate) fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let parted = text.starts_with('+') || text.contains(['-', ' ', '(', '/', '.']);
    let decimal = text.parse::<f64>().is_ok();
    // A date has its parts too.
    let date = is_time(text);
    (7..=15).contains(&digits)
        && parted
        && !decimal
        && !date
        && text
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | ' ' | '(' | ')' | '/' | '.' | 'x'))
}

/// The name of an image file, with or without folders.
pub(crate) fn is_image_file(text: &str) -> bool {
    let tail: String = text.chars().rev().take(8).collect::<Vec<_>>().into_iter().rev().collect();
    let tail = tail.to_ascii_lowercase();
    IMAGES.iter().any(|end| tail.ends_with(end)) && text.len() > 4
}

/// A code of ISO 4217.
pub(crate) fn is_currency(text: &str) -> bool {
    CURRENCIES.iter().any(|c| c.eq_ignore_ascii_case(text))
}

/// An answer of agreement, frequency, satisfaction or likelihood.
pub(crate) fn is_agreement(text: &str) -> bool {
    if text.len() > 60 {
        return false;
    }
    let text = text.to_lowercase().replace('’', "'");
    AGREEMENT.iter().any(|word| {
        text == *word || text.starts_with(&format!("{word} ")) || text.ends_with(&format!(" {word}"))
    })
}

/// Well-known text, GeoJSON, or two coordinates.
pub(crate) fn is_geometry(text: &str) -> bool {
    let upper: String = text.chars().take(24).collect::<String>().to_uppercase();
    let wkt = ["POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON", "SRID="]
        .iter()
        .any(|start| upper.starts_with(start) && upper.contains(['(', '=']));
    let json = upper.starts_with('{') && text.contains("\"coordinates\"");
    wkt || json || is_pair(text)
}

/// `52.52, 13.405`, in brackets or not: degrees with decimals.
fn is_pair(text: &str) -> bool {
    let bare = text.trim_start_matches(['(', '[']).trim_end_matches([')', ']']);
    let Some((a, b)) = bare.split_once(',') else { return false };
    let degree = |part: &str, most: f64| {
        part.contains('.') && part.trim().parse::<f64>().is_ok_and(|v| v.abs() <= most)
    };
    degree(a, 180.0) && degree(b, 180.0)
}

/// A date or time that the typing left as text: `10/Oct/2000:13:55:36 -0700`, `Oct 10 13:55:36`, `2024-01-01T…`.
pub(crate) fn is_time(text: &str) -> bool {
    if !(6..=40).contains(&text.len()) {
        return false;
    }
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let clock = text.split([' ', 'T', ':', ',']).count() >= 3 && text.matches(':').count() >= 2;
    let parts: Vec<&str> = text.split(['-', '/', '.', ' ']).take(4).collect();
    let day = |p: &str| matches!(p.len(), 1 | 2 | 4) && p.chars().all(|c| c.is_ascii_digit());
    let date = parts.len() == 3
        && parts.iter().all(|p| day(p))
        && parts.iter().filter(|p| p.len() == 4).count() <= 1;
    date || (clock && digits >= 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_test_tells_its_own_from_others() {
        type Case = (fn(&str) -> bool, &'static [&'static str], &'static [&'static str]);
        let cases: [Case; 11] = [
            (is_email, &["ada@example.org"], &["ada@", "@x.y", "a b@c.de", "ada"]),
            (is_ip, &["10.0.0.1", "::1", "10.0.0.1:80"], &["10.0.0", "1.2.3.4.5", "300.1.1.1"]),
            (
                is_phone,
                &["+49 30 901820", "(555) 123-4567"],
                &["1234567", "12.345678", "2024-01-15", "abc-defg-hij"],
            ),
            (is_image_file, &["a/b/IMG_01.JPG", "x.nii.gz"], &["jpg", ".png", "x.csv"]),
            (
                is_sentence,
                &["The parcel came two days late and broken."],
                &["Berlin", "AB 12 CD 34 EF 56 78 90 12 34"],
            ),
            (is_words, &["Ada Lovelace", "São Paulo"], &["AB12", "a b c d e f"]),
            (is_currency, &["EUR", "usd"], &["EURO", "ABC"]),
            (
                is_agreement,
                &["Strongly agree", "Never", "stimme zu"],
                &["agreement", "nevertheless", "Berlin"],
            ),
            (is_geometry, &["POINT (13.4 52.5)", "52.52, 13.405"], &["POINTS", "1,5", "a, b"]),
            (
                is_time,
                &["10/Oct/2000:13:55:36 -0700", "03/04/2024", "2024-01-01T10:00:00"],
                &["1.2.3", "+49 30 901820", "12:30"],
            ),
            (is_url, &["https://example.org"], &["example.org"]),
        ];
        for (i, (test, good, bad)) in cases.iter().enumerate() {
            for text in *good {
                assert!(test(text), "test {i} on {text}");
            }
            for text in *bad {
                assert!(!test(text), "test {i} on {text}");
            }
        }
    }
}
