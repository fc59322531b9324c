//! A document as a tree of values, each with its place.

/// The most levels that sequences and mappings may nest.
pub const MOST_LEVELS: usize = 100;
