//! A connection for long waits: where the daemon is restarted in between, the call is made again. Jobs and logs outlive a
//! daemon, so a wait for them does too.

use std::time::{Duration, Instant};

use dropforge_shared::client::{Client, connect};
use dropforge_shared::fault::{Fault, FaultCode};
use dropforge_shared::service::DropforgeClient;

use crate::commands::Context;
use crate::print;

/// How long to look for a restarted daemon. It is not started from here: whoever stopped it may have meant it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Broken calls in a row after which it is given up.
const TRIES: u32 = 3;

/// The connection.
pub(crate) struct Line<'a> {
    context: &'a Context,
    client: Client,
}

impl<'a> Line<'a> {
    /// Takes over a connection.
    pub(crate) fn new(context: &'a Context, client: Client) -> Self {
        Self { context, client }
    }

    /// The answer of a call that is safe to make twice.
    pub(crate) async fn call<T>(
        &mut self,
        mut call: impl AsyncFnMut(&DropforgeClient) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut broken = 0;
        loop {
            match call(&self.client.rpc).await {
                Err(fault) if fault.code == FaultCode::Unreachable && broken < TRIES => {
                    broken += 1;
                    self.reconnect(fault).await?;
                }
                answer => return answer,
            }
        }
    }

    async fn reconnect(&mut self, why: Fault) -> Result<(), Fault> {
        print::progress("the daemon went away; waiting for it …");
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(client) = connect(&self.context.paths).await? {
                self.client = client;
                print::progress("");
                return Ok(());
            }
            if Instant::now() > deadline {
                print::progress("");
                return Err(Fault::unreachable(why.message)
                    .hint("Jobs are kept: they go on when the daemon runs again (`dropforge daemon start`)."));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
