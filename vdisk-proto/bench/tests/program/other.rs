//! Sessions that are played, and devices that come at once.

use std::fmt::Write as _;
use std::fs;

use crate::broker::{Broker, Folder};
use crate::legacy::{right, start};
use crate::server::Server;
use crate::{broker, complaint, json, printed, url};

/// A session: two tracks are read, written here and there, and read again.
fn session(folder: &Folder) -> String {
    let mut text = "# a session\n".to_owned();
    for sector in (0..40).chain(4..12) {
        writeln!(text, "R 1 {sector}").unwrap();
        if sector % 4 == 0 {
            writeln!(text, "W 1 {sector} {sector:x}\nW 0 1 2").unwrap();
        }
    }
    let path = folder.0.join("session.trace");
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn a_session_is_played_both_ways() {
    let Some(broker) = broker() else { return };
    let _server = Server::start(broker.port());
    let folder = Folder::new();
    let arguments = format!("--trace {} --delay-ms 20", session(&folder));
    let report = json(&broker, &arguments);
    let trace = &report["trace"];
    assert_eq!((&trace["reads"], &trace["writes"], &trace["delay_ms"]), (&48.into(), &12.into(), &20.into()));
    let [today, platter] = ["today", "platter"].map(|who| &trace[who]);
    assert_eq!((&today["hits"], &today["misses"]), (&8.into(), &40.into()), "{trace:#}");
    assert!(today["wait_seconds"].as_f64().unwrap() >= 40.0 * 0.02, "{trace:#}");
    assert!(platter["misses"].as_u64().unwrap() < 10, "{trace:#}");
    for who in [today, platter] {
        assert_eq!((&who["wrong"], &who["lost"]), (&0.into(), &0.into()), "{trace:#}");
    }
    let ratio = trace["ratio"].as_f64().unwrap();
    assert!(0.0 < ratio && ratio < 0.5, "{trace:#}");
    let text = printed(&broker, &format!("{arguments} --requests 4"));
    assert!(text.contains("the CPU waits, at 20 ms"), "{text}");
}

#[test]
fn a_session_needs_a_server_of_version_2() {
    let Some(broker) = broker() else { return };
    let folder = Folder::new();
    let arguments = format!("--trace {} --delay-ms 0 --timeout-ms 200", session(&folder));
    let none = complaint(&url(&broker), &arguments);
    assert!(none.contains("no server answers") && none.contains("version 1"), "{none}");
    start(broker.port(), |_, read| vec![right(read)]);
    let old = complaint(&url(&broker), &arguments);
    assert!(old.contains("no server answers") && old.contains("version 2"), "{old}");
    let other = complaint(&url(&broker), &format!("{arguments} --drive c"));
    assert!(other.contains("does not use drive c"), "{other}");
}

#[test]
fn devices_come_at_once() {
    let Some(broker) = broker() else { return };
    let report = json(&broker, &format!("--connect 60 --pid {}", std::process::id()));
    let connect = &report["connect"];
    assert_eq!(
        (&connect["devices"], &connect["failed"], &connect["each"]["count"]),
        (&60.into(), &0.into(), &60.into())
    );
    assert!(connect["seconds"].as_f64().unwrap() > 0.0);
    assert!(connect["server"]["memory_bytes"].as_u64().unwrap() > 0);
    let text = printed(&broker, "--connect 5");
    assert!(text.contains("5 devices connected and subscribed"), "{text}");
}

#[test]
fn devices_that_are_not_let_in_are_told() {
    let Some(few) = Broker::start("allow_anonymous true\nmax_connections 4") else { return };
    let report = json(&few, "--connect 7 --timeout-ms 500");
    let number = |name: &str| report["connect"][name].as_u64().unwrap();
    // Mosquitto does not count to 4 that exactly while they come and go.
    assert!((1..7).contains(&number("failed")) && number("retries") > 0, "{report:#}");
    assert_eq!(report["connect"]["each"]["count"], 7 - number("failed"));
    assert!(report["connect"]["reason"].as_str().unwrap().contains("127.0.0.1"), "{report:#}");
    let Some(strict) = Broker::start("allow_anonymous false") else { return };
    let denied = complaint(&url(&strict), "--legacy-target");
    assert!(denied.contains("not authorised"), "{denied}");
}
