//! The engine on virtual time: what it does, in which order, and what it leaves behind.

mod bench;
mod checkpoints;
mod control;
mod failure;
mod jumps;
mod order;
mod recovery;
mod takeover;
mod values;
