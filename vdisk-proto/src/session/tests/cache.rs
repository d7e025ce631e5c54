//! A cache that may miss a message.

use sector_cache::{Eviction, SectorCache};

use super::*;
use crate::session::Mailbox;

#[test]
fn nothing_in_the_cache_is_trusted_before_it_was_cleared() {
    let mut memory = [0; MEMORY];
    let mut device = Device::boot(&mut memory);
    device.host.cache.held.insert(b(5), vec![9; SECTOR]);
    assert!(!device.session.trusts(b(5)));
    device.host.cache.is_deaf = true;
    device.sent();
    assert!(!device.session.trusts(b(5)));
    assert_eq!(device.session.deadline_ms(100), Some(150), "it is told again soon");
    device.host.cache.is_deaf = false;
    device.sent();
    assert!(device.session.trusts(b(5)));
    assert_eq!((device.host.cache.held.len(), device.session.deadline_ms(100)), (0, None));
}

#[test]
fn a_sector_whose_fill_was_missed_is_bypassed_until_one_succeeds() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write(5, 1).unwrap();
    device.host.cache.is_deaf = true;
    device.write(5, 2).unwrap();
    assert!(!device.session.trusts(b(5)) && device.session.trusts(b(6)));
    assert_eq!(device.read(5), Some(2), "from the window");
    device.host.cache.is_deaf = false;
    device.sent();
    device.acknowledge(2, 2);
    assert!(!device.session.trusts(b(5)), "what it holds is old");
    assert_eq!(device.read(5), None);
    device.sent();
    device.bring(2, 5, 1, 2);
    assert_eq!(device.cached(5), Some(2));
}

#[test]
fn a_read_ahead_that_was_missed_is_bypassed_too() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.read(5);
    device.sent();
    device.host.cache.is_deaf = true;
    device.bring(2, 5, 3, 1);
    assert_eq!([5, 6, 7, 8].map(|sector| device.session.trusts(b(sector))), [false, false, false, true]);
    assert_eq!(device.arrived(), [(b(5), 1)]);
}

#[test]
fn seventeen_sectors_missed_bypass_all_until_a_clear_succeeds() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write(100, 1).unwrap();
    device.read(0);
    device.sent();
    device.host.cache.is_deaf = true;
    device.bring(2, 0, 16, 1);
    assert!(device.session.trusts(b(100)) && !device.session.trusts(b(0)));
    device.bring(2, 16, 1, 1);
    assert!(!device.session.trusts(b(100)));
    let clears = device.host.cache.clears;
    device.sent();
    assert_eq!(device.host.cache.clears, clears + 1);
    assert!(!device.session.trusts(b(100)));
    device.host.cache.is_deaf = false;
    device.sent();
    assert!(device.session.trusts(b(100)) && device.session.trusts(b(0)));
    assert!(device.host.cache.held.is_empty());
}

#[test]
fn a_refused_write_that_the_cache_cannot_drop_is_bypassed() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write(5, 1).unwrap();
    device.sent();
    device.host.cache.is_deaf = true;
    device.refuse(Operation::Write, 1, Status::IoError);
    assert!(!device.session.trusts(b(5)));
    device.host.cache.is_deaf = false;
    device.sent();
    device.welcome(8);
    assert!(!device.session.trusts(b(5)), "it holds what was refused");
}

#[test]
fn a_changed_drive_that_the_cache_cannot_drop_bypasses_all() {
    let mut memory = [0; MEMORY];
    let mut device = Device::open(&mut memory);
    device.write_to(key(2, 0), 1).unwrap();
    device.host.cache.is_deaf = true;
    device.receive(&invalidate());
    assert!(!device.session.trusts(key(2, 0)));
    device.host.cache.is_deaf = false;
    device.sent();
    assert!(device.session.trusts(key(2, 0)));
    assert!(device.host.cache.held.is_empty());
}

#[test]
fn a_cache_that_cannot_forget_a_drive_is_cleared_instead() {
    struct Plain(Shelf);

    impl Cache for Plain {
        fn fill(&mut self, key: SectorKey, bytes: &[u8]) -> bool {
            self.0.fill(key, bytes)
        }
        fn remove(&mut self, key: SectorKey) -> bool {
            self.0.remove(key)
        }
        fn clear(&mut self) -> bool {
            self.0.clear()
        }
    }

    let mut cache = Plain(Shelf::default());
    cache.fill(b(5), &[1; SECTOR]);
    assert!(cache.forget(key(2, 0).drive()));
    assert!(cache.0.held.is_empty());
    cache.0.is_deaf = true;
    assert!(!cache.forget(key(2, 0).drive()));
}

#[test]
fn a_mailbox_is_sent_these_bytes() {
    let mut messages = vec![];
    let mut mailbox = Mailbox::new(Drive::B, |message: &[u8]| {
        messages.push(message.to_vec());
        true
    });
    assert!(mailbox.fill(b(0x0102), &[7; SECTOR]));
    assert!(mailbox.clear());
    assert!(mailbox.forget(Drive::B));
    let fill = [&[2, 0x02, 0x01, 0, 0, 1][..], &[7; SECTOR], &[0]].concat();
    assert_eq!(messages, [fill, vec![3], vec![3]]);
}

#[test]
fn a_mailbox_sends_nothing_that_no_message_can_name() {
    let mut mailbox = Mailbox::new(Drive::B, |_: &[u8]| panic!("nothing is to be sent"));
    assert!(mailbox.fill(key(2, 0), &[7; SECTOR]), "another drive");
    assert!(mailbox.fill(b(65_536), &[7; SECTOR]));
    assert!(mailbox.fill(b(0), &[7; 128]));
    assert!(mailbox.forget(key(2, 0).drive()));
    assert!(mailbox.remove(key(2, 0)) && mailbox.remove(b(65_536)), "it was never there");
    assert!(!mailbox.remove(b(65_535)), "there is no message for that");
    assert_eq!(
        [b(0), b(65_535), b(65_536), key(2, 0)].map(|key| mailbox.names(key)),
        [true, true, false, false]
    );
}

#[test]
fn a_full_mailbox_says_so() {
    let mut mailbox = Mailbox::new(Drive::B, |_: &[u8]| false);
    assert!(!mailbox.fill(b(0), &[7; SECTOR]));
    assert!(!mailbox.clear());
    assert!(!mailbox.forget(Drive::B));
}

#[test]
fn a_sector_cache_holds_the_newest_or_nothing() {
    let mut memory = [0; 4 * 149];
    let mut cache = SectorCache::new(&mut memory, 4, 137, Eviction::Lru).unwrap();
    for (drive, sector) in [(1, 5), (1, 6), (1, 7), (2, 5)] {
        assert!(Cache::fill(&mut cache, key(drive, sector), &[drive; SECTOR]));
    }
    assert!(Cache::fill(&mut cache, b(5), &[9; 128]), "a sector of another length is not kept");
    assert_eq!(cache.get(b(5)), None);
    assert!(Cache::remove(&mut cache, b(7)) && Cache::remove(&mut cache, b(8)));
    assert_eq!(cache.get(b(7)), None);
    assert_eq!(cache.get(b(6)), Some(&[1; SECTOR][..]));
    assert!(Cache::forget(&mut cache, Drive::B));
    assert_eq!(cache.get(b(6)), None);
    assert_eq!(cache.get(key(2, 5)), Some(&[2; SECTOR][..]));
    assert!(Cache::clear(&mut cache));
    assert_eq!(cache.get(key(2, 5)), None);
}
