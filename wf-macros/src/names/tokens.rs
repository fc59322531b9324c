//! Names read off tokens alone: for code that syn cannot parse, such as a line that is half typed.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use syn::ext::IdentExt;

use super::{Names, called_with_a_pattern};

impl Names {
    /// Reads an expression: `x` is a value in it, but not in `a.x`, `x(..)`, `x::y`, `y::x`, `x!` and `x: ..`.
    ///
    /// Text literals in a macro's group are looked into, because a nested `format!` may mention a name there. What is
    /// bound anywhere in it is taken as bound, not knowing where.
    pub(super) fn read(&mut self, tokens: TokenStream, is_in_macro: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        self.patterns(&tokens);
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Ident(ident) => self.ident(ident, at, &tokens),
                TokenTree::Group(group) => {
                    let called = called_macro(&tokens, at);
                    if called.is_some_and(called_with_a_pattern) {
                        self.matched(group.stream());
                    }
                    self.read(group.stream(), is_in_macro || called.is_some());
                }
                TokenTree::Literal(literal) if is_in_macro => {
                    let literal = TokenStream::from(TokenTree::Literal(literal.clone()));
                    if let Ok(text) = syn::parse2::<syn::LitStr>(literal) {
                        self.literal(&text);
                    }
                }
                TokenTree::Literal(_) | TokenTree::Punct(_) => {}
            }
        }
    }

    /// Takes in what patterns bind: behind `let` and `for`, before `=>`, between `|`, and in a function's head.
    fn patterns(&mut self, tokens: &[TokenTree]) {
        let sign = |at: usize, sign: char| matches!(tokens.get(at), Some(TokenTree::Punct(found)) if found.as_char() == sign);
        let word = |at: usize, word: &str| matches!(tokens.get(at), Some(TokenTree::Ident(found)) if found == word);
        let group = |at: usize, delimiter: Delimiter| matches!(tokens.get(at), Some(TokenTree::Group(group)) if group.delimiter() == delimiter);
        let find = |from: usize, is_end: &dyn Fn(usize) -> bool| {
            (from..tokens.len()).find(|&at| is_end(at))
        };
        for at in 0..tokens.len() {
            let pattern = if word(at, "let") {
                at + 1..find(at, &|end| sign(end, '=') || sign(end, ';')).unwrap_or(at + 1)
            } else if word(at, "for") {
                at + 1..find(at, &|end| word(end, "in")).unwrap_or(at + 1)
            } else if word(at, "fn") {
                let head = find(at, &|end| group(end, Delimiter::Parenthesis)).unwrap_or(at);
                head..head + 1
            } else if sign(at, '=') && sign(at + 1, '>') {
                // Back to the end of the arm before: a comma, or a block that stands behind its `=>`.
                let is_end = |end: &usize| {
                    let is_block = group(*end, Delimiter::Brace) && *end >= 2;
                    sign(*end, ',') || (is_block && sign(end - 1, '>') && sign(end - 2, '='))
                };
                let begin = (0..at).rev().find(is_end).map_or(0, |end| end + 1);
                begin..find(begin, &|end| end == at || word(end, "if")).unwrap_or(at)
            } else if sign(at, '|')
                && (at == 0
                    || word(at - 1, "move")
                    || matches!(tokens[at - 1], TokenTree::Punct(_)))
            {
                at + 1..find(at + 1, &|end| sign(end, '|')).unwrap_or(at + 1)
            } else {
                continue;
            };
            self.bind(tokens.get(pattern).unwrap_or_default());
        }
    }

    /// Takes in what the pattern of a `matches!` binds: behind the first comma, up to a guard or a message.
    fn matched(&mut self, tokens: TokenStream) {
        let is_comma =
            |token: &TokenTree| matches!(token, TokenTree::Punct(found) if found.as_char() == ',');
        let is_guard =
            |token: &TokenTree| matches!(token, TokenTree::Ident(found) if found == "if");
        let pattern = tokens
            .into_iter()
            .skip_while(|token| !is_comma(token))
            .skip(1);
        let pattern: Vec<TokenTree> = pattern
            .take_while(|token| !is_comma(token) && !is_guard(token))
            .collect();
        self.bind(&pattern);
    }

    fn bind(&mut self, pattern: &[TokenTree]) {
        for token in pattern {
            match token {
                TokenTree::Ident(ident) => self.bound.push(ident.unraw().to_string()),
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    self.bind(&inner);
                }
                TokenTree::Literal(_) | TokenTree::Punct(_) => {}
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
}

/// The macro whose group stands at a place, if one does.
fn called_macro(tokens: &[TokenTree], at: usize) -> Option<&Ident> {
    match (
        tokens.get(at.checked_sub(2)?)?,
        tokens.get(at.checked_sub(1)?)?,
    ) {
        (TokenTree::Ident(name), TokenTree::Punct(sign)) if sign.as_char() == '!' => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Names {
        let mut names = Names::default();
        names.read(text.parse().unwrap(), false);
        names
    }

    fn values(text: &str) -> Vec<String> {
        let names = read(text);
        names.values.iter().map(Ident::to_string).collect()
    }

    #[test]
    fn only_what_stands_for_a_value_is_a_mention() {
        assert_eq!(values("lint(parse).await?"), ["parse"]);
        assert_eq!(values("a.b + c::d(e) + f!(g) + 0..h"), ["a", "e", "g", "h"]);
        assert_eq!(values("S { a, b: c }"), ["S", "a", "c"]);
        assert_eq!(values("x != y"), ["x", "y"]);
        assert_eq!(values("format!(\"{a} {{b}} {c:?}\")"), ["a", "c"]);
        assert_eq!(
            values("a.replace(\"{b}\", \"c\") + f!((\"{d}\"))"),
            ["a", "d"]
        );
        assert!(!values("{ static T: &str = \"see {h}\"; T }").contains(&"h".to_owned()));
        assert_eq!(values("'outer: loop {}"), ["loop"]);
    }

    #[test]
    fn what_an_expression_binds_is_known() {
        let bound = |text: &str| {
            let names = read(text);
            let mut bound = names.bound;
            bound.retain(|name| name.len() == 1);
            bound.concat()
        };
        assert_eq!(bound("{ let a = x; let mut b = y; |c| d }"), "abc");
        assert_eq!(
            bound("match x { Some(a) => y, B { c, d: e } if f => { z } g => h }"),
            "aBcdeg"
        );
        assert_eq!(bound("matches!(x, Some(a) | B(b) if c > d)"), "aBb");
        assert_eq!(bound("if let Some((a, b)) = x { c }"), "ab");
        assert_eq!(bound("for (a, b) in x { fn f(c: u8) {} }"), "abc");
        assert_eq!(bound("x.map(move |a, (b, c)| d + a) == y || z"), "abc");
    }
}
