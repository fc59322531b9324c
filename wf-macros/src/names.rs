//! Which names an expression mentions, read off its tokens.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use syn::ext::IdentExt;

use crate::prompt;

/// What an expression mentions.
#[derive(Default)]
pub(crate) struct Names {
    /// Names that are used as values, in order.
    pub(crate) values: Vec<Ident>,
    /// Names that the expression itself binds, as far as tokens tell.
    pub(crate) bound: Vec<String>,
    /// Every identifier, whatever it is used as.
    pub(crate) all: Vec<String>,
}

impl Names {
    /// Reads an expression: `x` is a value in it, but not in `a.x`, `x(..)`, `x::y`, `y::x`, `x!` and `x: ..`.
    ///
    /// Text literals are looked into, because a nested `format!` may mention a name there.
    pub(crate) fn of(tokens: TokenStream) -> Self {
        let mut names = Names::default();
        names.read(tokens);
        names
    }

    fn read(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Ident(ident) => self.ident(ident, at, &tokens),
                TokenTree::Group(group) => self.read(group.stream()),
                TokenTree::Literal(literal) => {
                    let literal = TokenStream::from(TokenTree::Literal(literal.clone()));
                    if let Ok(text) = syn::parse2::<syn::LitStr>(literal) {
                        self.literal(&text);
                    }
                }
                TokenTree::Punct(_) => {}
            }
        }
    }

    fn ident(&mut self, ident: &Ident, at: usize, tokens: &[TokenTree]) {
        let punctuation = |at: Option<usize>| match at.and_then(|at| tokens.get(at)) {
            Some(TokenTree::Punct(punctuation)) => punctuation.as_char(),
            _ => ' ',
        };
        let name = ident.unraw().to_string();
        let before = punctuation(at.checked_sub(1));
        let before_that = punctuation(at.checked_sub(2));
        let (after, after_that) = (punctuation(Some(at + 1)), punctuation(Some(at + 2)));
        let is_bound = before == '|'
            || matches!(at.checked_sub(1).and_then(|at| tokens.get(at)),
                Some(TokenTree::Ident(word)) if ["let", "mut", "ref", "for"].iter().any(|binder| word == binder));
        if is_bound && !matches!(name.as_str(), "mut" | "ref") {
            self.bound.push(name.clone());
        }
        self.all.push(name);
        let is_member = before == '.' && before_that != '.';
        let is_in_path = before == ':' && before_that == ':';
        let is_called = matches!(tokens.get(at + 1),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
        let is_macro = after == '!' && after_that != '=';
        if !(is_member || is_in_path || before == '\'' || is_called || after == ':' || is_macro) {
            self.values.push(ident.clone());
        }
    }

    fn literal(&mut self, text: &syn::LitStr) {
        for name in prompt::names(&text.value()) {
            let ident = match syn::parse_str::<Ident>(name) {
                Ok(_) => Ident::new(name, text.span()),
                // A keyword stands for a raw identifier, unless it cannot be one.
                Err(_) if matches!(name, "self" | "Self" | "super" | "crate" | "_") => continue,
                Err(_) => Ident::new_raw(name, text.span()),
            };
            self.all.push(name.to_owned());
            self.values.push(ident);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<String> {
        let names = Names::of(text.parse().unwrap());
        names.values.iter().map(Ident::to_string).collect()
    }

    #[test]
    fn only_what_stands_for_a_value_is_a_mention() {
        assert_eq!(values("lint(parse).await?"), ["parse"]);
        assert_eq!(values("a.b + c::d(e) + f!(g) + 0..h"), ["a", "e", "g", "h"]);
        assert_eq!(values("S { a, b: c }"), ["S", "a", "c"]);
        assert_eq!(values("x != y"), ["x", "y"]);
        assert_eq!(values("format!(\"{a} {{b}} {c:?}\")"), ["a", "c"]);
        assert_eq!(values("'outer: loop {}"), ["loop"]);
    }

    #[test]
    fn what_an_expression_binds_is_known() {
        let names = Names::of("{ let a = 1; let mut b = 2; |c| d }".parse().unwrap());
        // What follows a closing `|` is taken for a parameter too: tokens do not tell.
        assert_eq!(names.bound, ["a", "b", "c", "d"]);
    }
}
