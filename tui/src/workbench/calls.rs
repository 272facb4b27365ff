//! The calls of the tabs of a dataset and of queries: outputs of jobs, views, suggestions, recipes, statements. Must not know
//! the state or the screen.

use std::time::Duration;

use dropforge_shared::client::{flat, within};
use dropforge_shared::detection::DETECTION;
use dropforge_shared::fault::Fault;
use dropforge_shared::ids::JobId;
use dropforge_shared::query::QueryRequest;
use dropforge_shared::reading::{READING, REJECTED};
use dropforge_shared::service::{CALL, DropforgeClient};
use serde::de::DeserializeOwned;

use super::action::Answer;
use super::effect::Effect;
use super::state::{MAX_ROWS, PREVIEWED, Rejected, RejectedRows, TIMEOUT_MS};

/// The output in which a job leaves the profile.
pub(super) const PROFILE: &str = "profile.json";

/// A document larger than this is not one.
const DOCUMENT_MAX: u64 = 256 * 1024 * 1024;

/// How much of the rejected records is shown; the output has them all.
const REJECTED_MAX: usize = 1024 * 1024;

/// What reading rows may take: the daemon's own limit for one answer is above the default deadline.
const ROWS: Duration = Duration::from_secs(60);

/// Names that a completion offers.
const COMPLETIONS: u32 = 100;

/// An output of a job, whole or its first bytes; and whether that is all.
async fn output(
    rpc: &DropforgeClient,
    job: &JobId,
    name: &str,
    most: usize,
) -> Result<(Vec<u8>, bool), Fault> {
    let mut bytes = Vec::new();
    loop {
        let piece = rpc.output_read(within(CALL), job.to_string(), name.to_owned(), bytes.len() as u64);
        let chunk = flat(piece.await)?;
        let ended = chunk.bytes.is_empty();
        bytes.extend_from_slice(&chunk.bytes);
        if ended || bytes.len() as u64 >= chunk.total {
            return Ok((bytes, true));
        }
        if bytes.len() >= most {
            return Ok((bytes, false));
        }
    }
}

/// A JSON document among a job's outputs.
pub(super) async fn document<T: DeserializeOwned>(
    rpc: &DropforgeClient,
    job: &JobId,
    name: &str,
) -> Result<Box<T>, Fault> {
    let (bytes, whole) = output(rpc, job, name, DOCUMENT_MAX as usize).await?;
    if !whole {
        return Err(Fault::failed(format!("{name} of job {job} is too large to show")));
    }
    serde_json::from_slice(&bytes)
        .map(Box::new)
        .map_err(|e| Fault::failed(format!("{name} of job {job} can't be read: {e}")))
}

/// Runs a statement.
pub(super) async fn query(rpc: &DropforgeClient, sql: String, ticket: u64) -> Answer {
    let request = QueryRequest { sql, max_rows: MAX_ROWS, timeout_ms: TIMEOUT_MS, project: None };
    let context = within(CALL + Duration::from_millis(TIMEOUT_MS));
    let result = flat(rpc.query(context, request).await).map(Box::new);
    Answer::Query { ticket, result }
}

/// One call and its answer.
pub(super) async fn table(rpc: &DropforgeClient, effect: Effect) -> Option<Answer> {
    let context = within(ROWS);
    Some(match effect {
        Effect::View { file, view, offset, rows } => {
            let result = flat(rpc.view(context, file.to_string(), view.clone(), offset, rows).await);
            Answer::View { file, view, offset, result }
        }
        Effect::Reading { file, job } => Answer::Reading(file, document(rpc, &job, READING).await),
        Effect::Rejected { file, job } => {
            let read = output(rpc, &job, REJECTED, REJECTED_MAX).await;
            Answer::Rejected(file, read.map(|(bytes, whole)| rejected(&bytes, whole)))
        }
        Effect::Detection { file, job } => Answer::Detection(file, document(rpc, &job, DETECTION).await),
        Effect::Suggest(file) => {
            let result = flat(rpc.suggest(context, file.to_string()).await).map(Box::new);
            Answer::Suggestions(file, result)
        }
        Effect::Steps { file, steps, ticket } => {
            let result = flat(rpc.effect(context, file.to_string(), steps, PREVIEWED).await).map(Box::new);
            Answer::Steps { file, ticket, result }
        }
        Effect::Recipes => Answer::Recipes(flat(rpc.recipes(context).await)),
        Effect::SaveRecipe { recipe, replace } => {
            let name = recipe.name.clone();
            let saved = flat(rpc.recipe_save(context, recipe, replace).await);
            Answer::Done(saved.map(|()| format!("The recipe {name} is kept.")))
        }
        Effect::Submit(submission) => Answer::Submitted(flat(rpc.submit(context, submission).await)),
        Effect::ChooseType { file, name } => {
            Answer::TypeChosen(flat(rpc.type_choose(context, file.to_string(), name).await))
        }
        Effect::Complete { prefix, tables, ticket } => {
            // What can't be looked up is not offered; the keywords and the names that are known still are.
            let names = flat(rpc.complete(within(CALL), prefix, COMPLETIONS).await).unwrap_or_default();
            let mut columns = Vec::new();
            for file in tables {
                if let Ok(page) = flat(rpc.page(within(CALL), file.to_string(), 0, 1).await) {
                    columns.push((file, page.columns));
                }
            }
            Answer::Completions { ticket, names: names.into_iter().map(|(_, name)| name).collect(), columns }
        }
        _ => return None,
    })
}

/// The records in the output with what could not be placed. One that was cut off at the end is left out.
fn rejected(bytes: &[u8], whole: bool) -> RejectedRows {
    let records = crate::csv::records(&String::from_utf8_lossy(bytes));
    let rows = records.into_iter().skip(1).map(|record| {
        let mut fields = record.into_iter();
        let mut next = || fields.next().unwrap_or_default();
        Rejected { line: next(), reason: next(), record: next() }
    });
    RejectedRows { rows: rows.collect(), more: !whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_records_are_read_with_their_quotes_and_line_breaks() {
        let csv = b"line,reason,record\n7,too many fields,\"a,b,\"\"c\"\"\nd\"\n9,cut off,\"x\"\n";
        let all = rejected(csv, true);
        assert_eq!(all.rows.len(), 2);
        assert_eq!(
            all.rows[0],
            Rejected { line: "7".into(), reason: "too many fields".into(), record: "a,b,\"c\"\nd".into() }
        );
        let cut = rejected(&csv[..csv.len() - 2], false);
        assert_eq!((cut.rows.len(), cut.more), (1, true));
        assert_eq!(rejected(b"", true).rows, []);
    }
}
