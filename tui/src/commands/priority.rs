//! How soon a job is to run, as an option of the verbs that queue one. Must not know what they queue.

/// Jobs of a class start in the order of their priority.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct Priority {
    /// From -100 to 100: higher starts first; waiting lifts a job by and by
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        allow_negative_numbers = true,
        value_parser = clap::value_parser!(i32).range(-100..=100)
    )]
    pub(super) priority: i32,
}
