//! What a store holds, as JSON.

use region_store::store::{
    Generation, Marks, SnapMetrics, SnapState, SnapStatus, SpindleStatus, StoreOptions, StoreStatus,
};
use serde_json::{Map, Value, json};

pub(super) fn of_store(status: &StoreStatus, options: &StoreOptions, snaps: &[SnapStatus]) -> Value {
    let states = SnapState::ALL.iter().zip(status.slices);
    let states: Map<String, Value> =
        states.map(|(state, count)| (state.name().to_owned(), count.into())).collect();
    json!({
        "spindles": status.spindles.iter().map(of_spindle).collect::<Vec<_>>(),
        "memory": of_room(status.memory_bytes, Some(status.memory_limit), options.memory_marks),
        "disk": of_room(status.disk_bytes, status.disk_limit, options.disk_marks),
        "states": states,
        "slices": snaps.iter().map(of_slice).collect::<Vec<_>>(),
    })
}

pub(super) fn of_slices(snaps: &[SnapStatus]) -> Value {
    json!({ "slices": snaps.iter().map(of_slice).collect::<Vec<_>>() })
}

pub(super) fn of_generation(generation: Generation) -> Value {
    json!({ "clock": generation.clock, "digest": generation.digest })
}

fn of_spindle(spindle: &SpindleStatus) -> Value {
    json!({
        "name": spindle.name, "folder": spindle.folder.to_string_lossy(), "bytes": spindle.bytes,
        "free_bytes": spindle.free_bytes, "missing": spindle.missing,
    })
}

fn of_room(bytes: u64, limit: Option<u64>, marks: Marks) -> Value {
    json!({ "bytes": bytes, "limit": limit, "high_mark": marks.high, "low_mark": marks.low })
}

fn of_slice(snap: &SnapStatus) -> Value {
    json!({
        "slice": snap.key.to_string(),
        "domain": snap.key.domain,
        "view": snap.key.view,
        "slice_key": snap.key.slice_key,
        "generation": of_generation(snap.generation),
        "state": snap.state.name(),
        "busy": snap.is_busy,
        "readers": snap.readers,
        "idle_seconds": snap.idle.as_secs_f64(),
        "snap_id": snap.snap_id.map(|id| id.to_string()),
        "regions": snap.regions,
        "blobs": snap.blobs,
        "blob_bytes": snap.blob_bytes,
        "file_bytes": snap.file_bytes,
        "created_ns": snap.created_ns,
        "seconds_to_live": {
            "evict": snap.times_to_live.evict.as_secs_f64(),
            "flush": snap.times_to_live.flush.as_secs_f64(),
            "erase": snap.times_to_live.erase.as_secs_f64(),
        },
        "failure": snap.failure,
        "metrics": of_metrics(&snap.metrics),
    })
}

fn of_metrics(metrics: &SnapMetrics) -> Value {
    json!({
        "parcels": metrics.parcels,
        "received_bytes": metrics.received_bytes,
        "inflated_bytes": metrics.inflated_bytes,
        "load_seconds": metrics.load_time.as_secs_f64(),
        "queue_wait_seconds": metrics.queue_wait.as_secs_f64(),
        "time_skew": metrics.time_skew,
        "size_skew": metrics.size_skew,
        "loads": metrics.loads,
        "maps": metrics.maps,
        "evictions": metrics.evictions,
        "flushes": metrics.flushes,
        "failures": metrics.failures,
    })
}
