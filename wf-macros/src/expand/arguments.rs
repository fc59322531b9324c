//! The arguments of a prompt: code like any other, which sees values and not how they are shown.

use std::collections::HashSet;

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::quote;
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::{Expr, Token};

use crate::analyse::plain;
use crate::prompt;

/// What follows a prompt, `name = value` or a value.
pub(super) struct Arguments {
    all: Vec<Argument>,
}

struct Argument {
    name: Option<Ident>,
    value: Expr,
}

impl Parse for Argument {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let is_named = input.peek2(Token![=]) && !input.peek2(Token![==]);
        let mut name = None;
        if is_named {
            name = Some(syn::ext::IdentExt::parse_any(input)?);
            input.parse::<Token![=]>()?;
        }
        Ok(Argument {
            name,
            value: input.parse()?,
        })
    }
}

impl Arguments {
    /// Reads arguments with the comma before them; none when rustc has something to say of them.
    pub(super) fn read(tokens: &TokenStream) -> Option<Self> {
        let parser = |input: ParseStream<'_>| {
            input.parse::<Option<Token![,]>>()?;
            Punctuated::<Argument, Token![,]>::parse_terminated(input)
        };
        let all = parser.parse2(tokens.clone()).ok()?;
        Some(Arguments {
            all: all.into_iter().collect(),
        })
    }

    /// The names in values that are more than a name, which is shown.
    pub(super) fn computed_with(&self) -> HashSet<String> {
        let mut names = HashSet::new();
        for argument in &self.all {
            if shown(&argument.value).is_none() {
                let value = &argument.value;
                collect(quote!(#value), &mut names);
            }
        }
        names
    }

    /// The arguments, with what shows a name in the place of the name, and behind them what the prompt itself names.
    pub(super) fn showing(
        &self,
        prompt: &str,
        show: &[(String, Ident, TokenStream)],
    ) -> TokenStream {
        let showing = |name: &str| show.iter().find(|(shown, ..)| shown == name);
        let mut tokens = TokenStream::new();
        let mut named = HashSet::new();
        for Argument { name, value } in &self.all {
            let shown = shown(value).and_then(|name| showing(&plain(name)));
            let value = match shown {
                Some((_, _, shown)) => shown.clone(),
                None => quote!(#value),
            };
            let name = name.as_ref().map(|name| {
                named.insert(plain(name));
                quote!(#name =)
            });
            tokens.extend(quote!(, #name #value));
        }
        for mentioned in prompt::names(prompt) {
            if let Some((_, name, shown)) = showing(mentioned)
                && named.insert(mentioned.to_owned())
            {
                tokens.extend(quote!(, #name = #shown));
            }
        }
        tokens
    }
}

/// The name that a value is, borrowed or not.
fn shown(value: &Expr) -> Option<&Ident> {
    match value {
        Expr::Path(path) => path.path.get_ident(),
        Expr::Reference(reference) => shown(&reference.expr),
        Expr::Paren(inside) => shown(&inside.expr),
        _ => None,
    }
}

/// All names in code, those in texts of macros included.
fn collect(tokens: TokenStream, names: &mut HashSet<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(name) => {
                names.insert(plain(&name));
            }
            TokenTree::Group(group) => collect(group.stream(), names),
            TokenTree::Literal(text) => {
                if let syn::Lit::Str(text) = syn::Lit::new(text) {
                    names.extend(prompt::names(&text.value()).into_iter().map(str::to_owned));
                }
            }
            TokenTree::Punct(_) => {}
        }
    }
}
