//! HELLO: which session a device has.

use std::vec::Vec;

use sector_cache::Drive;

use super::{Defect, Now, Service};
use crate::codec::frame::{self, Frame, Operation};
use crate::codec::hello::{self, DriveInfo, HelloAnswer, HelloRequest};
use crate::codec::{Channel, Status};
use crate::store::{Ledger, Record, Session, Store};

impl<S: Store> Service<S> {
    /// Gives a new nonce a new session, and the current session's nonce that session again.
    pub(super) fn hello(&mut self, channel: Channel, request: &Frame<'_>, now: Now) -> Result<(), Status> {
        let hello = HelloRequest::decode(request.body).map_err(|_| Status::BadRequest)?;
        if request.session != 0 {
            return Err(Status::BadRequest);
        }
        let staged = self.staged(channel);
        if staged.current().is_some() && staged.nonces().next() == Some(hello.nonce) {
            self.greet_again(channel, request.sequence, hello.previous, now);
            return Ok(());
        }
        if staged.nonces().any(|nonce| nonce == hello.nonce) && !self.has_defect(Defect::ForgetNonces) {
            return Err(Status::StaleSession);
        }
        let drives = self.drives(channel, staged).len();
        if frame::OVERHEAD + HelloAnswer::length(drives) > usize::from(hello.largest_frame) {
            return Err(Status::TooLarge);
        }
        self.room_for(channel)?;
        let session = next_session(staged, &hello, request.acknowledged, now).ok_or(Status::Busy)?;
        self.stage(channel, Record::Session(session));
        if let Some(state) = self.channels.get_mut(&channel) {
            (state.hello_sequence, state.hello_previous) = (request.sequence, hello.previous);
        }
        Ok(())
    }

    /// The current session's HELLO came again. If the session is not durable yet, one answer will do for both.
    fn greet_again(&mut self, channel: Channel, sequence: u32, previous: u32, now: Now) {
        let Some(state) = self.channels.get_mut(&channel) else { return };
        (state.hello_sequence, state.hello_previous) = (sequence, previous);
        state.greeted_again(now);
        if state.durable().session == state.staged().session {
            self.answer_hello(channel);
        }
    }

    /// A session is durable. Its HELLO is answered, unless another one came meanwhile, or the session ended.
    pub(super) fn welcome(&mut self, channel: Channel, session: &Session) {
        let is_current = |ledger: &Ledger| ledger.current() == Some(session.session);
        if is_current(self.durable(channel)) && is_current(self.staged(channel)) {
            self.answer_hello(channel);
        }
    }

    /// The store refused a session.
    pub(super) fn refuse_session(&mut self, channel: Channel, status: Status) {
        let Some(state) = self.channels.get(&channel) else { return };
        let head = Frame::blank(Operation::Hello, 0, state.hello_sequence);
        self.counters.refuse(status);
        self.answer(channel, &Frame { is_answer: true, status, ..head });
    }

    fn answer_hello(&mut self, channel: Channel) {
        let Some(state) = self.channels.get(&channel) else { return };
        let ledger = state.durable();
        let drives = self.drives(channel, ledger);
        let answer = HelloAnswer {
            nonce: ledger.nonces().next().unwrap_or_default(),
            largest_frame: self.limits.largest_frame,
            window: self.limits.window.clamp(1, 64),
        };
        let mut memory = [0; HelloAnswer::length(hello::MAX_DRIVES)];
        let body = answer.encode(&drives, &mut memory).unwrap_or_default();
        let head = Frame::blank(Operation::Hello, ledger.session, state.hello_sequence);
        let applied = ledger.mark(state.hello_previous);
        let answer = Frame { is_answer: true, acknowledged: ledger.mark, sector: applied, body, ..head };
        self.answer(channel, &answer);
    }

    /// The drives of a channel, as HELLO's answer lists them.
    fn drives(&self, channel: Channel, ledger: &Ledger) -> Vec<DriveInfo> {
        let drives = (0..Drive::COUNT).filter_map(|number| Drive::new(number).ok());
        let info = |drive| {
            let image = self.store.image(channel, drive)?;
            Some(DriveInfo {
                drive,
                is_read_only: image.is_read_only,
                geometry: image.geometry,
                generation: ledger.generation(drive),
            })
        };
        drives.filter_map(info).collect()
    }
}

/// The number of a new session: more than the last, and the clock's seconds at least. If the disks are restored from the
/// past, no number is given again that a message on its way may carry.
fn next_number(ledger: &Ledger, now: Now) -> Option<u32> {
    let seconds = u32::try_from(now.wall_ns / 1_000_000_000).unwrap_or_default();
    Some(ledger.session.checked_add(1)?.max(seconds))
}

/// The session for a new nonce; see [`Ledger`] for its generations. `None` if there is no number left.
fn next_session(ledger: &Ledger, hello: &HelloRequest, mark: u32, now: Now) -> Option<Session> {
    // What the HELLO of the previous session was told stays true, since its device is the one that speaks: also if a
    // HELLO that was late has taken its place since.
    let floor = ledger.floor.max(ledger.growth(hello.previous));
    let is_first = floor == 0;
    let others_wrote = hello.previous < ledger.writer;
    Some(Session {
        session: next_number(ledger, now)?,
        nonce: hello.nonce,
        largest_frame: hello.largest_frame,
        floor: if is_first { ledger.next_generation(now.wall_ns) } else { floor },
        growth: if (others_wrote || ledger.is_behind(hello.previous, mark)) && !is_first {
            ledger.next_generation(now.wall_ns)
        } else {
            0
        },
    })
}
