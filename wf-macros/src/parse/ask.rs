//! `ask agent "prompt", name = value`, and what is written when that is meant.

use proc_macro2::{Punct, Spacing, Span, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Ident, LitStr, Token};

use super::body::Agent;
use super::name::is_like;
use crate::mistakes::Mistakes;

/// Whether something that does not begin with `ask` should: no expression has a text behind a name or a text.
///
/// It is told, and what stands in the place of `ask` is passed over.
pub(super) fn is_meant(input: ParseStream<'_>, mistakes: &mut Mistakes) -> syn::Result<bool> {
    let is_agent = input.peek2(Ident) || input.peek2(LitStr);
    if input.peek(Ident) && is_agent && input.peek3(LitStr) {
        let word: Ident = input.parse()?;
        let message = if is_like(&word, "ask") {
            format!("unknown keyword `{word}`; did you mean `ask`?")
        } else {
            format!("expected `ask` in the place of `{word}`: `ask agent \"prompt\"`")
        };
        mistakes.add(word.span(), message);
        return Ok(true);
    }
    if !input.peek2(LitStr) {
        return Ok(false);
    }
    if input.peek(Ident) {
        let word: Ident = input.fork().parse()?;
        if is_like(&word, "ask") {
            let message = "an agent's name is missing: write `ask agent \"prompt\"`";
            return Err(syn::Error::new(word.span(), message));
        }
        let message = format!("expected `ask` before the agent's name: `ask {word} \"…\"`");
        mistakes.add(word.span(), message);
        return Ok(true);
    }
    if input.peek(LitStr) {
        let name: LitStr = input.fork().parse()?;
        let text = name.value();
        let message = format!("expected `ask` before the agent's name: `ask {text:?} \"…\"`");
        mistakes.add(name.span(), message);
        return Ok(true);
    }
    Ok(false)
}

/// Reads the agent; `last` is where the last token of the step is.
pub(super) fn agent(
    input: ParseStream<'_>,
    last: Span,
    mistakes: &mut Mistakes,
) -> syn::Result<Agent> {
    if input.peek(LitStr) && input.peek2(LitStr) {
        return Ok(Agent::Text(input.parse()?));
    }
    if input.peek(Ident) && !is_part_of_name(input, true) {
        return Ok(Agent::Name(input.parse()?));
    }
    let ahead = input.fork();
    let mut tokens = TokenStream::new();
    let mut text = String::new();
    let mut name = None;
    while ahead.peek(Ident::peek_any) || is_part_of_name(&ahead, false) {
        let token: TokenTree = ahead.parse()?;
        text.push_str(&token.to_string());
        name = match &token {
            TokenTree::Ident(name) => Some(name.clone()),
            _ => None,
        };
        token.to_tokens(&mut tokens);
    }
    let Some(name) = name.filter(|_| ahead.peek(LitStr)) else {
        if input.peek(Ident) {
            return Ok(Agent::Name(input.parse()?));
        }
        let message = "expected an agent's name: `ask agent \"prompt\"`";
        return Err(expected(input, last, message));
    };
    let place = name.span();
    while !input.peek(LitStr) {
        input.parse::<TokenTree>()?;
    }
    if text.contains(['.', ':']) {
        let message =
            format!("an agent is named, and the host knows who that is: write `ask {name} \"…\"`");
        mistakes.push(syn::Error::new_spanned(tokens, message));
        return Ok(Agent::Text(LitStr::new(&name.unraw().to_string(), place)));
    }
    let message = format!(
        "an agent's name that is no identifier is written in quotes: `ask \"{text}\" \"…\"`"
    );
    mistakes.push(syn::Error::new_spanned(tokens, message));
    Ok(Agent::Text(LitStr::new(&text, place)))
}

/// Whether a sign goes on with a name that is no identifier: the first, or the second after an identifier.
fn is_part_of_name(input: ParseStream<'_>, is_second: bool) -> bool {
    if is_second {
        input.peek2(Token![-]) || input.peek2(Token![.]) || input.peek2(Token![::])
    } else {
        input.peek(Token![-])
            || input.peek(Token![.])
            || input.peek(Token![::])
            || input.peek(Token![@])
            // The second sign of a `::`.
            || input.peek(Token![:]) && input.peek2(Ident)
    }
}

/// Reads the prompt of `agent`, up to the arguments.
pub(super) fn prompt(input: ParseStream<'_>, last: Span, agent: &Agent) -> syn::Result<LitStr> {
    if !input.peek(LitStr) {
        let agent = match agent {
            Agent::Name(name) => name.to_string(),
            Agent::Text(text) => format!("{:?}", text.value()),
        };
        let mut message = format!("expected the prompt, a string literal: `ask {agent} \"…\"`");
        if input.peek(Ident) {
            message.push_str(&format!(
                "; show a value in it as `ask {agent} \"{{text}}\", text = …`"
            ));
        }
        return Err(expected(input, last, &message));
    }
    let prompt = input.parse()?;
    if !input.is_empty() && !input.peek(Token![,]) {
        let message = "expected `;` after the prompt, or `, name = value` as in `format!`";
        return Err(input.error(message));
    }
    Ok(prompt)
}

/// What is missing at the end is missing behind the last token.
fn expected(input: ParseStream<'_>, last: Span, message: &str) -> syn::Error {
    let place = if input.is_empty() { last } else { input.span() };
    syn::Error::new(place, message)
}

/// The arguments as they were meant: `name: value` is told, and taken for `name = value`.
pub(super) fn arguments(tokens: TokenStream, mistakes: &mut Mistakes) -> TokenStream {
    let mut tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is = |token: &TokenTree, sign: char| matches!(token, TokenTree::Punct(found) if found.as_char() == sign && found.spacing() == Spacing::Alone);
    for at in 2..tokens.len() {
        let (before, rest) = tokens.split_at_mut(at);
        if let ([.., comma, TokenTree::Ident(name)], [colon, ..]) = (before, rest)
            && is(comma, ',')
            && is(colon, ':')
        {
            let message = format!("an argument of a prompt is written with `=`: `{name} = …`");
            mistakes.add(colon.span(), message);
            let mut equal = Punct::new('=', Spacing::Alone);
            equal.set_span(colon.span());
            *colon = TokenTree::Punct(equal);
        }
    }
    tokens.into_iter().collect()
}
