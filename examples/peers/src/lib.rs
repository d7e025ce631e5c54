//! What the benches share: a figure for everybody that takes part, their ratios round by round, and the table.

mod comparison;
mod table;

pub use comparison::{Comparison, Figure, Role, best_variants, json_array};
pub use table::{grouped, line};
