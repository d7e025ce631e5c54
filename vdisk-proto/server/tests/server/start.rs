//! How a server starts, or why it does not.

use std::fs;
use std::net::TcpListener;
use std::process::Output;

use clap::CommandFactory as _;
use vdisk_server::options::{Cli, Serve};
use vdisk_server::{BrokerSettings, Settings};

use crate::data::{Data, filling};
use crate::device::Device;
use crate::program::command;
use crate::server::Server;
use crate::{CHANNEL, SECTOR};

/// The example that ships, in which every option is a comment.
const EXAMPLE: &str = include_str!("../../dist/vdisk-server.toml");

fn output(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

/// The options of the example, without those that need others' or have no default.
fn example(without: &[&str]) -> Serve {
    let is_option = |line: &&str| line.starts_with(|first: char| first.is_ascii_lowercase());
    let lines = EXAMPLE.lines().filter_map(|line| line.strip_prefix('#')).filter(is_option);
    let wanted = lines.filter(|line| !without.iter().any(|name| line.starts_with(&format!("{name} ="))));
    toml::from_str(&wanted.collect::<Vec<_>>().join("\n")).unwrap()
}

/// The long names of all options but those that are for the command line only.
fn names() -> Vec<String> {
    let command = Cli::command();
    let names = command.get_arguments().filter_map(|option| option.get_long());
    names.filter(|name| *name != "config").map(str::to_owned).collect()
}

#[test]
fn on_the_first_day_there_is_a_blank_disk() {
    let data = Data::new();
    let server = Server::start(&data);
    let mut device = Device::listening(server.address(), CHANNEL);
    assert_eq!(device.read_sector(CHANNEL, 0), [0xe5; SECTOR]);
    device.write_sector(CHANNEL, 0, &[1; SECTOR]);
    server.stop();
    let server = Server::start(&data);
    let mut device = Device::listening(server.address(), CHANNEL);
    assert_eq!(device.read_sector(CHANNEL, 0), [1; SECTOR]);
    server.signal("-INT");
    assert_eq!(server.ended().code, 0, "Ctrl-C is a stop, too");
    data.assert_closed();
}

#[test]
fn a_port_that_is_in_use_is_named() {
    let data = Data::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refusal = Server::refused(&data, &["--listen", &address]);
    assert_eq!(refusal.code, 69);
    assert!(refusal.text.contains(&address) && refusal.text.contains("--listen"), "{}", refusal.text);
    data.assert_closed();

    let certs = command(["certs", "--out"]).arg(data.path("certs")).output().unwrap();
    assert!(certs.status.success());
    let tls = format!("--tls={address}");
    let refusal = Server::refused(&data, &["--listen", "127.0.0.1:0", &tls]);
    assert_eq!(refusal.code, 69);
    assert!(refusal.text.contains(&address) && refusal.text.contains("--tls"), "{}", refusal.text);
    data.assert_closed();
}

#[test]
fn options_that_are_none_end_with_2() {
    for arguments in [
        &["--nonsense"][..],
        &["nonsense"],
        &["--listen", "here"],
        &["--window", "many"],
        &["--log-format", "xml"],
        &["--tls", "0.0.0.0:8884"],
        &["--allow-anonymous=perhaps"],
        &["password"],
        &["replace", "--channel"],
        &["certs", "--nonsense"],
        &["recover", "--listen", "127.0.0.1:0"],
        &["--listen", "127.0.0.1:0", "recover"],
    ] {
        let output = output(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn settings_that_are_wrong_end_with_78_wherever_they_are() {
    let data = Data::new();
    let file = data.path("options.toml");
    for (option, value, problem) in [
        ("window", "65", "--window is 1 to 64, and not 65"),
        ("segment-mib", "3", "--segment-mib is 4 to 1024"),
        ("legacy-delay-us", "5000001", "--legacy-delay-us is 0 to 5000000"),
        ("rate", "0", "--rate is 1 to"),
        ("listen", "0.0.0.0:0", "--allow-anonymous"),
        ("channel", "1", "--broker"),
        ("tls-cert", "x", "--tls"),
        ("broker", "http://x", "mqtt://"),
        ("password-file", "/nowhere/at/all", "/nowhere/at/all"),
        ("tls", "127.0.0.1:0", "vdisk-server certs"),
        ("log", "vdisk=loud", "--log"),
    ] {
        let quoted = if value.parse::<u64>().is_ok() && option != "channel" {
            value.to_owned()
        } else {
            format!("{value:?}")
        };
        fs::write(&file, format!("{option} = {quoted}\n")).unwrap();
        let on_the_command_line = format!("--{option}={value}");
        for arguments in [&[on_the_command_line.as_str()][..], &["--config", file.to_str().unwrap()]] {
            let anywhere: &[&str] =
                if ["listen", "broker"].contains(&option) { &[] } else { &["--listen", "127.0.0.1:0"] };
            let refusal = Server::refused(&data, &[anywhere, arguments].concat());
            assert_eq!(refusal.code, 78, "{arguments:?}: {}", refusal.text);
            assert!(refusal.text.contains(problem), "{arguments:?}: {}", refusal.text);
        }
    }
}

#[test]
fn a_file_of_options_that_is_none_ends_with_78() {
    let data = Data::new();
    let file = data.path("options.toml");
    let path = file.to_str().unwrap();
    for (text, problem) in [
        (None, "cannot be read"),
        (Some("windows = 8"), "windows"),
        (Some("window = 800"), "window"),
        (Some("window = \"8\""), "window"),
        (Some("config = \"other.toml\""), "config"),
        (Some("listen ="), "listen"),
    ] {
        if let Some(text) = text {
            fs::write(&file, text).unwrap();
        }
        let refusal = Server::refused(&data, &["--config", path]);
        assert_eq!(refusal.code, 78, "{}", refusal.text);
        assert!(refusal.text.contains(path) && refusal.text.contains(problem), "{}", refusal.text);
    }
}

#[test]
fn a_file_of_options_is_obeyed_and_the_command_line_wins() {
    let data = Data::numbered();
    let file = data.path("options.toml");
    fs::write(&file, "listen = \"127.0.0.1:1\"\nwindow = 3\nlog-format = \"json\"\n").unwrap();
    let options = ["--config", file.to_str().unwrap(), "--listen", "127.0.0.1:0"];
    let server = Server::start_with(&data, &options);
    let mut device = Device::listening(server.address(), CHANNEL);
    assert_eq!(device.read_sector(CHANNEL, SECTOR as u32), [filling(1); SECTOR]);
    device.publish("altair/1/vdisk/read", b"");
    let log = server.await_log("wrong length");
    assert!(log.starts_with('{') && log.contains("\"level\":\"WARN\""), "{log}");
}

#[test]
fn the_example_file_has_every_option() {
    let names = names();
    for name in &names {
        let count = EXAMPLE.lines().filter(|line| line.starts_with(&format!("#{name} = "))).count();
        assert_eq!(count, 1, "{name}");
    }
    let options = toml::Table::try_from(example(&[])).unwrap();
    assert!(
        options.len() == names.len() && names.iter().all(|name| options.contains_key(name)),
        "{options:?}"
    );
    assert_eq!(toml::from_str::<toml::Table>(EXAMPLE).unwrap(), toml::Table::new(), "all are comments");
}

#[test]
fn the_example_file_has_the_defaults() {
    let no_defaults = [
        "data",
        "open-files",
        "password-file",
        "tls",
        "tls-cert",
        "tls-key",
        "tls-ca",
        "broker",
        "broker-ca",
        "broker-cert",
        "broker-key",
        "broker-user",
        "broker-password-file",
        "channel",
        "rate",
    ];
    let [example, defaults] =
        [example(&no_defaults), Serve::default()].map(|options| Settings::new(&options).unwrap());
    assert_eq!((example.store, example.limits), (defaults.store, defaults.limits));
    assert_eq!((example.legacy_delay, example.rate), (defaults.legacy_delay, defaults.rate));
    let [example, defaults] = [example, defaults].map(|settings| match settings.broker {
        BrokerSettings::Embedded { listen, max_clients, password_file: None, tls: None } => {
            (listen, max_clients)
        }
        _ => panic!("that is no default"),
    });
    assert_eq!(example, defaults);
}

#[test]
fn help_is_there_for_everything() {
    let help = |arguments: &[&str]| {
        let output = output(arguments);
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let all = help(&["--help"]);
    for name in names() {
        assert!(all.contains(&format!("--{name}")), "{name}");
    }
    for command in Cli::command().get_subcommands() {
        assert!(all.contains(command.get_name()));
        let text = help(&[command.get_name(), "--help"]);
        for argument in command.get_arguments().filter_map(|argument| argument.get_long()) {
            assert!(text.contains(&format!("--{argument}")), "{argument}");
        }
        assert!(help(&["help", command.get_name()]).starts_with(text.lines().next().unwrap()));
    }
    assert!(help(&["--version"]).starts_with("vdisk-server "));
}

#[test]
fn a_server_tells_systemd_when_it_is_ready_and_when_it_stops() {
    use std::os::unix::net::UnixDatagram;
    let data = Data::new();
    let path = data.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(crate::LONG)).unwrap();
    let hear = || {
        let mut bytes = [0; 64];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    };
    let mut program = command(["--listen", "127.0.0.1:0", "--quiet", "--data"]);
    let program = crate::program::Program::run(program.arg(data.folder()).env("NOTIFY_SOCKET", &path));
    assert_eq!(hear(), "READY=1");
    program.signal("-TERM");
    assert_eq!(hear(), "STOPPING=1");
    assert_eq!(program.output.text(), "", "it is quiet");
    assert_eq!(crate::server::Refusal::of(program).code, 0);
}
