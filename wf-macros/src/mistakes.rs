//! What is wrong with a declaration: everything, told at once.

use std::fmt::Display;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Type;
use syn::ext::IdentExt as _;

/// Gathers mistakes, each at a token.
#[derive(Default)]
pub(crate) struct Mistakes {
    found: Vec<syn::Error>,
    /// The module that the errors stand in, when types are looked for in it.
    module: Option<Ident>,
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

    pub(crate) fn len(&self) -> usize {
        self.found.len()
    }

    /// Tells that the type of `name` is missing or cannot be read, and gives a type to go on with.
    ///
    /// It is looked for in the module of the errors, where no unknown name is told: the compiler takes it as one that it
    /// has told of, and tells nothing of what is done with its values, in the macro or outside.
    pub(crate) fn unknown_type(
        &mut self,
        workflow: &Ident,
        name: &Ident,
        error: syn::Error,
    ) -> Type {
        self.found.push(error);
        let module = self
            .module
            .get_or_insert_with(|| format_ident!("__wf_mistakes_of_{}", workflow.unraw()));
        let place = Span::mixed_site().located_at(name.span());
        let path = quote_spanned!(place=> #module::Unknown);
        syn::parse_quote!(#path)
    }

    /// The mistakes as errors of the compiler, beside what could be made of the rest.
    ///
    /// In a module of their own: where one stands, the compiler tells of no unknown name in its module.
    pub(crate) fn beside(self, items: TokenStream) -> TokenStream {
        if self.found.is_empty() {
            return items;
        }
        let errors = self.found.into_iter().map(syn::Error::into_compile_error);
        match self.module {
            Some(module) => quote!(#items #[allow(non_snake_case)] mod #module { #(#errors)* }),
            None => quote!(#items const _: () = { mod mistakes { #(#errors)* } };),
        }
    }
}
