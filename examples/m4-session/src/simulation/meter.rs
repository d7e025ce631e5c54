//! The simulation's way out, and what it measures with: functions in C, of which the ones for instructions and text
//! are the sibling example's.

#![expect(unsafe_code, reason = "C is called, and the timer is a register")]

use core::ffi::CStr;
use core::sync::atomic::{Ordering, compiler_fence};

mod c {
    use core::ffi::c_char;

    unsafe extern "C" {
        pub(super) fn print_figure(name: *const c_char, number: u64);
        pub(super) fn fail(why: *const c_char) -> !;
        pub(super) safe fn stop(status: i32) -> !;
        pub(super) safe fn instructions_calibrate();
        pub(super) safe fn instructions_between(start: u32, end: u32) -> u32;
        pub(super) safe fn stack_paint();
        pub(super) safe fn stack_used() -> u32;
    }
}

/// What calls cost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// Of the dearest call.
    pub(super) instructions: u32,
    /// Of the deepest call, in bytes.
    pub(super) stack: u32,
}

/// Starts the timer.
pub(super) fn calibrate() {
    c::instructions_calibrate();
}

impl Cost {
    /// Calls, and keeps what it cost if that is more than before.
    pub(super) fn measure<T>(&mut self, call: impl FnOnce() -> T) -> T {
        let around = timed(|| ()).0;
        c::stack_paint();
        let (instructions, result) = timed(call);
        self.stack = self.stack.max(c::stack_used());
        self.instructions = self.instructions.max(instructions.saturating_sub(around));
        result
    }
}

/// Calls, and says how many instructions that took. Not inlined, so that all stack that the call uses is below its own.
#[inline(never)]
fn timed<T>(call: impl FnOnce() -> T) -> (u32, T) {
    let start = ticks();
    let result = call();
    (c::instructions_between(start, ticks()), result)
}

/// The timer, which counts down. Nothing is moved past it.
#[inline(always)]
fn ticks() -> u32 {
    const SYSTICK_VALUE: *const u32 = 0xe000_e018 as *const u32;
    compiler_fence(Ordering::SeqCst);
    // SAFETY: every Cortex-M4 has the register there, and reading it changes nothing.
    let ticks = unsafe { SYSTICK_VALUE.read_volatile() };
    compiler_fence(Ordering::SeqCst);
    ticks
}

/// Prints a line `name number`.
pub(super) fn print(name: &CStr, number: u64) {
    // SAFETY: the name ends with a zero. Trusted: C keeps no pointer to it.
    unsafe { c::print_figure(name.as_ptr(), number) }
}

/// Ends the run if it is not so.
pub(super) fn check(is_so: bool, what: &CStr) {
    if !is_so {
        // SAFETY: the text ends with a zero, and nothing comes back.
        unsafe { c::fail(what.as_ptr()) }
    }
}

/// Ends the run.
pub(super) fn pass() -> ! {
    c::stop(0)
}
