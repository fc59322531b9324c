//! `workflow Name(inputs) { steps }`, parsed so that a half-typed step takes nothing else with it.

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Ident, LitStr, Token, Type, Visibility, braced, parenthesized, token};

use super::{Settings, StepSettings, keyword};
use crate::mistakes::Mistakes;

/// A workflow that is declared step by step.
pub(crate) struct Workflow {
    pub(crate) documentation: Vec<Attribute>,
    pub(crate) settings: Settings,
    pub(crate) visibility: Visibility,
    pub(crate) name: Ident,
    pub(crate) inputs: Vec<Input>,
    /// The set of agents that it is declared `for`.
    pub(crate) agents: Option<Type>,
    pub(crate) steps: Vec<Step>,
    /// Whether every step could be read, at least its name and its type.
    pub(crate) is_whole: bool,
}

/// `name: Type`
pub(crate) struct Input {
    pub(crate) documentation: Vec<Attribute>,
    pub(crate) name: Ident,
    pub(crate) kind: Type,
}

/// `step name: Type = body;`
pub(crate) struct Step {
    pub(crate) documentation: Vec<Attribute>,
    pub(crate) settings: StepSettings,
    pub(crate) name: Ident,
    pub(crate) output: Type,
    pub(crate) body: Body,
}

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

/// Parses what follows the workflow's name.
pub(super) fn rest(
    input: ParseStream<'_>,
    attributes: Vec<Attribute>,
    visibility: Visibility,
    name: Ident,
    mistakes: &mut Mistakes,
) -> syn::Result<Workflow> {
    let (documentation, attributes) = documentation(attributes);
    let settings = Settings::read(&attributes, mistakes);
    let mut inputs = Vec::new();
    if input.peek(token::Paren) {
        let content;
        parenthesized!(content in input);
        read_inputs(&content, &mut inputs, mistakes)?;
    }
    let agents = match input.parse::<Option<Token![for]>>()? {
        Some(_) => Some(input.parse()?),
        None => None,
    };
    let mut steps = Vec::new();
    let mut is_whole = true;
    if input.peek(token::Brace) {
        let content;
        braced!(content in input);
        while !content.is_empty() {
            match read_step(&content, mistakes) {
                Ok(step) => steps.push(step),
                Err(error) => {
                    is_whole = false;
                    mistakes.push(error);
                    skip(&content)?;
                }
            }
        }
    } else {
        is_whole = false;
        let message = "expected the steps in braces: `{ step name: Type = …; }`";
        mistakes.push(input.error(message));
    }
    if !input.is_empty() {
        mistakes.push(input.error("unexpected token after the workflow's steps"));
        input.parse::<TokenStream>()?;
    }
    Ok(Workflow {
        documentation,
        settings,
        visibility,
        name,
        inputs,
        agents,
        steps,
        is_whole,
    })
}

fn read_inputs(
    content: ParseStream<'_>,
    inputs: &mut Vec<Input>,
    mistakes: &mut Mistakes,
) -> syn::Result<()> {
    while !content.is_empty() {
        match read_input(content, mistakes) {
            Ok(input) => inputs.push(input),
            Err(error) => {
                let message = format!("{error}; an input is declared as `name: Type`");
                mistakes.add(error.span(), message);
                while !content.is_empty() && !content.peek(Token![,]) {
                    content.parse::<TokenTree>()?;
                }
            }
        }
        if content.parse::<Option<Token![,]>>()?.is_none() && !content.is_empty() {
            mistakes.push(content.error("expected `,` between inputs"));
            content.parse::<TokenStream>()?;
        }
    }
    Ok(())
}

fn read_input(content: ParseStream<'_>, mistakes: &mut Mistakes) -> syn::Result<Input> {
    let (documentation, others) = documentation(content.call(Attribute::parse_outer)?);
    for attribute in &others {
        mistakes.push(syn::Error::new_spanned(
            attribute.path(),
            "an input takes no attributes, only documentation",
        ));
    }
    let name = content.parse()?;
    content.parse::<Token![:]>()?;
    Ok(Input {
        documentation,
        name,
        kind: content.parse()?,
    })
}

fn read_step(content: ParseStream<'_>, mistakes: &mut Mistakes) -> syn::Result<Step> {
    let (documentation, attributes) = documentation(content.call(Attribute::parse_outer)?);
    if !content.peek(keyword::step) {
        return Err(content.error("expected `step name: Type = …;`"));
    }
    content.parse::<keyword::step>()?;
    let name: Ident = content.parse().map_err(|error| {
        syn::Error::new(
            error.span(),
            "expected the step's name: `step name: Type = …;`",
        )
    })?;
    let settings = StepSettings::read(&attributes, mistakes);
    if !content.peek(Token![:]) {
        let message = format!("step `{name}` has no type: write `step {name}: Type = …;`");
        return Err(syn::Error::new(name.span(), message));
    }
    content.parse::<Token![:]>()?;
    let output = content.parse()?;
    let body = if content.peek(Token![=]) {
        content.parse::<Token![=]>()?;
        let (tokens, is_closed) = until_semicolon(content)?;
        if !is_closed && !tokens.is_empty() {
            let message = format!("step `{name}` is not closed: expected `;` after it");
            mistakes.add(name.span(), message);
        }
        read_body(&name, tokens, mistakes)
    } else {
        mistakes.add(name.span(), no_body(&name));
        until_semicolon(content)?;
        Body::Broken(None)
    };
    Ok(Step {
        documentation,
        settings,
        name,
        output,
        body,
    })
}

fn no_body(name: &Ident) -> String {
    format!("step `{name}` has no body: write `= ask agent \"prompt\";` or `= <Rust expression>;`")
}

fn read_body(name: &Ident, tokens: TokenStream, mistakes: &mut Mistakes) -> Body {
    if tokens.is_empty() {
        mistakes.add(name.span(), no_body(name));
        return Body::Broken(None);
    }
    let mut asked = None;
    let mut parser = |input: ParseStream<'_>| -> syn::Result<Option<(LitStr, TokenStream)>> {
        let is_rust = input.peek2(Token![.])
            || input.peek2(Token![!])
            || input.peek2(Token![::])
            || input.peek2(token::Paren);
        if !input.peek(keyword::ask) || is_rust {
            input.parse::<TokenStream>()?;
            return Ok(None);
        }
        input.parse::<keyword::ask>()?;
        let agent = if input.peek(LitStr) && input.peek2(LitStr) {
            Agent::Text(input.parse()?)
        } else {
            let message = "expected an agent's name: `ask agent \"prompt\"`";
            let name = input.parse::<Ident>();
            Agent::Name(name.map_err(|error| syn::Error::new(error.span(), message))?)
        };
        let text = agent.text();
        asked = Some(agent);
        let prompt = input.parse().map_err(|error: syn::Error| {
            let message = format!("expected the prompt, a string literal: `ask {text} \"…\"`");
            syn::Error::new(error.span(), message)
        })?;
        if !input.is_empty() && !input.peek(Token![,]) {
            let message = "expected `;` after the prompt, or `, name = value` as in `format!`";
            return Err(input.error(message));
        }
        Ok(Some((prompt, input.parse()?)))
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

/// Takes the tokens up to the `;` that ends a step, and says whether there was one.
///
/// What looks like the beginning of the next step ends this one too.
fn until_semicolon(content: ParseStream<'_>) -> syn::Result<(TokenStream, bool)> {
    let mut tokens = TokenStream::new();
    while !content.is_empty() {
        if content.parse::<Option<Token![;]>>()?.is_some() {
            return Ok((tokens, true));
        }
        let is_step =
            content.peek(keyword::step) && content.peek2(Ident) && content.peek3(Token![:]);
        let is_attribute =
            content.peek(Token![#]) && content.peek2(token::Bracket) && !tokens.is_empty();
        if is_step || is_attribute {
            return Ok((tokens, false));
        }
        tokens.extend([content.parse::<TokenTree>()?]);
    }
    Ok((tokens, false))
}

/// Goes on behind a step that could not be read; always makes progress.
fn skip(content: ParseStream<'_>) -> syn::Result<()> {
    if content.peek(keyword::step) && !content.is_empty() {
        content.parse::<TokenTree>()?;
    }
    until_semicolon(content)?;
    Ok(())
}

/// Documentation, and the other attributes.
fn documentation(attributes: Vec<Attribute>) -> (Vec<Attribute>, Vec<Attribute>) {
    attributes
        .into_iter()
        .partition(|attribute| attribute.path().is_ident("doc"))
}
