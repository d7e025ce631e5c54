//! A cache of disk sectors.

#![no_std]
#![forbid(unsafe_code)]
