//! What steps learn from a column before they change it, exactly and in bounded memory.

pub(crate) mod counts;
pub(crate) mod moments;
pub(crate) mod quantiles;
