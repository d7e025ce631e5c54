use std::fs;

use super::passwords::tests::cheap;
use super::*;

/// A password file with a `device`, a `gateway`, who has channel `12345678` too, and the operator `alice`.
struct Passwords(tempfile::NamedTempFile);

impl Passwords {
    fn new() -> Self {
        let file = Self(tempfile::NamedTempFile::new().unwrap());
        file.write(&["device:HASH", "gateway:HASH:12345678", "alice:HASH:*"]);
        file
    }

    fn write(&self, lines: &[&str]) {
        fs::write(self.0.path(), lines.join("\n").replace("HASH", &cheap())).unwrap();
    }

    fn access(&self) -> Access {
        Access::identified(Some(self.0.path())).unwrap()
    }
}

fn attempt(client: &str, user: Option<&str>, password: &str) -> Attempt {
    Attempt {
        address: IpAddr::from([192, 0, 2, 7]),
        client: client.to_owned(),
        user: user.map(str::to_owned),
        password: Some(password.as_bytes().to_vec()),
        certificate: None,
        will: None,
    }
}

fn right(client: &str, user: &str) -> Attempt {
    attempt(client, Some(user), "correct horse")
}

fn certified(client: &str, name: &str) -> Attempt {
    Attempt { certificate: Some(Identity::new(name).unwrap()), ..attempt(client, None, "") }
}

/// A user may publish to all of the topics and subscribe to all of the filters, or to none.
fn expect(access: &Access, user: Option<&str>, topics: &[&str], filters: &[&str], answer: bool) {
    for topic in topics {
        assert_eq!(access.may_publish(user, topic), answer, "{user:?} publishes to {topic}");
    }
    for filter in filters {
        assert_eq!(access.may_subscribe(user, filter), answer, "{user:?} subscribes to {filter}");
    }
}

const SERVERS_TOPICS: [&str; 7] = [
    "altair/device/vdisk/data",
    "altair/device/vdisk/v2/rsp",
    "altair/12345678/vdisk/data",
    "altair/12345678/vdisk/v2/rsp",
    "altair/vdisk-server/claim",
    "$SYS/broker/version",
    "$share/group/altair/device/dev",
];

const NO_TOPICS: [&str; 9] = [
    "",
    "altair/+/dev",
    "altair/device/#",
    "altair/device/+",
    "altair/device/de#v",
    "altair/device/\0",
    "altair/device/3/4/5/6/7/8/9",
    "1/2/3/4/5/6/7/8/9",
    "////////",
];

const NO_FILTERS: [&str; 18] = [
    "",
    "altair/device/#/x",
    "altair/device/a#",
    "altair/device/+x",
    "altair/device/\0",
    "altair/device/3/4/5/6/7/8/#",
    "$share/",
    "$share/group",
    "$share//altair/device/dev",
    "$share/+/altair/device/dev",
    "$share/#/altair/device/dev",
    "$share/group/",
    "$share/group/#",
    "$share/group/altair/device/dev",
    "$share/group/altair/vdisk-server/claim",
    "$share/group/altair/12345678/vdisk/v2/rsp",
    "$share/group/altair/+/dev",
    "$share/group/+/device/#",
];

const DEVICES_TOPICS: [&str; 7] = [
    "altair/device/vdisk/read",
    "altair/device/vdisk/write",
    "altair/device/vdisk/v2/req",
    "altair/device/dev",
    "altair/device/dev/ctrl",
    "altair/device/dev/paste",
    "altair/device/3/4/5/6/7/8",
];

const DEVICES_FILTERS: [&str; 8] = [
    "altair/device/vdisk/data",
    "altair/device/vdisk/v2/rsp",
    "altair/device/vdisk/+",
    "altair/device/vdisk/#",
    "altair/device/#",
    "altair/device/+/#",
    "altair/device/dev/ctrl",
    "altair/vdisk-server/claim",
];

/// Of channel `12345678`.
const GATEWAYS_TOPICS: [&str; 2] = ["altair/12345678/vdisk/v2/req", "altair/12345678/dev"];
const GATEWAYS_FILTERS: [&str; 2] = ["altair/12345678/#", "altair/12345678/vdisk/v2/rsp"];

const OPERATORS_TOPICS: [&str; 2] = ["altair/other/vdisk/write", "altair/vdisk-server/other"];
const OPERATORS_FILTERS: [&str; 6] =
    ["altair/#", "altair/+/vdisk/#", "altair/other/#", "altair/+", "altair/device", "altair/vdisk-server/#"];

/// For whoever is not identified.
const OUTER_TOPICS: [&str; 7] = [
    "home/light",
    "altair",
    "altair/device",
    "altairdevice/dev",
    "Altair/device/dev",
    "/altair/device/dev",
    "altair//dev",
];
const OUTER_FILTERS: [&str; 8] =
    ["#", "+", "+/x", "+/device/dev", "+/+/vdisk/#", "altair", "home/#", "$SYS/#"];

#[test]
fn anybody_may_do_all_but_what_is_the_servers() {
    let access = Access::anonymous();
    expect(&access, None, &SERVERS_TOPICS, &NO_FILTERS, false);
    expect(&access, None, &NO_TOPICS, &[], false);
    expect(&access, None, &DEVICES_TOPICS, &DEVICES_FILTERS, true);
    expect(&access, None, &OPERATORS_TOPICS, &OPERATORS_FILTERS, true);
    expect(&access, None, &OUTER_TOPICS, &OUTER_FILTERS, true);
}

#[test]
fn an_identity_has_its_channels_and_no_other() {
    let passwords = Passwords::new();
    let access = passwords.access();
    for user in ["device", "device/certificate", "gateway", "alice", "12345678/certificate"] {
        let user = Some(user);
        expect(&access, user, &SERVERS_TOPICS, &NO_FILTERS, false);
        expect(&access, user, &NO_TOPICS, &OUTER_FILTERS, false);
        expect(&access, user, &OUTER_TOPICS, &[], false);
        expect(&access, user, &[], &["altair/vdisk-server/claim"], true);
    }
    for user in [Some("device"), Some("device/certificate")] {
        expect(&access, user, &DEVICES_TOPICS, &DEVICES_FILTERS, true);
        expect(&access, user, &GATEWAYS_TOPICS, &GATEWAYS_FILTERS, false);
        expect(&access, user, &OPERATORS_TOPICS, &OPERATORS_FILTERS, false);
    }
    for user in [Some("gateway"), Some("12345678/certificate")] {
        expect(&access, user, &GATEWAYS_TOPICS, &GATEWAYS_FILTERS, true);
        expect(&access, user, &DEVICES_TOPICS, &["altair/device/#"], false);
        expect(&access, user, &OPERATORS_TOPICS, &OPERATORS_FILTERS, false);
    }
    expect(&access, Some("gateway"), &["altair/gateway/dev"], &["altair/gateway/#"], true);
    expect(&access, Some("alice"), &DEVICES_TOPICS, &DEVICES_FILTERS, true);
    expect(&access, Some("alice"), &GATEWAYS_TOPICS, &GATEWAYS_FILTERS, true);
    expect(&access, Some("alice"), &OPERATORS_TOPICS, &OPERATORS_FILTERS, true);
    // Nobody of the file, and no text of a user.
    for user in
        [None, Some("12345678"), Some("vdisk-server"), Some(""), Some("device/"), Some("+"), Some("a/b")]
    {
        expect(&access, user, &DEVICES_TOPICS, &DEVICES_FILTERS, false);
        expect(&access, user, &GATEWAYS_TOPICS, &GATEWAYS_FILTERS, false);
    }
}

#[test]
fn a_certificate_is_its_identity_where_anybody_may_come() {
    let access = Access::anonymous();
    let text = "device/certificate";
    let admitted = access.authenticate(&certified("device", "device"), Instant::now());
    assert_eq!(admitted, Ok(User::parse(text)));
    let user = Some(text);
    expect(&access, user, &DEVICES_TOPICS, &DEVICES_FILTERS, true);
    expect(&access, user, &GATEWAYS_TOPICS, &GATEWAYS_FILTERS, false);
    expect(&access, user, &OUTER_TOPICS, &OUTER_FILTERS, false);
    // Here nobody has a password.
    expect(&access, Some("device"), &DEVICES_TOPICS, &DEVICES_FILTERS, false);
}

#[test]
fn topics_have_256_bytes_and_8_levels() {
    let passwords = Passwords::new();
    let access = passwords.access();
    let with_length =
        |length: usize| format!("altair/device/{}", "x".repeat(length - "altair/device/".len()));
    for user in [None, Some("device")] {
        let access = if user.is_none() { &Access::anonymous() } else { &access };
        let (longest, longer) = (with_length(256), with_length(257));
        expect(access, user, &[&longest], &[&longest], true);
        expect(access, user, &[&longer], &[&longer, &format!("$share/g/{longest}")], false);
    }
}

#[test]
fn nothing_is_retained_for_a_disk() {
    let passwords = Passwords::new();
    for (access, user) in [(Access::anonymous(), None), (passwords.access(), Some("alice"))] {
        for topic in ["altair/device/vdisk/read", "altair/device/vdisk/write", "altair/device/vdisk/v2/req"] {
            assert!(access.may_publish(user, topic) && !access.may_retain(user, topic));
        }
        assert!(access.may_retain(user, "altair/device/dev"));
        assert!(SERVERS_TOPICS.iter().all(|topic| !access.may_retain(user, topic)));
    }
    assert!(!passwords.access().may_retain(Some("device"), "altair/other/dev"));
}

#[test]
fn a_will_is_a_message() {
    let passwords = Passwords::new();
    let (anonymous, identified) = (Access::anonymous(), passwords.access());
    for (topic, is_retained, for_anybody, for_device) in [
        ("altair/device/dev", true, true, true),
        ("altair/device/vdisk/v2/req", false, true, true),
        ("altair/device/vdisk/v2/req", true, false, false),
        ("altair/other/dev", false, true, false),
        ("home/light", true, true, false),
        ("altair/vdisk-server/claim", true, false, false),
        ("altair/device/vdisk/data", false, false, false),
        ("altair/+/dev", false, false, false),
        ("", false, false, false),
    ] {
        let will = || Some(Will { topic: topic.to_owned(), is_retained });
        for (access, attempt, answer) in [
            (&anonymous, attempt("x", None, ""), for_anybody),
            (&identified, right("device", "device"), for_device),
            (&identified, certified("device", "device"), for_device),
        ] {
            let outcome = access.authenticate(&Attempt { will: will(), ..attempt }, Instant::now());
            match outcome {
                Ok(_) => assert!(answer, "{topic}"),
                Err(refusal) => assert!(!answer && matches!(refusal, Refusal::Will { .. }), "{topic}"),
            }
        }
    }
}

#[test]
fn who_proves_it_gets_in_under_their_own_client_identifier() {
    let passwords = Passwords::new();
    let access = passwords.access();
    let now = Instant::now();
    let text =
        |attempt: Attempt| access.authenticate(&attempt, now).map(|user| user.map(|user| user.to_string()));
    let ok = |text: &str| Ok(Some(text.to_owned()));
    let other = |client: &str, expected: &str| {
        Err(Refusal::OtherClient { client: client.to_owned(), expected: Identity::new(expected).unwrap() })
    };
    assert_eq!(text(right("device", "device")), ok("device"));
    assert_eq!(text(right("gateway", "gateway")), ok("gateway"));
    assert_eq!(text(certified("device", "device")), ok("device/certificate"));
    assert_eq!(text(certified("unlisted", "unlisted")), ok("unlisted/certificate"));
    for client in ["alice", "alice-2", "alice/laptop"] {
        assert_eq!(text(right(client, "alice")), ok("alice"));
        assert_eq!(text(certified(client, "alice")), ok("alice/certificate"));
    }
    for client in ["", "device2", "Device", "gateway", "device/certificate"] {
        assert_eq!(text(right(client, "device")), other(client, "device"));
        assert_eq!(text(certified(client, "device")), other(client, "device"));
    }
    assert_eq!(text(right("bob", "alice")), other("bob", "alice"));
    assert_eq!(
        text(right("emulator", "device")).unwrap_err().to_string(),
        "the client identifier is \"emulator\"; device's has to be device"
    );
    assert_eq!(text(attempt("device", None, "correct horse")), Err(Refusal::Nobody));
    for (user, password) in [("device", "wrong"), ("device", ""), ("nobody", "correct horse"), ("", "")] {
        let refusal = Err(Refusal::Password { user: user.to_owned() });
        assert_eq!(passwords.access().authenticate(&attempt(user, Some(user), password), now), refusal);
    }
}

#[test]
fn client_identifiers_are_sane_where_anybody_may_come() {
    let access = Access::anonymous();
    let long = "x".repeat(129);
    for (client, answer) in [
        ("", Ok(None)),
        ("mosq-7/8|9", Ok(None)),
        (&long[1..], Ok(None)),
        (&long, Err(Refusal::Client)),
        ("$x", Err(Refusal::Client)),
        ("a+", Err(Refusal::Client)),
        ("a#", Err(Refusal::Client)),
        ("a\nb", Err(Refusal::Client)),
        ("a\0", Err(Refusal::Client)),
    ] {
        assert_eq!(access.authenticate(&attempt(client, Some("whoever"), "x"), Instant::now()), answer);
    }
}

#[test]
fn only_certificates_count_without_a_password_file() {
    let access = Access::identified(None).unwrap();
    let now = Instant::now();
    assert!(access.authenticate(&certified("device", "device"), now).is_ok());
    assert_eq!(access.authenticate(&attempt("device", None, ""), now), Err(Refusal::Nobody));
    expect(&access, Some("device/certificate"), &DEVICES_TOPICS, &DEVICES_FILTERS, true);
    expect(&access, Some("device"), &DEVICES_TOPICS, &DEVICES_FILTERS, false);
    access.reload().unwrap();
}

#[test]
fn only_passwords_are_hashed() {
    let passwords = Passwords::new();
    let access = passwords.access();
    assert!(access.hashes(&right("device", "device")));
    assert!(!access.hashes(&certified("device", "device")));
    assert!(!access.hashes(&attempt("device", None, "")));
    assert!(!Access::anonymous().hashes(&right("device", "device")));
}

#[test]
fn a_guesser_is_locked_out_and_others_are_not() {
    let passwords = Passwords::new();
    let access = passwords.access();
    let now = Instant::now();
    for _ in 0..6 {
        let refusal = access.authenticate(&attempt("device", Some("device"), "guess"), now).unwrap_err();
        assert!(matches!(refusal, Refusal::Password { .. }));
    }
    let locked = access.authenticate(&right("device", "device"), now).unwrap_err();
    assert!(
        matches!(locked, Refusal::LockedOut { .. }) && locked.to_string().contains("192.0.2.7"),
        "{locked}"
    );
    access.authenticate(&certified("device", "device"), now).unwrap();
    let elsewhere = Attempt { address: IpAddr::from([192, 0, 2, 8]), ..right("device", "device") };
    access.authenticate(&elsewhere, now).unwrap();
    access.authenticate(&right("device", "device"), now + Duration::from_secs(1)).unwrap();
}

#[test]
fn who_is_removed_has_lost_their_rights() {
    let passwords = Passwords::new();
    let access = passwords.access();
    passwords.write(&["gateway:HASH"]);
    expect(&access, Some("device"), &DEVICES_TOPICS, &DEVICES_FILTERS, true);
    access.reload().unwrap();
    for user in ["device", "alice"] {
        expect(&access, Some(user), &DEVICES_TOPICS, &DEVICES_FILTERS, false);
        let refusal = access.authenticate(&right(user, user), Instant::now());
        assert_eq!(refusal, Err(Refusal::Password { user: user.to_owned() }));
    }
    expect(&access, Some("gateway"), &["altair/gateway/dev"], &["altair/gateway/#"], true);
    expect(&access, Some("gateway"), &GATEWAYS_TOPICS, &GATEWAYS_FILTERS, false);
    expect(&access, Some("device/certificate"), &DEVICES_TOPICS, &DEVICES_FILTERS, true);
}

#[test]
fn a_file_that_fails_to_be_read_again_denies_everybody() {
    let passwords = Passwords::new();
    let access = passwords.access();
    for broken in [&[][..], &["# nobody"], &["device:HASH", "device:HASH"], &["device"]] {
        passwords.write(broken);
        assert!(Access::identified(Some(passwords.0.path())).is_err());
        access.reload().unwrap_err();
        for attempt in [right("device", "device"), right("alice", "alice"), certified("device", "device")] {
            assert_eq!(access.authenticate(&attempt, Instant::now()), Err(Refusal::Broken));
        }
        for user in ["device", "alice", "device/certificate"] {
            expect(&access, Some(user), &DEVICES_TOPICS, &DEVICES_FILTERS, false);
        }
        passwords.write(&["device:HASH"]);
        access.reload().unwrap();
        expect(&access, Some("device"), &DEVICES_TOPICS, &DEVICES_FILTERS, true);
    }
}
