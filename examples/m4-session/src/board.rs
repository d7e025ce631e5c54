//! What a board has to bring, in C, and the memory that is set aside for its firmware.

#![expect(unsafe_code, reason = "C is called, and memory is static")]

use core::sync::atomic::{AtomicBool, Ordering};

use vdisk_proto::codec::Topic;
use vdisk_proto::session::Event;

use crate::device::{Board, Memory, Wanted};

/// The board that the functions in `board.h` reach.
#[derive(Debug)]
pub struct Wired;

/// As `board.h` declares them.
mod c {
    unsafe extern "C" {
        pub(super) safe fn board_now_ms() -> u64;
        pub(super) safe fn board_random() -> u64;
        pub(super) safe fn board_is_connected() -> bool;
        pub(super) fn board_receive(is_data: &mut bool, payload: *mut u8, capacity: usize) -> usize;
        pub(super) fn board_publish(topic: u8, payload: *const u8, length: usize);
        pub(super) fn board_wanted(sector: &mut u32, bytes: *mut u8, length: usize) -> u8;
        pub(super) fn board_done(sector: u32, bytes: *const u8, length: usize);
        pub(super) safe fn board_told(is_grave: bool);
    }
}

impl Board for Wired {
    fn now_ms(&mut self) -> u64 {
        c::board_now_ms()
    }

    fn random(&mut self) -> u64 {
        c::board_random()
    }

    fn is_connected(&mut self) -> bool {
        c::board_is_connected()
    }

    fn receive(&mut self, payload: &mut [u8]) -> Option<(Topic, usize)> {
        let mut is_data = false;
        // SAFETY: the memory is ours, and as long as is said. Trusted: the board writes no more than that.
        let length = unsafe { c::board_receive(&mut is_data, payload.as_mut_ptr(), payload.len()) };
        let topic = if is_data { Topic::LegacyData } else { Topic::Response };
        (length > 0).then_some((topic, length))
    }

    fn publish(&mut self, topic: Topic, payload: &[u8]) {
        let topic = match topic {
            Topic::LegacyRead => 0,
            Topic::LegacyWrite => 1,
            _ => 2,
        };
        // SAFETY: the payload is as long as is said. Trusted: the board keeps no pointer to it.
        unsafe { c::board_publish(topic, payload.as_ptr(), payload.len()) }
    }

    fn wanted(&mut self, bytes: &mut [u8]) -> Option<Wanted> {
        let mut sector = 0;
        // SAFETY: the memory is ours, and as long as is said. Trusted: the board writes no more than that.
        match unsafe { c::board_wanted(&mut sector, bytes.as_mut_ptr(), bytes.len()) } {
            1 => Some(Wanted::Read(sector)),
            2 => Some(Wanted::Write(sector)),
            _ => None,
        }
    }

    fn done(&mut self, sector: u32, bytes: &[u8]) {
        // SAFETY: the bytes are as long as is said. Trusted: the board keeps no pointer to them.
        unsafe { c::board_done(sector, bytes.as_ptr(), bytes.len()) }
    }

    fn told(&mut self, event: Event) {
        c::board_told(!matches!(event, Event::Opened | Event::FellBack | Event::DriveChanged(_)));
    }
}

/// Lends the memory that is set aside, once.
fn memory() -> Option<Memory> {
    static mut SESSION: [u8; Memory::SESSION] = [0; Memory::SESSION];
    static mut SECTORS: [u8; Memory::SECTORS] = [0; Memory::SECTORS];
    static IS_LENT: AtomicBool = AtomicBool::new(false);
    if IS_LENT.swap(true, Ordering::Relaxed) {
        return None;
    }
    let (session, sectors) = (&raw mut SESSION, &raw mut SECTORS);
    // SAFETY: nobody else can name the static, and this place is reached once.
    let session = unsafe { &mut *session };
    // SAFETY: the same.
    let sectors = unsafe { &mut *sectors };
    Some(Memory { session, sectors })
}

/// Where start-up goes on. Comes back if the configuration cannot be.
// SAFETY: a program has one `main`, and this is it.
#[unsafe(no_mangle)]
pub extern "C" fn main() -> i32 {
    let Some(memory) = memory() else { return 1 };
    #[cfg(feature = "simulation")]
    crate::simulation::run(memory);
    #[cfg(not(feature = "simulation"))]
    crate::device::run(Wired, memory);
    1
}
