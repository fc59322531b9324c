//! What is wrong with a declaration: everything, told at once.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::quote;

/// Gathers mistakes, each at a token.
#[derive(Default)]
pub(crate) struct Mistakes {
    found: Vec<syn::Error>,
}

impl Mistakes {
    pub(crate) fn add(&mut self, at: Span, message: impl Display) {
        self.found.push(syn::Error::new(at, message));
    }

    pub(crate) fn push(&mut self, error: syn::Error) {
        self.found.push(error);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The mistakes as errors of the compiler, beside what could be made of the rest.
    ///
    /// In a module of their own: where one stands, the compiler tells of no unknown name in its module.
    pub(crate) fn beside(self, items: TokenStream) -> TokenStream {
        if self.found.is_empty() {
            return items;
        }
        let errors = self.found.into_iter().map(syn::Error::into_compile_error);
        quote!(#items const _: () = { mod mistakes { #(#errors)* } };)
    }
}
