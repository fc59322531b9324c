//! `#[derive(AgentSet)]`.

use std::collections::HashSet;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::spanned::Spanned as _;
use syn::{Data, DeriveInput, Field, Fields, LitStr};
use wf_model::AgentRef;

use crate::analyse::plain;
use crate::crate_path::crate_path;
use crate::mistakes::Mistakes;

pub(crate) fn derive(tokens: TokenStream, mistakes: &mut Mistakes) -> TokenStream {
    let input: DeriveInput = match syn::parse2(tokens) {
        Ok(input) => input,
        Err(error) => {
            mistakes.push(error);
            return TokenStream::new();
        }
    };
    let Data::Struct(data) = &input.data else {
        mistakes.add(
            input.ident.span(),
            "a set of agents is a struct with a field for each",
        );
        return TokenStream::new();
    };
    if let Fields::Unnamed(_) = &data.fields {
        mistakes.add(
            input.ident.span(),
            "a set of agents is a struct with named fields: an agent is named after its field",
        );
        return TokenStream::new();
    }
    let core = crate_path();
    let name = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let mut provides = TokenStream::new();
    let mut additions = TokenStream::new();
    let mut named = TokenStream::new();
    let mut seen = HashSet::new();
    for field in &data.fields {
        let Some(ident) = &field.ident else { continue };
        let (agent, agent_ident) = match renamed(field) {
            Ok(None) => (plain(ident), Some(ident.clone())),
            Ok(Some(agent)) => (agent.value(), identifier(&agent)),
            Err(error) => {
                mistakes.push(error);
                continue;
            }
        };
        if !seen.insert(agent.clone()) {
            let message = format!("agent `{agent}` is there twice; give each a name of its own");
            mistakes.add(ident.span(), message);
            continue;
        }
        // That it is no agent is told at its type.
        let place = Span::mixed_site().located_at(field.ty.span());
        let value = Ident::new("agent", place);
        additions.extend(quote! {
            let #value = self.#ident;
            let agents = agents.with(#agent, #value);
        });
        provides.extend(quote! {
            #[automatically_derived]
            impl #generics #core::typed::Provides<
                #core::typed::Tag<{ #core::typed::agent_name_hash(#agent) }>,
            > for #name #arguments #bounds {}
        });
        let kind = &field.ty;
        named.extend(agent_ident.map(|agent| quote!(pub #agent: #kind,)));
        // Each parameter is used, also by an agent whose name no field can have.
        if identifier_of(&agent).is_none() {
            let other = format_ident!("__agent_{}", seen.len());
            named.extend(quote!(#other: #kind,));
        }
    }
    let names = format_ident!("{name}Agents");
    let parameters = &input.generics;
    quote! {
        #[automatically_derived]
        impl #generics #core::typed::AgentSet for #name #arguments #bounds {
            fn into_agents(self) -> #core::agent::Agents {
                let agents = #core::agent::Agents::new();
                #additions
                agents
            }
        }

        #provides

        #[doc(hidden)]
        const _: () = {
            #[allow(dead_code, missing_docs, private_interfaces, unreachable_pub)]
            pub struct #names #parameters #bounds {
                #named
            }

            #[automatically_derived]
            impl #generics #core::typed::NamedAgents for #name #arguments #bounds {
                type Fields = #names #arguments;
                type Set = Self;
            }
        };
    }
}

/// The name that `#[agent(name = "…")]` gives.
fn renamed(field: &Field) -> syn::Result<Option<LitStr>> {
    let mut name = None;
    for attribute in &field.attrs {
        if !attribute.path().is_ident("agent") {
            continue;
        }
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("name") {
                return Err(meta.error("unknown setting; write `#[agent(name = \"…\")]`"));
            }
            let agent: LitStr = meta.value()?.parse()?;
            if agent.value().trim().is_empty()
                || AgentRef::of(&agent.value()).capability().is_some()
            {
                let message =
                    "expected an agent's name; it is not empty and does not begin with `@`";
                return Err(syn::Error::new(agent.span(), message));
            }
            name = Some(agent);
            Ok(())
        })?;
    }
    Ok(name)
}

/// The name as a field's, at its place, so that an editor finds it.
fn identifier(agent: &LitStr) -> Option<Ident> {
    let mut ident = identifier_of(&agent.value())?;
    ident.set_span(agent.span());
    Some(ident)
}

/// A name as an identifier, if it can be one.
fn identifier_of(name: &str) -> Option<Ident> {
    if syn::parse_str::<Ident>(name).is_ok() {
        return Some(Ident::new(name, Span::call_site()));
    }
    syn::parse_str::<Ident>(&format!("r#{name}")).ok()
}
