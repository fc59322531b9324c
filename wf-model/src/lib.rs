//! The workflow definition: its data, its checker, its templates, and YAML and JSON with positions.

mod canonical;
mod check;
mod definition;
mod duration;
mod graph;
mod problem;
mod suggest;
mod template;
pub mod tree;

pub use check::{Checked, check, check_unplaced};
pub use definition::{
    Config, DEFAULT_VERSION, Definition, Input, InputKind, OnFailure, RetryPolicy, Step,
};
pub use duration::{DurationError, MAX_DURATION, format_duration, parse_duration};
pub use graph::Graph;
pub use problem::{Places, Problem, Severity, StepPlaces};
pub use suggest::nearest;
pub use template::{Part, Template, is_name};
// TEMP
#[derive(Debug)] pub struct Report; impl std::fmt::Display for Report { fn fmt(&self,_:&mut std::fmt::Formatter<'_>)->std::fmt::Result{Ok(())}} impl std::error::Error for Report{}
pub struct Source; impl Source { pub fn yaml(_:&str,_:&str)->Source{Source} pub fn json(_:&str,_:&str)->Source{Source} pub fn file(_:&std::path::Path)->Result<Source,Report>{Err(Report)} pub fn read(&self)->Result<(Checked,Report),Report>{Err(Report)} }
