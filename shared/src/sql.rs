//! The SQL that a statement may use: words and functions. The engine refuses functions that are not here, and the
//! screens complete from here, so that nothing is offered that would be refused.

/// What a function is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FunctionKind {
    /// A value of each row.
    Scalar,
    /// A value of many rows. May stand before `OVER`.
    Aggregate,
    /// Needs `OVER`.
    Window,
}

/// A function that a statement may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqlFunction {
    /// The name, in lower case.
    pub name: &'static str,
    /// What it is for.
    pub kind: FunctionKind,
    /// How it is called, and what is special about it.
    pub usage: &'static str,
}

const fn scalar(name: &'static str, usage: &'static str) -> SqlFunction {
    SqlFunction { name, kind: FunctionKind::Scalar, usage }
}

const fn aggregate(name: &'static str, usage: &'static str) -> SqlFunction {
    SqlFunction { name, kind: FunctionKind::Aggregate, usage }
}

const fn window(name: &'static str, usage: &'static str) -> SqlFunction {
    SqlFunction { name, kind: FunctionKind::Window, usage }
}

/// Every function there is, by name. `CAST`, `CASE`, `EXTRACT`, `POSITION` and `TRIM` have a grammar of their own and are
/// understood besides.
pub const FUNCTIONS: &[SqlFunction] = &[
    scalar("abs", "abs(x)"),
    scalar("acos", "acos(x)"),
    aggregate("array_agg", "array_agg(x [ORDER BY y]): a list, shown as JSON"),
    scalar("asin", "asin(x)"),
    scalar("atan", "atan(x)"),
    scalar("atan2", "atan2(y, x)"),
    aggregate("avg", "avg(x)"),
    scalar("cbrt", "cbrt(x)"),
    scalar("ceil", "ceil(x)"),
    scalar("ceiling", "ceiling(x)"),
    scalar("char_length", "char_length(text)"),
    scalar("character_length", "character_length(text)"),
    scalar("coalesce", "coalesce(a, b, …): the first that is not missing"),
    scalar("concat", "concat(a, b, …): missing values are left out"),
    scalar("concat_ws", "concat_ws(separator, a, b, …)"),
    aggregate("corr", "corr(x, y): Pearson's"),
    scalar("cos", "cos(x)"),
    scalar("cot", "cot(x)"),
    aggregate("count", "count(*), count(x), count(DISTINCT x)"),
    aggregate("covar_pop", "covar_pop(x, y)"),
    aggregate("covar_samp", "covar_samp(x, y)"),
    scalar("date", "date(text [, format])"),
    scalar("date_part", "date_part('year', d)"),
    scalar(
        "date_trunc",
        "date_trunc('month', d): year, quarter, month, week (from Monday), day, hour, minute, second",
    ),
    scalar("degrees", "degrees(x)"),
    window("dense_rank", "dense_rank() OVER (ORDER BY x)"),
    scalar("ends_with", "ends_with(text, end)"),
    scalar("exp", "exp(x)"),
    aggregate("first", "first(x): of the rows in their order"),
    window("first_value", "first_value(x) OVER (ORDER BY y)"),
    scalar("floor", "floor(x)"),
    scalar("greatest", "greatest(a, b, …): missing values are left out"),
    aggregate("group_concat", "group_concat(text, separator)"),
    scalar("if", "if(condition, then, else)"),
    scalar("ifnull", "ifnull(a, b)"),
    window("lag", "lag(x [, n]) OVER (ORDER BY y)"),
    aggregate("last", "last(x): of the rows in their order"),
    window("last_value", "last_value(x) OVER (ORDER BY y ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"),
    window("lead", "lead(x [, n]) OVER (ORDER BY y)"),
    scalar("least", "least(a, b, …): missing values are left out"),
    scalar("left", "left(text, n)"),
    scalar("length", "length(text): in characters"),
    aggregate("listagg", "listagg(text, separator)"),
    scalar("ln", "ln(x)"),
    scalar("log10", "log10(x)"),
    scalar("log1p", "log1p(x)"),
    scalar("log2", "log2(x)"),
    scalar("lower", "lower(text)"),
    scalar("lpad", "lpad(text, n [, character])"),
    scalar("ltrim", "ltrim(text [, characters])"),
    aggregate("max", "max(x)"),
    aggregate("median", "median(x)"),
    aggregate("min", "min(x)"),
    scalar("mod", "mod(a, b): with the sign of a"),
    scalar("nullif", "nullif(a, b): missing where both are equal"),
    scalar("octet_length", "octet_length(text): in bytes"),
    scalar("pi", "pi()"),
    scalar("pow", "pow(x, y)"),
    scalar("power", "power(x, y)"),
    aggregate("quantile_cont", "quantile_cont(x, 0.9): interpolated"),
    aggregate("quantile_disc", "quantile_disc(x, 0.9): a value that is there"),
    scalar("radians", "radians(x)"),
    window("rank", "rank() OVER (ORDER BY x)"),
    scalar("regexp_like", "regexp_like(text, pattern [, flags])"),
    scalar("replace", "replace(text, old, new)"),
    scalar("reverse", "reverse(text)"),
    scalar("right", "right(text, n)"),
    scalar("round", "round(x [, digits])"),
    window("row_number", "row_number() OVER (ORDER BY x)"),
    scalar("rpad", "rpad(text, n [, character])"),
    scalar("rtrim", "rtrim(text [, characters])"),
    scalar("sign", "sign(x)"),
    scalar("sin", "sin(x)"),
    scalar("split_part", "split_part(text, separator, n)"),
    scalar("sqrt", "sqrt(x)"),
    scalar("starts_with", "starts_with(text, start)"),
    aggregate("stddev", "stddev(x): of a sample"),
    aggregate("stddev_samp", "stddev_samp(x)"),
    scalar("strftime", "strftime(d, '%Y-%m')"),
    aggregate("string_agg", "string_agg(text, separator [ORDER BY y])"),
    scalar("strpos", "strpos(text, part): from 1, 0 where it is not there"),
    scalar("strptime", "strptime(text, '%d.%m.%Y %H:%M')"),
    scalar("substr", "substr(text, start [, length])"),
    scalar("substring", "substring(text FROM start FOR length)"),
    aggregate("sum", "sum(x): missing where there is nothing to add up"),
    scalar("tan", "tan(x)"),
    aggregate("total", "total(x): as sum, but 0 where there is nothing to add up"),
    scalar("trunc", "trunc(x [, digits])"),
    scalar("upper", "upper(text)"),
    aggregate("var_samp", "var_samp(x)"),
    aggregate("variance", "variance(x): of a sample"),
];

/// Words of the language, for completion. Upper case, by name.
pub const KEYWORDS: &[&str] = &[
    "ALL",
    "AND",
    "ANTI",
    "AS",
    "ASC",
    "BETWEEN",
    "BIGINT",
    "BOOLEAN",
    "BY",
    "CASE",
    "CAST",
    "CROSS",
    "CURRENT",
    "DATE",
    "DESC",
    "DISTINCT",
    "DOUBLE",
    "ELSE",
    "END",
    "ESCAPE",
    "EXCEPT",
    "EXISTS",
    "EXTRACT",
    "FALSE",
    "FILTER",
    "FIRST",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "ILIKE",
    "IN",
    "INNER",
    "INTEGER",
    "INTERSECT",
    "INTERVAL",
    "IS",
    "JOIN",
    "LAST",
    "LEFT",
    "LIKE",
    "LIMIT",
    "NOT",
    "NULL",
    "NULLS",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OUTER",
    "OVER",
    "PARTITION",
    "POSITION",
    "PRECEDING",
    "QUALIFY",
    "RIGHT",
    "ROW",
    "ROWS",
    "SELECT",
    "SEMI",
    "THEN",
    "TIMESTAMP",
    "TRIM",
    "TRUE",
    "TRY_CAST",
    "UNBOUNDED",
    "UNION",
    "USING",
    "VARCHAR",
    "WHEN",
    "WHERE",
    "WITH",
];

/// The function of a name, in any case.
pub fn function(name: &str) -> Option<&'static SqlFunction> {
    FUNCTIONS.iter().find(|f| f.name.eq_ignore_ascii_case(name))
}

/// Up to three of `known` that look most like `name`, the nearest first: Jaro–Winkler similarity of at least 0.75, upper
/// and lower case alike (Winkler, 1990, "String Comparator Metrics and Enhanced Decision Rules in the Fellegi-Sunter
/// Model of Record Linkage").
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = name.to_lowercase();
    let mut scored: Vec<(f64, &str)> = known
        .into_iter()
        .map(|k| (strsim::jaro_winkler(&wanted, &k.to_lowercase()), k))
        .filter(|(score, _)| *score >= 0.75)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.dedup_by(|a, b| a.1 == b.1);
    scored.into_iter().take(3).map(|(_, k)| k).collect()
}

/// Every name in a statement, in order and each once: what stands in double quotes or backticks, unquoted, and every bare
/// word, keywords and functions among them. Texts in single quotes, comments and numbers are passed over. It is a
/// lexer, not a parser: whoever asks compares the names with what there is.
pub fn names_in(sql: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = match c {
            '\'' => quoted(after, '\'').1,
            '"' | '`' => {
                let (name, after) = quoted(after, c);
                add(&mut names, name);
                after
            }
            '-' if after.starts_with('-') => after.find('\n').map_or("", |end| &after[end..]),
            '/' if after.starts_with('*') => comment(&after[1..]),
            _ if c.is_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'));
                let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
                add(&mut names, word.to_owned());
                after
            }
            // Passed over whole, so that `1e5` leaves no `e5`.
            _ if c.is_ascii_digit() => after.trim_start_matches(|c: char| c.is_alphanumeric() || c == '.'),
            _ => after,
        };
    }
    names
}

fn add(names: &mut Vec<String>, name: String) {
    if !name.is_empty() && !names.contains(&name) {
        names.push(name);
    }
}

/// What stands before the closing mark, where a doubled mark is one of the name, and what comes after.
fn quoted(text: &str, mark: char) -> (String, &str) {
    let mut name = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == mark {
            if chars.peek().is_some_and(|(_, next)| *next == mark) {
                chars.next();
            } else {
                return (name, &text[at + mark.len_utf8()..]);
            }
        }
        name.push(c);
    }
    // It never ends; the parser will say so.
    (name, "")
}

/// What comes after a block comment. They nest.
fn comment(mut text: &str) -> &str {
    let mut depth = 1;
    while depth > 0 {
        let Some(at) = text.find(['*', '/']) else { return "" };
        text = &text[at..];
        if let Some(after) = text.strip_prefix("*/") {
            depth -= 1;
            text = after;
        } else if let Some(after) = text.strip_prefix("/*") {
            depth += 1;
            text = after;
        } else {
            text = &text[1..];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_where_they_are_names() {
        let sql = "SELECT a.\"total sum\", 'not \"this\" one''s' -- nor \"that\"\n\
                   FROM \"sales.csv\" a /* /* \"x\" */ \"y\" */ JOIN `BOOK.xlsx#SHEET` ON a.id = 1e5 AND \"say \"\"hi\"\"\" > 0x1F";
        let names = names_in(sql);
        assert_eq!(
            names,
            [
                "SELECT",
                "a",
                "total sum",
                "FROM",
                "sales.csv",
                "JOIN",
                "BOOK.xlsx#SHEET",
                "ON",
                "id",
                "AND",
                "say \"hi\""
            ]
        );
    }

    #[test]
    fn broken_statements_end() {
        assert_eq!(names_in("SELECT \"never ends"), ["SELECT", "never ends"]);
        assert_eq!(names_in("größe /* never 'ends"), ["größe"]);
        assert_eq!(names_in("'never ends"), Vec::<String>::new());
        assert_eq!(names_in("a /*/ b */ c"), ["a", "c"]);
    }

    #[test]
    fn the_list_is_in_order_and_in_lower_case() {
        assert!(FUNCTIONS.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(
            FUNCTIONS
                .iter()
                .all(|f| f.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'))
        );
        assert!(KEYWORDS.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(function("Sum").is_some() && function("read_csv").is_none());
    }

    #[test]
    fn a_slip_finds_its_name() {
        assert_eq!(nearest("slaes.csv", ["orders.csv", "sales.csv"]).first(), Some(&"sales.csv"));
        assert!(nearest("zzz", ["orders.csv"]).is_empty());
    }
}
