//! Kills at random moments: what was acknowledged is there, and no sector is torn.

use std::thread;
use std::time::Duration;

use crate::chance::Chance;
use crate::data::Data;
use crate::server::Server;
use crate::written::Written;

/// Small segments, so that the journal goes on to the next.
pub(crate) const OPTIONS: [&str; 4] = ["--segment-mib", "4", "--journal-mib", "8"];

#[test]
fn a_server_that_is_killed_keeps_what_it_acknowledged() {
    let (mut chance, rounds) = Chance::new("kills");
    let (data, mut written) = (Data::new(), Written::default());
    let mut server = Server::start_with(&data, &OPTIONS);
    for _ in 0..rounds {
        written.until(&mut chance, server, Server::kill);
        if chance.below(4) == 0 {
            let mut recovering = Server::launch(&data, &OPTIONS);
            thread::sleep(Duration::from_micros(chance.below(50_000)));
            recovering.kill();
        }
        server = Server::start_with(&data, &OPTIONS);
        written.check(&server);
    }
    written.end(server, &data, rounds);
}
