//! What tests of workflows, agents and stores need: time that stands still until it is moved.

mod virtual_clock;

pub use virtual_clock::{Stuck, VirtualClock};
