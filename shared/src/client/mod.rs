//! The client's side: find the daemon, start it where none answers, call it, follow it.

mod connect;
mod feed;
mod spawn;

use std::time::{Duration, Instant};

pub use connect::{Client, ask, connect};
pub use feed::{FeedItem, follow};
pub use spawn::{connect_or_start, start};

use crate::fault::Fault;

/// A call's context with its own deadline.
pub fn within(time: Duration) -> tarpc::context::Context {
    let mut context = tarpc::context::current();
    context.deadline = Instant::now() + time;
    context
}

/// One result from the two layers of a call: the transport's and the daemon's.
pub fn flat<T>(result: Result<Result<T, Fault>, tarpc::client::RpcError>) -> Result<T, Fault> {
    use tarpc::client::RpcError;
    match result {
        Ok(answer) => answer,
        Err(RpcError::DeadlineExceeded) => Err(Fault::unreachable("the daemon did not answer in time")
            .hint("Is the machine overloaded? Try again.")),
        Err(RpcError::Shutdown) => Err(broken(String::new())),
        Err(e) => Err(broken(format!(": {e}"))),
    }
}

fn broken(how: String) -> Fault {
    Fault::unreachable(format!("the connection to the daemon broke{how}"))
        .hint("It may have been stopped or restarted. The next command starts it where none runs; in the workbench S does.")
}
