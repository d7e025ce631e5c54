//! Devices under load: those of each protocol, and those of the echo, in turns.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::Error;
use crate::broker::Broker;
use crate::device::{Device, Share};
use crate::echo::Echo;
use crate::options::Options;
use crate::process::{Process, Spent, usage, watched};
use crate::progress::Progress;
use crate::report::{Load as Report, Measured, Ratio, rate};
use crate::sector::entropy;
use crate::side::{Side, connected, no_server};
use crate::speaker::timeout;
use crate::tally::{SharedTally, Tally, lock};

/// So many devices connect at a time.
const AT_A_TIME: u32 = 64;

/// One of those that are compared.
struct Contender {
    side: Side,
    /// Of the broker.
    at: String,
    devices: Vec<Device>,
    tally: SharedTally,
    /// Requests a second, of each round.
    rates: Vec<f64>,
    took: Duration,
    server: Spent,
    own: Spent,
}

/// Measures what the options say.
pub(crate) async fn measure(
    options: &Options,
    broker: &Broker,
    progress: &Progress,
) -> Result<Report, Error> {
    let identifier = identifier();
    let mut echo = None;
    let mut contenders = Vec::new();
    if options.speaks_legacy() {
        contenders.push(Contender::open(Side::Legacy, options, broker, &identifier).await?);
    }
    if options.speaks_version_2() {
        contenders.push(Contender::open(Side::Version2, options, broker, &identifier).await?);
    }
    if options.echo {
        echo = Some(Echo::start(broker, &identifier).await?);
        contenders.push(Contender::open(Side::Echo, options, broker, &identifier).await?);
    }
    for url in &options.beside {
        let options = Options { broker: url.clone(), ..options.clone() };
        let broker = Broker::new(&options)?;
        contenders.push(Contender::open(Side::Beside, &options, &broker, &identifier).await?);
    }
    let round = Duration::from_secs_f64(options.seconds / f64::from(options.rounds));
    progress.begin(contenders.len() * options.rounds as usize);
    for number in 0..options.rounds {
        let requests = options.requests.map(|all| part(all.get(), number.into(), options.rounds.into()));
        for contender in &mut contenders {
            contender.run(requests, round, options, progress).await?;
            progress.next();
            if let Some(echo) = &mut echo {
                echo.check()?;
            }
        }
    }
    let measured: Vec<_> = contenders.iter().map(|contender| contender.measured(options)).collect();
    Ok(Report {
        window: options.window,
        writes_percent: options.writes,
        sectors_per_read: options.sectors,
        seed: options.seed,
        threads: options.threads,
        rounds: options.rounds,
        ratios: ratios(&contenders, &measured),
        sides: measured,
    })
}

/// One of `parts` parts of so much, which together are all of it.
fn part(all: u64, number: u64, parts: u64) -> u64 {
    let up_to = |number: u64| u128::from(all) * u128::from(number) / u128::from(parts.max(1));
    // Not more than `all`.
    u64::try_from(up_to(number + 1) - up_to(number)).unwrap_or(all)
}

impl Contender {
    /// Connects all devices, and has each answered once. The first goes alone: whether there is a server is soon known.
    async fn open(side: Side, options: &Options, broker: &Broker, identifier: &str) -> Result<Self, Error> {
        let mut devices = Vec::new();
        // What is counted before the first round is of no interest.
        let unseen = Tally::shared();
        let mut next = 1;
        while next <= options.channels {
            let last = if next == 1 { 1 } else { options.channels.min(next + AT_A_TIME - 1) };
            let mut opening = JoinSet::new();
            for number in next..=last {
                let (options, broker, unseen) =
                    (options.clone(), broker.clone(), SharedTally::clone(&unseen));
                let identifier = format!("{identifier}{}{number}", side.name());
                opening.spawn(async move {
                    let mut device = connected(side, &options, &broker, &identifier, number).await?;
                    if device.open(timeout(&options), &unseen).await? {
                        return Ok(device);
                    }
                    Err(no_server(side, &options, &broker, number))
                });
            }
            for device in opening.join_all().await {
                devices.push(device?);
            }
            next = last + 1;
        }
        Ok(Self {
            side,
            at: broker.name(),
            devices,
            tally: Tally::shared(),
            rates: Vec::new(),
            took: Duration::ZERO,
            server: Spent::default(),
            own: Spent::default(),
        })
    }

    /// A round: so many requests, or so long.
    async fn run(
        &mut self,
        requests: Option<u64>,
        round: Duration,
        options: &Options,
        progress: &Progress,
    ) -> Result<(), Error> {
        let watched = watched(options);
        let before = (usage(watched.as_ref())?, Process::own().usage().ok());
        let begin = Instant::now();
        let end = requests.is_none().then(|| begin + round);
        let done_before = {
            let mut tally = lock(&self.tally);
            (tally.end, tally.last) = (end, None);
            tally.in_time
        };
        let count = self.devices.len() as u64;
        let mut running = JoinSet::new();
        for (number, mut device) in (0..).zip(self.devices.drain(..)) {
            let share = Share { requests: requests.map_or(u64::MAX, |all| part(all, number, count)), end };
            let tally = SharedTally::clone(&self.tally);
            running.spawn(async move { device.run(share, &tally).await.map(|()| device) });
        }
        while let Some(device) =
            progress.meanwhile(running.join_next(), begin, end.is_some().then_some(round)).await
        {
            let device = device.map_err(|error| Error::System { what: "a device", source: error.into() })?;
            self.devices.push(device?);
        }
        let (done, took) = {
            let tally = lock(&self.tally);
            let last = end.or(tally.last).unwrap_or(begin);
            (tally.in_time - done_before, last.saturating_duration_since(begin))
        };
        self.took += took;
        self.rates.push(rate(done, took));
        self.server.add(before.0, usage(watched.as_ref())?);
        self.own.add(before.1, Process::own().usage().ok());
        Ok(())
    }

    fn measured(&self, options: &Options) -> Measured {
        let tally = lock(&self.tally);
        let cost = |spent: &Spent| spent.cost(self.took, tally.in_time);
        Measured::new(self.side.name(), &self.at, options.channels, self.took, self.rates.clone(), &tally)
            .costing(cost(&self.server), cost(&self.own))
    }
}

/// What each is to each of its peers.
fn ratios(contenders: &[Contender], sides: &[Measured]) -> Vec<Ratio> {
    let all = || contenders.iter().map(|contender| contender.side.is_peer()).zip(sides);
    let peers = || all().filter(|(is_peer, _)| *is_peer).map(|(_, side)| side);
    let others = all().filter(|(is_peer, _)| !is_peer).map(|(_, side)| side);
    others.flat_map(|side| peers().map(move |peer| Ratio::new(side, peer))).collect()
}

/// How the clients of this run begin to be called: short, since some brokers take 23 characters only.
pub(crate) fn identifier() -> String {
    format!("vdb{:08x}", entropy() >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_together_all_of_it() {
        for (all, parts) in [(10, 3), (1, 4), (0, 2), (u64::MAX, 7)] {
            assert_eq!((0..parts).map(|number| part(all, number, parts)).sum::<u64>(), all);
        }
        assert_eq!([0, 1, 2].map(|number| part(10, number, 3)), [3, 3, 4]);
    }
}
