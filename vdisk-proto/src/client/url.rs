//! The URL of a broker: `mqtt://host`, `mqtts://host`, or either with a port. A slash may end it, and the case of the
//! scheme is of no account.

use std::format;
use std::string::{String, ToString as _};

use super::Error;

/// Where a broker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) is_secure: bool,
    /// A name, or an address, of IPv6 in brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Self, Error> {
        let fail = |problem| Error::Url { url: without_password(url), problem };
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let is_secure = scheme.eq_ignore_ascii_case("mqtts");
        if !is_secure && !scheme.eq_ignore_ascii_case("mqtt") {
            return Err(fail("it begins with mqtt:// or mqtts://"));
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains('@') {
            return Err(fail("user and password do not belong there: they are options of their own"));
        }
        if rest.contains(['/', '?', '#']) {
            return Err(fail("nothing follows host and port"));
        }
        // The colons of an IPv6 address are in its brackets.
        let after_brackets = rest.rfind(']').map_or(0, |at| at.saturating_add(1));
        let (_, tail) = rest.split_at_checked(after_brackets).unwrap_or(("", rest));
        let (host, port) = match tail.rfind(':').and_then(|at| rest.split_at_checked(after_brackets + at)) {
            Some((host, port)) => {
                let port =
                    port.strip_prefix(':').and_then(|port| port.parse().ok()).filter(|port| *port != 0);
                (host, port.ok_or_else(|| fail("the port is a number from 1 to 65535"))?)
            }
            None => (rest, if is_secure { 8883 } else { 1883 }),
        };
        let is_address = host.starts_with('[') && host.ends_with(']');
        if host.is_empty() || host.contains(char::is_whitespace) || (host.contains(':') && !is_address) {
            return Err(fail("the host is a name or an address, and one of IPv6 is in brackets"));
        }
        if is_secure && is_address {
            return Err(fail("a broker with TLS is named as in its certificate, not by an address of IPv6"));
        }
        Ok(Self { is_secure, host: host.to_string(), port })
    }

    /// Host and port, for people.
    pub(super) fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// What an error may show of a URL: no password that somebody put there.
fn without_password(url: &str) -> String {
    let Some((before, host)) = url.rsplit_once('@') else { return url.to_string() };
    let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
    format!("{scheme}://...@{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        for (url, is_secure, host, port) in [
            ("mqtt://127.0.0.1:1884", false, "127.0.0.1", 1884),
            ("mqtt://broker.example", false, "broker.example", 1883),
            ("mqtts://broker.example/", true, "broker.example", 8883),
            ("MQTT://broker.example:1884/", false, "broker.example", 1884),
            ("Mqtts://Broker.example", true, "Broker.example", 8883),
            ("mqtt://[::1]:5", false, "[::1]", 5),
            ("mqtt://[::1]", false, "[::1]", 1883),
        ] {
            assert_eq!(Address::parse(url).unwrap(), Address { is_secure, host: host.into(), port }, "{url}");
        }
    }

    #[test]
    fn other_urls_are_refused_with_a_reason() {
        for url in [
            "",
            "broker",
            "http://broker",
            "mqtt",
            "mqtt:/broker",
            "mqttss://broker",
            "mqtt://broker//",
            "mqtt://",
            "mqtt://:1883",
            "mqtt://broker:0",
            "mqtt://broker:65536",
            "mqtt://broker:x",
            "mqtt://broker:1883/topic",
            "mqtt://::1",
            "mqtts://[::1]:8883",
            "mqtt://bro ker",
        ] {
            let error = Address::parse(url).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{url:?} is no broker's URL: ")), "{error}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_refused_and_not_repeated() {
        let error = Address::parse("mqtt://user:se@cret@broker:1883").unwrap_err().to_string();
        assert!(
            error.contains("options of their own") && error.contains("mqtt://...@broker:1883"),
            "{error}"
        );
        assert!(!error.contains("cret"), "{error}");
    }
}
