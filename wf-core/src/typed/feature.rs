//! What a declaration needs of the crate's features, told while compiling.

/// Stands for a JSON Schema that an output has to fit.
#[derive(Debug, Clone, Copy)]
pub enum OutputSchema {}

/// Says that what is declared is there.
#[diagnostic::on_unimplemented(
    message = "an output schema needs the feature `schema` of `wf-core`",
    label = "without the feature no answer is checked",
    note = "add `features = [\"schema\"]` to `wf-core` in `Cargo.toml`, or remove the schema"
)]
pub trait Available {
    /// Nothing; it is named where it is needed.
    const IT: () = ();
}

#[cfg(feature = "schema")]
impl Available for OutputSchema {}
