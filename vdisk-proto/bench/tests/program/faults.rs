//! Servers that answer wrongly, or not at all.

use serde_json::Value;

use crate::legacy::{right, start};
use crate::{broker, complaint, json, url};

const ONE_DEVICE: &str = "--legacy-target --requests 6 --rounds 1 --channels 1 --timeout-ms 100";

/// What was counted against a server that answers its first read, by which it is found, and others by `answer`.
fn measured(answer: fn(&[u8]) -> Vec<Vec<u8>>, arguments: &str) -> Option<Value> {
    let broker = broker()?;
    start(broker.port(), move |number, read| if number == 0 { vec![right(read)] } else { answer(read) });
    let report = json(&broker, &format!("{ONE_DEVICE} {arguments}"));
    Some(report["load"]["sides"][0].clone())
}

#[test]
fn a_server_of_version_1_is_measured() {
    let Some(side) = measured(|read| vec![right(read)], "") else { return };
    assert_eq!((&side["answered"], &side["fault_count"]), (&6.into(), &0.into()), "{side:#}");
}

#[test]
fn silence_is_counted_and_the_run_goes_on() {
    let Some(side) = measured(|_| Vec::new(), "") else { return };
    assert_eq!((&side["answered"], &side["faults"]["lost"]), (&0.into(), &6.into()), "{side:#}");
    assert_eq!(side["reads"], Value::Null);
}

#[test]
fn answers_of_another_offset_are_counted() {
    let Some(side) = measured(|read| vec![right(&[read[0] ^ 1, read[1], read[2], read[3]])], "") else {
        return;
    };
    assert_eq!((&side["faults"]["unexpected"], &side["faults"]["lost"]), (&6.into(), &6.into()), "{side:#}");
}

#[test]
fn answers_of_another_length_are_counted() {
    for answer in [|read: &[u8]| vec![read.to_vec()], |read: &[u8]| vec![[read, &[7; 138]].concat()]] {
        let Some(side) = measured(answer, "") else { return };
        let faults = &side["faults"];
        assert_eq!((&faults["wrong_length"], &faults["lost"]), (&6.into(), &0.into()), "{side:#}");
    }
}

#[test]
fn answers_without_an_offset_and_repeated_ones_are_counted() {
    let Some(side) = measured(|read| vec![Vec::new(), vec![1, 2, 3], right(read), right(read)], "") else {
        return;
    };
    assert_eq!((&side["answered"], &side["faults"]["wrong_length"]), (&6.into(), &12.into()), "{side:#}");
    // Of the last request, the second answer may come when nobody listens any more.
    assert!(side["faults"]["unexpected"].as_u64().unwrap() >= 5, "{side:#}");
}

#[test]
fn a_server_that_takes_no_writes_is_noticed() {
    let Some(side) = measured(|read| vec![right(read)], "--writes 100") else { return };
    assert_eq!((&side["writes"], &side["faults"]["lost"]), (&Value::Null, &6.into()), "{side:#}");
    assert!(side["repeated"].as_u64().unwrap() > 6, "{side:#}");
}

#[test]
fn a_missing_server_is_told_with_what_to_do() {
    let Some(broker) = broker() else { return };
    let complaint = |arguments| complaint(&url(&broker), arguments);
    let missing = complaint("--timeout-ms 100");
    for part in ["no server answers", "version 1", "channel bench-1", "Does one run"] {
        assert!(missing.contains(part), "{missing}");
    }
    start(broker.port(), |_, read| vec![right(read)]);
    let old = complaint("--timeout-ms 100");
    assert!(old.contains("version 2") && old.contains("--legacy-target"), "{old}");
}

#[test]
fn a_missing_broker_is_told_with_what_to_do() {
    let port = crate::broker::free_port();
    for arguments in ["", "--connect 3", "--protocol v2"] {
        let missing = complaint(&format!("mqtt://127.0.0.1:{port}"), arguments);
        assert!(missing.contains("cannot be reached") && missing.contains("--broker"), "{missing}");
    }
}

#[test]
fn options_that_make_no_sense_together_are_told() {
    for (broker, arguments, word) in [
        ("http://127.0.0.1", "", "mqtt://"),
        ("mqtt://127.0.0.1", "--ca x", "mqtts://"),
        ("mqtts://127.0.0.1", "", "--ca"),
        ("mqtts://127.0.0.1", "--ca nowhere", "nowhere"),
        ("mqtt://127.0.0.1", "--trace nowhere", "nowhere"),
    ] {
        let told = complaint(broker, arguments);
        assert!(told.contains(word), "{told}");
    }
}
