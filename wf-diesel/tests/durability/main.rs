//! What survives: engines that race, disks that fill, locks that are held, power that goes, schemas that age.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
mod faults;
mod golden;
mod power;
mod races;
mod simulated;
#[cfg(target_os = "linux")]
mod sync;
