//! The crate as its users see it.

mod canonical;
mod checking;
mod hostile;
mod positions;
mod reading;
mod syntax;
mod values;
mod workflow;
