//! What stands to the right of a step's `=`.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Ident, LitStr, Token, token};

use super::{ask, keyword};
use crate::mistakes::Mistakes;

/// What stands to the right of a step's `=`.
pub(crate) enum Body {
    /// `ask agent "prompt", name = value`
    Ask {
        agent: Agent,
        prompt: LitStr,
        /// With the comma before them.
        arguments: TokenStream,
    },
    /// An expression.
    Rust(TokenStream),
    /// Something that is neither, and has been told; with the agent if it came so far.
    Broken(Option<Agent>),
}

/// The agent that a step asks.
pub(crate) enum Agent {
    Name(Ident),
    /// A name that is no identifier, or `@capability`.
    Text(LitStr),
}

impl Agent {
    pub(crate) fn text(&self) -> String {
        match self {
            Agent::Name(name) => name.unraw().to_string(),
            Agent::Text(text) => text.value(),
        }
    }

    pub(crate) fn span(&self) -> proc_macro2::Span {
        match self {
            Agent::Name(name) => name.span(),
            Agent::Text(text) => text.span(),
        }
    }
}

/// Reads the tokens behind the `=`; `names_ask` when there is a value of the name `ask`.
pub(super) fn read_body(
    name: &Ident,
    tokens: TokenStream,
    names_ask: bool,
    mistakes: &mut Mistakes,
) -> Body {
    let Some(last) = last_span(&tokens) else {
        mistakes.add(name.span(), no_body(name));
        return Body::Broken(None);
    };
    let mut asked = None;
    let mut parser = |input: ParseStream<'_>| -> syn::Result<Option<(LitStr, TokenStream)>> {
        let is_asked = if input.peek(keyword::ask) {
            !is_value(&input.fork(), names_ask)?
        } else {
            ask::is_meant(input, mistakes)?
        };
        if !is_asked {
            input.parse::<TokenStream>()?;
            return Ok(None);
        }
        input.parse::<Option<keyword::ask>>()?;
        let agent = asked.insert(ask::agent(input, last, mistakes)?);
        let prompt = ask::prompt(input, last, agent)?;
        Ok(Some((prompt, ask::arguments(input.parse()?, mistakes))))
    };
    let parsed = Parser::parse2(&mut parser, tokens.clone());
    match (parsed, asked) {
        (Ok(Some((prompt, arguments))), Some(agent)) => Body::Ask {
            agent,
            prompt,
            arguments,
        },
        (Ok(_), _) => Body::Rust(tokens),
        (Err(error), agent) => {
            mistakes.push(error);
            Body::Broken(agent)
        }
    }
}

/// Whether `ask` is a value of that name: what follows an expression follows it.
fn is_value(input: ParseStream<'_>, names_ask: bool) -> syn::Result<bool> {
    input.parse::<keyword::ask>()?;
    if input.is_empty() {
        return Ok(names_ask);
    }
    if input.peek(Token![as]) || input.peek(token::Paren) || input.peek(token::Bracket) {
        return Ok(true);
    }
    let next: TokenTree = input.parse()?;
    Ok(matches!(next, TokenTree::Punct(sign) if !matches!(sign.as_char(), ',' | '@')))
}

/// Where the last token is.
pub(super) fn last_span(tokens: &TokenStream) -> Option<Span> {
    tokens.clone().into_iter().last().map(|token| token.span())
}

/// Where the first token is.
pub(super) fn first_span(tokens: &TokenStream) -> Option<Span> {
    tokens.clone().into_iter().next().map(|token| token.span())
}

pub(super) fn no_body(name: &Ident) -> String {
    format!("step `{name}` has no body: write `= ask agent \"prompt\";` or `= <Rust expression>;`")
}
