//! Preparation against figures that pandas and scikit-learn give, and small tables worked out by hand.
//!
//! The figures of `scaling_agrees_with_scikit_learn` and `parts_of_dates_agree_with_pandas` were printed by
//! `pip install pandas scikit-learn` (3.1 and 1.9) and, for x = [2, 4, 4, 5, 7, 9, 100] as a column:
//! `StandardScaler().fit_transform(x)`, `MinMaxScaler()`, `RobustScaler()`; `np.quantile(x, [.01, .99])`; for dates
//! `(t.year, t.quarter, t.month, t.day, t.isoweekday(), t.day_of_year, t.hour, t.minute)`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail there")]

mod common;

use std::fs;
use std::path::PathBuf;

use common::*;
use dropforge_shared::page::Cell;
use dropforge_shared::suggest::StepChoice;
use dropforge_tabular::{Error, Level, Monitor, Prepared, Silent, effect, page, prepare};

fn step(op: &str, columns: &[&str], settings: &[(&str, &str)]) -> StepChoice {
    StepChoice {
        op: op.into(),
        columns: columns.iter().map(|c| (*c).into()).collect(),
        settings: settings.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
    }
}

trait Run {
    fn run(&self, steps: &[StepChoice]) -> Result<Prepared, Error>;
    fn out(&self) -> PathBuf;
}

impl Run for Profiled {
    fn run(&self, steps: &[StepChoice]) -> Result<Prepared, Error> {
        prepare(&self.dataset, &self.profile, steps, &self.out(), &mut Silent)
    }

    fn out(&self) -> PathBuf {
        self.dir.path().join("prepared.parquet")
    }
}

/// The table after the steps, header first, missing as `·`.
fn after(text: &str, steps: &[StepChoice]) -> Vec<String> {
    let taken = profiled(text);
    taken.run(steps).unwrap();
    lines(&taken)
}

fn lines(taken: &Profiled) -> Vec<String> {
    let page = page(&taken.out(), 0, 1_000).unwrap();
    let header = page.columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>().join("|");
    let cell = |c: &Cell| if *c == Cell::Null { "·".to_owned() } else { c.display() };
    let row = |r: &Vec<Cell>| r.iter().map(cell).collect::<Vec<_>>().join("|");
    std::iter::once(header).chain(page.rows.iter().map(row)).collect()
}

fn numbers(text: &str, steps: &[StepChoice]) -> Vec<f64> {
    after(text, steps).iter().skip(1).map(|l| l.parse().unwrap()).collect()
}

fn close(got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len());
    for (a, b) in got.iter().zip(want) {
        assert!((a - b).abs() <= 1e-12 * b.abs().max(1.0), "{got:?} is not {want:?}");
    }
}

const X: &str = "x\n2\n4\n4\n5\n7\n9\n100\n";

#[test]
fn scaling_agrees_with_scikit_learn() {
    let scale = |method| numbers(X, &[step("scale", &["x"], &[("method", method)])]);
    close(
        &scale("standard"),
        &[
            -0.5026693365443622,
            -0.44252086892366926,
            -0.44252086892366926,
            -0.4124466351133228,
            -0.3522981674926299,
            -0.292149699871937,
            2.44460557686959,
        ],
    );
    close(
        &scale("min_max"),
        &[
            0.0,
            0.02040816326530612,
            0.02040816326530612,
            0.03061224489795918,
            0.05102040816326531,
            0.07142857142857142,
            1.0,
        ],
    );
    close(&scale("robust"), &[-0.75, -0.25, -0.25, 0.0, 0.5, 1.0, 23.75]);
    let constant = numbers("x\n3.1\n3.1\n3.1\n", &[step("scale", &["x"], &[])]);
    close(&constant, &[0.0, 0.0, 0.0]);
}

#[test]
fn bounds_and_logarithms_agree_with_numpy() {
    let low_high = [("method", "quantiles"), ("low", "0.01"), ("high", "0.99")];
    let floats = X.replace("100", "100.0").replace('2', "2.0");
    let got = numbers(&floats, &[step("clip", &["x"], &low_high)]);
    close(&got, &[2.12, 4.0, 4.0, 5.0, 7.0, 9.0, 94.54]);
    // Quartiles 4 and 8: 1.5 interquartile ranges beyond them are −2 and 14.
    close(&numbers(X, &[step("clip", &["x"], &[])]), &[2.0, 4.0, 4.0, 5.0, 7.0, 9.0, 14.0]);
    let rows = after(X, &[step("clip", &["x"], &[("action", "drop_rows")])]);
    assert_eq!(rows, ["x", "2", "4", "4", "5", "7", "9"]);
    let rows = after(X, &[step("clip", &["x"], &[("action", "missing")])]);
    assert_eq!(rows.last().map(String::as_str), Some("·"));
    let logs = numbers(X, &[step("log_transform", &["x"], &[])]);
    close(
        &logs,
        &[
            1.0986122886681098,
            1.6094379124341003,
            1.6094379124341003,
            1.791759469228055,
            2.0794415416798357,
            std::f64::consts::LN_10,
            4.61512051684126,
        ],
    );
    let signed = [("method", "signed_log1p")];
    let logs = numbers("x\n-4\n4\n", &[step("log_transform", &["x"], &signed)]);
    close(&logs, &[-1.6094379124341003, 1.6094379124341003]);
}

#[test]
fn parts_of_dates_agree_with_pandas() {
    let text = "t\n2024-02-29 23:30\n1999-12-31 00:05\n\n2021-01-03 12:00\n";
    let parts = [("parts", "year,quarter,month,day,weekday,day_of_year,hour,minute")];
    let got = after(&text.replace("\n\n", "\nNA\n"), &[step("date_parts", &["t"], &parts)]);
    assert_eq!(
        got,
        [
            "t_year|t_quarter|t_month|t_day|t_weekday|t_day_of_year|t_hour|t_minute",
            "2024|1|2|29|4|60|23|30",
            "1999|4|12|31|5|365|0|5",
            "·|·|·|·|·|·|·|·",
            "2021|1|1|3|7|3|12|0",
        ]
    );
}

#[test]
fn missing_cells_are_filled_by_each_strategy() {
    let text = "i,f,t\n1,1.5,b\nNA,NA,NA\n2,2.5,a\n4,5,a\n5,NA,b\n";
    let run = |strategy, columns: &[&str]| {
        let settings = [("strategy", strategy), ("value", "7")];
        after(text, &[step("impute", columns, &settings)])
    };
    assert_eq!(run("mean", &["i", "f"])[2], "3|3|·");
    // The median of 1, 2, 4, 5 is 3, which is whole: the column stays integer. Of 1.5, 2.5, 5 it is 2.5.
    assert_eq!(run("median", &["i", "f"])[2], "3|2.5|·");
    // a and b are equally frequent: the first in order.
    assert_eq!(run("mode", &["t"])[2], "·|·|a");
    assert_eq!(run("constant", &["i", "t"])[2], "7|·|7");
    assert_eq!(run("forward", &["i", "f", "t"])[2], "1|1.5|b");
    assert_eq!(run("forward", &["f"])[5], "5|5|b");
    assert_eq!(run("drop_rows", &["i"]).len(), 5);
    assert_eq!(run("drop_rows", &[]).len(), 4);
    let marked = after(text, &[step("impute", &["i"], &[("indicator", "true")])]);
    assert_eq!((marked[0].as_str(), marked[2].as_str()), ("i|i_missing|f|t", "3|1|·|·"));
}

#[test]
fn categories_become_columns_or_numbers() {
    let text = "c,n\na,1\nb,2\na,3\nNA,4\nc,5\nb,6\na,7\nd,8\n";
    let one_hot = |settings: &[(&str, &str)]| after(text, &[step("encode", &["c"], settings)]);
    let all = one_hot(&[]);
    assert_eq!(all[0], "c_a|c_b|c_c|c_d|n");
    assert_eq!(&all[1..5], ["1|0|0|0|1", "0|1|0|0|2", "1|0|0|0|3", "0|0|0|0|4"]);
    let capped = one_hot(&[("max_categories", "2"), ("missing", "own_column")]);
    assert_eq!((capped[0].as_str(), capped[4].as_str()), ("c_a|c_b|c_other|c_missing|n", "0|0|0|1|4"));
    assert_eq!(capped[5], "0|0|1|0|5");
    assert_eq!(one_hot(&[("max_categories", "2"), ("others", "none")])[5], "0|0|5");
    assert_eq!(one_hot(&[("drop_first", "true")])[0], "c_b|c_c|c_d|n");
    let ordinal = |settings: &[(&str, &str)]| {
        let settings: Vec<_> = [("method", "ordinal")].iter().chain(settings).copied().collect();
        let lines = after(text, &[step("encode", &["c"], &settings)]);
        lines[1..].iter().map(|l| l.split('|').next().unwrap().to_owned()).collect::<Vec<_>>().join("")
    };
    assert_eq!(ordinal(&[]), "010·2103");
    assert_eq!(ordinal(&[("order", "given"), ("values", "d,c,b,a")]), "323·1230");
    assert_eq!(ordinal(&[("order", "given"), ("values", "b,a")]), "101··01·");
}

#[test]
fn texts_are_mended() {
    let text = "a,b\n  x ,Male\ny,male\n-999,MALE\nunknown,Male \nx,fe  male\n";
    let steps = [
        step("trim", &[], &[]),
        step("replace", &["a"], &[("values", "-999,Unknown"), ("case", "ignore")]),
        step("merge_spelling", &["b"], &[]),
    ];
    assert_eq!(after(text, &steps), ["a|b", "x|Male", "y|Male", "·|Male", "·|Male", "x|fe male"]);
    let lists = "g,k\nred;green,1\ngreen,2\nNA,3\nblue; red;red,4\n";
    let split = after(lists, &[step("split_list", &["g"], &[("max_values", "2")])]);
    assert_eq!(split, ["g_green|g_red|g_other|k", "1|1|0|1", "1|0|0|2", "0|0|0|3", "0|1|1|4"]);
    let counted = after(lists, &[step("split_list", &["g"], &[("to", "count"), ("keep", "true")])]);
    assert_eq!(counted[0], "g|g_count|k");
    assert_eq!((counted[3].as_str(), counted[4].as_str()), ("·|·|3", "blue; red;red|3|4"));
}

#[test]
fn texts_become_numbers_and_dates_and_what_does_not_fit_is_counted() {
    let taken = profiled("p;d\n1.234,50 €;9.3.24\n7 €;31.2.24\nfree;1.1.99\n");
    let money = [("decimal", "comma"), ("thousands", "point"), ("strip", "€ ")];
    let done = taken
        .run(&[step("cast", &["p"], &money), step("parse_dates", &["d"], &[("format", "%d.%m.%y")])])
        .unwrap();
    assert_eq!(lines(&taken), ["p|d", "1234.5|2024-03-09", "7|·", "·|1999-01-01"]);
    assert_eq!((done.steps[0].nulls_before, done.steps[0].nulls_after), (0, 1));
    assert_eq!(done.steps[0].notes, ["p: 1 cells did not fit and became missing, such as 'free'"]);
    let fail = [("format", "dotted"), ("on_misfit", "fail")];
    let text = taken.run(&[step("parse_dates", &["d"], &fail)]).unwrap_err().to_string();
    assert!(text.starts_with("step 1 (parse_dates), column d: '9.3.24'"), "{text}");
}

#[test]
fn rows_go_and_columns_are_renamed() {
    let text = "k,v\na,1\nb,2\na,1\na,3\nNA,1\nNA,1\n";
    assert_eq!(after(text, &[step("deduplicate", &[], &[])]), ["k|v", "a|1", "b|2", "a|3", "·|1"]);
    assert_eq!(after(text, &[step("deduplicate", &["k"], &[])]), ["k|v", "a|1", "b|2", "·|1"]);
    let keep = |keep, value| {
        let settings = [("keep", keep), ("value", value)];
        after(text, &[step("filter_rows", &["v"], &settings)]).len() - 1
    };
    assert_eq!(
        (keep("above", "1"), keep("at_least", "1.5"), keep("is", "1"), keep("is_not", "1")),
        (2, 2, 4, 2)
    );
    let gone = after(text, &[step("filter_rows", &["v"], &[("keep", "above"), ("value", "9")])]);
    assert_eq!(gone, ["k|v"]);
    let renamed = [step("rename", &["v"], &[("to", "value")]), step("drop", &["k"], &[])];
    assert_eq!(after(text, &renamed)[..2], ["value", "1"]);
}

#[test]
fn a_step_learns_from_what_the_steps_before_it_leave() {
    // Without −999 and the duplicate the mean of 1, 3, 8 is 4; scaled by range 1, 3, 8, 4 are 0, 2/7, 1, 3/7.
    let text = "x,c\n1,a\n1,a\n3,b\n-999,b\n8,NA\n";
    let steps = [
        step("deduplicate", &[], &[]),
        step("replace", &["x"], &[("values", "-999")]),
        step("impute", &["x"], &[("strategy", "mean")]),
        step("impute", &["c"], &[("strategy", "mode")]),
        step("scale", &["x"], &[("method", "min_max")]),
        step("encode", &["c"], &[]),
        step("rename", &["c_b"], &[("to", "is_b")]),
        step("drop", &["c_a"], &[]),
    ];
    let taken = profiled(text);
    let done = taken.run(&steps).unwrap();
    assert_eq!(lines(&taken)[0], "x|is_b");
    let rows: Vec<Vec<f64>> =
        lines(&taken)[1..].iter().map(|l| l.split('|').map(|c| c.parse().unwrap()).collect()).collect();
    let x: Vec<f64> = rows.iter().map(|r| r[0]).collect();
    close(&x, &[0.0, 2.0 / 7.0, 3.0 / 7.0, 1.0]);
    assert_eq!(rows.iter().map(|r| r[1]).collect::<Vec<_>>(), [0.0, 1.0, 1.0, 1.0]);
    let rows: Vec<_> = done.steps.iter().map(|s| (s.rows_before, s.rows_after)).collect();
    assert_eq!(&rows[..2], [(5, 4), (4, 4)]);
    let nulls: Vec<_> = done.steps.iter().map(|s| (s.nulls_before, s.nulls_after)).collect();
    assert_eq!(&nulls[..4], [(1, 1), (1, 2), (2, 1), (1, 0)]);
    // Twice the same, to the byte.
    let first = fs::read(taken.out()).unwrap();
    taken.run(&steps).unwrap();
    assert!(first == fs::read(taken.out()).unwrap());
}

#[test]
fn many_blocks_are_one_table() {
    let mut text = String::from("i,x,c\n");
    let (mut values, mut kept) = (Vec::new(), Vec::new());
    for i in 0..150_000u64 {
        let x = (i * 7_919 % 100_003) as f64 / 8.0;
        if i % 10 == 3 {
            text.push_str(&format!("{i},NA,c{}\n", i % 7));
        } else {
            text.push_str(&format!("{i},{x},c{}\n", i % 7));
            values.push(x);
        }
        kept.push(i % 7);
    }
    let taken = profiled(&text);
    let steps = [
        step("impute", &["x"], &[("indicator", "true")]),
        step("encode", &["c"], &[("method", "ordinal"), ("order", "alphabetical")]),
        step("deduplicate", &["c"], &[]),
    ];
    let done = taken.run(&steps).unwrap();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let median = (values[middle - 1] + values[middle]) / 2.0;
    assert_eq!((done.rows, done.steps[2].rows_before), (7, 150_000));
    let filled = &lines(&taken)[4];
    assert_eq!(filled, &format!("3|{median}|1|3"));
    assert_eq!((done.steps[0].nulls_before, done.steps[0].nulls_after), (15_000, 0));
    let mut rest = vec![step("impute", &["x"], &[("strategy", "forward")])];
    rest.push(step("filter_rows", &["i"], &[("keep", "is"), ("value", "149993")]));
    taken.run(&rest).unwrap();
    let before = (149_992u64 * 7_919 % 100_003) as f64 / 8.0;
    assert_eq!(lines(&taken)[1], format!("149993|{before}|c{}", 149_993 % 7));
}

#[test]
fn mistakes_name_step_column_and_what_would_be_right() {
    let taken = profiled("a,t,d\n1,x,2024-01-01\n-5,y,2024-01-02\n");
    let told = |steps: &[StepChoice]| match taken.run(steps) {
        Err(Error::Step(error)) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let cases: [(StepChoice, &str); 14] = [
        (step("scale", &["t"], &[]), "column t: it takes numeric columns, and this one is text"),
        (step("scale", &["b"], &[]), "column b: there is no such column here; there are a, t, d"),
        (step("scale", &[], &[]), "names none"),
        (step("scale", &["a", "a"], &[]), "named twice"),
        (step("scale", &["a"], &[("method", "zscore")]), "standard | min_max | robust"),
        (step("scale", &["a"], &[("low", "2")]), "low must be less than high"),
        (
            step("clip", &["a"], &[("factor", "-1")]),
            "factor cannot be '-1'; it must be a number of at least 0",
        ),
        (step("encode", &["t"], &[("max_categories", "0")]), "a whole number from 1 to 1000"),
        (step("impute", &["a"], &[("strategy", "constant"), ("value", "z")]), "must be a whole number"),
        (step("log_transform", &["a"], &[]), "there is -5; use signed_log1p"),
        (step("date_parts", &["d"], &[("parts", "year,hour")]), "column d: a date has no hour"),
        (step("parse_dates", &["t"], &[("format", "%Y-%m")]), "one year, one month and one day"),
        (step("rename", &["a"], &[("to", "t")]), "there is a column 't' already"),
        (step("drop", &["a", "t", "d"], &[]), "no column would be left"),
    ];
    for (case, words) in cases {
        let text = told(&[step("trim", &[], &[]), case]);
        assert!(text.starts_with("step 2 (") && text.contains(words), "{text}");
    }
    let twice = [step("date_parts", &["d"], &[("keep", "true")]), step("date_parts", &["d"], &[])];
    assert!(told(&twice).contains("column d_year: it would make a column of a name that is there already"));
}

#[test]
fn an_effect_shows_the_first_rows_before_and_after() {
    let mut text = String::from("x,c\n");
    (0..100).for_each(|i| text.push_str(&if i == 1 { "NA,a\n".to_owned() } else { format!("{i},b\n") }));
    let taken = profiled(&text);
    let steps = [
        step("impute", &["x"], &[("strategy", "constant"), ("value", "7")]),
        step("filter_rows", &["x"], &[("keep", "above"), ("value", "2")]),
    ];
    let seen = effect(&taken.dataset, &taken.profile, &steps, 5).unwrap();
    assert_eq!((seen.before.rows.len(), seen.before.total_rows), (5, 100));
    let x: Vec<String> = seen.after.rows.iter().map(|r| r[0].display()).collect();
    assert_eq!((x.join(" "), seen.after.total_rows), ("7 3 4".to_owned(), 98));
    assert_eq!(seen.notes.len(), 2);
    assert!(seen.notes[1].ends_with("rows 100 → 98, missing cells 0 → 0"), "{:?}", seen.notes);
    let none = profiled("x,c\n");
    let seen = effect(&none.dataset, &none.profile, &[step("rename", &["x"], &[("to", "y")])], 5).unwrap();
    assert_eq!((seen.before.columns[0].name.as_str(), seen.after.columns[0].name.as_str()), ("x", "y"));
}

struct Stopped;

impl Monitor for Stopped {
    fn stage(&mut self, _: &str, _: Option<u64>, _: &str) {}
    fn progress(&mut self, _: u64) {}
    fn log(&mut self, _: Level, _: &str) {}
    fn cancelled(&self) -> bool {
        true
    }
}

#[test]
fn a_stop_is_heard_while_it_learns_and_while_it_writes() {
    let taken = profiled(X);
    for steps in [step("scale", &["x"], &[]), step("deduplicate", &[], &[])] {
        let result = prepare(&taken.dataset, &taken.profile, &[steps], &taken.out(), &mut Stopped);
        assert!(matches!(result, Err(Error::Cancelled)));
    }
}
