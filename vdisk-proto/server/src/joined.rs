//! A broker that is somebody else's: the server joins it as a client.
//!
//! Each connection has an event loop of its own, since one that is used again brings along what the last connection left.
//! Answers are published with QoS 0 and never wait: what finds the queue full, or no connection, is dropped, and asked
//! for again.

use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rumqttc::{
    AsyncClient, ConnectionError, Event, LastWill, Packet, QoS, SubscribeFilter, SubscribeReasonCode,
};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use vdisk_proto::client::joining::Joining;
use vdisk_proto::codec::{Topic, topic};
use vdisk_proto::service::Transmit;

use crate::claim::{Claim, Rival};
use crate::engine::{Answer, Engine};
use crate::error::ServerError;
use crate::pace::Tempo;
use crate::publish::Publish;

/// Answers that wait for the broker to take them.
const WAITING_ANSWERS: usize = 16_384;
/// The longest packet that MQTT has. Whoever may publish to one channel could else send one that ends the connection, and
/// retained, every connection that is made.
const LONGEST_HEARD: usize = 268_435_460;
/// The longest that is sent: a frame has 65,535 bytes at most, and its topic 52.
const LONGEST_SENT: usize = 65_535 + 1_024;
/// How long a broker has to tell of a claim, once it has subscribed us to them.
const LOOKING: Duration = Duration::from_millis(500);
/// How long it has to take leave.
const PARTING: Duration = Duration::from_secs(1);
/// What devices publish, behind `altair/<channel>`. A legacy write has no answer, so that the broker may repeat it.
const HEARD: [(Topic, QoS); 3] = [
    (Topic::LegacyRead, QoS::AtMostOnce),
    (Topic::LegacyWrite, QoS::AtLeastOnce),
    (Topic::Request, QoS::AtMostOnce),
];

/// Where answers go: to the connection that there is.
#[derive(Default)]
pub(crate) struct Outlet(Mutex<Option<AsyncClient>>);

/// A server at somebody else's broker.
pub(crate) struct Joined {
    joining: Joining,
    claim: Claim,
    tempo: Tempo,
    engine: Arc<Engine>,
    outlet: Arc<Outlet>,
    /// Turns true when the server is to end.
    ending: watch::Receiver<bool>,
    /// Turns true when the broker has given us our channels for the first time.
    serving: watch::Sender<bool>,
}

/// How far a connection is.
enum Phase {
    /// The broker has not let us in, or not subscribed us to everything.
    Opening,
    /// Nobody's claim was heard yet.
    Looking,
    Serving,
    /// It was asked to let us go, and why.
    Leaving(Option<ServerError>),
}

impl Phase {
    /// How long it lasts, if it does not end otherwise.
    const fn lasts(&self) -> Option<Duration> {
        match self {
            Self::Opening | Self::Serving => None,
            Self::Looking => Some(LOOKING),
            Self::Leaving(_) => Some(PARTING),
        }
    }
}

/// What a connection waits for.
enum Happened {
    Event(Result<Event, ConnectionError>),
    PhaseIsOver,
    ServerEnds,
}

impl Outlet {
    fn set(&self, client: Option<AsyncClient>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = client;
    }
}

impl Publish for Outlet {
    async fn publish(&self, transmit: Transmit) {
        let mut memory = [0; topic::MAX_LENGTH];
        let name = transmit.topic.write(&transmit.channel, &mut memory).unwrap_or_default();
        let client = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*client
            && client.try_publish(name, QoS::AtMostOnce, false, transmit.payload).is_err()
        {
            tracing::debug!(topic = name, "the broker is slow: an answer is dropped");
        }
    }
}

impl Joined {
    pub(crate) fn new(
        joining: Joining,
        claim: Claim,
        tempo: Tempo,
        engine: Arc<Engine>,
        ending: watch::Receiver<bool>,
    ) -> Self {
        let (serving, _) = watch::channel(false);
        Self { joining, claim, tempo, engine, outlet: Arc::default(), ending, serving }
    }

    pub(crate) fn outlet(&self) -> Arc<Outlet> {
        Arc::clone(&self.outlet)
    }

    /// Turns true when the server serves for the first time.
    pub(crate) fn serving(&self) -> watch::Receiver<bool> {
        self.serving.subscribe()
    }

    /// Serves, connection after connection, until the server ends.
    ///
    /// # Errors
    /// The first connection cannot be made, or somebody else serves our channels.
    pub(crate) async fn run(mut self) -> Result<(), ServerError> {
        loop {
            let started = Instant::now();
            let error = match self.connection().await {
                ControlFlow::Break(end) => return end,
                ControlFlow::Continue(error) => error,
            };
            self.outlet.set(None);
            if !*self.serving.borrow() {
                return Err(error);
            }
            let pause = self.joining.pause(started.elapsed());
            tracing::warn!("the broker is away, and tried again in {pause:?}: {error}");
            let mut ending = self.ending.clone();
            let _ended_or_not = tokio::time::timeout(pause, ending.wait_for(|is_ending| *is_ending)).await;
            if *self.ending.borrow() {
                return Ok(());
            }
        }
    }

    /// One connection: why it ended, or how the server does.
    async fn connection(&mut self) -> ControlFlow<Result<(), ServerError>, ServerError> {
        let mut mqtt = self.joining.mqtt();
        mqtt.set_max_packet_size(LONGEST_HEARD, LONGEST_SENT);
        mqtt.set_last_will(LastWill::new(self.claim.topic(), "", QoS::AtLeastOnce, true));
        let (client, mut events) = AsyncClient::new(mqtt, WAITING_ANSWERS);
        let mut network = events.network_options();
        network.set_tcp_nodelay(true);
        events.set_network_options(network);

        let mut phase = Phase::Opening;
        let mut ending = self.ending.clone();
        let mut deadline = None;
        loop {
            // Polled until it is ready: dropped half-way, it would begin the connection again that it was making, or
            // lose a message that it was writing.
            let mut next = pin!(events.poll());
            let mut is_ready = false;
            while !is_ready {
                let happened = tokio::select! {
                    event = &mut next => Happened::Event(event),
                    () = until(deadline) => Happened::PhaseIsOver,
                    _ = ending.wait_for(|is_ending| *is_ending), if !matches!(phase, Phase::Leaving(_)) => {
                        Happened::ServerEnds
                    }
                };
                is_ready = matches!(happened, Happened::Event(_));
                let entered = match happened {
                    Happened::Event(Ok(Event::Incoming(packet))) => self.heard(&client, &phase, packet).await,
                    Happened::Event(Ok(Event::Outgoing(_))) => None,
                    Happened::Event(Err(error)) => return self.broken(phase, &error),
                    Happened::PhaseIsOver => match phase {
                        Phase::Leaving(reason) => return ControlFlow::Break(reason.map_or(Ok(()), Err)),
                        _ => Some(Phase::Serving),
                    },
                    Happened::ServerEnds => Some(Phase::Leaving(None)),
                };
                if let Some(entered) = entered {
                    self.enter(&client, &phase, &entered);
                    deadline = entered.lasts().map(|time| Instant::now() + time);
                    phase = entered;
                }
            }
        }
    }

    /// What a connection that broke means.
    fn broken(
        &self,
        phase: Phase,
        error: &ConnectionError,
    ) -> ControlFlow<Result<(), ServerError>, ServerError> {
        if let Phase::Leaving(reason) = phase {
            return ControlFlow::Break(reason.map_or(Ok(()), Err));
        }
        let is_connected = !matches!(phase, Phase::Opening);
        let failure = self.joining.failure(error, is_connected);
        ControlFlow::Continue(if is_connected && !*self.serving.borrow() {
            ServerError::ThrownOut { failure, server: self.claim.server.clone() }
        } else {
            ServerError::Broker(failure)
        })
    }

    /// Takes a packet, and says which phase begins with it, if one does.
    async fn heard(&self, client: &AsyncClient, phase: &Phase, packet: Packet) -> Option<Phase> {
        if matches!(phase, Phase::Leaving(_)) {
            return None;
        }
        match packet {
            Packet::ConnAck(_) => self.subscribe(client),
            Packet::SubAck(ack) if ack.return_codes.contains(&SubscribeReasonCode::Failure) => {
                let refused = ServerError::NotSubscribed { broker: self.joining.name() };
                return Some(Phase::Leaving(Some(refused)));
            }
            Packet::SubAck(_) if matches!(phase, Phase::Opening) => return Some(Phase::Looking),
            Packet::Publish(publish) if Claim::is_claim(&publish.topic) => {
                let is_serving = matches!(phase, Phase::Serving);
                if is_serving && publish.topic == self.claim.topic() && publish.payload.is_empty() {
                    // The will of a server that looked for us and was killed meanwhile, or of one that we put out.
                    self.publish_claim(client);
                }
                let rival = self.claim.rival(&publish.payload);
                let gives_way = match rival {
                    Rival::None => false,
                    Rival::TakesOver if is_serving => true,
                    Rival::TakesOver | Rival::Serves => !self.claim.takes_over,
                };
                if gives_way {
                    let server = Claim::server_of(&publish.payload);
                    let claimed = ServerError::Claimed { broker: self.joining.name(), server };
                    return Some(Phase::Leaving(Some(claimed)));
                }
            }
            Packet::Publish(publish) if matches!(phase, Phase::Serving) => {
                self.received(&publish.topic, &publish.payload, publish.retain).await;
            }
            _ => {}
        }
        None
    }

    /// Does what a phase begins with.
    fn enter(&self, client: &AsyncClient, before: &Phase, phase: &Phase) {
        match phase {
            Phase::Opening | Phase::Looking => {}
            Phase::Serving => {
                self.publish_claim(client);
                self.outlet.set(Some(client.clone()));
                tracing::info!(broker = self.joining.name(), "serving");
                self.serving.send_replace(true);
            }
            Phase::Leaving(reason) => {
                self.outlet.set(None);
                // Behind all answers. Another server's claim stays.
                if reason.is_none() && matches!(before, Phase::Serving) {
                    let _queued = client.try_publish(self.claim.topic(), QoS::AtLeastOnce, true, "");
                }
                // Without it the will would be published.
                let _queued = client.try_disconnect();
            }
        }
    }

    /// Asks for everything that devices publish, and for claims.
    fn subscribe(&self, client: &AsyncClient) {
        let channel = self.claim.channel.map_or_else(|| "+".to_owned(), |channel| channel.to_string());
        let heard = HEARD
            .map(|(topic, qos)| SubscribeFilter::new(format!("altair/{channel}{}", topic.suffix()), qos));
        let claims =
            self.claim.rivals_topics().into_iter().map(|topic| SubscribeFilter::new(topic, QoS::AtLeastOnce));
        // The queue is empty.
        let _queued = client.try_subscribe_many(heard.into_iter().chain(claims));
    }

    /// Says that we serve our channels.
    fn publish_claim(&self, client: &AsyncClient) {
        let _queued = client.try_publish(self.claim.topic(), QoS::AtLeastOnce, true, self.claim.payload());
    }

    async fn received(&self, name: &str, payload: &bytes::Bytes, is_retained: bool) {
        let Some((channel, topic)) = Topic::parse(name) else {
            self.engine.received_elsewhere(name);
            return;
        };
        if !self.tempo.wait(channel).is_zero() {
            tracing::debug!(%channel, "a message is dropped: the channel sends too fast");
            return;
        }
        let answer = self.engine.received(channel, topic, payload, is_retained);
        match answer {
            Some(Answer { transmit, is_last })
                if transmit.topic == Topic::LegacyData && !self.tempo.legacy_delay.is_zero() =>
            {
                let (outlet, delay) = (Arc::clone(&self.outlet), self.tempo.legacy_delay);
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    outlet.publish(transmit).await;
                });
                if !is_last {
                    self.outlet.publish_all(&self.engine).await;
                }
            }
            answer => self.outlet.publish_from(answer, &self.engine).await,
        }
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
