//! A disk that gets full while several threads load slices.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::AtomicU32;

use super::*;

const THREADS: usize = 4;

/// A small file system of its own, which is unmounted with this.
struct Mount(tempfile::TempDir);

impl Mount {
    /// One in memory; `None` where nobody may mount.
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=8m", "none"]).arg(folder.path()).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(folder));
        }
        real_parts::missing("the right to mount");
        None
    }

    /// Two folders that share the room.
    fn spindles(&self) -> Vec<Spindle> {
        let folders = ["d1", "d10"].map(|name| (name, self.0.path().join(name)));
        folders.iter().for_each(|(_, folder)| std::fs::create_dir(folder).unwrap());
        folders.map(|(name, folder)| Spindle::new(name, folder)).to_vec()
    }

    /// What is there, but for the store's own files.
    fn files(&self) -> Vec<PathBuf> {
        let folders = ["d1", "d10"].map(|name| std::fs::read_dir(self.0.path().join(name)).unwrap());
        let paths = folders.into_iter().flatten().map(|entry| entry.unwrap().path());
        paths.filter(|path| !path.to_str().unwrap().contains("store.")).collect()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Somebody may look into it now.
        let _unmounted = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

/// Loads slices with several threads until each of them has met with an error. What could not be loaded comes second.
fn fill(store: &Store, first: u32) -> (Vec<u32>, Vec<(u32, Error)>) {
    let next = AtomicU32::new(first);
    let (loaded, failed) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let slice_key = next.fetch_add(1, Ordering::Relaxed);
                    match store.load(identity(slice_key), Blobs::new()) {
                        Ok(lock) => {
                            check(&lock);
                            loaded.lock().unwrap().push(slice_key);
                        }
                        Err(error) => return failed.lock().unwrap().push((slice_key, error)),
                    }
                }
            });
        }
    });
    (loaded.into_inner().unwrap(), failed.into_inner().unwrap())
}

fn check_all(store: &Store, loaded: &[u32]) {
    loaded.iter().for_each(|slice_key| check(&store.read(key(*slice_key)).unwrap()));
}

#[test]
fn what_is_free_counts_of_each_file_system_once() {
    let (Some(one), Some(other)) = (Mount::new(), Mount::new()) else { return };
    let [d1, d10] = one.spindles().try_into().unwrap();
    let d11 = Spindle::new("d11", other.0.path());
    for (spindles, mounts) in [(vec![d1.clone(), d10], 1), (vec![d1, d11], 2)] {
        let all = StoreOptions { disk_bytes: None, spindles, ..options() };
        let status = Store::open(all).unwrap().status();
        let free = status.spindles.iter().map(|spindle| spindle.free_bytes.unwrap()).take(mounts).sum();
        assert_eq!((status.disk_bytes, status.disk_limit), (0, Some(free)));
        assert!(free > 6_000_000 * mounts as u64);
    }
}

#[test]
fn a_disk_that_gets_full_is_told_and_what_was_loaded_stays() {
    let Some(mount) = Mount::new() else { return };
    let spindles = mount.spindles();
    let all = StoreOptions { disk_bytes: None, heal_after: Duration::ZERO, spindles, ..options() };
    let store = Store::open(all.clone()).unwrap();
    let (loaded, failed) = fill(&store, 0);
    println!("{} are loaded", loaded.len());
    assert!(loaded.len() > 50 && failed.len() == THREADS);
    for (_, error) in &failed {
        let (said, folder) = (error.to_string(), mount.0.path().to_str().unwrap());
        assert!(said.contains(folder) && said.contains("No space left on device"), "{said}");
    }
    // In memory, from disk, and for the next store. Of what failed there is nothing.
    check_all(&store, &loaded);
    assert!(store.evict(&Filter::default()).busy.is_empty());
    let status = store.status();
    assert_eq!((status.slices[SnapState::Hot as usize], status.memory_bytes), (0, 0));
    check_all(&store, &loaded);
    assert_eq!(mount.files().len(), loaded.len() * 5);
    drop(store);
    let store = Store::open(all).unwrap();
    assert_eq!(store.status().slices, [0, loaded.len(), 0, 0, 0, 0]);
    check_all(&store, &loaded);
    // Where room is made, there is room.
    let (gone, kept) = loaded.split_at(loaded.len() / 2);
    for slice_key in gone {
        let flushed = store.flush(&format!("slice={slice_key}").parse().unwrap());
        assert_eq!(flushed.done, [key(*slice_key)]);
    }
    for (slice_key, _) in failed {
        check(&store.load(identity(slice_key), Blobs::new()).unwrap());
    }
    let (again, _) = fill(&store, 1_000);
    assert!(again.len() > gone.len() / 2);
    check_all(&store, kept);
    check_all(&store, &again);
}
