//! Which names an expression mentions.

mod awaits;
mod macros;
mod scopes;
mod tokens;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::Expr;
use syn::ext::IdentExt;

use self::macros::{Argument, arguments};
use self::scopes::Scopes;
use crate::prompt;

/// What an expression mentions.
#[derive(Default)]
pub(crate) struct Names {
    /// Names that are used as values and are not bound where they are, in order.
    pub(crate) values: Vec<Ident>,
    /// Names that code which cannot be parsed seems to bind; where it does, tokens do not tell.
    pub(crate) bound: Vec<String>,
    /// Every identifier, whatever it is used as.
    pub(crate) all: Vec<String>,
    /// Whether it could be parsed; rustc tells what could not.
    pub(crate) is_code: bool,
    /// Where an argument of a prompt waits for something.
    pub(crate) await_at: Option<Span>,
}

impl Names {
    /// Reads an expression.
    pub(crate) fn of(tokens: TokenStream) -> Self {
        let mut names = Names::default();
        names.read(tokens.clone(), false);
        if let Ok(expression) = syn::parse2::<Expr>(tokens) {
            names.is_code = true;
            names.values = Scopes::values(&[expression]);
            names.bound = Vec::new();
        }
        names
    }

    /// Reads what stands behind a prompt: `, name = value` any number of times.
    pub(crate) fn of_arguments(tokens: TokenStream) -> Self {
        let mut names = Names::default();
        names.read(tokens.clone(), false);
        let mut behind = tokens.into_iter();
        behind.next();
        if let Ok(arguments) = arguments(behind.collect()) {
            let values: Vec<_> = arguments.into_iter().map(Argument::into_value).collect();
            names.is_code = true;
            if names.all.iter().any(|name| name == "await") {
                names.await_at = awaits::first(&values);
            }
            names.values = Scopes::values(&values);
            names.bound = Vec::new();
        }
        names
    }

    /// Takes in what a text in `format!` syntax mentions, each name at the text's place.
    fn literal(&mut self, text: &syn::LitStr) {
        for ident in mentioned_in(text) {
            self.all.push(ident.unraw().to_string());
            self.values.push(ident);
        }
    }
}

/// What the texts in some code would mention if they were formatted.
pub(crate) fn in_texts(tokens: TokenStream) -> Vec<String> {
    let names = tokens.into_iter().map(|token| match token {
        TokenTree::Group(group) => in_texts(group.stream()),
        TokenTree::Literal(literal) => match syn::Lit::new(literal) {
            syn::Lit::Str(text) => {
                let text = text.value();
                let names = prompt::names(&text).into_iter();
                names.map(str::to_owned).collect()
            }
            _ => Vec::new(),
        },
        TokenTree::Ident(_) | TokenTree::Punct(_) => Vec::new(),
    });
    names.flatten().collect()
}

/// What a text in `format!` syntax mentions, each name at the text's place.
fn mentioned_in(text: &syn::LitStr) -> Vec<Ident> {
    let value = text.value();
    let names = prompt::names(&value).into_iter();
    names
        .filter_map(|name| match syn::parse_str::<Ident>(name) {
            Ok(_) => Some(Ident::new(name, text.span())),
            // A keyword stands for a raw identifier, unless it cannot be one.
            Err(_) if matches!(name, "self" | "Self" | "super" | "crate" | "_") => None,
            Err(_) => Some(Ident::new_raw(name, text.span())),
        })
        .collect()
}

/// Whether what follows the first comma in a macro is a pattern.
fn called_with_a_pattern(name: &Ident) -> bool {
    name == "matches" || name == "assert_matches" || name == "debug_assert_matches"
}
