//! Which options may be, and which go together, wherever they come from: the command line or a file.

use std::ops::RangeInclusive;

use crate::error::ServerError;
use crate::options::Serve;

/// Whether an option is set. A switch that is off is not.
type IsSet = fn(&Serve) -> bool;

/// Options for a broker of its own.
const OWN: [(&str, IsSet); 8] = [
    ("listen", |options| options.listen.is_some()),
    ("allow-anonymous", |options| options.allow_anonymous == Some(true)),
    ("password-file", |options| options.password_file.is_some()),
    ("tls", |options| options.tls.is_some()),
    ("tls-cert", |options| options.tls_cert.is_some()),
    ("tls-key", |options| options.tls_key.is_some()),
    ("tls-ca", |options| options.tls_ca.is_some()),
    ("max-clients", |options| options.max_clients.is_some()),
];

/// Those of them for TLS.
const TLS: [&str; 3] = ["tls-cert", "tls-key", "tls-ca"];

/// Options for somebody else's broker.
const JOINED: [(&str, IsSet); 7] = [
    ("broker-ca", |options| options.broker_ca.is_some()),
    ("broker-cert", |options| options.broker_cert.is_some()),
    ("broker-key", |options| options.broker_key.is_some()),
    ("broker-user", |options| options.broker_user.is_some()),
    ("broker-password-file", |options| options.broker_password_file.is_some()),
    ("take-over", |options| options.take_over == Some(true)),
    ("channel", |options| options.channel.is_some()),
];

/// Those of them that are used together, or not at all.
const PAIRS: [[&str; 2]; 2] = [["broker-cert", "broker-key"], ["broker-user", "broker-password-file"]];

/// What numbers may be.
fn bounds(options: &Serve) -> [(&'static str, Option<u64>, RangeInclusive<u64>); 9] {
    let of = |count: Option<usize>| count.map(|count| u64::try_from(count).unwrap_or(u64::MAX));
    [
        ("open-files", of(options.open_files), 1..=1_000_000),
        ("segment-mib", options.segment_mib, 4..=1_024),
        ("journal-mib", options.journal_mib, 8..=1_048_576),
        ("reserve-mib", options.reserve_mib, 0..=1_048_576),
        ("max-clients", of(options.max_clients), 1..=1_000_000),
        ("channels", of(options.channels), 1..=10_000_000),
        ("window", options.window.map(u64::from), 1..=64),
        ("rate", options.rate.map(u64::from), 1..=1_000_000),
        ("legacy-delay-us", options.legacy_delay_us, 0..=5_000_000),
    ]
}

/// Checks all that needs no look at files or networks.
pub(crate) fn check(options: &Serve) -> Result<(), ServerError> {
    for (name, value, range) in bounds(options) {
        if let Some(value) = value.filter(|value| !range.contains(value)) {
            return wrong(format!("--{name} is {} to {}, and not {value}", range.start(), range.end()));
        }
    }
    let is_set =
        |wanted: &str| OWN.iter().chain(&JOINED).any(|(name, is_set)| *name == wanted && is_set(options));
    let first_of = |kind: &[(&'static str, IsSet)]| {
        kind.iter().find(|(_, is_set)| is_set(options)).map(|(name, _)| *name)
    };
    match &options.broker {
        None => {
            if let Some(name) = first_of(&JOINED) {
                return wrong(format!(
                    "--{name} is for a broker that is there already, and goes with --broker"
                ));
            }
            if let Some(name) = TLS.into_iter().find(|name| is_set(name)).filter(|_| !is_set("tls")) {
                return wrong(format!("--{name} goes with --tls"));
            }
            if is_set("password-file") && is_set("allow-anonymous") {
                return wrong(
                    "--password-file lets in whom it names, and --allow-anonymous everybody: choose one of them",
                );
            }
        }
        Some(url) => {
            if let Some(name) = first_of(&OWN) {
                return wrong(format!(
                    "--{name} is for a broker of its own, and --broker joins another one: choose one of them"
                ));
            }
            if let Some([one, other]) = PAIRS.into_iter().find(|[one, other]| is_set(one) != is_set(other)) {
                return wrong(format!("--{one} and --{other} go together"));
            }
            let is_secure = url.to_ascii_lowercase().starts_with("mqtts://");
            if is_secure && !is_set("broker-ca") {
                return wrong(
                    "mqtts:// needs --broker-ca, with the authority that signed the broker's certificate",
                );
            }
            if !is_secure && (is_set("broker-ca") || is_set("broker-cert")) {
                return wrong("--broker-ca and --broker-cert are for a broker at mqtts://");
            }
        }
    }
    Ok(())
}

fn wrong(problem: impl Into<String>) -> Result<(), ServerError> {
    Err(ServerError::Settings(problem.into()))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;
    use crate::options::Cli;

    fn check_of(arguments: &[&str]) -> Result<(), String> {
        let arguments = std::iter::once("vdisk-server").chain(arguments.iter().copied());
        check(&Cli::try_parse_from(arguments).unwrap().serve).map_err(|error| error.to_string())
    }

    fn refusal(arguments: &[&str]) -> String {
        check_of(arguments).expect_err(&format!("{arguments:?} are taken"))
    }

    #[test]
    fn numbers_have_bounds() {
        for (name, _, range) in bounds(&Serve::default()) {
            let option = format!("--{name}");
            for (value, is_right) in [
                (range.start().checked_sub(1), false),
                (Some(*range.start()), true),
                (Some(*range.end()), true),
                (Some(range.end() + 1), false),
            ] {
                let Some(value) = value.map(|value| value.to_string()) else { continue };
                assert_eq!(check_of(&[&option, &value]).is_ok(), is_right, "{option} {value}");
            }
        }
        assert!(refusal(&["--window", "65"]).contains("--window is 1 to 64, and not 65"));
    }

    #[test]
    fn every_option_of_a_broker_is_for_one_kind_of_broker() {
        for (heading, kind) in [("Broker of its own", &OWN[..]), ("Somebody else's broker", &JOINED)] {
            let command = Cli::command();
            let options = command.get_arguments().filter(|option| option.get_help_heading() == Some(heading));
            let names = options.filter_map(clap::Arg::get_long).filter(|name| *name != "broker");
            assert!(names.eq(kind.iter().map(|(name, _)| *name)), "{heading}");
        }
    }

    #[test]
    fn options_for_the_other_kind_of_broker_are_refused() {
        // Values that every one of them takes which has one.
        let option = |name: &str| match name {
            "listen" => vec!["--listen", "127.0.0.1:1"],
            "allow-anonymous" => vec!["--allow-anonymous"],
            "tls" => vec!["--tls"],
            "take-over" => vec!["--take-over"],
            _ => vec![format!("--{name}").leak() as &str, "1"],
        };
        for (name, _) in OWN {
            let refusal = refusal(&[&["--broker", "mqtt://x"][..], &option(name)].concat());
            assert!(refusal.contains(&format!("--{name}")) && refusal.contains("choose one"), "{refusal}");
        }
        for (name, _) in JOINED {
            let refusal = refusal(&option(name));
            assert!(refusal.contains(&format!("--{name}")) && refusal.contains("--broker"), "{refusal}");
        }
        assert_eq!(check_of(&["--broker", "mqtt://x", "--allow-anonymous=false"]), Ok(()));
        assert_eq!(check_of(&["--take-over=false"]), Ok(()));
    }

    #[test]
    fn options_that_go_together_are_asked_for_together() {
        for name in TLS {
            let option = format!("--{name}");
            assert!(refusal(&[&option, "x"]).contains("goes with --tls"));
            assert_eq!(check_of(&["--tls", &option, "x"]), Ok(()));
        }
        let (plain, secure) = (["--broker", "mqtt://x"], ["--broker", "mqtts://x"]);
        for [one, other] in PAIRS {
            for name in [one, other] {
                let refusal = refusal(&[&plain[..], &[&format!("--{name}"), "x"]].concat());
                assert!(refusal.contains(one) && refusal.contains(other), "{refusal}");
            }
        }
        assert!(refusal(&secure).contains("--broker-ca"));
        for url in ["mqtts://x", "MQTTS://x"] {
            assert_eq!(check_of(&["--broker", url, "--broker-ca", "x"]), Ok(()));
        }
        assert!(refusal(&[&plain[..], &["--broker-ca", "x"]].concat()).contains("mqtts://"));
        assert!(refusal(&["--password-file", "x", "--allow-anonymous"]).contains("choose one"));
    }
}
