//! The connection to the broker, as far as rumqttc has one.
//!
//! Each connection has an event loop of its own. One that is used again has left of the last connection what its
//! broker does not know of: publications that wait to be sent again before anything else, and packets that had arrived,
//! among them perhaps the answer to a subscription that this connection never made.

use std::format;
use std::string::{String, ToString as _};
use std::time::Duration;
use std::vec::Vec;

use rumqttc::{
    AsyncClient, ConnectionError, EventLoop, MqttOptions, NetworkOptions, QoS, SubscribeFilter,
    SubscribeReasonCode, Transport,
};

use super::url::Address;
use super::{ConnectionFailure, Error, Options, device, files};
use crate::codec::{Channel, Topic, topic};

/// How many messages wait for the event loop at most: fewer than a window, since the session has them all anyway.
pub(super) const QUEUE: usize = 16;
/// How many publications may be unacknowledged: none ever is, with QoS 0.
const INFLIGHT: u16 = 1;
/// The longest packet that is taken or sent: a frame has 65,535 bytes at most, and its topic 52. A longer one, which only
/// somebody else can have sent, ends the connection.
const LONGEST_PACKET: usize = 65_535 + 1_024;
/// A connection that says nothing is found dead after two of these.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Where the broker is, and how to get in.
pub(super) struct Broker {
    mqtt: MqttOptions,
    network: NetworkOptions,
    /// Host and port, for people.
    name: String,
    is_secure: bool,
    topics: Topics,
}

/// The names of a channel's topics.
#[derive(Clone, Debug)]
struct Topics(Vec<(Topic, String)>);

/// Where messages for the broker go.
pub(super) struct Outbox {
    client: AsyncClient,
    topics: Topics,
    /// How many messages are in the queue to the event loop, at most `QUEUE`. It says when it takes one.
    queued: usize,
}

impl Broker {
    pub(super) fn new(options: &Options, address: &Address, channel: &Channel) -> Result<Self, Error> {
        let mut mqtt = mqtt_options(options, address)?;
        mqtt.set_inflight(INFLIGHT).set_request_channel_capacity(QUEUE);
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        // Whole seconds, and later than the driver, which is more exact, loses its patience.
        network.set_connection_timeout(options.connect_timeout.as_secs().saturating_add(1));
        Ok(Self {
            mqtt,
            network,
            name: address.name(),
            is_secure: address.is_secure,
            topics: Topics::of(channel),
        })
    }

    /// The two ends of the next connection, which is made as soon as the event loop is polled.
    pub(super) fn connection(&self) -> (Outbox, EventLoop) {
        let (client, mut event_loop) = AsyncClient::new(self.mqtt.clone(), QUEUE);
        event_loop.set_network_options(self.network.clone());
        (Outbox { client, topics: self.topics.clone(), queued: 0 }, event_loop)
    }

    /// Why there is no connection, or none any more.
    pub(super) fn failure(&self, error: &ConnectionError, is_connected: bool) -> ConnectionFailure {
        ConnectionFailure::new(&self.name, error, self.is_secure, is_connected)
    }

    /// The broker took too long.
    pub(super) fn silence(&self) -> ConnectionFailure {
        ConnectionFailure::Unreachable { broker: self.name.clone(), reason: "no answer in time".into() }
    }

    /// Whether the broker's answer lets the client hear its channel.
    pub(super) fn subscribed(&self, codes: &[SubscribeReasonCode]) -> Result<(), ConnectionFailure> {
        let refused = codes.iter().position(|code| *code == SubscribeReasonCode::Failure);
        let Some(index) = refused else { return Ok(()) };
        let topic = self.topics.heard().nth(index).map_or("", |(_, name)| name);
        Err(ConnectionFailure::NotSubscribed { broker: self.name.clone(), topic: topic.to_string() })
    }

    /// Which topic of the channel's a message came on.
    pub(super) fn topic(&self, name: &str) -> Option<Topic> {
        self.topics.heard().find(|(_, known)| *known == name).map(|(topic, _)| topic)
    }
}

impl Outbox {
    /// Asks for the channel's answers. There is room for that, at the start of a connection.
    pub(super) fn subscribe(&mut self) {
        let filter = |(_, name): (_, &str)| SubscribeFilter::new(name.to_string(), QoS::AtMostOnce);
        let filters: Vec<_> = self.topics.heard().map(filter).collect();
        if self.client.try_subscribe_many(filters).is_ok() {
            self.queued = self.queued.saturating_add(1);
        }
    }

    pub(super) const fn has_room(&self) -> bool {
        self.queued < QUEUE
    }

    /// Sends a message, for which there is room. It never waits: nobody would empty the queue meanwhile.
    pub(super) fn publish(&mut self, topic: Topic, payload: &[u8]) {
        let Some(name) = self.topics.name(topic) else { return };
        if self.client.try_publish(name, QoS::AtMostOnce, false, payload).is_ok() {
            self.queued = self.queued.saturating_add(1);
        }
    }

    /// Says goodbye, behind all that waits.
    pub(super) fn disconnect(&self) -> bool {
        self.client.try_disconnect().is_ok()
    }

    /// The event loop has taken a message.
    pub(super) const fn taken(&mut self) {
        self.queued = self.queued.saturating_sub(1);
    }
}

impl Topics {
    fn of(channel: &Channel) -> Self {
        let name = |topic: Topic| {
            let mut memory = [0; topic::MAX_LENGTH];
            (topic, topic.write(channel, &mut memory).unwrap_or_default().to_string())
        };
        Self(Topic::ALL.into_iter().map(name).collect())
    }

    fn name(&self, topic: Topic) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == topic).map(|(_, name)| name.as_str())
    }

    /// What a device listens to.
    fn heard(&self) -> impl Iterator<Item = (Topic, &str)> {
        let is_heard = |topic: Topic| matches!(topic, Topic::Response | Topic::LegacyData);
        self.0.iter().filter(move |(topic, _)| is_heard(*topic)).map(|(topic, name)| (*topic, name.as_str()))
    }
}

/// Where the broker is and how to get in, in rumqttc's terms.
pub(super) fn mqtt_options(options: &Options, address: &Address) -> Result<MqttOptions, Error> {
    let identifier = match &options.client_identifier {
        Some(identifier) => identifier.clone(),
        // 23 characters, which every broker takes.
        None => format!("platter{:016x}", device::entropy()?),
    };
    let mut mqtt = MqttOptions::new(identifier, address.host.clone(), address.port);
    mqtt.set_clean_session(true)
        .set_keep_alive(KEEP_ALIVE)
        .set_max_packet_size(LONGEST_PACKET, LONGEST_PACKET);
    if let Some((user, password)) = &options.credentials {
        mqtt.set_credentials(user.clone(), password.clone());
    }
    if address.is_secure {
        mqtt.set_transport(Transport::Tls(files::tls(options)?));
    }
    Ok(mqtt)
}
