//! Firmware of a Cortex-M4 that reads and writes a virtual disk over MQTT: a session, a cache, and a loop around them.
//!
//! [`device`] is the firmware. [`board`] is what it needs of the hardware, in C. With the feature `simulation` a
//! scripted server takes the place of both loop and board, checks all that the device does, and counts what it costs.

#![no_std]

#[cfg(not(target_os = "none"))]
extern crate std;

pub mod board;
pub mod device;
#[cfg(feature = "simulation")]
mod simulation;

/// Required by the language where there is no operating system. Nothing in the image can reach it: `check-image` fails
/// the build otherwise.
#[cfg(target_os = "none")]
#[panic_handler]
fn unreachable(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
