//! What a disk is for.

use std::pin::pin;
use std::thread;
use std::time::{Duration, Instant};

use sector_cache::{Drive, SectorKey};
use vdisk_proto::client::{AsyncDisk, Disk, Error, Options};
use vdisk_proto::codec::Status;
use vdisk_proto::session;
use vdisk_proto::store::Faults;

use crate::proxy::Proxy;
use crate::server::filling;
use crate::{LONG, options, parts, read, sector};

#[test]
fn a_disk_reads_writes_flushes_and_counts() {
    let Some((broker, server)) = parts() else { return };
    let disk = Disk::open(&options(&broker)).unwrap();
    let drives = disk.drives().unwrap();
    assert_eq!(
        drives.iter().map(|info| (info.drive, info.is_read_only)).collect::<Vec<_>>(),
        [(Drive::A, true), (Drive::B, false)]
    );
    assert_eq!(read(&disk, 40), [filling(40); 137]);
    let before = disk.stats().unwrap();
    for number in 32..64 {
        assert_eq!(read(&disk, number), [filling(number); 137]);
    }
    let after = disk.stats().unwrap();
    assert_eq!((after.cache.used, after.cache.hits), (32, 32), "the track came with the first sector");
    assert_eq!(after.session.sent, before.session.sent);
    disk.write(sector(40), &[7; 137]).unwrap();
    assert_eq!(read(&disk, 40), [7; 137]);
    disk.flush().unwrap();
    assert_eq!(server.sector(40), [7; 137]);
    let stats = disk.stats().unwrap();
    assert_eq!((stats.unacknowledged, stats.connections), (0, 1));
    assert!(stats.is_connected && !stats.is_version_1);
    disk.write(sector(41), &[8; 137]).unwrap();
    disk.close().unwrap();
    assert_eq!(server.sector(41), [8; 137]);
}

#[test]
fn calls_that_make_no_sense_are_refused_by_name() {
    let Some((broker, _server)) = parts() else { return };
    let disk = Disk::open(&options(&broker)).unwrap();
    let of = |drive, number| SectorKey::try_new(drive, number).unwrap();
    let refused = |result: Result<(), Error>| match result {
        Err(Error::Call { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    let mut bytes = [0; 137];
    assert_eq!(refused(disk.read(of(5, 0), &mut bytes)), session::Error::NoDrive);
    assert_eq!(refused(disk.read(of(1, 2_464), &mut bytes)), session::Error::OutOfRange);
    assert_eq!(refused(disk.write(of(0, 0), &bytes)), session::Error::ReadOnly);
    let wrong = session::Error::WrongLength { expected: 137, actual: 136 };
    assert_eq!(refused(disk.write(of(1, 0), &bytes[..136])), wrong);
    assert_eq!(refused(disk.read(of(1, 0), &mut bytes[..136])), wrong);
    disk.close().unwrap();
}

#[test]
fn eight_threads_share_a_disk() {
    let Some((broker, server)) = parts() else { return };
    let disk = Disk::open(&options(&broker)).unwrap();
    thread::scope(|scope| {
        for number in 0..8_u32 {
            let disk = &disk;
            scope.spawn(move || {
                for round in 0..25 {
                    // Tracks of other threads come in between, and their sectors are evicted.
                    let (mine, fill) = (number + 8 * round, [number as u8 + 100; 137]);
                    assert_eq!(read(disk, mine), [filling(mine); 137]);
                    disk.write(sector(mine), &fill).unwrap();
                    assert_eq!(read(disk, mine), fill);
                }
                disk.flush().unwrap();
            });
        }
    });
    disk.close().unwrap();
    for number in 0..200 {
        assert_eq!(server.sector(number), [(number % 8) as u8 + 100; 137]);
    }
}

#[test]
fn an_async_disk_does_the_same() {
    let Some((broker, server)) = parts() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let test = async {
        let disk = AsyncDisk::open(&options(&broker)).await.unwrap();
        assert_eq!(disk.drives().await.unwrap().len(), 2);
        let (mut first, mut second) = ([0; 137], [0; 137]);
        let (one, two) = tokio::join!(disk.read(sector(5), &mut first), disk.read(sector(900), &mut second));
        one.and(two).unwrap();
        assert_eq!((first, second), ([filling(5); 137], [filling(900); 137]));
        disk.write(sector(5), &[9; 137]).await.unwrap();
        disk.flush().await.unwrap();
        assert_eq!(server.sector(5), [9; 137]);
        assert_eq!(disk.stats().await.unwrap().unacknowledged, 0);
        disk.write(sector(6), &[10; 137]).await.unwrap();
        disk.close().await.unwrap();
        assert_eq!(server.sector(6), [10; 137]);
    };
    runtime.block_on(async { tokio::time::timeout(LONG, test).await.unwrap() });
}

#[test]
fn an_async_disk_goes_where_tasks_go() {
    fn check<T: Send>(_: T) {}
    fn calls(disk: &AsyncDisk, options: &Options, bytes: &mut [u8]) {
        check(AsyncDisk::open(options));
        check(disk.write(sector(0), bytes));
        check(disk.read(sector(0), bytes));
        check((disk.flush(), disk.stats(), disk.drives(), disk.next_event(), disk.resume()));
    }
    // That it compiles is what it shows.
    let _compiled = calls;
}

#[test]
fn futures_that_are_dropped_take_nothing_with_them() {
    let Some((broker, server)) = parts() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let test = async {
        let disk = AsyncDisk::open(&options(&broker).window(1)).await.unwrap();
        server.store.set_faults(Faults { refuse: Some(Status::DiskFull), ..Faults::default() });
        server.hold(true);
        disk.write(sector(1), &[1; 137]).await.unwrap();
        server.wait(|seen| seen.holds_group);
        {
            let mut write = pin!(disk.write(sector(2), &[2; 137]));
            let mut flush = pin!(disk.flush());
            // The driver has both, behind which it answers this.
            tokio::select! {
                biased;
                _ = &mut write => panic!("the window is full"),
                _ = &mut flush => panic!("nothing is done"),
                stats = disk.stats() => assert_eq!(stats.unwrap().unacknowledged, 1),
            }
        }
        server.store.set_faults(Faults::default());
        server.hold(false);
        // The failure was told to no flush yet, and the write is not done.
        assert!(matches!(disk.flush().await, Err(Error::WritesFailed { count: 1, .. })));
        disk.close().await.unwrap();
        assert_eq!(server.sector(2), [filling(2); 137]);
    };
    runtime.block_on(async { tokio::time::timeout(LONG, test).await.unwrap() });
}

#[test]
fn a_disk_that_is_dropped_ends_with_writes_in_flight() {
    let Some((broker, server)) = parts() else { return };
    let (disk, _link, ended) = Proxy::new().open(&broker);
    server.hold(true);
    disk.write(sector(0), &[1; 137]).unwrap();
    server.wait(|seen| seen.holds_group);
    drop(disk);
    // The connection of one that hangs is ended by the broker, after 15 s of silence.
    ended.recv_timeout(Duration::from_secs(10)).unwrap();
}

#[test]
fn calls_end_in_time_without_a_broker() {
    let Some((mut broker, _server)) = parts() else { return };
    let options = options(&broker).timeout(Duration::from_millis(300)).window(1);
    let disk = Disk::open(&options).unwrap();
    broker.kill();
    let began = Instant::now();
    let text = |error: Error| {
        assert!(matches!(error, Error::TimedOut { .. } | Error::Read { .. }), "{error:?}");
        error.to_string()
    };
    let error = text(disk.read(sector(0), &mut [0; 137]).unwrap_err());
    assert!(error.contains("B:0") && error.contains("did not answer in time"), "{error}");
    assert!(error.contains(&format!("127.0.0.1:{}", broker.port())), "{error}");
    disk.write(sector(0), &[1; 137]).unwrap();
    let error = text(disk.write(sector(1), &[1; 137]).unwrap_err());
    assert!(error.starts_with("no room in the window of writes within 300ms"), "{error}");
    let error = text(disk.flush().unwrap_err());
    assert!(error.starts_with("no acknowledgement of all writes within 300ms"), "{error}");
    text(disk.close().unwrap_err());
    assert!(began.elapsed() < LONG);
}
