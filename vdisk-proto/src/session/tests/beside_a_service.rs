//! A device beside the service, both without I/O.

#![cfg(feature = "service")]

use std::vec;
use std::vec::Vec;

use sector_cache::{Drive, Eviction, Geometry, SectorCache, SectorKey};

use super::super::*;
use crate::codec::Channel;
use crate::service::{Limits, Now, Service};
use crate::store::{Image, MemoryStore};

struct Device {
    cache: SectorCache<'static>,
    arrived: Vec<(SectorKey, Vec<u8>)>,
    told: Vec<Event>,
    random: u64,
}

impl Host for Device {
    type Cache = SectorCache<'static>;

    fn cache(&mut self) -> &mut SectorCache<'static> {
        &mut self.cache
    }

    fn random(&mut self) -> u64 {
        self.random += 1 << 40;
        self.random
    }

    fn arrived(&mut self, key: SectorKey, bytes: &[u8]) {
        self.arrived.push((key, bytes.to_vec()));
    }

    fn told(&mut self, event: Event) {
        self.told.push(event);
    }
}

#[test]
fn a_device_reads_and_writes_a_server() {
    let store = MemoryStore::new();
    let image = Image { geometry: Geometry::ALTAIR_8_INCH, is_read_only: false };
    store.set_template(Drive::B, image, vec![0xe5; 337_568]);
    let mut service = Service::new(store.clone(), Limits::default(), Now::default());
    let memory = vec![0; 800 * 149].leak();
    let cache = SectorCache::new(memory, 800, 137, Eviction::Lru).unwrap();
    let mut device = Device { cache, arrived: vec![], told: vec![], random: 7 };
    let config = Config::altair(Channel::new("12345678").unwrap());
    let mut memory = vec![0; 1_208];
    let mut session = Session::new(config, &mut memory, 0).unwrap();
    assert!(core::mem::size_of_val(&session) < 1_024, "{}", core::mem::size_of_val(&session));
    session.connected(0);
    let key = SectorKey::try_new(1, 40).unwrap();
    assert_eq!(session.read(key, 0), Ok(Lookup::Asked));
    for _ in 0..5 {
        exchange(&mut session, &mut service, &mut device);
    }
    assert_eq!(device.told, [Event::Opened]);
    assert_eq!(device.arrived, [(key, vec![0xe5; 137])]);
    assert_eq!(device.cache.stats().used, 32);
    session.write(key, &[7; 137], 0, &mut device).unwrap();
    let flush = session.flush();
    for _ in 0..5 {
        exchange(&mut session, &mut service, &mut device);
    }
    assert!(session.is_flushed(&flush));
    assert_eq!(store.bytes(config.channel, Drive::B).unwrap()[40 * 137], 7);
    session.check_invariants();
}

fn exchange(session: &mut Session<'_>, service: &mut Service<MemoryStore>, device: &mut Device) {
    let mut payload = [0; Config::longest_payload(137)];
    while let Some(message) = session.poll_transmit(0, &mut payload, device) {
        let bytes = bytes::Bytes::copy_from_slice(&payload[..message.length]);
        service.received_on(session.config.channel, message.topic, &bytes, false, Now::default());
    }
    service.commit().unwrap();
    while let Some(message) = service.poll_transmit() {
        session.received(message.topic, &message.payload, false, 0, device);
    }
}
