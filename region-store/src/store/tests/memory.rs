//! When memory is free again.

use std::sync::mpsc::{Sender, channel};

use super::*;

/// A store whose listener does not come back from being told of loads before it is let go on.
fn told_slowly(options: StoreOptions) -> (Store<CrashMedium>, Sender<()>) {
    let (go_on, going_on) = channel::<()>();
    let going_on = Mutex::new(going_on);
    let listener = move |event: &Event| {
        if let Event::Loaded { .. } = event {
            // Until the sender is dropped.
            let _ = going_on.lock().unwrap().recv();
        }
    };
    (Store::open_on(medium(), options, listener).unwrap(), go_on)
}

#[test]
fn what_is_evicted_is_free_though_its_load_is_still_being_told() {
    let (store, go_on) = told_slowly(options());
    store.load(identity(1), Blobs::new()).unwrap();
    let bytes = store.status().memory_bytes;
    assert_eq!(store.evict(&Filter::default()).done, [key(1)]);
    assert_eq!(store.status().memory_bytes, 0);
    drop(go_on);
    // Whoever needs the room has it, too.
    let (store, go_on) = told_slowly(StoreOptions { memory_bytes: Some(bytes * 3 / 2), ..options() });
    for slice_key in 0..3 {
        check(&store.load(identity(slice_key), Blobs::new()).unwrap());
    }
    drop(go_on);
}
