//! What tests of workflows, agents and stores need: time that stands still until it is moved, a store that fails on
//! demand, and a simulator that kills a workflow's run wherever it can be killed.

mod faulty_store;
mod rng;
mod simulation;
mod virtual_clock;

pub use faulty_store::{Fault, FaultyStore};
pub use simulation::{
    Act, Counterexample, Course, Coverage, Invariant, Scenario, Simulation, Violation, explore,
};
pub use virtual_clock::{Stuck, VirtualClock};
