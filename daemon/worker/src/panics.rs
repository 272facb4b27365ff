//! Where a panic happened, kept for the message that the user gets: the payload that unwinding carries does not say.

use std::any::Any;
use std::sync::{Mutex, PoisonError};

static LAST: Mutex<Option<String>> = Mutex::new(None);

/// Keeps message and place of each panic, and puts them on standard error (so into the job's log) as well: a panic
/// on a thread of an engine's pool may be swallowed there.
pub(crate) fn install() {
    std::panic::set_hook(Box::new(|info| {
        let text = match info.location() {
            Some(at) => format!("{} (at {}:{})", message(info.payload()), short(at.file()), at.line()),
            None => message(info.payload()),
        };
        crate::complain(&format!("panicked: {text}"));
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }));
}

/// What is known of the panic with this payload.
pub(crate) fn describe(payload: &(dyn Any + Send)) -> String {
    let said = message(payload);
    let last = LAST.lock().unwrap_or_else(PoisonError::into_inner).take();
    last.filter(|l| l.starts_with(&said)).unwrap_or(said)
}

fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "without a message".to_owned()
    }
}

/// The path from the crate's folder on: what lies before it tells of the machine that built the binary.
fn short(path: &str) -> &str {
    match path.rfind("/src/").and_then(|src| path[..src].rfind('/')) {
        Some(crate_dir) => &path[crate_dir + 1..],
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_described_with_its_message_and_without_the_builders_folders() {
        assert_eq!(
            short("/home/someone/.cargo/registry/src/index/polars-io-1/src/csv.rs"),
            "polars-io-1/src/csv.rs"
        );
        assert_eq!(short("daemon/engines/tabular/src/lib.rs"), "tabular/src/lib.rs");
        assert_eq!(short("lib.rs"), "lib.rs");
        let payload: Box<dyn Any + Send> = Box::new("index out of bounds".to_owned());
        assert_eq!(describe(payload.as_ref()), "index out of bounds");
    }
}
