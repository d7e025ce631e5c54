//! A session's side of the broker: its connection, and messages both ways.

use core::ffi::c_char;

use vdisk_proto::codec::Topic;

use super::Session;
use super::options::{SessionMessage, SessionStatistics};
use crate::codes::{SECTOR_CACHE_ERROR_NULL, SECTOR_CACHE_OK, VDISK_FOREIGN, VDISK_PUBLISH, result};
use crate::object::{Object, lent_bytes};

/// The broker is connected, and the topics are subscribed to. All that waits for an answer is sent again.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
///
/// # Safety
/// `session` is NULL or points to storage of a session.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_session_connected(session: *mut Object<Session>, now_ms: u64) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        unsafe { Object::inside(session) }?.protocol.connected(now_ms);
        Ok(SECTOR_CACHE_OK)
    })
}

/// The connection is gone. Reads and writes are accepted still; nothing is sent.
///
/// Returns as `vdisk_session_connected()`.
///
/// # Safety
/// As `vdisk_session_connected()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_session_disconnected(session: *mut Object<Session>) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        unsafe { Object::inside(session) }?.protocol.disconnected();
        Ok(SECTOR_CACHE_OK)
    })
}

/// Takes the next message to publish, and fails reads that have waited too long.
///
/// `message` is *borrowed* during the call; what it points to then is the session's until the next call of this
/// function.
///
/// Returns `VDISK_PUBLISH`; `SECTOR_CACHE_OK` if there is nothing to publish now, and `message` is as it was; or
/// `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
///
/// # Safety
/// As `vdisk_session_connected()`; `message` is NULL or points to one such structure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_session_poll(
    session: *mut Object<Session>,
    now_ms: u64,
    message: *mut SessionMessage,
) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        let inside = unsafe { Object::inside(session) }?;
        if message.is_null() {
            return Err(SECTOR_CACHE_ERROR_NULL);
        }
        let Some(next) = inside.next_message(now_ms) else { return Ok(SECTOR_CACHE_OK) };
        // SAFETY: the same; C may never have written there.
        unsafe { message.write(next) };
        Ok(VDISK_PUBLISH)
    })
}

/// When `vdisk_session_poll()` has something to do again if nothing else is called before, by the clock of `now_ms`;
/// it may have come already.
///
/// Returns that time; `UINT64_MAX` if it has nothing to do, and for a `session` that is NULL or not initialised.
///
/// # Safety
/// As `vdisk_session_connected()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_session_deadline(session: *const Object<Session>, now_ms: u64) -> u64 {
    // SAFETY: the header demands the same of the caller.
    let Ok(inside) = (unsafe { Object::look(session) }) else { return u64::MAX };
    inside.protocol.deadline_ms(now_ms).unwrap_or(u64::MAX)
}

/// Takes a message that arrived. Any bytes may come: what is damaged, late or repeated is counted and dropped.
///
/// `topic`, of `topic_length` bytes, needs no NUL; `payload` is all of the message's `length` bytes, and may be NULL if
/// they are none. Both are *borrowed* during the call. `is_retained` is not 0 if the broker said that the message is.
///
/// Returns `SECTOR_CACHE_OK`; `VDISK_FOREIGN` if the topic is not one of the session's channel and disk, and nothing
/// was done; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED` or `_LENGTH` (more than can be).
///
/// # Safety
/// As `vdisk_session_connected()`; `topic` and `payload` are NULL or point to so many bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_session_received(
    session: *mut Object<Session>,
    topic: *const c_char,
    topic_length: usize,
    payload: *const u8,
    length: usize,
    is_retained: i32,
    now_ms: u64,
) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        let inside = unsafe { Object::inside(session) }?;
        // SAFETY: the same.
        let topic = unsafe { lent_bytes(topic.cast(), topic_length) }?;
        // SAFETY: the same.
        let payload = unsafe { lent_bytes(payload, length) }?;
        let topic = core::str::from_utf8(topic).ok().and_then(Topic::parse);
        let Some((_, topic)) = topic.filter(|(channel, _)| *channel == inside.channel) else {
            return Ok(VDISK_FOREIGN);
        };
        let host = &mut inside.device.host();
        inside.protocol.received(topic, payload, is_retained != 0, now_ms, host);
        Ok(SECTOR_CACHE_OK)
    })
}

/// Takes the channel back after `VDISK_EVENT_TAKEN_OVER`, and does nothing at any other time.
///
/// Returns as `vdisk_session_connected()`.
///
/// # Safety
/// As `vdisk_session_connected()`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_session_resume(session: *mut Object<Session>, now_ms: u64) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        let inside = unsafe { Object::inside(session) }?;
        inside.protocol.resume(now_ms, &mut inside.device.host());
        Ok(SECTOR_CACHE_OK)
    })
}

/// Writes what the session has counted to `statistics`, *borrowed* during the call.
///
/// Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
///
/// # Safety
/// As `vdisk_session_connected()`; `statistics` is NULL or points to one such structure.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vdisk_session_stats(
    session: *const Object<Session>,
    statistics: *mut SessionStatistics,
) -> i32 {
    result(|| {
        // SAFETY: the header demands the same of the caller.
        let inside = unsafe { Object::look(session) }?;
        if statistics.is_null() {
            return Err(SECTOR_CACHE_ERROR_NULL);
        }
        // SAFETY: the same; C may never have written there.
        unsafe { statistics.write(SessionStatistics::of(inside.protocol.counters())) };
        Ok(SECTOR_CACHE_OK)
    })
}

impl Session {
    fn next_message(&mut self, now_ms: u64) -> Option<SessionMessage> {
        let next = self.protocol.poll_transmit(now_ms, self.payload, &mut self.device.host())?;
        let length = next.topic.write(&self.channel, self.topic)?.len();
        *self.topic.get_mut(length)? = 0;
        Some(SessionMessage {
            topic: self.topic.as_ptr().cast(),
            payload: self.payload.as_ptr(),
            length: next.length,
        })
    }
}
