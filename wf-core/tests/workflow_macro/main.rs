//! `workflow!` as a host uses it. That a file gives the same is tested with the examples, in the whole's tests.

mod counting;
mod documented;
mod files;
mod names;
mod resuming;
mod running;
#[cfg(feature = "schema")]
mod schemas;
mod values;
