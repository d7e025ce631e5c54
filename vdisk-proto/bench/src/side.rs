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
    let channel = channel_of(side, options, number).map(|channel| channel.to_string()).unwrap_or_default();
    let (broker, waited) = (broker.name(), timeout(options));
    let (protocol, hint) = match side {
        Side::Echo => return Error::NoEcho { broker, channel, waited },
        Side::Version2 if options.speaks_legacy() => {
            ("version 2", " It answers legacy reads: is it an older server? --legacy-target measures those")
        }
        Side::Version2 => ("version 2", " An older server is measured with --legacy-target"),
        Side::Legacy | Side::Beside => ("version 1", ""),
    };
    Error::NoServer { broker, protocol, channel, waited, hint }
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

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn an_echo_that_is_not_heard_is_no_missing_server() {
        let options = Options::try_parse_from(["vdisk-bench", "--echo", "--timeout-ms", "100"]).unwrap();
        let broker = Broker::new(&options).unwrap();
        let told = |side| no_server(side, &options, &broker, 1).to_string();
        assert_eq!(
            told(Side::Echo),
            "127.0.0.1:1883 is there, but the echo on channel bench-1 is not heard within 100ms: may clients meet there?"
        );
        assert!(told(Side::Legacy).contains("no server answers a request of version 1 on channel bench-1"));
    }
}
