//! The server: the service over a store in memory, driven by rumqttc.

use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rumqttc::{AsyncClient, Event, MqttOptions, Packet, Publish, QoS, SubscribeFilter};
use sector_cache::{Drive, Geometry};
use tokio::sync::mpsc;
use tokio::time::Instant;
use vdisk_proto::codec::{Channel, Topic, topic};
use vdisk_proto::service::{Limits, Now, Service};
use vdisk_proto::store::{Group, Image, MemoryStore, Store};

use crate::LONG;

pub(crate) const CHANNEL: &str = "12345678";
pub(crate) const IMAGE: Image = Image { geometry: Geometry::ALTAIR_8_INCH, is_read_only: false };

/// A server, which ends with this.
pub(crate) struct Server {
    pub(crate) store: MemoryStore,
    orders: mpsc::UnboundedSender<(Order, Done)>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

/// What a test has done to the server.
enum Order {
    /// Groups are written and not synced from now on, or no more.
    Hold(bool),
    /// The power fails, and comes back. The store is that one then, if any.
    Crash(Option<MemoryStore>),
    /// Drive B gets another image.
    Replace(Vec<u8>),
}

/// Told when an order was obeyed.
type Done = std::sync::mpsc::Sender<()>;

/// What a test can wait for.
#[derive(Default)]
pub(crate) struct Seen {
    is_subscribed: bool,
    pub(crate) holds_group: bool,
    /// How each message came: with QoS 1 at most, since the server subscribes so.
    pub(crate) messages: Vec<QoS>,
}

/// What a sector of the template is full of.
pub(crate) fn filling(sector: u32) -> u8 {
    (sector % 251) as u8
}

impl Server {
    pub(crate) fn start(port: u16) -> Self {
        Self::start_with(mqtt(port), &[Topic::LegacyRead, Topic::LegacyWrite, Topic::Request])
    }

    /// One that hears these topics only, so connected.
    pub(crate) fn start_with(mqtt: MqttOptions, topics: &'static [Topic]) -> Self {
        let store = MemoryStore::new();
        let bytes = (0..IMAGE.geometry.sectors()).flat_map(|sector| [filling(sector); 137]).collect();
        store.set_template(Drive::B, IMAGE, bytes);
        let read_only = Image { geometry: Geometry::ALTAIR_MINIDISK, is_read_only: true };
        store.set_template(Drive::A, read_only, Vec::new());
        let (orders, receiver) = mpsc::unbounded_channel();
        let seen = Arc::new((Mutex::new(Seen::default()), Condvar::new()));
        let driver = Driver {
            service: service(&store),
            store: store.clone(),
            seen: Arc::clone(&seen),
            group: None,
            holds: false,
            started: Instant::now(),
        };
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(driver.serve(mqtt, topics, receiver));
        });
        let server = Self { store, orders, seen };
        server.wait(|seen| seen.is_subscribed);
        server
    }

    pub(crate) fn hold(&self, holds: bool) {
        self.order(Order::Hold(holds));
    }

    pub(crate) fn crash(&self, restored: Option<MemoryStore>) {
        self.order(Order::Crash(restored));
    }

    pub(crate) fn replace(&self, bytes: Vec<u8>) {
        self.order(Order::Replace(bytes));
    }

    /// Gives an order, and waits until it was obeyed: what comes later comes after it.
    fn order(&self, order: Order) {
        let (done, obeyed) = std::sync::mpsc::channel();
        self.orders.send((order, done)).unwrap();
        obeyed.recv_timeout(LONG).unwrap();
    }

    /// Waits until something was seen.
    pub(crate) fn wait(&self, mut is_seen: impl FnMut(&Seen) -> bool) {
        let (seen, changed) = &*self.seen;
        let guard = seen.lock().unwrap();
        let (_guard, result) = changed.wait_timeout_while(guard, LONG, |seen| !is_seen(seen)).unwrap();
        assert!(!result.timed_out(), "the server does not get there");
    }

    /// A sector of the channel's drive B.
    pub(crate) fn sector(&self, sector: u32) -> Vec<u8> {
        let at = sector as usize * 137;
        self.store.bytes(Channel::new(CHANNEL).unwrap(), Drive::B).unwrap()[at..at + 137].to_vec()
    }
}

pub(crate) fn mqtt(port: u16) -> MqttOptions {
    let mut mqtt = MqttOptions::new(format!("server-{port}"), "127.0.0.1", port);
    mqtt.set_max_packet_size(1 << 17, 1 << 17);
    mqtt
}

fn service(store: &MemoryStore) -> Service<MemoryStore> {
    let limits = Limits { window: 64, ..Limits::default() };
    Service::new(store.clone(), limits, Now { monotonic_ms: 0, wall_ns: wall_ns() })
}

fn wall_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64
}

struct Driver {
    service: Service<MemoryStore>,
    store: MemoryStore,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    /// Written and not synced.
    group: Option<Group>,
    holds: bool,
    started: Instant,
}

impl Driver {
    /// One connection after another, until nobody gives orders any more.
    async fn serve(
        mut self,
        mqtt: MqttOptions,
        topics: &'static [Topic],
        mut orders: mpsc::UnboundedReceiver<(Order, Done)>,
    ) {
        loop {
            let (client, mut event_loop) = AsyncClient::new(mqtt.clone(), 1_024);
            loop {
                let mut poll = pin!(event_loop.poll());
                let event = loop {
                    self.commit(&client);
                    tokio::select! {
                        event = &mut poll => break event,
                        order = orders.recv() => match order {
                            Some((order, done)) => {
                                self.obey(order);
                                // A test that failed does not wait any more.
                                let _unheard = done.send(());
                            }
                            None => return,
                        },
                    }
                };
                match event {
                    Ok(Event::Incoming(Packet::ConnAck(_))) => {
                        let filter = |topic: &Topic| {
                            SubscribeFilter::new(format!("altair/+{}", topic.suffix()), QoS::AtLeastOnce)
                        };
                        client.try_subscribe_many(topics.iter().map(filter)).unwrap();
                    }
                    Ok(Event::Incoming(Packet::SubAck(_))) => self.see(|seen| seen.is_subscribed = true),
                    Ok(Event::Incoming(Packet::Publish(message))) => self.receive(&message),
                    Ok(_) => {}
                    Err(_) => break,
                }
            }
            // The broker may be gone for a while.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn receive(&mut self, message: &Publish) {
        self.see(|seen| seen.messages.push(message.qos));
        let now = self.now();
        self.service.received(&message.topic, &message.payload, message.retain, now);
    }

    /// Makes durable what waits, and answers.
    fn commit(&mut self, client: &AsyncClient) {
        while self.group.is_some() || self.begin_group() {
            if self.holds {
                self.see(|seen| seen.holds_group = true);
                break;
            }
            let group = self.group.take().unwrap();
            self.store.sync(&group).unwrap();
            self.service.end_group(group);
        }
        while let Some(message) = self.service.poll_transmit() {
            let mut memory = [0; topic::MAX_LENGTH];
            let name = message.topic.write(&message.channel, &mut memory).unwrap();
            // One for which there is no room is lost, as on the way.
            let _lost = client.try_publish(name, QoS::AtMostOnce, false, message.payload);
        }
    }

    fn begin_group(&mut self) -> bool {
        let Some(mut group) = self.service.begin_group() else { return false };
        self.store.write_group(&mut group).unwrap();
        self.group = Some(group);
        true
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Hold(holds) => self.holds = holds,
            Order::Crash(restored) => {
                self.group = None;
                self.store.crash(false);
                if let Some(restored) = restored {
                    self.store.restore(&restored);
                }
                self.service = service(&self.store);
                self.holds = false;
                self.see(|seen| seen.holds_group = false);
            }
            Order::Replace(bytes) => {
                let channel = Channel::new(CHANNEL).unwrap();
                self.store.set_image(channel, Drive::B, IMAGE, bytes);
                let now = self.now();
                self.service.image_changed(channel, Drive::B, now);
            }
        }
    }

    fn now(&self) -> Now {
        Now { monotonic_ms: self.started.elapsed().as_millis() as u64, wall_ns: wall_ns() }
    }

    fn see(&self, change: impl FnOnce(&mut Seen)) {
        let (seen, changed) = &*self.seen;
        change(&mut seen.lock().unwrap());
        changed.notify_all();
    }
}
