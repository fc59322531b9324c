//! The macros of wf-core: workflows and sets of agents that are checked while the host is compiled.
//!
//! Use them through `wf_core::workflow!` and `#[derive(wf_core::AgentSet)]`. One pipeline: tokens are **parsed**
//! into a declaration, which is **analysed** into a definition (what each step mentions is what it depends on)
//! and checked by wf-model, the checker that also loads files at run time; then it is **expanded** into items.
//! Mistakes go round the expansion as `compile_error!`s, each at the user's own token, so that one compile tells
//! them all and an editor still knows the rest.

#![warn(clippy::print_stdout, clippy::print_stderr)]

mod agent_set;
mod analyse;
mod crate_path;
mod expand;
mod file;
#[cfg(test)]
mod half_typed;
mod mistakes;
mod names;
mod parse;
mod prompt;

extern crate proc_macro;

use proc_macro::TokenStream;

use mistakes::Mistakes;
use parse::Declaration;

#[doc = include_str!("../workflow.md")]
#[proc_macro]
pub fn workflow(tokens: TokenStream) -> TokenStream {
    declare(tokens.into()).into()
}

/// The items of a declaration, and what is wrong with it.
fn declare(tokens: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let mut mistakes = Mistakes::default();
    let items = match parse::parse(tokens, &mut mistakes) {
        Some(Declaration::Steps(mut workflow)) => {
            let analysed = analyse::analyse(&mut workflow, &mut mistakes);
            expand::workflow(&workflow, &analysed)
        }
        Some(Declaration::File(declaration)) => {
            let checked = file::check(&declaration, &mut mistakes);
            expand::file(&declaration, &checked)
        }
        None => proc_macro2::TokenStream::new(),
    };
    mistakes.beside(items)
}

/// Makes a struct of agents a set whose names the compiler knows.
///
/// Each field is an agent, named after the field or as `#[agent(name = "…")]` says. An engine on such a set runs
/// only workflows whose agents are all in it.
///
/// ```text
/// #[derive(wf_core::AgentSet)]
/// struct Team {
///     backend: Backend,
///     #[agent(name = "security-expert")]
///     security: Claude,
/// }
/// ```
#[proc_macro_derive(AgentSet, attributes(agent))]
pub fn agent_set(tokens: TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let items = agent_set::derive(tokens.into(), &mut mistakes);
    mistakes.beside(items).into()
}
