//! The `ax` command as its users meet it: a process with arguments, streams and an exit status.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod agents;
mod budget;
mod checkpoints;
mod conflicts;
mod control;
mod database;
mod drawn;
mod gone;
#[cfg(target_os = "linux")]
mod held_up;
mod hostile_text;
mod identity;
mod inputs;
mod inspect;
mod journal;
mod kill;
mod limits;
mod logs;
#[cfg(target_os = "linux")]
mod no_room;
mod ownership;
#[path = "../program/mod.rs"]
mod program;
mod run;
mod signals;
mod storage;
mod unread;
mod workbench;
