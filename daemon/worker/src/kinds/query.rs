//! Saves what a statement gives as a dataset: all of it, however long, streamed to a file that is then taken in as any
//! other is.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use dropforge_shared::fault::Fault;
use dropforge_shared::job::LogLevel;
use dropforge_shared::kind::{JobClass, KindSpec};
use dropforge_shared::query::{Form, settings};
use dropforge_shared::work::Derived;
use dropforge_tabular as tabular;

use crate::Kind;
use crate::context::{Context, Delivery, WorkError};

/// The kind `query`. Settings: `sql`, `name`. The datasets that the statement names are given with the job.
pub(super) const KIND: Kind = Kind {
    spec: KindSpec {
        settings: &settings::ALL,
        check: |settings| written_how(settings).map(|_| ()),
        ..KindSpec::new("query", JobClass::Compute, 2 << 30)
    },
    run: query,
};

/// The result's name in the output folder.
const RESULT: &str = "result.parquet";

fn query(ctx: &mut Context) -> Result<Delivery, WorkError> {
    if let (Some(form), rows) = written_how(&ctx.spec().settings).map_err(WorkError::failed)? {
        return written(ctx, form, rows);
    }
    let sql = setting(ctx, settings::SQL)?;
    let name = file_name(&setting(ctx, settings::NAME)?)?;
    let tables = ctx.spec().given.tables.clone();
    let unclear = ctx.spec().given.unclear.clone();
    let out = ctx.out_dir().join(RESULT);
    let memory = Some(ctx.spec().memory_bytes);
    let saving = tabular::Saving { out: &out, form: Form::Parquet, rows: None, memory };
    let saved = tabular::query_to(&sql, &tables, &unclear, &saving, ctx)?;
    ctx.progress(saved.rows);
    let text = format!("{} rows of {} columns for {name}", saved.rows, saved.columns.len());
    ctx.log(LogLevel::Info, &text);
    let derived = Derived { output: RESULT.to_owned(), name, how: sql };
    Ok(Delivery { facts: None, derived: vec![derived] })
}

/// The form that rows are wanted in, and how many at most.
fn written_how(given: &BTreeMap<String, String>) -> Result<(Option<Form>, Option<u64>), Fault> {
    let fit = |text: &str| dropforge_shared::clean::fit(text, 40);
    let form = given.get(settings::FORM).map(|form| {
        Form::named(form).ok_or_else(|| {
            Fault::usage(format!("'{}' is no form; there are csv, jsonl and parquet", fit(form)))
        })
    });
    let rows = given
        .get(settings::ROWS)
        .map(|rows| rows.parse().map_err(|_| Fault::usage(format!("'{}' is no number of rows", fit(rows)))));
    Ok((form.transpose()?, rows.transpose()?))
}

/// Leaves the rows in a form, to be taken out.
fn written(ctx: &mut Context, form: Form, rows: Option<u64>) -> Result<Delivery, WorkError> {
    let out = ctx.out_dir().join(format!("result.{}", form.name()));
    let data = ctx.spec().given.data.clone().filter(|_| !ctx.spec().settings.contains_key(settings::SQL));
    let rows = match data {
        Some(data) => tabular::export(&data.join("dataset.parquet"), form, &out, ctx)?,
        None => {
            let sql = setting(ctx, settings::SQL)?;
            let (tables, unclear) = (ctx.spec().given.tables.clone(), ctx.spec().given.unclear.clone());
            let saving = tabular::Saving { out: &out, form, rows, memory: Some(ctx.spec().memory_bytes) };
            tabular::query_to(&sql, &tables, &unclear, &saving, ctx)?.rows
        }
    };
    ctx.progress(rows);
    ctx.log(LogLevel::Info, &format!("{rows} rows written as {}", form.name()));
    Ok(Delivery::default())
}

fn setting(ctx: &Context, name: &str) -> Result<String, WorkError> {
    let value = ctx.spec().settings.get(name).map(|v| v.trim()).filter(|v| !v.is_empty());
    value.map(str::to_owned).ok_or_else(|| {
        WorkError::failed(Fault::usage(format!(
            "a job of kind 'query' needs the setting '{name}', and it is empty"
        )))
    })
}

/// A name, and nothing of a path. What is in the file is Parquet, whatever the name's end says.
fn file_name(name: &str) -> Result<String, WorkError> {
    let only = Path::new(name).file_name() == Some(OsStr::new(name));
    if only && !name.chars().any(char::is_control) {
        return Ok(name.to_owned());
    }
    let name = dropforge_shared::clean::line(name);
    Err(WorkError::failed(Fault::usage(format!(
        "'{name}' is no file name: it must not hold '/' or control characters"
    ))))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use dropforge_shared::fault::FaultCode;
    use dropforge_shared::ids::{AttemptId, JobId};
    use dropforge_shared::page::Cell;
    use dropforge_shared::query::TableRef;
    use dropforge_shared::work::{Given, JobSpec};

    use super::*;
    use crate::wire::Sender;

    fn save(sql: &str, name: &str, cancelled: bool) -> (tempfile::TempDir, Result<Delivery, WorkError>) {
        let dir = tempfile::tempdir().unwrap();
        let (data, out_dir) = (dir.path().join("data"), dir.path().join("out"));
        fs::create_dir(&data).unwrap();
        fs::create_dir(&out_dir).unwrap();
        let csv = dir.path().join("sales.csv");
        fs::write(&csv, "city,day,amount\nBern,2024-01-01,1.5\nRome,2024-01-02,2\nBern,,3\n").unwrap();
        tabular::ingest(&csv, &data, &tabular::ReadOptions::default(), &mut tabular::Silent).unwrap();
        let table = TableRef { name: "sales.csv".into(), dataset: data.join("dataset.parquet") };
        let settings = [(settings::SQL, sql), (settings::NAME, name)];
        let spec = JobSpec {
            attempt: AttemptId { job: JobId::random(), number: 1 },
            kind: "query".into(),
            input: None,
            out_dir,
            settings: settings.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect::<BTreeMap<_, _>>(),
            memory_bytes: 1 << 30,
            cpu_seconds: 0,
            checkpoint: None,
            given: Given { tables: vec![table], ..Given::default() },
        };
        let out = Sender::new(File::options().write(true).open("/dev/null").unwrap());
        let result = query(&mut Context::new(spec, out, Arc::new(AtomicBool::new(cancelled))));
        (dir, result)
    }

    #[test]
    fn a_result_can_be_taken_in_again() {
        let sql = "SELECT city, SUM(amount) AS total, MAX(day) AS last FROM \"sales.csv\" GROUP BY city ORDER BY city";
        let (dir, result) = save(sql, "totals.parquet", false);
        let derived = result.unwrap().derived;
        assert_eq!(
            derived,
            [Derived { output: "result.parquet".into(), name: "totals.parquet".into(), how: sql.into() }]
        );
        let again = dir.path().join("again");
        fs::create_dir(&again).unwrap();
        let source = dir.path().join("out/result.parquet");
        tabular::ingest(&source, &again, &tabular::ReadOptions::default(), &mut tabular::Silent).unwrap();
        let page = tabular::page(&again.join("dataset.parquet"), 0, 10).unwrap();
        let text = |t: &str| Cell::Text(t.into());
        assert_eq!(
            page.rows,
            [
                [text("Bern"), Cell::Float(4.5), text("2024-01-01")],
                [text("Rome"), Cell::Float(2.0), text("2024-01-02")]
            ]
        );
    }

    #[test]
    fn what_is_not_allowed_is_refused_and_a_path_is_no_name() {
        let code = |result: Result<Delivery, WorkError>| match result {
            Err(WorkError::Failed { fault, transient: false }) => fault.code,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            code(save("SELECT * FROM read_csv('/etc/hostname')", "x.parquet", false).1),
            FaultCode::Refused
        );
        assert_eq!(code(save("SELECT * FROM \"sales.csv\"", "../x.parquet", false).1), FaultCode::Usage);
        assert_eq!(
            code(save("SELECT city FROM \"sales.csv\" WHERE )", "x.parquet", false).1),
            FaultCode::Usage
        );
        assert_eq!(code(save("  ", "x.parquet", false).1), FaultCode::Usage);
    }

    #[test]
    fn a_cancel_is_no_failure() {
        let endless = "SELECT COUNT(*) AS n FROM \"sales.csv\" a CROSS JOIN \"sales.csv\" b";
        assert_eq!(save(endless, "x.parquet", true).1, Err(WorkError::Cancelled));
    }
}
