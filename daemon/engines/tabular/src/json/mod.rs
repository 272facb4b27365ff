//! JSON documents: an array of records, an object that holds arrays of records, or one record.
//!
//! The document is never in memory as a whole. [`scan::Scanner`] checks it byte by byte, [`locate`] finds where its
//! records are, and [`Lines`] gives them one a line to the reader of JSON Lines. It knows nothing of columns.

mod lines;
mod locate;
mod scan;
mod shape;
mod tell;

pub(crate) use lines::Lines;
pub(crate) use locate::locate;
pub(crate) use shape::{Place, Survey};
pub(crate) use tell::tell;

/// What is wrong with a document, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// `line 3, byte 120`
    pub(crate) place: String,
    /// What was found.
    pub(crate) reason: String,
}
