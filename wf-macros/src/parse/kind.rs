//! The type of a step.

use proc_macro2::{Spacing, Span, TokenTree};
use syn::parse::ParseStream;
use syn::{Token, Type};

/// Reads a type that stands before `=`; a `<` that nothing closes takes what is behind that for a part of it.
pub(super) fn kind(content: ParseStream<'_>) -> syn::Result<Type> {
    let start = content.fork();
    content.parse().map_err(|error| match unclosed(&start) {
        Ok(Some(place)) => {
            syn::Error::new(place, "this `<` is not closed: expected `>` before the `=`")
        }
        _ => error,
    })
}

/// The last `<` that is open where the type or the step ends.
fn unclosed(content: ParseStream<'_>) -> syn::Result<Option<Span>> {
    let mut open = Vec::new();
    let mut is_arrow = false;
    while !content.is_empty() && !content.peek(Token![;]) {
        let TokenTree::Punct(sign) = content.parse()? else {
            is_arrow = false;
            continue;
        };
        match sign.as_char() {
            '<' => open.push(sign.span()),
            '>' if !is_arrow => {
                open.pop();
            }
            '=' if open.is_empty() => break,
            _ => {}
        }
        is_arrow = sign.as_char() == '-' && sign.spacing() == Spacing::Joint;
    }
    Ok(open.pop())
}

#[cfg(test)]
mod tests {
    use quote::ToTokens as _;
    use syn::parse::Parser as _;

    use super::*;

    /// The type, or what is wrong with it.
    fn read(text: &str) -> String {
        let parser = |content: ParseStream<'_>| {
            let read = kind(content).map(|kind| kind.to_token_stream().to_string());
            content.parse::<proc_macro2::TokenStream>()?;
            Ok(read.unwrap_or_else(|error| error.to_string()))
        };
        parser.parse_str(text).unwrap()
    }

    #[test]
    fn a_type_that_is_not_closed_is_told_so() {
        let message = "this `<` is not closed: expected `>` before the `=`";
        for text in [
            "Vec<u8 = 1;",
            "HashMap<String, Vec<u8> = lines.collect::<HashMap<_, _>>();",
            "Option<fn(u8) -> u8 = None;",
        ] {
            assert_eq!(read(text), message, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_elsewhere_is_told_as_it_is() {
        assert_eq!(
            read("Box<dyn Iterator<Item = u8>> = a"),
            "Box < dyn Iterator < Item = u8 > >"
        );
        assert_ne!(read("1 = a < b;"), read("Vec<u8 = 1;"));
    }
}
