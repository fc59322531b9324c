//! Which agents a workflow needs, so that a set that lacks one does not compile.

use std::collections::HashMap;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned as _;
use wf_model::AgentRef;

use crate::analyse::plain;
use crate::parse::{Agent, Body, Step, Workflow};

/// So many of the steps that ask an agent are named when the agent is missing.
const NAMED: usize = 4;

/// With `for Team`, in an editor: each agent as a field of the set, so that it is completed and found.
///
/// rustc sees none of it: that a field is missing would say nothing of the step that asks for the agent.
pub(super) fn shown_in_editor(core: &TokenStream, workflow: &Workflow) -> TokenStream {
    let Some(set) = &workflow.agents else {
        return TokenStream::new();
    };
    let agents = workflow.steps.iter().filter_map(asked);
    let agents = agents.filter_map(|agent| match agent {
        Agent::Name(name) => Some(name),
        Agent::Text(_) => None,
    });
    quote! {
        #[doc(hidden)]
        #[allow(unexpected_cfgs)]
        const _: () = {
            #[cfg(rust_analyzer)]
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
}

/// The agents that the steps of a declaration ask.
pub(super) fn of(workflow: &Workflow) -> impl Iterator<Item = Asked> {
    workflow.steps.iter().filter_map(|step| {
        asked(step).map(|agent| Asked {
            agent: agent.text(),
            step: plain(&step.name),
            span: agent.span(),
        })
    })
}

/// An agent, and who asks it where.
struct Need {
    agent: String,
    steps: Vec<String>,
    spans: Vec<Span>,
}

/// The agents that a workflow needs as bounds, each with words of its own; also where it is declared for a `set`.
pub(super) fn runs_on(
    core: &TokenStream,
    name: &Ident,
    agents: impl Iterator<Item = Asked>,
    set: Option<&Type>,
) -> TokenStream {
    let mut traits = TokenStream::new();
    let mut bounds = TokenStream::new();
    let mut checks = TokenStream::new();
    for (at, need) in needs(agents).into_iter().enumerate() {
        let Need {
            agent,
            steps,
            spans,
        } = need;
        let is_field = syn::parse_str::<Ident>(&agent).is_ok();
        let mut need = if is_field {
            format_ident!("{name}NeedsAgent_{agent}")
        } else {
            format_ident!("{name}NeedsAgent{}", at + 1)
        };
        let message = format!("the agent set `{{Self}}` has no agent `{agent}`");
        let steps = enumerated(&steps);
        let label = format!("workflow `{name}` asks agent `{agent}` in {steps}");
        let note = if is_field {
            format!(
                "add a field `{agent}` to `{{Self}}`: an agent is named after its field, unless that has `#[agent(name = \"…\")]`"
            )
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
        if let Some(span) = spans.first() {
            need.set_span(*span);
        }
        if set.is_some() {
            let place = Span::mixed_site().located_at(need.span());
            let has = Ident::new(&format!("has_{}", at + 1), place);
            checks.extend(quote_spanned!(place=> fn #has<S: #need>(_: &S) {}));
            for span in &spans {
                let place = Span::mixed_site().located_at(*span);
                let has = Ident::new(&has.to_string(), place);
                checks.extend(quote_spanned!(place=> #has(set);));
            }
        }
        bounds.extend(quote!(+ #need));
    }
    let checked = set.map(|set| {
        // What is wrong with the set itself is told where it is named.
        let place = Span::mixed_site().located_at(set.span());
        quote_spanned! {place=>
            const _: () = {
                #[allow(dead_code)]
                fn agents(set: &<#set as #core::typed::NamedAgents>::Set) {
                    #checks
                }
            };
        }
    });
    quote! {
        #traits
        #checked

        #[automatically_derived]
        impl<__WfAgents: #core::typed::AgentSet #bounds> #core::typed::RunsOn<__WfAgents> for #name {}
    }
}

/// Each agent once, in the order in which they are asked; a capability is none.
fn needs(agents: impl Iterator<Item = Asked>) -> Vec<Need> {
    let mut needs: Vec<Need> = Vec::new();
    let mut places = HashMap::new();
    let is_named = |asked: &Asked| AgentRef::of(&asked.agent).capability().is_none();
    for asked in agents.filter(is_named) {
        let place = *places.entry(asked.agent.clone()).or_insert(needs.len());
        match needs.get_mut(place) {
            Some(need) => {
                need.steps.push(asked.step);
                need.spans.push(asked.span);
            }
            None => needs.push(Need {
                agent: asked.agent,
                steps: vec![asked.step],
                spans: vec![asked.span],
            }),
        }
    }
    needs
}

/// The first few of the steps, and how many more there are.
fn enumerated(steps: &[String]) -> String {
    let named: Vec<String> = steps
        .iter()
        .take(NAMED)
        .map(|step| format!("`{step}`"))
        .collect();
    let steps_named = if steps.len() == 1 { "step" } else { "steps" };
    let list = named.join(", ");
    match steps.len().checked_sub(NAMED).filter(|&more| more > 0) {
        Some(more) => format!("{steps_named} {list} and {more} more"),
        None => format!("{steps_named} {list}"),
    }
}

fn asked(step: &Step) -> Option<&Agent> {
    match &step.body {
        Body::Ask { agent, .. } => Some(agent),
        Body::Broken(agent) => agent.as_ref(),
        Body::Rust(_) => None,
    }
}
