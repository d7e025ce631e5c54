//! Region files and slices: the storage half of Platter.
//!
//! This crate exports nothing yet. It will hold the region file format (versions 1 and 2), reading through a memory map,
//! durable writing and appending, and on top of them slices: datasets of many regions, spread over spindles, kept hot,
//! warm or cold.

#![forbid(unsafe_code)]
