//! Types of which no value can be stored, as far as they tell by how they are written.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::Type;
use syn::visit::{Visit, visit_type};

use crate::mistakes::Mistakes;
use crate::parse::Workflow;

/// Tells what cannot be the type of an input or an output, and puts one that can in its place.
///
/// A lifetime in a path is left to rustc: `Cow<'static, str>` can be read back, and another type may be.
pub(super) fn tell_unstorable(workflow: &mut Workflow, mistakes: &mut Mistakes) {
    let Workflow {
        inputs,
        steps,
        parameters,
        ..
    } = workflow;
    let inputs = inputs
        .iter_mut()
        .map(|input| (&mut input.kind, &mut input.is_storable));
    let outputs = steps
        .iter_mut()
        .map(|step| (&mut step.output, &mut step.is_storable));
    for (kind, is_storable) in inputs.chain(outputs) {
        let mut found = Unstorable {
            parameters,
            mistakes,
            is_found: false,
        };
        found.tell_unsized(kind);
        found.visit_type(kind);
        if found.is_found {
            *is_storable = false;
            *kind = stand_in(kind, parameters);
        }
    }
}

/// Looks through a type.
struct Unstorable<'a> {
    parameters: &'a [Ident],
    mistakes: &'a mut Mistakes,
    is_found: bool,
}

impl Unstorable<'_> {
    fn tell(&mut self, kind: &Type, message: &str) {
        self.is_found = true;
        self.mistakes.push(syn::Error::new_spanned(kind, message));
    }
}

impl Unstorable<'_> {
    /// Only of the type itself: there is a `Box<str>`.
    fn tell_unsized(&mut self, kind: &Type) {
        let is_without_size = match kind {
            Type::Slice(_) => true,
            Type::Path(path) => path.path.is_ident("str"),
            _ => false,
        };
        if let Some(owned) = owned(kind).filter(|_| is_without_size) {
            let message =
                format!("a value is stored and read back, so it has a size; write `{owned}`");
            self.tell(kind, &message);
        }
    }
}

impl<'ast> Visit<'ast> for Unstorable<'_> {
    fn visit_type(&mut self, kind: &'ast Type) {
        match kind {
            // What a function or a trait object takes is not stored; rustc says that neither is itself.
            Type::FnPtr(_) | Type::TraitObject(_) => {}
            Type::Reference(reference) => {
                let message = match owned(&reference.elem) {
                    Some(owned) => format!(
                        "a value is stored and read back, so it cannot borrow; write `{owned}`"
                    ),
                    None => "a value is stored and read back, so it cannot borrow; write the type without `&`".to_owned(),
                };
                self.tell(kind, &message);
            }
            Type::Infer(_) => self.tell(
                kind,
                "the type is written out here: it is part of the definition and of what the workflow gives",
            ),
            Type::ImplTrait(_) => self.tell(
                kind,
                "a value is stored and read back, so its type must be one; write that instead of `impl …`",
            ),
            Type::Path(path) if path.path.get_ident().is_some_and(|name| self.parameters.contains(name)) => {
                self.is_found = true;
            }
            kind => visit_type(self, kind),
        }
    }
}

/// The type to write in the place of a reference to one that has no size, or to one with a name.
fn owned(referred: &Type) -> Option<String> {
    match referred {
        Type::Path(path) if path.path.is_ident("str") => Some("String".to_owned()),
        Type::Path(path) => path.path.get_ident().map(ToString::to_string),
        Type::Slice(_) => Some("Vec<…>".to_owned()),
        _ => None,
    }
}

/// The type that was meant, so that what uses it is not told of the mistake again.
fn stand_in(kind: &Type, parameters: &[Ident]) -> Type {
    let tokens = owned_tokens(kind.to_token_stream(), parameters);
    syn::parse2(tokens).unwrap_or_else(|_| syn::parse_quote!(()))
}

fn owned_tokens(tokens: TokenStream, parameters: &[Ident]) -> TokenStream {
    let mut owned = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(sign) if sign.as_char() == '&' => {
                let is_lifetime = |token: &TokenTree| matches!(token, TokenTree::Punct(sign) if sign.as_char() == '\'');
                if tokens.next_if(is_lifetime).is_some() {
                    tokens.next();
                }
                tokens.next_if(|token| token.to_string() == "mut");
            }
            TokenTree::Ident(name) if name == "str" => {
                owned.extend(quote_spanned!(name.span()=> ::std::string::String));
            }
            TokenTree::Ident(name) if name == "_" || parameters.contains(&name) => {
                owned.extend(quote!(()));
            }
            TokenTree::Ident(name) if name == "impl" => return quote!(()),
            TokenTree::Group(group) => {
                let inside = owned_tokens(group.stream(), parameters);
                let is_slice = group.delimiter() == Delimiter::Bracket
                    && syn::parse2::<syn::TypeArray>(quote!([#inside])).is_err();
                if is_slice {
                    owned.extend(quote!(::std::vec::Vec<#inside>));
                } else {
                    let mut copy = proc_macro2::Group::new(group.delimiter(), inside);
                    copy.set_span(group.span());
                    owned.extend([TokenTree::Group(copy)]);
                }
            }
            token => owned.extend([token]),
        }
    }
    owned
}
