//! The engine on virtual time: what it does, in which order, and what it leaves behind.

mod bench;
mod control;
mod failure;
mod jumps;
mod order;
mod values;
