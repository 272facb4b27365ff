//! Calls that have no verb of their own: queueing a job of the kind that misbehaves.

use std::collections::BTreeMap;

use dropforge_shared::client::{connect, flat, within};
use dropforge_shared::job::JobView;
use dropforge_shared::service::{CALL, DropforgeClient, Submission};
use dropforge_tests::{Home, eventually};
use serde_json::Value;

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

/// Has a job of that kind do something to a file, and answers the job as it ended.
pub fn do_to(home: &Home, file: &str, what: &str, settings: &[(&str, &str)]) -> Value {
    let mut submission = fault(what);
    submission.file = Some(file.to_owned());
    submission.settings.extend(settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
    let job = call(home, async |rpc| flat(rpc.submit(within(CALL), submission).await)).expect("a queued job");
    ended(home, job.id.as_str())
}

/// Waits for a job's terminal state.
pub fn ended(home: &Home, id: &str) -> Value {
    eventually(&format!("job {id} ends"), || {
        Some(home.json(&format!("job {id}")))
            .filter(|j| !matches!(j["state"].as_str(), Some("queued" | "running")))
    })
}

/// Queues a job that misbehaves, and answers it as queued.
pub fn submit_fault(home: &Home, what: &str) -> JobView {
    call(home, async |rpc| flat(rpc.submit(within(CALL), fault(what)).await).expect("a job that is queued"))
}
