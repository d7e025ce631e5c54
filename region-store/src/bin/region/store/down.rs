//! `evict`, `flush`, `erase` and `tend`.

use region_store::store::{Down, Filter, Store};
use serde_json::json;

use super::arguments::Step;
use crate::{Failure, REFUSED, code_of, say};

impl Step {
    const fn done(self) -> &'static str {
        match self {
            Self::Evict => "evicted",
            Self::Flush => "flushed",
            Self::Erase => "erased",
        }
    }
}

pub(super) fn run(store: &Store, step: Step, filter: &Filter, json: bool) -> Result<(), Failure> {
    let down = match step {
        Step::Evict => store.evict(filter),
        Step::Flush => store.flush(filter),
        Step::Erase => store.erase(filter),
    };
    say(if json { as_json(step, &down) } else { as_text(step, &down) })?;
    // The worst code counts.
    let failed = down.failed.iter().map(|(_, cause)| code_of(cause));
    let busy = down.busy.iter().map(|_| REFUSED);
    match failed.chain(busy).max() {
        None => Ok(()),
        Some(code) => Err(Failure::Told(code)),
    }
}

fn as_json(step: Step, down: &Down) -> String {
    let keys = |keys: &[_]| keys.iter().map(ToString::to_string).collect::<Vec<_>>();
    let failed = |(key, cause): &(_, _)| json!({ "slice": format!("{key}"), "failure": format!("{cause}") });
    let failed: Vec<_> = down.failed.iter().map(failed).collect();
    json!({ step.done(): keys(&down.done), "busy": keys(&down.busy), "failed": failed }).to_string()
}

fn as_text(step: Step, down: &Down) -> String {
    let done = down.done.iter().map(|key| format!("{key}: {}", step.done()));
    let busy = down.busy.iter().map(|key| format!("{key}: busy, and left as it is"));
    let failed = down.failed.iter().map(|(key, cause)| format!("{key}: failed: {cause}"));
    let total = format!(
        "{} {}, {} busy, {} failed",
        down.done.len(),
        step.done(),
        down.busy.len(),
        down.failed.len()
    );
    let lines: Vec<String> = done.chain(busy).chain(failed).chain([total]).collect();
    lines.join("\n")
}

pub(super) fn tend(store: &Store, json: bool) -> Result<(), Failure> {
    let tended = store.tend();
    let (evicted, flushed, erased) = (tended.evicted, tended.flushed, tended.erased);
    if json {
        return say(json!({ "evicted": evicted, "flushed": flushed, "erased": erased }));
    }
    say(format!("{evicted} evicted, {flushed} flushed, {erased} erased"))
}
