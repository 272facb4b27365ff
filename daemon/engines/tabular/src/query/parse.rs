//! Text to syntax tree, with the parser and the options that the engine behind uses, so that what is checked is what is
//! run. Must not know what is allowed.

use sqlparser::ast::{Expr, FunctionArguments, Ident, ObjectNamePart, Query, Spanned, Statement};
use sqlparser::dialect::GenericDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError, ParserOptions};
use sqlparser::tokenizer::{Location, Span, Token, Tokenizer};

use crate::error::Error;

/// The longest statement in bytes. Reading costs memory many times over.
const MAX_BYTES: usize = 64 << 10;

/// Keywords and operators that a statement may have. A chain such as `1 + 1 + 1 …` is a tree as deep as it is long, and
/// whatever looks at it, up to the end of its life, takes a piece of the stack for each step.
const MAX_KNOTS: usize = 3_000;

/// Statements as the engine parses them.
pub(super) fn statements(sql: &str) -> Result<Vec<Statement>, Error> {
    if sql.len() > MAX_BYTES {
        return Err(Error::Refused(format!(
            "the statement has {} bytes, and {MAX_BYTES} are the limit; join a table instead of listing values",
            sql.len()
        )));
    }
    let knots = Tokenizer::new(&GenericDialect, sql).tokenize().map_or(0, |tokens| {
        let plain = |token: &&Token| match token {
            Token::Whitespace(_) | Token::Comma | Token::Number(..) | Token::SingleQuotedString(_) => true,
            Token::Word(word) => word.keyword == Keyword::NoKeyword,
            _ => false,
        };
        tokens.iter().filter(|token| !plain(token)).count()
    });
    if knots > MAX_KNOTS {
        return Err(Error::Refused(format!(
            "the statement has {knots} keywords and operators, and {MAX_KNOTS} are the limit; join a table instead of \
             listing conditions"
        )));
    }
    let options = ParserOptions { trailing_commas: true, ..ParserOptions::default() };
    let parsed = Parser::new(&GenericDialect)
        .with_options(options)
        .try_with_sql(sql)
        .and_then(|mut parser| parser.parse_statements());
    parsed.map_err(|error| Error::Usage(describe(&error, sql)))
}

/// One expression, of this crate's making.
pub(super) fn expression(words: &str) -> Result<Expr, Error> {
    let parsed = Parser::new(&GenericDialect).try_with_sql(words).and_then(|mut parser| parser.parse_expr());
    parsed.map_err(|e| Error::Internal(format!("{words} can't be read: {e}")))
}

/// Words that a statement which reads begins with.
const BEGINNINGS: [&str; 3] = ["SELECT", "WITH", "VALUES"];

/// The first word of the text, with its place, where it is none that a reading statement begins with. It is looked at before
/// the text is parsed: there are statements that the parser does not know, and all of them are refused alike.
fn other_verb(sql: &str) -> Option<(String, String)> {
    // What can't be cut into words is told of by the parser.
    let tokens = Tokenizer::new(&GenericDialect, sql).tokenize_with_location().unwrap_or_default();
    let first = tokens.into_iter().find(|t| !matches!(t.token, Token::Whitespace(_) | Token::SemiColon))?;
    match &first.token {
        Token::Word(word) if word.quote_style.is_none() => {
            let verb = word.value.to_uppercase();
            (!BEGINNINGS.contains(&verb.as_str())).then(|| (at(first.span.start), verb))
        }
        _ => None,
    }
}

/// The one query of the text.
pub(super) fn one_query(sql: &str) -> Result<Query, Error> {
    if let Some((place, verb)) = other_verb(sql).filter(|_| sql.len() <= MAX_BYTES) {
        // Verbs that look like one of those: they are no typos.
        let known = ["SET", "DELETE", "DETACH", "SHOW", "VACUUM"].contains(&verb.as_str());
        if let Some(near) = BEGINNINGS.iter().find(|b| !known && strsim::damerau_levenshtein(b, &verb) <= 2) {
            return Err(Error::Usage(format!("{place}there is no statement {verb}; did you mean {near}?")));
        }
        return Err(not_reading(&place, &verb));
    }
    let mut statements = statements(sql)?;
    if statements.len() > 1 {
        let place = statements.get(1).map_or_else(String::new, |s| place(s.span()));
        return Err(Error::Refused(format!("{place}one statement at a time; run them one after the other")));
    }
    match statements.pop() {
        None => Err(Error::Usage("the statement is empty; try SELECT * FROM \"FILE\" LIMIT 10".into())),
        Some(Statement::Query(mut query)) => {
            let _ = sqlparser::ast::visit_expressions_mut(&mut query, |e| {
                as_column(e);
                std::ops::ControlFlow::<()>::Continue(())
            });
            Ok(*query)
        }
        Some(other) => {
            let what = other.to_string();
            let verb: String = what.split_whitespace().next().unwrap_or("this").to_uppercase();
            let place = match other.span().start {
                Location { line: 0, .. } => first_word(sql),
                start => at(start),
            };
            Err(not_reading(&place, &verb))
        }
    }
}

/// Words that the parser takes for functions without parentheses. Nobody is logged in here, and `user` is what many a column
/// is called.
const NOT_FUNCTIONS: [&str; 4] = ["USER", "CURRENT_USER", "SESSION_USER", "CURRENT_CATALOG"];

fn as_column(expr: &mut Expr) {
    let Expr::Function(function) = &*expr else { return };
    let bare = matches!(function.args, FunctionArguments::None) && function.over.is_none();
    if let [ObjectNamePart::Identifier(name)] = function.name.0.as_slice()
        && bare
        && NOT_FUNCTIONS.contains(&name.value.to_uppercase().as_str())
    {
        *expr = Expr::Identifier(Ident { quote_style: Some('"'), ..name.clone() });
    }
}

fn not_reading(place: &str, verb: &str) -> Error {
    Error::Refused(format!("{place}{verb} is not allowed; a statement only reads: SELECT, or WITH … SELECT"))
}

fn first_word(sql: &str) -> String {
    let lead = &sql[..sql.len() - sql.trim_start().len()];
    let line = lead.matches('\n').count() as u64 + 1;
    let column = lead.rsplit('\n').next().map_or(0, |l| l.chars().count()) as u64 + 1;
    at(Location { line, column })
}

/// `line 1, column 8: `, or nothing where it is not known.
pub(super) fn place(span: Span) -> String {
    at(span.start)
}

fn at(start: Location) -> String {
    if start.line == 0 { String::new() } else { format!("line {}, column {}: ", start.line, start.column) }
}

/// The parser's word, with the place in front. It says `… at Line: 1, Column: 8`.
fn describe(error: &ParserError, sql: &str) -> String {
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text.as_str(),
        ParserError::RecursionLimitExceeded => {
            return "the statement is nested too deeply to be read; take parts of it into WITH".into();
        }
    };
    let Some((what, numbers)) = text.rsplit_once(" at Line: ") else {
        let last = sql.lines().count().max(1);
        let column = sql.lines().last().map_or(0, |l| l.chars().count()) + 1;
        return format!("line {last}, column {column}: the statement can't be read: {text}");
    };
    match numbers.split_once(", Column: ") {
        Some((line, column)) => format!("line {line}, column {column}: the statement can't be read: {what}"),
        None => format!("the statement can't be read: {text}"),
    }
}
