//! What is to be published, and when.

use super::counters::{Counters, count};
use super::greeting::{Ask, Probe, UNANSWERED};
use super::reads::READS;
use super::{Failure, Host, Mode, Session};
use crate::codec::frame::{self, Frame, Operation};
use crate::codec::hello::HelloRequest;
use crate::codec::{Channel, Topic, legacy};

/// After how long a cache is told again to clear itself.
const CLEAR_AGAIN_MS: u64 = 50;

/// A message to publish, not retained, on a topic of the session's channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// [`Topic::Request`], or [`Topic::LegacyRead`] or [`Topic::LegacyWrite`].
    pub topic: Topic,
    /// How many bytes of the memory are the payload.
    pub length: usize,
}

impl Session<'_> {
    /// The next message to publish, written to the start of `payload`, which has
    /// [`Config::longest_payload`](super::Config::longest_payload) bytes; `None` if there is none now.
    pub fn poll_transmit(
        &mut self,
        now_ms: u64,
        payload: &mut [u8],
        host: &mut impl Host,
    ) -> Option<Transmit> {
        self.trust.settle(host.cache());
        self.expire_reads(now_ms, host);
        if !self.is_connected || self.mode == Mode::TakenOver {
            return None;
        }
        self.mind_silence(now_ms);
        let message = self.poll_hello(now_ms, payload, host).or_else(|| self.poll_probe(payload));
        if message.is_some() || !self.is_open() {
            return message;
        }
        if self.mode == Mode::One {
            return self.poll_version_1(now_ms, payload, host);
        }
        let message = self
            .poll_write(now_ms, payload, host)
            .or_else(|| self.poll_read(now_ms, payload, host))
            .or_else(|| self.poll_flush(now_ms, payload, host));
        // At the end of the sequences the session is over instead.
        if self.number == 0 { self.poll_hello(now_ms, payload, host) } else { message }
    }

    /// When [`poll_transmit`](Self::poll_transmit) has something to do again if nothing arrives before; `None` if it has
    /// not before something is called.
    #[must_use]
    pub fn deadline_ms(&self, now_ms: u64) -> Option<u64> {
        let clears = self.trust.needs_clear().then(|| now_ms.saturating_add(CLEAR_AGAIN_MS));
        let waiting = self.reads.in_use().filter(|(slot, _)| self.reads.is_wanted(*slot));
        let expires = waiting.filter_map(|(_, read)| self.expires_ms(read.since_ms)).min();
        let sends = if self.is_connected && self.mode != Mode::TakenOver { self.sends_ms() } else { None };
        [clears, expires, sends].into_iter().flatten().min()
    }

    fn sends_ms(&self) -> Option<u64> {
        let greets = self.may_greet().then(|| self.greeting.retry.due_ms());
        let probes = (self.greeting.probe == Probe::ToSend).then_some(0);
        let session = match self.mode {
            _ if !self.is_open() => None,
            Mode::One => self.version_1_sends_ms(),
            _ => self.version_2_sends_ms(),
        };
        [greets, probes, session, self.silence_ends_ms()].into_iter().flatten().min()
    }

    fn version_2_sends_ms(&self) -> Option<u64> {
        let writes = (self.window.next < self.window.len().min(self.allowed)).then_some(self.held_ms);
        let again = (self.window.next > 0).then(|| self.writes.due_ms());
        let flushes = self.wants_flush().then_some(0);
        let reads = self.reads.in_use().map(|(_, read)| read.retry.due_ms()).min();
        [writes, again, flushes, reads].into_iter().flatten().min()
    }

    fn expires_ms(&self, since_ms: u64) -> Option<u64> {
        let timeout_ms = u64::from(self.config.read_timeout_ms);
        (timeout_ms != 0).then(|| since_ms.saturating_add(timeout_ms))
    }

    /// Fails the reads for which somebody waited too long.
    fn expire_reads(&mut self, now_ms: u64, host: &mut impl Host) {
        for slot in 0..READS {
            let Some(since_ms) = self.reads.get(slot).map(|read| read.since_ms) else { continue };
            let has_expired = self.expires_ms(since_ms).is_some_and(|expires_ms| now_ms >= expires_ms);
            if has_expired && self.reads.is_wanted(slot) {
                self.fail_read(slot, Failure::TimedOut, host);
            }
        }
    }

    /// Whether a HELLO is to be said as soon as its time comes.
    fn may_greet(&self) -> bool {
        // Version 1 is left only when nothing was written that it has not confirmed.
        self.greeting.ask != Ask::Nothing && (self.mode != Mode::One || self.window.len() == 0)
    }

    fn poll_hello(&mut self, now_ms: u64, payload: &mut [u8], host: &mut impl Host) -> Option<Transmit> {
        if !self.may_greet() || !self.greeting.retry.is_due(now_ms) {
            return None;
        }
        if !self.greeting.has_nonce {
            self.take_nonce(host);
        }
        let is_again = self.greeting.sequence != 0;
        if !is_again {
            self.greeting.sequence = self.next_sequence(now_ms, host)?;
            self.greeting.mark = self.window.mark();
        }
        if self.greeting.unanswered >= UNANSWERED && self.mode == Mode::Unknown {
            self.greeting.probe = Probe::ToSend;
        }
        self.greeting.unanswered = self.greeting.unanswered.saturating_add(1);
        self.greeting.retry.sent(now_ms, host.random());
        // A server whose disks are from the past sees by these that they are.
        let (previous, mark) = match self.greeting.ask {
            Ask::Again => (self.number, self.greeting.mark),
            _ => self.previous,
        };
        let hello = HelloRequest {
            nonce: self.greeting.nonce,
            previous,
            largest_frame: self.config.largest_frame,
            cacheable_sectors: self.config.cacheable_sectors,
        };
        let body = hello.encode();
        let frame = Frame {
            acknowledged: mark,
            body: &body,
            ..Frame::blank(Operation::Hello, 0, self.greeting.sequence)
        };
        self.transmit(&frame, is_again, payload)
    }

    /// A read of version 1, to find out whether the server speaks that.
    fn poll_probe(&mut self, payload: &mut [u8]) -> Option<Transmit> {
        if self.greeting.probe != Probe::ToSend {
            return None;
        }
        self.greeting.probe = Probe::InFlight;
        self.transmit_read_of(0, payload)
    }

    fn poll_write(&mut self, now_ms: u64, payload: &mut [u8], host: &mut impl Host) -> Option<Transmit> {
        if self.window.next > 0 && self.writes.is_due(now_ms) {
            self.window.next = 0;
            self.flush.1 = 0;
            if self.writes.attempts() >= UNANSWERED {
                // Others may be answered all the time, and these never: a server whose disks are from the past waits
                // for writes that it had.
                self.greeting.say_again(now_ms);
            }
        }
        let index = self.window.next;
        if index >= self.window.len().min(self.allowed) || now_ms < self.held_ms {
            return None;
        }
        let Some(sequence) = self.window.sequence(index).filter(|sequence| *sequence < u32::MAX) else {
            self.begin(now_ms, host);
            return None;
        };
        if index == 0 {
            self.writes.sent(now_ms, host.random());
        }
        let is_again = self.window.in_flight(sequence).is_some();
        self.window.advance();
        let entry = self.window.get(index)?;
        let frame = Frame {
            sector: entry.key.sector().number(),
            count: 1,
            drive: entry.key.drive().number(),
            body: entry.bytes,
            ..Frame::blank(Operation::Write, self.number, sequence)
        };
        publish(&self.config.channel, &mut self.counters, &frame, is_again, payload)
    }

    fn poll_read(&mut self, now_ms: u64, payload: &mut [u8], host: &mut impl Host) -> Option<Transmit> {
        if self.number == 0 {
            return None;
        }
        let slot = self.due_read(now_ms)?;
        let is_again = self.reads.get(slot)?.sequence != 0;
        let sequence =
            if is_again { self.reads.get(slot)?.sequence } else { self.next_sequence(now_ms, host)? };
        let read = self.reads.get_mut(slot)?;
        read.sequence = sequence;
        read.retry.sent(now_ms, host.random());
        let run = read.run?;
        let frame = Frame {
            sector: run.sector(),
            count: run.count(),
            drive: read.key.drive().number(),
            ..Frame::blank(Operation::Read, self.number, sequence)
        };
        self.transmit(&frame, is_again, payload)
    }

    /// A READ that is to be sent. Those whose answers stay away, and for which nobody waits, are forgotten.
    pub(super) fn due_read(&mut self, now_ms: u64) -> Option<usize> {
        for slot in 0..READS {
            let Some(read) = self.reads.get(slot) else { continue };
            if !read.retry.is_due(now_ms) {
                continue;
            }
            if self.reads.is_wanted(slot) || read.retry.attempts() == 0 {
                return Some(slot);
            }
            self.reads.remove(slot);
        }
        None
    }

    fn wants_flush(&self) -> bool {
        let all_sent = self.window.next >= self.window.len();
        self.number != 0 && self.flush.0 && self.flush.1 == 0 && all_sent
    }

    fn poll_flush(&mut self, now_ms: u64, payload: &mut [u8], host: &mut impl Host) -> Option<Transmit> {
        if !self.wants_flush() {
            return None;
        }
        let sequence = self.next_sequence(now_ms, host)?;
        self.flush = (false, sequence);
        self.transmit(&Frame::blank(Operation::Flush, self.number, sequence), false, payload)
    }

    /// The sequence of another request that is no WRITE. At the end of the numbers, another session is begun instead.
    fn next_sequence(&mut self, now_ms: u64, host: &mut impl Host) -> Option<u32> {
        if let Some(sequence) = self.sequence.checked_add(1) {
            self.sequence = sequence;
            return Some(sequence);
        }
        self.sequence = 0;
        self.begin(now_ms, host);
        None
    }

    fn transmit(&mut self, frame: &Frame<'_>, is_again: bool, payload: &mut [u8]) -> Option<Transmit> {
        publish(&self.config.channel, &mut self.counters, frame, is_again, payload)
    }

    /// A read of version 1, of the sector at an offset of drive B.
    pub(super) fn transmit_read_of(&mut self, offset: u32, payload: &mut [u8]) -> Option<Transmit> {
        let bytes = legacy::Read { offset }.encode();
        payload.get_mut(..bytes.len())?.copy_from_slice(&bytes);
        count(&mut self.counters.sent);
        Some(Transmit { topic: Topic::LegacyRead, length: bytes.len() })
    }
}

/// Writes a request, whose body may be borrowed from the window.
fn publish(
    channel: &Channel,
    counters: &mut Counters,
    frame: &Frame<'_>,
    is_again: bool,
    payload: &mut [u8],
) -> Option<Transmit> {
    let length = frame.length();
    if !frame.encode(channel, payload.get_mut(..length)?) {
        return None;
    }
    counters.count_sent(is_again);
    Some(Transmit { topic: Topic::Request, length })
}

const _: () = assert!(legacy::DATA_LENGTH <= frame::OVERHEAD + legacy::SECTOR_LENGTH);
