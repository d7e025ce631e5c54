//! Version 2 of the protocol: what a device asks, and the answers.

use bytes::{Bytes, BytesMut};
use sector_cache::Drive;

use super::{Defect, Now, Service};
use crate::codec::frame::{self, Frame, FrameError, Operation};
use crate::codec::{Channel, Status, Topic};
use crate::store::{Author, Image, Record, Run, Store, Write};

impl<S: Store> Service<S> {
    /// Serves a frame, or refuses it, or drops what is none.
    pub(super) fn request(&mut self, channel: Channel, payload: &Bytes, now: Now) {
        let request = match Frame::decode(&channel, payload) {
            Ok(request) => request,
            Err(FrameError::Refused(head, status)) => {
                // Of another version, or an operation that nobody knows: there is no more to understand of it.
                self.counters.refuse(status);
                let refusal = head.refusal(&channel, status);
                self.send(channel, Topic::Response, Bytes::copy_from_slice(&refusal));
                return;
            }
            Err(_) => {
                self.counters.malformed_frames += 1;
                return;
            }
        };
        if request.is_answer {
            self.counters.answers_received += 1;
            return;
        }
        match self.serve(channel, &request, payload, now) {
            Ok(()) => self.counters.requests += 1,
            Err(status) => self.refuse(channel, &request, status),
        }
    }

    fn serve(
        &mut self,
        channel: Channel,
        request: &Frame<'_>,
        payload: &Bytes,
        now: Now,
    ) -> Result<(), Status> {
        if payload.len() > usize::from(self.limits.largest_frame) {
            return Err(Status::TooLarge);
        }
        if request.operation == Operation::Hello {
            return self.hello(channel, request, now);
        }
        if !self.is_current(channel, request.session) {
            return Err(Status::StaleSession);
        }
        if let Some(state) = self.channels.get_mut(&channel) {
            state.heard(now);
        }
        match request.operation {
            Operation::Read => self.read(channel, request),
            Operation::Write => self.write(channel, request, payload),
            Operation::Flush => self.flush(channel, request),
            _ => Err(Status::BadRequest),
        }
    }

    /// Whether requests of that session count.
    fn is_current(&self, channel: Channel, session: u32) -> bool {
        let durable = self.durable(channel).session;
        if self.has_defect(Defect::AcceptOldSession) {
            return (1..=durable).contains(&session);
        }
        // A session that is not durable was told to nobody.
        self.staged(channel).current() == Some(session) && session == durable
    }

    /// Answers with the sectors of a run, in as many frames as the device needs, the wanted sector in the first.
    fn read(&mut self, channel: Channel, request: &Frame<'_>) -> Result<(), Status> {
        let (drive, image) = self.image(channel, request.drive)?;
        let run = Run::new(image.geometry, request.sector, request.count)?;
        if !request.body.is_empty() {
            return Err(Status::BadRequest);
        }
        if run.bytes() > self.limits.channel_answer_bytes {
            return Err(Status::TooLarge);
        }
        if !self.outbox.has_room(channel, run.bytes()) {
            return Err(Status::Busy);
        }
        let room = usize::from(self.durable(channel).largest_frame).saturating_sub(frame::OVERHEAD);
        let sectors = room / usize::from(image.geometry.sector_length());
        let sectors = u16::try_from(sectors).ok().filter(|sectors| *sectors > 0).ok_or(Status::TooLarge)?;
        for part in run.split(sectors) {
            let answer = self.sectors(channel, drive, part, self.answer_to(channel, request))?;
            self.send(channel, Topic::Response, answer);
        }
        Ok(())
    }

    /// An answer with the sectors of a run, which are read where they are sent from.
    fn sectors(&self, channel: Channel, drive: Drive, run: Run, head: Frame<'_>) -> Result<Bytes, Status> {
        let head = Frame { sector: run.sector(), count: run.count(), ..head };
        let mut answer = BytesMut::zeroed(frame::OVERHEAD + run.bytes());
        let mut rest = answer.get_mut(frame::HEAD_LENGTH..).unwrap_or_default();
        for (offset, length) in run.pieces() {
            let (piece, after) = rest.split_at_mut_checked(length).ok_or(Status::IoError)?;
            self.store.read(channel, drive, offset, piece)?;
            rest = after;
        }
        head.seal(&channel, &mut answer);
        Ok(answer.freeze())
    }

    /// Takes a WRITE that follows the last one. One that came before is acknowledged again, or will be; one that comes
    /// too early is dropped.
    fn write(&mut self, channel: Channel, request: &Frame<'_>, payload: &Bytes) -> Result<(), Status> {
        let (durable, staged) = (self.durable(channel).mark, self.staged(channel).mark);
        match request.sequence {
            0 => return Err(Status::BadRequest),
            _ if self.has_defect(Defect::NoDuplicateCheck) => {}
            sequence if sequence <= staged => {
                self.counters.duplicate_writes += 1;
                if sequence <= durable {
                    let answer = self.answer_to(channel, request);
                    self.answer(channel, &answer);
                }
                return Ok(());
            }
            sequence if sequence - 1 != staged => {
                self.counters.writes_after_gap += 1;
                return Ok(());
            }
            _ => {}
        }
        let (drive, image) = self.image(channel, request.drive)?;
        let run = Run::new(image.geometry, request.sector, request.count)?;
        if request.body.len() != run.bytes() {
            return Err(Status::BadRequest);
        }
        if image.is_read_only {
            return Err(Status::ReadOnly);
        }
        self.room_for(channel)?;
        let author = Author::Session { session: request.session, sequence: request.sequence };
        let bytes = payload.slice_ref(request.body);
        self.stage(channel, Record::Write(Write { drive, run, bytes, author }));
        Ok(())
    }

    /// Answers with the mark, which is all that a FLUSH is for.
    fn flush(&mut self, channel: Channel, request: &Frame<'_>) -> Result<(), Status> {
        if !request.body.is_empty() {
            return Err(Status::BadRequest);
        }
        let answer = self.answer_to(channel, request);
        self.answer(channel, &answer);
        Ok(())
    }

    /// A drive that a request names, if the channel has it.
    fn image(&self, channel: Channel, drive: u8) -> Result<(Drive, Image), Status> {
        let drive = Drive::new(drive).map_err(|_| Status::UnknownDrive)?;
        Ok((drive, self.store.image(channel, drive).ok_or(Status::UnknownDrive)?))
    }

    /// Answers a WRITE that is durable, or that the store refused.
    pub(super) fn answer_write(&mut self, channel: Channel, write: &Write, status: Status) {
        let Author::Session { session, sequence } = write.author else { return };
        if status != Status::Ok {
            self.counters.refuse(status);
        }
        let answer = Frame {
            is_answer: true,
            acknowledged: self.mark(channel, session),
            sector: write.run.sector(),
            count: write.run.count(),
            drive: write.drive.number(),
            status,
            ..Frame::blank(Operation::Write, session, sequence)
        };
        self.answer(channel, &answer);
    }

    /// The start of the answer to a request: all but the body. What the operation does not use is 0.
    fn answer_to(&self, channel: Channel, request: &Frame<'_>) -> Frame<'static> {
        let acknowledged = self.mark(channel, request.session);
        let blank = Frame::blank(request.operation, request.session, request.sequence);
        let answer = Frame { is_answer: true, acknowledged, ..blank };
        match request.operation {
            Operation::Read | Operation::Write => {
                Frame { sector: request.sector, count: request.count, drive: request.drive, ..answer }
            }
            _ => answer,
        }
    }

    /// The last WRITE of a session that is durable, if that is the channel's last session.
    fn mark(&self, channel: Channel, session: u32) -> u32 {
        let durable = self.durable(channel);
        if durable.session == session { durable.mark } else { 0 }
    }

    fn refuse(&mut self, channel: Channel, request: &Frame<'_>, status: Status) {
        self.counters.refuse(status);
        let mut answer = Frame { status, ..self.answer_to(channel, request) };
        if status == Status::StaleSession {
            answer.acknowledged = self.staged(channel).current().unwrap_or_default();
        }
        self.answer(channel, &answer);
    }

    /// Tells a device that its session ended.
    pub(super) fn invalidate(&mut self, channel: Channel, session: u32, drive: Drive) {
        let drive = drive.number();
        self.answer(channel, &Frame { drive, ..Frame::blank(Operation::Invalidate, session, 0) });
    }

    /// Sends a frame.
    pub(super) fn answer(&mut self, channel: Channel, frame: &Frame<'_>) {
        let mut payload = BytesMut::zeroed(frame::OVERHEAD + frame.body.len());
        frame.encode(&channel, &mut payload);
        self.send(channel, Topic::Response, payload.freeze());
    }
}
