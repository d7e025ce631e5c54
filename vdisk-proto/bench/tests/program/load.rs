//! Devices under load.

use serde_json::Value;

use crate::server::Server;
use crate::{broker, json, legacy, printed, url};

fn sides(report: &Value) -> Vec<&Value> {
    report["load"]["sides"].as_array().unwrap().iter().collect()
}

#[test]
fn reads_of_both_versions_and_of_the_echo_are_measured() {
    let Some(broker) = broker() else { return };
    let _server = Server::start(broker.port());
    let report = json(&broker, "--echo --requests 301 --channels 3 --window 4 --rounds 2");
    let sides = sides(&report);
    assert_eq!(sides.iter().map(|side| &side["name"]).collect::<Vec<_>>(), ["legacy", "v2", "echo"]);
    for side in sides {
        assert_eq!(side["answered"], 301, "{side:#}");
        assert_eq!(side["fault_count"], 0, "{side:#}");
        assert_eq!(side["rates"].as_array().unwrap().len(), 2);
        let reads = &side["reads"];
        let latency = |name: &str| reads[name].as_f64().unwrap();
        assert_eq!(reads["count"], 301);
        assert!(0.0 < latency("median_us") && latency("median_us") <= latency("p99_us"));
        assert!(latency("p99_us") <= latency("p999_us") && latency("p999_us") <= latency("max_us"));
    }
    let ratios = report["load"]["ratios"].as_array().unwrap();
    assert_eq!(ratios.iter().map(|ratio| &ratio["of"]).collect::<Vec<_>>(), ["legacy", "v2"]);
    assert!(ratios.iter().all(|ratio| ratio["rate"].as_f64().unwrap() > 0.0));
}

#[test]
fn what_is_written_is_read_back_by_both_versions() {
    let Some(broker) = broker() else { return };
    let server = Server::start(broker.port());
    let report = json(&broker, "--requests 400 --channels 2 --window 8 --writes 50 --seed 7");
    for side in sides(&report) {
        assert_eq!(side["fault_count"], 0, "{side:#}");
        let [reads, writes] = ["reads", "writes"].map(|kind| side[kind]["count"].as_u64().unwrap());
        assert!(reads + writes == 400 && reads > 100 && writes > 100, "{side:#}");
    }
    assert!(server.store.journalled().records > 100);
}

#[test]
fn a_read_of_version_2_may_be_of_several_sectors() {
    let Some(broker) = broker() else { return };
    let _server = Server::start(broker.port());
    let report = json(&broker, "--protocol v2 --requests 200 --window 8 --writes 20 --sectors 32 --drive b");
    let [side] = sides(&report)[..] else { panic!("one side") };
    assert_eq!((&side["answered"], &side["fault_count"]), (&200.into(), &0.into()), "{side:#}");
}

#[test]
fn a_time_is_measured_with_what_a_process_costs() {
    let Some(broker) = broker() else { return };
    let _server = Server::start(broker.port());
    let process = std::process::id();
    let report = json(&broker, &format!("--seconds 0.3 --threads 2 --window 4 --pid {process}"));
    for side in sides(&report) {
        assert!((side["seconds"].as_f64().unwrap() - 0.3).abs() < 0.001, "{side:#}");
        assert!(side["server"]["memory_bytes"].as_u64().unwrap() > 0);
        assert!(side["own"]["memory_bytes"].as_u64().unwrap() > 0);
    }
}

#[test]
fn people_get_a_table_and_a_picture() {
    let Some(broker) = broker() else { return };
    let _server = Server::start(broker.port());
    let text = printed(&broker, "--requests 50 --echo");
    for part in [
        "median",
        "legacy reads",
        "v2 reads",
        "echo reads",
        "of the echo's rate",
        "legacy, reads: how long",
        "█",
        " us",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let short = printed(&broker, "--requests 50 --quiet --protocol legacy");
    assert!(short.contains("legacy reads") && !short.contains('█'), "{short}");
}

#[test]
fn a_server_is_compared_with_one_at_another_broker() {
    let (Some(broker), Some(other)) = (broker(), broker()) else { return };
    let _server = Server::start(broker.port());
    legacy::start(other.port(), |_, read| vec![legacy::right(read)]);
    let report = json(&broker, &format!("--requests 60 --echo --beside {}", url(&other)));
    let names: Vec<_> = sides(&report).iter().map(|side| side["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["legacy", "v2", "echo", "beside"]);
    let ratios = report["load"]["ratios"].as_array().unwrap();
    let pairs: Vec<_> = ratios.iter().map(|ratio| (ratio["of"].as_str(), ratio["to"].as_str())).collect();
    let [legacy, v2, echo, beside] = ["legacy", "v2", "echo", "beside"].map(Some);
    assert_eq!(pairs, [(legacy, echo), (legacy, beside), (v2, echo), (v2, beside)]);
}
