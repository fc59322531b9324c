//! What the engine runs a workflow by, and how a workflow's inputs come to it.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// The parts in which workflows differ, the lists without their brackets.
pub(super) struct Spec {
    /// Where the definition comes from: what follows `typed::Source::`.
    pub(super) source: TokenStream,
    /// The codec of each input.
    pub(super) codecs: TokenStream,
    /// The table of the steps.
    pub(super) steps: TokenStream,
    /// The value of each input, if it has one, taken from `self`.
    pub(super) values: TokenStream,
}

impl Spec {
    /// The table, and the implementation of `Workflow` for the type of that name.
    pub(super) fn items(&self, core: &TokenStream, name: &Ident, output: &Ident) -> TokenStream {
        let Spec {
            source,
            codecs,
            steps,
            values,
        } = self;
        quote! {
            static __WF_SPEC: #core::typed::Spec = #core::typed::Spec {
                source: #core::typed::Source::#source,
                inputs: &[#codecs],
                steps: &[#steps],
                plan: ::std::sync::OnceLock::new(),
            };

            #[automatically_derived]
            impl #core::typed::Workflow for #name {
                type Output = #output;

                fn spec() -> &'static #core::typed::Spec {
                    &__WF_SPEC
                }

                fn into_inputs(self) -> ::std::vec::Vec<::core::option::Option<#core::typed::Boxed>> {
                    ::std::vec![#values]
                }
            }
        }
    }
}
