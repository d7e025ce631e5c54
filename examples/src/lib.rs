//! What the examples share: recorded sessions and their replay.
