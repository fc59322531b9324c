//! `#[derive(AgentSet)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Field, Fields, LitStr};

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
    let Fields::Named(fields) = &data.fields else {
        mistakes.add(
            input.ident.span(),
            "a set of agents is a struct with named fields: an agent is named after its field",
        );
        return TokenStream::new();
    };
    let core = crate_path();
    let name = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let mut provides = TokenStream::new();
    let mut additions = TokenStream::new();
    for field in &fields.named {
        let Some(ident) = &field.ident else { continue };
        let agent = match renamed(field) {
            Ok(agent) => agent.map_or_else(|| plain(ident), |agent| agent.value()),
            Err(error) => {
                mistakes.push(error);
                continue;
            }
        };
        additions.extend(quote!(.with(#agent, self.#ident)));
        provides.extend(quote! {
            #[automatically_derived]
            impl #generics #core::typed::Provides<
                #core::typed::Tag<{ #core::typed::agent_name_hash(#agent) }>,
            > for #name #arguments #bounds {}
        });
    }
    quote! {
        #[automatically_derived]
        impl #generics #core::typed::AgentSet for #name #arguments #bounds {
            fn into_agents(self) -> #core::agent::Agents {
                #core::agent::Agents::new()#additions
            }
        }

        #provides
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
            name = Some(meta.value()?.parse()?);
            Ok(())
        })?;
    }
    Ok(name)
}
