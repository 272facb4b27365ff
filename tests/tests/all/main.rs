//! The tests of the whole, in one program so that it links once: the house's own rules, the main job end to end, the
//! inbox, faults, the terminal.

// Helpers of tests fail as tests do.
#![allow(clippy::unwrap_used, clippy::panic)]

mod calls;
mod daemon;
mod faults;
mod house;
mod losses;
mod made;
mod main_job;
mod readme;
mod settings;
mod tables;
mod terminal;
