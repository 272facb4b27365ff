//! Every built-in type, from a table as tools that deal with it write one. The tables are made here, by the habits of
//! such tools; how detection does on files that nobody here wrote is measured in `tests/benches`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail there")]

use std::fs;

use dropforge_shared::detection::Detection;
use dropforge_tabular::{ReadOptions, Rules, Silent, detect, ingest, profile};

fn of(text: &str) -> Detection {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("input");
    fs::write(&source, text).unwrap();
    let ingested = ingest(&source, dir.path(), &ReadOptions::default(), &mut Silent).unwrap();
    let dataset = dir.path().join("dataset.parquet");
    let profile = profile(&dataset, "f", &ingested.null_tokens, &mut Silent).unwrap();
    detect(&profile, &dataset, ingested.header, &Rules::builtin())
}

/// Rows that follow no pattern, the same on each run.
fn table(header: &str, row: impl Fn(u64, &dyn Fn(u64, u64) -> u64) -> String) -> String {
    let mut text = format!("{header}\n");
    for i in 0..300u64 {
        // The finaliser of SplitMix64 on row and slot.
        let pick = |slot: u64, n: u64| {
            let mut z = (i * 64 + slot).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ (z >> 31)) % n
        };
        text += &row(i, &pick);
        text.push('\n');
    }
    text
}

fn one<'a>(of: &[&'a str], n: u64) -> &'a str {
    of[n as usize % of.len()]
}

fn day(i: u64) -> String {
    format!("2023-{:02}-{:02}", 1 + i / 28 % 12, 1 + i % 28)
}

fn is_high(name: &str, text: &str) {
    let detection = of(text);
    let best = &detection.candidates[0];
    let told = format!("{} {:.0} {}: {:#?}", best.name, best.score, detection.decided.level, best.evidence);
    assert_eq!((detection.decided.name.as_str(), detection.decided.level.as_str()), (name, "high"), "{told}");
    assert!(!detection.ask);
}

#[test]
fn money_types() {
    is_high(
        "transactions",
        &table(
            "Transaction ID,Account,Booking date,Amount,Currency,Payee,Transaction type,Balance",
            |i, p| {
                let amount = p(1, 90_000) as f64 / 100.0 - 450.0;
                format!(
                    "T{:06},DE{:04},{},{amount:.2},EUR,{} Ltd,{},{:.2}",
                    i * 7,
                    p(2, 20),
                    day(i),
                    one(&["Alder", "Birch", "Cedar"], p(3, 3)),
                    one(&["debit", "credit"], p(4, 2)),
                    1_000.0 + amount * 2.0
                )
            },
        ),
    );
    is_high(
        "orders",
        &table(
            "Order ID,Order Date,Ship Date,Customer Name,Product,Category,Quantity,Unit Price,Discount,Sales",
            |i, p| {
                let (q, price) = (1 + p(1, 9), p(2, 9_900) as f64 / 100.0 + 1.0);
                format!(
                    "{},{},{},Ada L,{},{},{q},{price:.2},0.1,{:.2}",
                    10_000 + i / 2,
                    day(i),
                    day(i + 2),
                    one(&["Chair", "Desk", "Lamp"], p(3, 3)),
                    one(&["Office", "Home"], p(4, 2)),
                    q as f64 * price
                )
            },
        ),
    );
    is_high(
        "credit",
        &table(
            "loan_id,loan_amount,term,interest_rate,purpose,credit_history,annual_income,home_ownership,loan_status",
            |i, p| {
                format!(
                    "{},{},{},{:.2},{},{},{},{},{}",
                    500 + i,
                    1_000 + p(1, 40_000),
                    one(&["36", "60"], p(2, 2)),
                    4.0 + p(3, 150) as f64 / 10.0,
                    one(&["car", "house", "debt"], p(4, 3)),
                    p(5, 2),
                    20_000 + p(6, 90_000),
                    one(&["rent", "own"], p(7, 2)),
                    one(&["paid", "default"], p(8, 2))
                )
            },
        ),
    );
    is_high(
        "insurance",
        &table(
            "policy_number,age,sex,region,annual_premium,deductible,claim_amount,number_of_claims,vehicle_age",
            |i, p| {
                format!(
                    "P{},{},{},{},{:.2},{},{:.2},{},{}",
                    9_000 + i,
                    18 + p(1, 60),
                    one(&["m", "f"], p(2, 2)),
                    one(&["north", "south"], p(3, 2)),
                    200.0 + p(4, 90_000) as f64 / 100.0,
                    one(&["500", "1000"], p(5, 2)),
                    p(6, 500_000) as f64 / 100.0,
                    p(7, 4),
                    p(8, 20)
                )
            },
        ),
    );
}

#[test]
fn people_types() {
    is_high(
        "customers",
        &table("customer_id,first_name,last_name,email,phone,city,signup_date,plan,churn", |i, p| {
            format!(
                "{},{},{},u{i}@example.org,+49 30 {:06},{},{},{},{}",
                7_000 + i,
                one(&["Ada", "Alan", "Grace"], p(1, 3)),
                one(&["Lovelace", "Turing", "Hopper"], p(2, 3)),
                100_000 + p(3, 800_000),
                one(&["Berlin", "Paris"], p(4, 2)),
                day(p(5, 300)),
                one(&["basic", "pro"], p(6, 2)),
                p(7, 2)
            )
        }),
    );
    is_high(
        "survey",
        &table("respondent_id,gender,age,q1,q2,q3,q4,q5,q6,q7,q8,overall_satisfaction", |i, p| {
            let answers: Vec<String> = (10..19).map(|s| (1 + p(s, 5)).to_string()).collect();
            format!("{},{},{},{}", 1 + i, one(&["m", "f"], p(1, 2)), 18 + p(2, 60), answers.join(","))
        }),
    );
    is_high(
        "medical",
        &table(
            "patient_id,age,sex,diagnosis,systolic_bp,cholesterol,bmi,smoker,treatment,length_of_stay",
            |i, p| {
                format!(
                    "{},{},{},{},{},{},{:.1},{},{},{}",
                    40_000 + i,
                    20 + p(1, 70),
                    one(&["M", "F"], p(2, 2)),
                    one(&["I10", "E11", "J45"], p(3, 3)),
                    100 + p(4, 80),
                    120 + p(5, 200),
                    18.0 + p(6, 200) as f64 / 10.0,
                    one(&["yes", "no"], p(7, 2)),
                    one(&["drug", "placebo"], p(8, 2)),
                    1 + p(9, 20)
                )
            },
        ),
    );
    is_high(
        "survival",
        &table("id,time,status,age,sex,treatment", |i, p| {
            format!(
                "{},{},{},{},{},{}",
                i + 1,
                1 + p(1, 900),
                p(2, 2),
                40 + p(3, 40),
                1 + p(4, 2),
                one(&["A", "B"], p(5, 2))
            )
        }),
    );
    is_high(
        "hr",
        &table(
            "Employee ID,Name,Department,Job Title,Salary,Hire Date,Gender,Years at company,Attrition",
            |i, p| {
                format!(
                    "E{i},{} {},{},{},{},{},{},{},{}",
                    one(&["Ada", "Alan", "Grace"], p(1, 3)),
                    one(&["Hopper", "Turing"], p(2, 2)),
                    one(&["Sales", "IT", "HR"], p(3, 3)),
                    one(&["Clerk", "Engineer"], p(4, 2)),
                    30_000 + p(5, 60_000),
                    day(p(6, 300)),
                    one(&["female", "male"], p(7, 2)),
                    p(8, 30),
                    one(&["Yes", "No"], p(9, 2))
                )
            },
        ),
    );
}

#[test]
fn machine_types() {
    is_high(
        "sensors",
        &table("timestamp,sensor_id,temperature,humidity,pressure", |i, p| {
            let t = 20.0 + (i as f64 / 20.0).sin() * 5.0 + p(1, 10) as f64 / 50.0;
            format!(
                "2024-03-{:02} {:02}:00:00,S1,{t:.2},{:.1},{:.1}",
                1 + i / 24,
                i % 24,
                40.0 + t / 2.0,
                1_000.0 + t
            )
        }),
    );
    is_high(
        "logs",
        &table("timestamp,level,host,service,client_ip,method,path,status,message", |i, p| {
            format!(
                "2024-03-01 10:{:02}:{:02},{},web{},api,10.0.0.{},{},/v1/items/{},{},request took {} ms",
                i / 60,
                i % 60,
                one(&["INFO", "WARN", "ERROR"], p(1, 3)),
                p(2, 3),
                1 + p(3, 250),
                one(&["GET", "POST"], p(4, 2)),
                p(5, 90),
                one(&["200", "404", "500"], p(6, 3)),
                p(7, 900)
            )
        }),
    );
    is_high(
        "vehicles",
        &table("make,model,year,fuel type,transmission,engine size,horsepower,mpg,mileage,price", |_, p| {
            format!(
                "{},{},{},{},{},{:.1},{},{},{},{}",
                one(&["Ford", "Fiat", "Opel"], p(1, 3)),
                one(&["A1", "B2", "C3"], p(2, 3)),
                2_000 + p(3, 22),
                one(&["petrol", "diesel"], p(4, 2)),
                one(&["manual", "auto"], p(5, 2)),
                1.0 + p(6, 30) as f64 / 10.0,
                60 + p(7, 200),
                15 + p(8, 40),
                100 + p(9, 200_000),
                900 + p(10, 40_000)
            )
        }),
    );
}

#[test]
fn other_types() {
    let words = ["the", "parcel", "came", "late", "but", "works", "well", "and", "looks", "good", "again"];
    is_high(
        "labelled_text",
        &table("id,text,sentiment", |i, p| {
            let text: Vec<&str> = (0..12).map(|s| one(&words, p(s, 11))).collect();
            format!("{i},{} {i},{}", text.join(" "), one(&["positive", "negative"], p(20, 2)))
        }),
    );
    is_high(
        "geospatial",
        &table("name,latitude,longitude,elevation,country", |i, p| {
            format!(
                "Place {i},{:.5},{:.5},{},{}",
                p(1, 120_000) as f64 / 1_000.0 - 60.0,
                p(2, 300_000) as f64 / 1_000.0 - 150.0,
                p(3, 3_000),
                one(&["DE", "FR", "IT"], p(4, 3))
            )
        }),
    );
    is_high(
        "ratings",
        &table("userId,movieId,rating,timestamp", |_, p| {
            format!(
                "{},{},{:.1},{}",
                1 + p(1, 60),
                1 + p(2, 90),
                0.5 + p(3, 10) as f64 / 2.0,
                1_200_000_000 + p(4, 90_000_000)
            )
        }),
    );
    is_high(
        "images",
        &table("filename,width,height,class", |i, p| {
            format!(
                "img_{i:04}.jpg,{},{},{}",
                100 + p(1, 500),
                100 + p(2, 500),
                one(&["cat", "dog"], p(3, 2))
            )
        }),
    );
}

#[test]
fn a_table_that_people_name_in_german_or_portuguese() {
    is_high(
        "orders",
        &table("Bestellnummer;Bestelldatum;Kundennummer;Artikel;Menge;Einzelpreis;Gesamtpreis", |i, p| {
            let (q, price) = (1 + p(1, 9), 100 + p(2, 9_900));
            format!(
                "{};{};K{};{};{q};{},{:02};{}",
                900 + i / 2,
                day(i),
                p(3, 40),
                one(&["Stuhl", "Tisch"], p(4, 2)),
                price / 100,
                price % 100,
                q * price / 100
            )
        }),
    );
    is_high(
        "hr",
        &table("matrícula,nome,departamento,cargo,salário,data_admissão,sexo", |i, p| {
            format!(
                "{},Ana {i},{},{},{},{},{}",
                100 + i,
                one(&["TI", "RH"], p(1, 2)),
                one(&["Analista", "Gerente"], p(2, 2)),
                2_000 + p(3, 9_000),
                day(p(4, 300)),
                one(&["M", "F"], p(5, 2))
            )
        }),
    );
}
