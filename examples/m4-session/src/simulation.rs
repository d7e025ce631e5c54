//! The proof in QEMU: a script that boots a device, reads, writes, loses an answer, changes the disk, and checks each
//! step; then it prints what that cost.

mod meter;
mod server;

use sector_cache::{Drive, SectorKey};
use vdisk_proto::codec::frame::{Frame, Operation};
use vdisk_proto::codec::hello::HelloRequest;
use vdisk_proto::codec::{Channel, Topic};
use vdisk_proto::session::{Config, Event, Session};

use crate::device::{Firmware, Memory, SECTOR_LENGTH};
use meter::{Cost, calibrate, check, pass, print};
use server::{Message, Script, answer, fill, message, sectors, welcome};

/// Plays the script, and ends the run.
pub(crate) fn run(memory: Memory) {
    calibrate();
    let Ok(channel) = Channel::new("12345678") else { return };
    let Some(firmware) = Firmware::new(channel, Script::new(), memory) else { return };
    let mut proof = Proof {
        firmware,
        channel,
        nonce: 0,
        write: Cost::default(),
        answer: Cost::default(),
        poll: Cost::default(),
        other: Cost::default(),
    };
    proof.boots();
    proof.reads_a_track();
    proof.writes_a_window();
    proof.sends_again_what_was_not_answered();
    proof.opens_another_session_when_the_disk_was_changed();
    proof.reads_again_what_was_not_answered();
    proof.idles();
    proof.report();
    pass();
}

/// The device, and what its calls cost.
struct Proof {
    firmware: Firmware<Script>,
    channel: Channel,
    /// Of the last HELLO.
    nonce: u64,
    /// Of a write that is accepted.
    write: Cost,
    /// Of a READ's answer of seven sectors.
    answer: Cost,
    /// Of a poll that has nothing to say.
    poll: Cost,
    /// Of all that is none of these.
    other: Cost,
}

impl Proof {
    fn boots(&mut self) {
        self.firmware.mind_connection();
        let sequence = self.says_hello(0);
        self.receives(&welcome(&self.channel, 7, sequence, self.nonce, 5));
        check(self.board().told == Some(Event::Opened), c"no session was opened");
        check(self.firmware.session.number() == 7, c"the session is another one");
    }

    fn reads_a_track(&mut self) {
        let sequence = self.asks_for(32, 7);
        for (first, count) in [(32, 7), (39, 7), (46, 7), (53, 7), (60, 4)] {
            let part = sectors(&self.channel, 7, sequence, first, count);
            if count == 7 { self.receives_sectors(&part) } else { self.receives(&part) }
        }
        check(self.board().done == Some((32, Some(fill(32)))), c"the sector that was read did not arrive");
        check(self.firmware.device.cache.stats().used == 32, c"the track is not in the cache");
        self.firmware.read(63);
        check(self.board().done == Some((63, Some(fill(63)))), c"a sector that was read ahead is not there");
        check(self.published(|_, _| ()) == 0, c"what is in the cache was asked for");
    }

    fn writes_a_window(&mut self) {
        for number in 0..8_u8 {
            self.writes(32 + u32::from(number), number, true);
        }
        self.writes(40, 8, false);
        let count = self.published(|index, frame| {
            let number = u8::try_from(index).unwrap_or(u8::MAX);
            let is_next = usize::try_from(frame.sequence).is_ok_and(|sequence| sequence == index + 1);
            check(frame.operation == Operation::Write && is_next, c"a write is out of order");
            check(frame.sector == 32 + u32::from(number), c"a write is of another sector");
            check(frame.body == [number; SECTOR_LENGTH as usize], c"a write has other bytes");
        });
        check(count == 8, c"not all of the window was sent");
        let part = Frame { acknowledged: 3, sector: 34, count: 1, ..answer(Operation::Write, 7, 3) };
        self.receives(&message(&self.channel, &part));
        check(self.firmware.session.unacknowledged() == 5, c"three writes are acknowledged");
    }

    fn sends_again_what_was_not_answered(&mut self) {
        check(self.published(|_, _| ()) == 0, c"writes were sent again at once");
        self.firmware.device.board.now_ms += 2_000;
        let count = self.published(|index, frame| {
            check(usize::try_from(frame.sequence) == Ok(index + 4), c"a write is sent again out of order");
        });
        check(count == 5, c"the writes without an answer were not sent again");
        let flush = self.firmware.session.flush();
        let last = Frame { acknowledged: 8, sector: 39, count: 1, ..answer(Operation::Write, 7, 8) };
        self.receives(&message(&self.channel, &last));
        check(self.firmware.session.is_flushed(&flush), c"all writes are acknowledged");
    }

    fn opens_another_session_when_the_disk_was_changed(&mut self) {
        let over = Frame { is_answer: false, ..answer(Operation::Invalidate, 7, 0) };
        self.receives(&message(&self.channel, &over));
        check(self.firmware.device.cache.stats().used == 0, c"what is cached of a changed disk stays");
        let before = self.nonce;
        let sequence = self.says_hello(7);
        check(self.nonce != before, c"the nonce is the last session's");
        self.receives(&welcome(&self.channel, 8, sequence, self.nonce, 6));
        check(self.firmware.session.number() == 8, c"no other session was opened");
    }

    fn reads_again_what_was_not_answered(&mut self) {
        let sequence = self.asks_for(100, 8);
        self.firmware.device.board.now_ms += 2_000;
        let mut again = 0;
        check(self.published(|_, frame| again = frame.sequence) == 1, c"a read was not sent again");
        check(again == sequence, c"a read was sent again under another number");
        for _ in 0..2 {
            self.receives_sectors(&sectors(&self.channel, 8, sequence, 100, 7));
        }
        let discarded = self.firmware.session.counters().sectors_discarded;
        check(discarded == 7, c"a repeated answer was taken");
        for (first, count) in [(107, 7), (114, 7), (121, 7), (96, 4)] {
            self.receives(&sectors(&self.channel, 8, sequence, first, count));
        }
        check(self.board().done == Some((100, Some(fill(100)))), c"the sector did not arrive");
    }

    fn idles(&mut self) {
        let Self { firmware: Firmware { session, device, .. }, poll, .. } = self;
        let now_ms = device.board.now_ms;
        let message = poll.measure(|| {
            let mut payload = [0; Config::longest_payload(SECTOR_LENGTH)];
            session.poll_transmit(now_ms, &mut payload, device)
        });
        check(message.is_none(), c"there is something to say");
        check(session.deadline_ms(now_ms) == Some(now_ms + 30_000), c"the session does not mind the silence");
    }

    fn report(&self) {
        let depths = [self.write, self.answer, self.poll, self.other].map(|cost| cost.stack);
        print(c"session_size", size_of::<Session<'_>>() as u64);
        print(c"required_bytes", Memory::SESSION as u64);
        print(c"stack_bytes", depths.into_iter().max().unwrap_or_default().into());
        print(c"insns_write", self.write.instructions.into());
        print(c"insns_answer_of_7", self.answer.instructions.into());
        print(c"insns_idle_poll", self.poll.instructions.into());
    }

    const fn board(&self) -> &Script {
        &self.firmware.device.board
    }

    /// Hands over all that is published by now, and says how much it is.
    fn published(&mut self, each: impl FnMut(usize, &Frame<'_>)) -> usize {
        self.other.measure(|| self.firmware.transmit());
        self.firmware.device.board.take(&self.channel, each)
    }

    /// A HELLO is said: its sequence.
    fn says_hello(&mut self, previous: u32) -> u32 {
        let (mut sequence, mut hello) = (0, None);
        let count = self.published(|_, frame| {
            check(frame.operation == Operation::Hello && frame.session == 0, c"it is no HELLO");
            (sequence, hello) = (frame.sequence, HelloRequest::decode(frame.body).ok());
        });
        check(count == 1, c"no HELLO is said");
        check(hello.is_some_and(|hello| hello.previous == previous), c"HELLO has another session before");
        self.nonce = hello.map_or(0, |hello| hello.nonce);
        sequence
    }

    /// A sector is read, and asked for with its track: the READ's sequence.
    fn asks_for(&mut self, sector: u32, session: u32) -> u32 {
        let mut sequence = 0;
        self.other.measure(|| self.firmware.read(sector));
        let count = self.published(|_, frame| {
            let is_read = frame.operation == Operation::Read && frame.session == session;
            check(is_read && (frame.sector, frame.count) == (sector, 32), c"it is no READ of the track");
            sequence = frame.sequence;
        });
        check(count == 1, c"not one READ was sent");
        sequence
    }

    fn receives(&mut self, (bytes, length): &Message) {
        let bytes = bytes.get(..*length).unwrap_or_default();
        self.other.measure(|| self.firmware.receive(Topic::Response, bytes));
    }

    fn receives_sectors(&mut self, (bytes, length): &Message) {
        let bytes = bytes.get(..*length).unwrap_or_default();
        self.answer.measure(|| self.firmware.receive(Topic::Response, bytes));
    }

    fn writes(&mut self, sector: u32, fill: u8, is_accepted: bool) {
        let Ok(key) = SectorKey::try_new(Drive::B.number(), sector) else { return };
        let Self { firmware: Firmware { session, device, .. }, write, other, .. } = self;
        let now_ms = device.board.now_ms;
        let cost = if is_accepted { write } else { other };
        let result = cost.measure(|| session.write(key, &[fill; SECTOR_LENGTH as usize], now_ms, device));
        check(result.is_ok() == is_accepted, c"a write is accepted as long as the window has room");
    }
}
