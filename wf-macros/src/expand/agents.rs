//! Which agents a workflow needs, so that a set that lacks one does not compile.

use std::collections::HashSet;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned as _;

use crate::analyse::plain;
use crate::parse::{Agent, Body, Step, Workflow};

/// With `for Team`: each agent as a field of the set, so that rustc checks it and an editor completes it.
pub(super) fn checked_for_set(core: &TokenStream, workflow: &Workflow) -> TokenStream {
    let Some(set) = &workflow.agents else {
        return TokenStream::new();
    };
    let agents = workflow.steps.iter().filter_map(asked);
    let agents = agents.filter_map(|agent| match agent {
        Agent::Name(name) => Some(name),
        Agent::Text(_) => None,
    });
    let place = Span::mixed_site().located_at(set.span());
    // What is wrong with the set itself is told where it is named.
    quote_spanned! {place=>
        #[doc(hidden)]
        const _: () = {
            #[allow(dead_code)]
            fn agents(set: &<#set as #core::typed::NamedAgents>::Fields) {
                #(let _ = &set.#agents;)*
            }
        };
    }
}

/// An agent that a step asks.
pub(super) struct Asked {
    pub(super) agent: String,
    pub(super) step: String,
    /// Where it is asked.
    pub(super) span: Span,
    /// Whether it is asked by a name in quotes, which may be none that a field can have.
    pub(super) is_text: bool,
}

/// The agents that the steps of a declaration ask.
pub(super) fn of(workflow: &Workflow) -> impl Iterator<Item = Asked> {
    workflow.steps.iter().filter_map(|step| {
        asked(step).map(|agent| Asked {
            agent: agent.text(),
            step: plain(&step.name),
            span: agent.span(),
            is_text: matches!(agent, Agent::Text(_)),
        })
    })
}

/// The agents that a workflow needs as bounds, each with words of its own; also where it is declared for a `set`.
pub(super) fn runs_on(
    core: &TokenStream,
    name: &Ident,
    agents: impl Iterator<Item = Asked>,
    set: Option<&Type>,
) -> TokenStream {
    let mut seen = HashSet::new();
    let mut traits = TokenStream::new();
    let mut bounds = TokenStream::new();
    for asked in agents {
        let Asked {
            agent,
            step,
            span,
            is_text,
        } = asked;
        if agent.starts_with('@') || !seen.insert(agent.clone()) {
            continue;
        }
        let is_field = syn::parse_str::<Ident>(&agent).is_ok();
        let mut need = if is_field {
            format_ident!("{name}NeedsAgent_{agent}")
        } else {
            format_ident!("{name}NeedsAgent{}", seen.len())
        };
        let message = format!("the agent set `{{Self}}` has no agent `{agent}`");
        let label = format!("workflow `{name}` asks agent `{agent}` in step `{step}`");
        let note = if is_field {
            format!("add a field `{agent}` to `{{Self}}`: an agent is named after its field")
        } else {
            format!("add a field with `#[agent(name = \"{agent}\")]` to `{{Self}}`")
        };
        traits.extend(quote! {
            #[diagnostic::on_unimplemented(message = #message, label = #label, note = #note)]
            #[allow(non_camel_case_types, unreachable_pub)]
            pub trait #need {}

            #[diagnostic::do_not_recommend]
            impl<__WfAgents> #need for __WfAgents
            where
                __WfAgents: #core::typed::Provides<
                    #core::typed::Tag<{ #core::typed::agent_name_hash(#agent) }>,
                >,
            {
            }
        });
        need.set_span(span);
        if let Some(set) = set.filter(|_| is_text) {
            let place = Span::mixed_site().located_at(span);
            traits.extend(quote_spanned! {place=>
                const _: () = {
                    type __WfSet = #set;
                    const fn has<S: #need>() {}
                    has::<__WfSet>()
                };
            });
        }
        bounds.extend(quote!(+ #need));
    }
    quote! {
        #traits

        #[automatically_derived]
        impl<__WfAgents: #core::typed::AgentSet #bounds> #core::typed::RunsOn<__WfAgents> for #name {}
    }
}

fn asked(step: &Step) -> Option<&Agent> {
    match &step.body {
        Body::Ask { agent, .. } => Some(agent),
        Body::Broken(agent) => agent.as_ref(),
        Body::Rust(_) => None,
    }
}
