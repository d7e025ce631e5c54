//! How `vdisk-server` joins a broker: as a disk does. This is for our own use, and may change.

use std::string::String;
use std::time::Duration;

use rumqttc::{ConnectionError, MqttOptions};

use super::pauses::Pauses;
use super::url::Address;
use super::{ConnectionFailure, Error, Options, broker};

/// A broker, and the way in.
pub struct Joining {
    mqtt: MqttOptions,
    address: Address,
    pauses: Pauses,
}

impl Joining {
    /// Checks the options, and reads the files that they name.
    ///
    /// # Errors
    /// [`Error::Url`], [`Error::File`] and [`Error::System`].
    pub fn new(options: &Options) -> Result<Self, Error> {
        let address = Address::parse(&options.url)?;
        let mqtt = broker::mqtt_options(options, &address)?;
        Ok(Self { mqtt, address, pauses: Pauses::new() })
    }

    /// The options of a connection, in rumqttc's terms.
    #[must_use]
    pub fn mqtt(&self) -> MqttOptions {
        self.mqtt.clone()
    }

    /// Host and port, for people.
    #[must_use]
    pub fn name(&self) -> String {
        self.address.name()
    }

    /// Why there is no connection, or none any more.
    #[must_use]
    pub fn failure(&self, error: &ConnectionError, is_connected: bool) -> ConnectionFailure {
        ConnectionFailure::new(&self.address.name(), error, self.address.is_secure, is_connected)
    }

    /// How long to wait after a connection that held, or was tried, for so long.
    pub fn pause(&mut self, held: Duration) -> Duration {
        self.pauses.after(held, super::device::entropy().unwrap_or_default())
    }
}
