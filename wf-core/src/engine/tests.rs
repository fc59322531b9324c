//! The engine on virtual time: what it does, in which order, and what it leaves behind.

mod agents;
mod answers;
mod begin;
mod budget;
mod busy;
mod checkpoints;
mod control;
mod failure;
mod handle;
mod harness;
mod interjection;
mod jumps;
mod large;
mod limits;
mod order;
mod recovery;
#[cfg(feature = "schema")]
mod schema;
mod takeover;
mod values;
