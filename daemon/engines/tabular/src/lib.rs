//! Tables: recognised by content, read, typed over all rows, written to Parquet, profiled, paged.
//!
//! A plain library. It knows nothing of the daemon, of RPC or of the store, and it is the only crate that sees
//! Polars, so that nothing else waits for Polars to compile. It takes paths and gives figures; whoever calls it
//! decides where things lie and what is shown.
//!
//! The way of a file: [`recognise`] looks at the first bytes; [`ingest`] reads every record, types every column over
//! all rows and writes one `dataset.parquet`; [`profile`] and [`page`] read only that Parquet file.

mod archive;
mod arrow;
mod clean;
mod columns;
mod container;
mod csv;
mod decode;
mod detect;
mod error;
mod export;
mod ingest;
mod json;
mod jsonl;
mod limits;
mod monitor;
mod options;
mod page;
mod parquet;
mod pass;
mod profile;
mod query;
mod recognise;
mod rejects;
mod sheets;
mod sniff;
mod source;
mod told;
mod types;
mod utf32;
mod view;
mod witness;
mod wrapping;
mod write;

pub use clean::{Prepared, StepReport, effect, prepare, suggest};
pub use detect::{Rules, detect};
pub use error::Error;
pub use export::export;
pub use ingest::ingest;
pub use limits::Limits;
pub use monitor::{Level, Monitor, Silent};
pub use options::ReadOptions;
pub use page::page;
pub use profile::profile;
pub use query::{QueryLimits, Saved, Saving, query, query_to};
pub use recognise::{Format, Recognised, is_named_table, recognise};
pub use told::Ingested;
pub use view::Views;
