//! The broker inside the server: all that we use of the crate `mqtt5`.
//!
//! Requests are answered in the task that read them from their connection, by a hook, and never queue for anybody. A
//! device that floods is read no faster than it is answered, so that it slows itself down. What is not the disk's passes
//! through, as through any broker.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use mqtt5::broker::config::StorageConfig;
use mqtt5::broker::router::MessageRouter;
use mqtt5::broker::{
    AuthProvider, AuthResult, BrokerConfig, BrokerEventHandler, BrokerShutdownHandle, ClientPublishEvent,
    MqttBroker, PublishAction,
};
use mqtt5::packet::connect::ConnectPacket;
use mqtt5::packet::publish::PublishPacket;
use mqtt5::protocol::v5::reason_codes::ReasonCode;
use mqtt5::{MqttError, QoS, WillProperties};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use vdisk_proto::codec::{Topic, topic};
use vdisk_proto::service::Transmit;

use crate::access::{Access, Attempt, Refusal, User, Will};
use crate::engine::Engine;
use crate::error::ServerError;
use crate::pace::Tempo;
use crate::publish::Publish;
use crate::tls::Peers;

/// The longest packet: a frame has 65,535 bytes at most, and its topic 52. A longer one ends its connection.
const LONGEST_PACKET: usize = 65_535 + 1_024;
/// Answers that wait for a device that does not read them. More are dropped; it asks again.
const WAITING_ANSWERS: usize = 1_024;
/// Retained messages that are not ours, and the longest of them.
const RETAINED: usize = 10_000;
const LONGEST_RETAINED: usize = 4_096;
/// Messages of QoS 2 that a client may have begun and not ended, each of which is kept. One more ends its connection.
const UNFINISHED: u16 = 256;
/// Topics that a client may listen to.
const SUBSCRIPTIONS: usize = 64;
/// How long a write of version 1 may wait for room.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How often the broker forgets the clients that are gone, of each of which it keeps hundreds of bytes until then.
const FORGETS: Duration = Duration::from_secs(60);
/// Passwords that are hashed at a time.
const HASHES: usize = 2;

/// A broker that runs.
pub(crate) struct Embedded {
    address: SocketAddr,
    router: Arc<MessageRouter>,
    shutdown: BrokerShutdownHandle,
    running: JoinHandle<Result<(), MqttError>>,
}

impl Embedded {
    /// Starts it. It answers from then on.
    ///
    /// # Errors
    /// The address is not to be had.
    pub(crate) async fn start(
        address: SocketAddr,
        max_clients: usize,
        door: Door,
        tempo: Tempo,
    ) -> Result<Self, ServerError> {
        // The crate's own refusal is hard to read, and does not say why by itself.
        let in_the_way = |source| ServerError::Listen { address, source };
        drop(std::net::TcpListener::bind(address).map_err(in_the_way)?);
        let refused = |error: MqttError| in_the_way(std::io::Error::other(error.to_string()));
        let (engine, access) = (Arc::clone(&door.engine), Arc::clone(&door.access));
        let hook = Arc::new(Hook { engine, router: OnceLock::new(), tempo, access });
        let mut config = BrokerConfig::default()
            .with_bind_address(address)
            .with_max_clients(max_clients)
            .with_max_packet_size(LONGEST_PACKET)
            .with_client_channel_capacity(WAITING_ANSWERS)
            .with_max_retained_messages(RETAINED)
            .with_max_retained_message_size(LONGEST_RETAINED)
            .with_max_subscriptions_per_client(SUBSCRIPTIONS)
            .with_sys_topics_enabled(false)
            .with_storage(StorageConfig {
                enable_persistence: false,
                cleanup_interval: FORGETS,
                ..StorageConfig::default()
            });
        config.topic_alias_maximum = 0;
        config.server_receive_maximum = Some(UNFINISHED);
        config.shared_subscription_available = false;
        config.auth_config.allow_anonymous = true;
        config.event_handler = Some(Arc::clone(&hook) as Arc<dyn BrokerEventHandler>);

        let mut broker =
            MqttBroker::with_config(config).await.map_err(refused)?.with_auth_provider(Arc::new(door));
        let address = broker.local_addr().unwrap_or(address);
        let router = broker.router();
        let _first = hook.router.set(Arc::clone(&router));
        let shutdown = broker.shutdown_handle();
        let mut ready = broker.ready_receiver();
        let running = tokio::spawn(async move { broker.run().await });
        // An error means that it is gone already, and `running` says why.
        let _ready = ready.wait_for(|is_ready| *is_ready).await;
        Ok(Self { address, router, shutdown, running })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn publisher(&self) -> Arc<MessageRouter> {
        Arc::clone(&self.router)
    }

    /// Ends all connections, when what waits for them is sent.
    pub(crate) async fn stop(self) {
        self.shutdown.shutdown();
        if let Ok(Err(error)) = self.running.await {
            tracing::warn!(%error, "the broker ended badly");
        }
    }
}

impl Publish for MessageRouter {
    async fn publish(&self, transmit: Transmit) {
        let mut memory = [0; topic::MAX_LENGTH];
        let name = transmit.topic.write(&transmit.channel, &mut memory).unwrap_or_default();
        self.route_message(&PublishPacket::new(name, transmit.payload, QoS::AtMostOnce), None).await;
    }
}

/// What answers the messages that devices publish.
struct Hook {
    engine: Arc<Engine>,
    /// Set before the first connection is accepted.
    router: OnceLock<Arc<MessageRouter>>,
    tempo: Tempo,
    access: Arc<Access>,
}

impl BrokerEventHandler for Hook {
    fn on_client_publish<'a>(
        &'a self,
        event: ClientPublishEvent,
    ) -> Pin<Box<dyn Future<Output = PublishAction> + Send + 'a>> {
        Box::pin(async move {
            let Some((channel, topic)) = Topic::parse(&event.topic) else {
                if Topic::is_like(&event.topic) {
                    self.engine.received_elsewhere(&event.topic);
                    return PublishAction::Handled;
                }
                if !event.retain {
                    return PublishAction::Continue;
                }
                let may_retain = self.access.may_retain(event.user_id.as_deref(), &event.topic);
                return if may_retain {
                    PublishAction::Transform(bare(&event))
                } else {
                    PublishAction::Handled
                };
            };
            let Some(router) = self.router.get() else { return PublishAction::Handled };
            pause(self.tempo.wait(channel)).await;
            if topic == Topic::LegacyWrite {
                // Its device would not hear that it is dropped.
                self.engine.room(channel, LONGEST_WAIT).await;
            }
            let answer = self.engine.received(channel, topic, &event.payload, event.retain);
            if topic == Topic::LegacyRead {
                pause(self.tempo.legacy_delay).await;
            }
            router.publish_from(answer, &self.engine).await;
            PublishAction::Handled
        })
    }
}

/// A message that is to be retained, without its properties: of these the broker bounds no length.
fn bare(event: &ClientPublishEvent) -> PublishPacket {
    let mut packet = PublishPacket::new(event.topic.to_string(), event.payload.clone(), event.qos);
    packet.retain = true;
    packet.packet_id = event.packet_id;
    packet
}

/// Bytes of all properties of a will that may be long.
fn properties_length(properties: &WillProperties) -> usize {
    let texts = [&properties.content_type, &properties.response_topic].into_iter().flatten().map(String::len);
    let pairs = properties.user_properties.iter().map(|(name, value)| name.len() + value.len());
    texts.chain(pairs).sum::<usize>() + properties.correlation_data.as_ref().map_or(0, Vec::len)
}

/// Meanwhile nothing more is read from the connection whose task this is.
async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// Who gets in, and may say what.
pub(crate) struct Door {
    access: Arc<Access>,
    engine: Arc<Engine>,
    peers: Arc<Peers>,
    hashing: Semaphore,
}

impl Door {
    /// The door to what `access` allows; `peers` are those whom the TLS listener let through.
    pub(crate) fn new(access: Arc<Access>, peers: Arc<Peers>, engine: Arc<Engine>) -> Self {
        Self { access, engine, peers, hashing: Semaphore::new(HASHES) }
    }

    /// Whether somebody gets in.
    async fn judge(&self, connect: &ConnectPacket, address: SocketAddr) -> Result<Option<User>, Refusal> {
        let will = connect.will.as_ref();
        if will.is_some_and(|will| will.retain && properties_length(&will.properties) > LONGEST_RETAINED) {
            return Err(Refusal::LongWill);
        }
        let attempt = Attempt {
            address: address.ip(),
            client: connect.client_id.clone(),
            user: connect.username.clone(),
            password: connect.password.clone(),
            certificate: self.peers.identity(address),
            will: will.map(|will| Will { topic: will.topic.clone(), is_retained: will.retain }),
        };
        if !self.access.hashes(&attempt) {
            return self.access.authenticate(&attempt, Instant::now());
        }
        // It is never closed.
        let _permit = self.hashing.acquire().await;
        let access = Arc::clone(&self.access);
        let hashed = tokio::task::spawn_blocking(move || access.authenticate(&attempt, Instant::now()));
        // The runtime ends, and with it the connection.
        hashed.await.unwrap_or(Err(Refusal::Nobody))
    }
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl AuthProvider for Door {
    fn authenticate<'a>(
        &'a self,
        connect: &'a ConnectPacket,
        address: SocketAddr,
    ) -> Answer<'a, Result<AuthResult, MqttError>> {
        Box::pin(async move {
            Ok(match self.judge(connect, address).await {
                Ok(Some(user)) => AuthResult::success_with_user(user.to_string()),
                Ok(None) => AuthResult::success(),
                Err(refusal) => {
                    tracing::info!(peer = %address, "refused: {refusal}");
                    AuthResult::fail(reason(&refusal))
                }
            })
        })
    }

    fn authorize_publish<'a>(
        &'a self,
        _client: &str,
        user: Option<&'a str>,
        topic: &'a str,
    ) -> Answer<'a, bool> {
        Box::pin(async move {
            let may = self.access.may_publish(user, topic);
            if !may {
                self.engine.refused();
            }
            may
        })
    }

    fn authorize_subscribe<'a>(
        &'a self,
        _client: &str,
        user: Option<&'a str>,
        filter: &'a str,
    ) -> Answer<'a, bool> {
        Box::pin(async move { self.access.may_subscribe(user, filter) })
    }
}

/// What a client is told; the log says more.
const fn reason(refusal: &Refusal) -> ReasonCode {
    match refusal {
        Refusal::Client | Refusal::OtherClient { .. } => ReasonCode::ClientIdentifierNotValid,
        Refusal::Nobody | Refusal::Password { .. } => ReasonCode::BadUsernameOrPassword,
        _ => ReasonCode::NotAuthorized,
    }
}
