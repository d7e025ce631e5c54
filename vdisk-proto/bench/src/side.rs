//! Those that are compared: what their devices speak, and to whom.

use vdisk_proto::codec::{Channel, Topic};

use crate::broker::Broker;
use crate::connection::Connection;
use crate::device::Device;
use crate::echo::echoed;
use crate::legacy::Legacy;
use crate::speaker::{Load, Speaker, channel, timeout, topic_name};
use crate::version_2::{Setup, Version2};
use crate::{Error, Options};

/// What devices speak, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Legacy,
    Version2,
    /// Legacy, answered by the echo.
    Echo,
    /// Legacy, at another broker.
    Beside,
}

impl Side {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Version2 => "v2",
            Self::Echo => "echo",
            Self::Beside => "beside",
        }
    }

    /// Whether others are compared with it.
    pub(crate) const fn is_peer(self) -> bool {
        matches!(self, Self::Echo | Self::Beside)
    }
}

/// A device that is connected, and has asked for nothing yet.
pub(crate) async fn connected(
    side: Side,
    options: &Options,
    broker: &Broker,
    identifier: &str,
    number: u32,
) -> Result<Device, Error> {
    let channel = channel_of(side, options, number)?;
    let load = Load::new(options);
    let name = |topic| if side == Side::Echo { echoed(topic, &channel) } else { topic_name(topic, &channel) };
    let (speaker, answers): (Box<dyn Speaker>, _) = if side == Side::Version2 {
        let (topic, drives) = (name(Topic::Request), options.drives.clone());
        let setup = Setup { load, channel, topic, drives, sectors: options.sectors, device: number };
        (Box::new(Version2::new(setup)), Topic::Response)
    } else {
        let legacy = Legacy::new(load, name(Topic::LegacyRead), name(Topic::LegacyWrite), number);
        (Box::new(legacy), Topic::LegacyData)
    };
    let answers = name(answers);
    let connection = Connection::open(broker, identifier, &[&answers]).await?;
    Ok(Device::new(connection, speaker, answers))
}

/// Nobody has answered a device.
pub(crate) fn no_server(side: Side, options: &Options, broker: &Broker, number: u32) -> Error {
    let (protocol, hint) = match side {
        Side::Version2 if options.speaks_legacy() => {
            ("version 2", " It answers legacy reads: is it an older server? --legacy-target measures those")
        }
        Side::Version2 => ("version 2", " An older server is measured with --legacy-target"),
        Side::Legacy | Side::Echo | Side::Beside => ("version 1", ""),
    };
    let channel = channel_of(side, options, number).map(|channel| channel.to_string()).unwrap_or_default();
    Error::NoServer { broker: broker.name(), protocol, channel, waited: timeout(options), hint }
}

/// Of different channels: a session of version 2 makes a server refuse a channel's legacy writes for a while.
pub(crate) fn channel_of(side: Side, options: &Options, number: u32) -> Result<Channel, Error> {
    match side {
        Side::Version2 => channel(&format!("{}-v2", options.channel_prefix), number),
        // The other broker may be this one.
        Side::Beside => channel(&format!("{}-beside", options.channel_prefix), number),
        Side::Legacy | Side::Echo => channel(&options.channel_prefix, number),
    }
}
