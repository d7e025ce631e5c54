//! Whole files in both formats: what is written, what is read back, and what is refused.
#![allow(clippy::cast_possible_truncation, clippy::indexing_slicing, clippy::unwrap_used)]

mod any;
mod corpus;
mod document;
mod files;
mod golden;
mod python;
mod rules;
mod script;
