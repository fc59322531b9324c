//! The names that a declaration gives, and the words before them.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::parse::discouraged::Speculative as _;
use syn::{Ident, Token, token};
use wf_model::nearest;

use super::keyword;
use crate::mistakes::Mistakes;

/// Reads the word that a declaration begins with; what stands in its place is told and taken for it.
pub(super) fn workflow_keyword(input: ParseStream<'_>, mistakes: &mut Mistakes) -> syn::Result<()> {
    let is_behind_name = |input: ParseStream<'_>| {
        input.peek(token::Paren) || input.peek(token::Brace) || input.peek(Token![=])
    };
    let ahead = input.fork();
    if !input.peek(keyword::workflow)
        && let Ok(first) = ahead.parse::<Ident>()
    {
        if is_behind_name(&ahead) {
            mistakes.add(
                first.span(),
                format!("expected `workflow` before the name: `workflow {first}`"),
            );
            return Ok(());
        }
        if ahead.parse::<Ident>().is_ok() && is_behind_name(&ahead) && is_like(&first, "workflow") {
            let message = format!("unknown keyword `{first}`; did you mean `workflow`?");
            mistakes.add(first.span(), message);
            input.parse::<Ident>()?;
            return Ok(());
        }
    }
    input.parse::<keyword::workflow>().map(|_| ())
}

/// Reads the name of the type to declare; one as workflow files have it is told.
pub(super) fn workflow(input: ParseStream<'_>, mistakes: &mut Mistakes) -> syn::Result<Ident> {
    let first: Ident = input.parse()?;
    if !(input.peek(Token![-]) && input.peek2(Ident::peek_any)) {
        return Ok(first);
    }
    let (tokens, parts) = dashed(&first, input)?;
    let letters = parts.iter().flat_map(|part| {
        let mut letters = part.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters)
    });
    let text: String = letters.collect();
    let written = parts.join("-");
    let message = format!(
        "the name is that of a type; write `{text}`, and `#[name = \"{written}\"]` before `workflow`"
    );
    mistakes.push(syn::Error::new_spanned(tokens, message));
    let name = syn::parse_str::<Ident>(&text);
    Ok(name.map_or(first.clone(), |name| {
        Ident::new(&name.to_string(), first.span())
    }))
}

/// Reads the word that a step begins with; what stands in its place is told and taken for it.
pub(super) fn step_keyword(content: ParseStream<'_>, mistakes: &mut Mistakes) -> syn::Result<()> {
    if content.parse::<Option<keyword::step>>()?.is_some() {
        return Ok(());
    }
    let ahead = content.fork();
    let Ok(first) = Ident::parse_any(&ahead) else {
        return Err(content.error("expected `step name: Type = …;`"));
    };
    let is_name = |input: ParseStream<'_>| {
        (input.peek(Token![:]) && !input.peek(Token![::]))
            || (input.peek(Token![=]) && !input.peek(Token![==]))
    };
    if is_name(&ahead) {
        let message = format!("expected `step` before `{first}`: write `step {first}: Type = …;`");
        mistakes.add(first.span(), message);
        return Ok(());
    }
    if ahead.parse::<Option<keyword::step>>()?.is_some() {
        mistakes.add(
            first.span(),
            format!("a step takes no `{first}`; remove it"),
        );
        content.advance_to(&ahead);
        return Ok(());
    }
    ahead.parse::<Option<Token![mut]>>()?;
    let second = Ident::parse_any(&ahead);
    match second {
        Ok(second) if is_name(&ahead) => {
            let message = if is_like(&first, "step") {
                format!("unknown keyword `{first}`; did you mean `step`?")
            } else {
                format!(
                    "expected `step` in the place of `{first}`: write `step {second}: Type = …;`"
                )
            };
            mistakes.add(first.span(), message);
        }
        _ => return Err(content.error("expected `step name: Type = …;`")),
    }
    Ident::parse_any(content)?;
    content.parse::<Option<Token![mut]>>()?;
    Ok(())
}

/// Whether a word is another one with a slip of the finger.
pub(super) fn is_like(word: &Ident, meant: &str) -> bool {
    nearest(&word.to_string(), [meant]).is_some()
}

/// Reads the name of what is declared; one that Rust does not take is told, and another read for it.
pub(super) fn declared(
    content: ParseStream<'_>,
    whose: &str,
    mistakes: &mut Mistakes,
) -> syn::Result<Ident> {
    let place = content.span();
    let Ok(first) = Ident::parse_any(content) else {
        let message = format!("expected the {whose}'s name");
        return Err(syn::Error::new(place, message));
    };
    if content.peek(Token![-]) && content.peek2(Ident::peek_any) {
        return with_dashes(first, content, whose, mistakes);
    }
    let text = first.to_string();
    if text.starts_with("r#") || syn::parse_str::<Ident>(&text).is_ok() {
        return Ok(first);
    }
    if matches!(text.as_str(), "self" | "Self" | "super" | "crate" | "_") {
        let message = format!("`{text}` cannot be the name of the {whose}; choose another");
        return Err(syn::Error::new(place, message));
    }
    let message = format!("`{text}` is a keyword of Rust; write `r#{text}` for the {whose}'s name");
    mistakes.add(place, message);
    Ok(Ident::new_raw(&text, place))
}

/// A name as a workflow file has it.
fn with_dashes(
    first: Ident,
    content: ParseStream<'_>,
    whose: &str,
    mistakes: &mut Mistakes,
) -> syn::Result<Ident> {
    let (tokens, parts) = dashed(&first, content)?;
    let (written, text) = (parts.join("-"), parts.join("_"));
    let message = format!("the {whose}'s name is no identifier; write `{text}` for `{written}`");
    mistakes.push(syn::Error::new_spanned(tokens, message));
    Ok(Ident::new(&text, first.span()))
}

/// Reads the rest of a name with dashes: its tokens, and the parts between the dashes.
fn dashed(first: &Ident, content: ParseStream<'_>) -> syn::Result<(TokenStream, Vec<String>)> {
    let mut tokens = first.to_token_stream();
    let mut parts = vec![first.unraw().to_string()];
    while content.peek(Token![-]) && content.peek2(Ident::peek_any) {
        content.parse::<Token![-]>()?.to_tokens(&mut tokens);
        let part = Ident::parse_any(content)?;
        part.to_tokens(&mut tokens);
        parts.push(part.unraw().to_string());
    }
    Ok((tokens, parts))
}
