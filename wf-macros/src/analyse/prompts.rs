//! What stands in a prompt, or around one, and cannot.

use proc_macro2::{TokenStream, TokenTree};
use syn::{Lit, LitStr};

use super::scope::Scope;
use crate::mistakes::Mistakes;
use crate::names::Names;
use crate::prompt;

/// Tells the placeholders that are written as a workflow file has them, and gives the names that are meant.
pub(super) fn tell_file_placeholders(
    scope: &Scope<'_>,
    prompt: &LitStr,
    mistakes: &mut Mistakes,
) -> Vec<String> {
    let text = prompt.value();
    let mut heads = Vec::new();
    for (written, head) in prompt::file_placeholders(&text) {
        let head = head.replace('-', "_");
        if scope.find(&head).is_some() {
            let message = format!(
                "`{{{{{written}}}}}` is how a workflow file refers to `{head}`, but in Rust `{{{{` is an escaped brace; write `{{{head}}}`"
            );
            mistakes.add(prompt.span(), message);
            heads.push(head);
        }
    }
    heads
}

/// Tells the code that stands in a prompt's braces.
pub(super) fn tell_computations(
    scope: &Scope<'_>,
    prompt: &LitStr,
    mistakes: &mut Mistakes,
) -> bool {
    let text = prompt.value();
    let computations = prompt::computations(&text);
    for code in &computations {
        let name = code.replace('-', "_");
        let message = if scope.find(&name).is_some() {
            format!("`{{{code}}}` is no name in Rust; write `{{{name}}}`")
        } else {
            format!(
                "`{{{code}}}` is code, and a prompt's braces take a name; write `{{value}}` and behind the prompt `, value = {code}` (braces that are text are doubled: `{{{{{code}}}}}`)"
            )
        };
        mistakes.add(prompt.span(), message);
    }
    !computations.is_empty()
}

/// Tells that an argument waits.
pub(super) fn tell_await(names: &Names, mistakes: &mut Mistakes) -> bool {
    if let Some(place) = names.await_at {
        let message = "a prompt cannot wait for a value; make it a step of its own, `step name: Type = ….await;`, and write `{name}`";
        mistakes.add(place, message);
    }
    names.await_at.is_some()
}

/// Tells an `ask` that stands inside an expression.
pub(super) fn tell_ask(tokens: TokenStream, mistakes: &mut Mistakes) -> bool {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is_text = |token: &TokenTree| matches!(token, TokenTree::Literal(text) if matches!(Lit::new(text.clone()), Lit::Str(_)));
    let asked = tokens.windows(3).find_map(|window| match window {
        [TokenTree::Ident(ask), agent, prompt]
            if ask == "ask"
                && is_text(prompt)
                && (is_text(agent) || matches!(agent, TokenTree::Ident(_))) =>
        {
            Some(ask)
        }
        _ => None,
    });
    if let Some(ask) = asked {
        let message = "`ask` is the whole of a step and no part of an expression; ask in a step of its own, and mention that step here";
        mistakes.add(ask.span(), message);
        return true;
    }
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => tell_ask(group.stream(), mistakes),
        _ => false,
    })
}
