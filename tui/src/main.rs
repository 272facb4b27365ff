//! Dropforge.
fn main() {}
