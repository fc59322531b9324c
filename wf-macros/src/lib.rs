//! The `workflow!` macro of wf-core: a workflow that is checked while the host is compiled.
//!
//! Use it through `wf_core::workflow!`. One pipeline: tokens are **parsed** into a declaration, the workflow it
//! names is **checked** by wf-model, the checker that also loads files at run time, and the declaration is
//! **expanded** into items. Mistakes go round the expansion as `compile_error!`s, each at the user's own token.

#![warn(clippy::print_stdout, clippy::print_stderr)]

mod check;
mod declaration;
mod expand;

use proc_macro::TokenStream;

/// Declares a type that stands for a workflow file, checked while compiling.
///
/// ```text
/// wf_core::workflow!(pub workflow Review = file "workflows/review.yaml");
/// ```
///
/// The path is relative to the crate's root, the folder of its `Cargo.toml`. The crate is compiled again when the
/// file changes. The type has
///
/// - `plan() -> Result<Arc<Plan>, Report>`: the plan, made from the text that was checked; no file is read;
/// - `SOURCE: &'static str`: that text.
///
/// # Errors
///
/// Each mistake in the file is reported with the file's name, line and column, all at once, as an error at the
/// path's token.
#[proc_macro]
pub fn workflow(tokens: TokenStream) -> TokenStream {
    let expanded = declaration::parse(tokens.into()).map(|declaration| {
        let checked = check::check(&declaration);
        expand::expand(&declaration, checked)
    });
    expanded
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
