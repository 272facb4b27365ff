//! The table of job kinds. A new kind is a file here and a line below.

mod ingest;
mod intact;
mod prepare;
mod query;

use crate::Kind;

/// Every kind of job that this build can do.
pub const KINDS: &[Kind] = &[ingest::KIND, prepare::KIND, query::KIND];
