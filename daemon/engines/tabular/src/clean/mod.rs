//! Preparation: what a table needs before it is analysed or learned from, suggested and done.
//!
//! [`suggest`] reads a profile and some rows; [`prepare`] runs steps over a dataset and writes another; [`effect`] shows
//! what they would do. The table of operations is [`dropforge_shared::steps::OPS`].

mod beside;
mod block;
mod effect;
mod fit;
mod key;
mod ops;
mod pattern;
mod plan;
mod prepare;
mod settings;
mod suggest;

pub use effect::effect;
pub use prepare::{Prepared, StepReport, prepare};
pub use suggest::suggest;
