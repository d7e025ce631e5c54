//! The first screen: what goes on, and what to type.

use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::settings::{BrokerSettings, Settings};

/// What a server says when it serves; `address` is where its own broker listens.
#[must_use]
pub fn first_screen(settings: &Settings, address: Option<SocketAddr>) -> String {
    let mut text = String::new();
    // Nothing fails that is written to a text.
    let _written = write!(
        text,
        "{}

  disks        {}
  drive B      templates/b.dsk there, until a device first writes; from then on a copy of its
               own, channels/<channel>/b.dsk
  more drives  put a.dsk to p.dsk beside it: of 337,568 bytes (8-inch), 76,720 (minidisk) or
               256,256 (IBM 3740)

",
        served(settings, address),
        settings.data.display(),
    );
    if let Some(address) = address {
        let (host, port) = (address.ip(), address.port());
        let _written = writeln!(
            text,
            "  emulator     broker {host}, port {port}; the channel is 1 to 32 letters, digits, _ and -, such
               as the number of a board"
        );
        text.push_str(&board(settings, address));
        let _written = writeln!(text, "\n  to try it    vdisk-bench --broker mqtt://{address}\n");
    }
    text.push_str("Ctrl-C ends it, and loses nothing.\n");
    text
}

fn served(settings: &Settings, address: Option<SocketAddr>) -> String {
    match (&settings.broker, address) {
        (BrokerSettings::Joined { url, channel, .. }, _) => {
            let channels =
                channel.map_or_else(|| "every channel".to_owned(), |name| format!("channel {name}"));
            format!("Serving {channels} through the broker at {url}")
        }
        (_, Some(address)) => format!("Serving every channel, with a broker of its own on {address}"),
        (_, None) => "Serving every channel".to_owned(),
    }
}

/// What a board needs.
fn board(settings: &Settings, address: SocketAddr) -> String {
    match &settings.broker {
        BrokerSettings::Embedded { tls: Some((tls, files)), .. } => format!(
            "  board        TLS on {tls}, with {}
               and a certificate of the board's own, whose name is its channel: vdisk-server
               certs --device CHANNEL makes it
",
            files.client_authority.display()
        ),
        _ if address.ip().is_loopback() => {
            "  board        nobody but this machine reaches the broker so; for a network see --listen, for
               TLS see --tls, and the command certs, all in vdisk-server --help
"
            .to_owned()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Serve;

    #[test]
    fn the_readme_shows_the_first_screen() {
        let options = Serve { data: Some("/home/you/.local/share/vdisk-server".into()), ..Serve::default() };
        let screen = first_screen(&Settings::new(&options).unwrap(), "127.0.0.1:1883".parse().ok());
        let readme = include_str!("../../../README.md").replace("\r\n", "\n");
        let shown = format!("$ cargo run --release --bin vdisk-server\n{screen}```\n");
        assert!(readme.contains(&shown), "this is what README.md should show:\n{shown}");
    }

    #[test]
    fn lines_fit_a_terminal() {
        for options in [
            Serve::default(),
            Serve { tls: "0.0.0.0:8884".parse().ok(), ..Serve::default() },
            Serve { broker: Some("mqtt://127.0.0.1".to_owned()), ..Serve::default() },
        ] {
            let settings = Settings::new(&Serve { data: Some("data".into()), ..options }).unwrap();
            let screen = first_screen(&settings, "127.0.0.1:1883".parse().ok());
            assert!(screen.lines().all(|line| line.len() <= 100), "{screen}");
        }
    }
}
