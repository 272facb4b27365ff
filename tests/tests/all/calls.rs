//! Calls that have no verb of their own: queueing a job of the kind that misbehaves.

use std::collections::BTreeMap;

use dropforge_shared::client::{connect, flat, within};
use dropforge_shared::job::JobView;
use dropforge_shared::service::{CALL, DropforgeClient, Submission};
use dropforge_tests::Home;

/// Runs calls over one connection to a home's daemon.
pub fn call<T>(home: &Home, calls: impl AsyncFnOnce(DropforgeClient) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let client =
            connect(&home.paths()).await.expect("a daemon that answers").expect("a daemon that runs");
        calls(client.rpc).await
    })
}

/// A job that misbehaves in a given way.
pub fn fault(what: &str) -> Submission {
    Submission {
        kind: "fault".into(),
        file: None,
        settings: BTreeMap::from([("do".to_owned(), what.to_owned())]),
        priority: 0,
        idempotency: None,
    }
}

/// Queues a job that misbehaves, and answers it as queued.
pub fn submit_fault(home: &Home, what: &str) -> JobView {
    call(home, async |rpc| flat(rpc.submit(within(CALL), fault(what)).await).expect("a job that is queued"))
}
