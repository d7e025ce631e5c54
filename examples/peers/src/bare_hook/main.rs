//! The least that a server can be: the crate `mqtt5` as broker, and in its publish hook the answer to a legacy read, always
//! the same bytes. With `--no-hook` it is the broker alone, before which an echo or another server may stand.
//!
//! `cargo run --release --bin bare-hook -- --port 0` prints the port that it took, and serves until it is killed.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use lexopt::prelude::{Long, ValueExt};
use mqtt5::QoS;
use mqtt5::broker::config::{BrokerConfig, StorageConfig};
use mqtt5::broker::router::MessageRouter;
use mqtt5::broker::{BrokerEventHandler, ClientPublishEvent, MqttBroker, PublishAction};
use mqtt5::packet::publish::PublishPacket;

/// Of a legacy read: where a sector starts.
const OFFSET_LENGTH: usize = 4;
/// Of its answer: the same, and a sector.
const DATA_LENGTH: usize = OFFSET_LENGTH + 137;

/// Answers reads inside the broker.
#[derive(Default)]
struct Hook {
    /// The broker's, which there is only when the broker has its hook.
    router: OnceLock<Arc<MessageRouter>>,
}

impl Hook {
    fn answer(&self, event: &ClientPublishEvent) -> Option<(&MessageRouter, PublishPacket)> {
        let channel = event.topic.strip_prefix("altair/")?.strip_suffix("/vdisk/read")?;
        let offset: &[u8; OFFSET_LENGTH] = event.payload.as_ref().try_into().ok()?;
        let mut data = vec![0xe5; DATA_LENGTH];
        data[..OFFSET_LENGTH].copy_from_slice(offset);
        let topic = format!("altair/{channel}/vdisk/data");
        Some((self.router.get()?, PublishPacket::new(topic, data, QoS::AtMostOnce)))
    }
}

impl BrokerEventHandler for Hook {
    fn on_client_publish<'a>(
        &'a self,
        event: ClientPublishEvent,
    ) -> Pin<Box<dyn Future<Output = PublishAction> + Send + 'a>> {
        Box::pin(async move {
            match self.answer(&event) {
                Some((router, packet)) => {
                    router.route_message(&packet, None).await;
                    PublishAction::Handled
                }
                None => PublishAction::Continue,
            }
        })
    }
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("a machine has threads");
    match arguments()
        .map_err(|error| error.to_string())
        .and_then(|(port, has_hook)| runtime.block_on(serve(port, has_hook)))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bare-hook: {error}; it takes --port N and --no-hook");
            ExitCode::from(2)
        }
    }
}

/// The port, and whether there is a hook.
fn arguments() -> Result<(u16, bool), lexopt::Error> {
    let (mut port, mut has_hook) = (0, true);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("port") => port = parser.value()?.parse()?,
            Long("no-hook") => has_hook = false,
            _ => return Err(argument.unexpected()),
        }
    }
    Ok((port, has_hook))
}

async fn serve(port: u16, has_hook: bool) -> Result<(), String> {
    let hook = Arc::new(Hook::default());
    let mut config = BrokerConfig::default()
        .with_bind_address(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .with_storage(StorageConfig { enable_persistence: false, ..StorageConfig::default() })
        .with_sys_topics_enabled(false);
    config.auth_config.rate_limit.enabled = false;
    if has_hook {
        config = config.with_event_handler(Arc::clone(&hook) as Arc<dyn BrokerEventHandler>);
    }
    let mut broker = MqttBroker::with_config(config).await.map_err(|error| error.to_string())?;
    // Nobody is let in before the broker runs.
    let _first = hook.router.set(broker.router());
    let address = broker.local_addr().ok_or("the broker listens nowhere")?;
    println!("{}", address.port());
    broker.run().await.map_err(|error| error.to_string())
}
