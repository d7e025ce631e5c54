//! A device: a connection of its own, and what it says there.

use std::time::{Duration, Instant};

use tokio::time::sleep_until;

use crate::Error;
use crate::connection::Connection;
use crate::speaker::Speaker;
use crate::tally::{SharedTally, lock};
use crate::wire::Packet;

/// A device at its broker.
pub(crate) struct Device {
    connection: Connection,
    speaker: Box<dyn Speaker>,
    /// Where its answers come.
    answers: Vec<u8>,
    out: Vec<u8>,
}

/// How long a device asks for more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    /// So many requests at most.
    pub(crate) requests: u64,
    /// Until then, if there is a then.
    pub(crate) end: Option<Instant>,
}

impl Device {
    pub(crate) fn new(connection: Connection, speaker: Box<dyn Speaker>, answers: String) -> Self {
        Self { connection, speaker, answers: answers.into_bytes(), out: Vec::new() }
    }

    /// Waits until the server has answered; whether it did in time.
    pub(crate) async fn open(&mut self, within: Duration, tally: &SharedTally) -> Result<bool, Error> {
        let end = Instant::now() + within;
        // One request, where the protocol has nothing else that is answered; it is sent once.
        let mut left = 1;
        loop {
            self.step(&mut left, tally, Some(end)).await?;
            if self.speaker.is_open()? && (left > 0 || self.speaker.is_idle()) {
                return Ok(true);
            }
            if end <= Instant::now() {
                return Ok(false);
            }
        }
    }

    /// Asks for its share, and waits until all of it was answered or given up.
    pub(crate) async fn run(&mut self, share: Share, tally: &SharedTally) -> Result<(), Error> {
        let mut left = share.requests;
        loop {
            self.step(&mut left, tally, None).await?;
            self.speaker.is_open()?;
            if share.end.is_some_and(|end| end <= Instant::now()) {
                left = 0;
            }
            if left == 0 && self.speaker.is_idle() {
                return Ok(());
            }
        }
    }

    /// Sends what there is to send, and waits for an answer, a time-out, or that time.
    async fn step(
        &mut self,
        left: &mut u64,
        tally: &SharedTally,
        wake: Option<Instant>,
    ) -> Result<(), Error> {
        self.out.clear();
        self.speaker.send(left, Instant::now(), &mut lock(tally), &mut self.out);
        if !self.out.is_empty() {
            self.connection.send(&self.out).await?;
        }
        if self.speaker.is_idle() && *left == 0 && wake.is_none() {
            return Ok(());
        }
        let due = [self.speaker.due(), wake].into_iter().flatten().min();
        tokio::select! {
            biased;
            received = self.connection.receive() => received?,
            () = until(due) => {}
        }
        let now = Instant::now();
        let mut tally = lock(tally);
        let (speaker, answers) = (&mut self.speaker, &self.answers);
        self.connection.take(|packet| {
            if let Packet::Publish { topic, payload, is_retained } = packet
                && topic == answers
            {
                speaker.receive(payload, is_retained, now, &mut tally);
            }
        })?;
        self.speaker.expire(now, &mut tally);
        Ok(())
    }
}

/// Waits until then, or for ever.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}
