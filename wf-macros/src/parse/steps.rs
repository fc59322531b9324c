//! `workflow Name(inputs) { steps }`, parsed so that a half-typed step takes nothing else with it.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::{
    Attribute, Generics, Ident, LitStr, Token, Type, Visibility, WhereClause, braced,
    parenthesized, token,
};

use super::body::{Body, first_span, last_span, no_body, read_body};
use super::inputs::{Input, read_inputs};
use super::kind::kind;
use super::{Settings, StepSettings, keyword, name};
use crate::mistakes::Mistakes;

const NO_PARAMETERS: &str = "a workflow takes no type parameters; write the type of each input";

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
    /// The type parameters that it must not have.
    pub(crate) parameters: Vec<Ident>,
    /// Whether the head, every input and every step could be read, of a step at least its name and its type.
    pub(crate) is_whole: bool,
}

/// `step name: Type = body;`
pub(crate) struct Step {
    pub(crate) documentation: Vec<Attribute>,
    pub(crate) settings: StepSettings,
    pub(crate) name: Ident,
    pub(crate) output: Type,
    /// Whether nothing is known to be wrong with its type; what is has been told.
    pub(crate) is_storable: bool,
    pub(crate) body: Body,
    /// The `;` behind it; where its last token is when there is none.
    pub(crate) end: Token![;],
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
    let mut is_whole = true;
    let parameters = if input.peek(Token![<]) {
        is_whole = false;
        read_parameters(input, mistakes)?
    } else {
        Vec::new()
    };
    let mut inputs = Vec::new();
    if input.peek(token::Paren) {
        let content;
        parenthesized!(content in input);
        is_whole &= read_inputs(&content, &name, &mut inputs, mistakes)?;
    }
    if input.peek(Token![->]) {
        is_whole = false;
        let arrow: Token![->] = input.parse()?;
        let message = format!(
            "a workflow declares no result: `{name}Output` holds the output of each step; remove the `->` and its type"
        );
        mistakes.push(syn::Error::new_spanned(arrow, message));
        while !(input.is_empty()
            || input.peek(Token![for])
            || input.peek(Token![where])
            || input.peek(token::Brace))
        {
            input.parse::<TokenTree>()?;
        }
    }
    let agents = match input.parse::<Option<Token![for]>>()? {
        Some(_) => Some(input.parse()?),
        None => None,
    };
    let mut steps = Vec::new();
    if let Some(clause) = input.parse::<Option<WhereClause>>()? {
        is_whole = false;
        if parameters.is_empty() {
            mistakes.push(syn::Error::new_spanned(clause.where_token, NO_PARAMETERS));
        }
    }
    if !input.peek(token::Brace) {
        is_whole = false;
        let message = "expected the steps in braces: `{ step name: Type = …; }`";
        mistakes.push(input.error(message));
        while !input.is_empty() && !input.peek(token::Brace) {
            input.parse::<TokenTree>()?;
        }
    }
    if input.peek(token::Brace) {
        let content;
        braced!(content in input);
        let mut names_ask = inputs.iter().any(|input| input.name == "ask");
        while !content.is_empty() {
            if super::control_flow::tell(&content, mistakes)? {
                is_whole = false;
                continue;
            }
            match read_step(&content, &name, names_ask, mistakes) {
                Ok(step) => {
                    names_ask |= step.name == "ask";
                    steps.push(step);
                }
                Err(error) => {
                    is_whole = false;
                    mistakes.push(error);
                    skip(&content)?;
                }
            }
        }
        if !input.is_empty() {
            mistakes.push(input.error("unexpected token after the workflow's steps"));
            input.parse::<TokenStream>()?;
        }
    }
    Ok(Workflow {
        documentation,
        settings,
        visibility,
        name,
        inputs,
        agents,
        steps,
        parameters,
        is_whole,
    })
}

/// Tells the parameters that stand behind the name, and gives their names.
fn read_parameters(input: ParseStream<'_>, mistakes: &mut Mistakes) -> syn::Result<Vec<Ident>> {
    let generics: Generics = input.parse()?;
    mistakes.push(syn::Error::new_spanned(&generics, NO_PARAMETERS));
    Ok(generics
        .type_params()
        .map(|parameter| parameter.ident.clone())
        .collect())
}

fn read_step(
    content: ParseStream<'_>,
    workflow: &Ident,
    names_ask: bool,
    mistakes: &mut Mistakes,
) -> syn::Result<Step> {
    let (documentation, attributes) = documentation(attributes(content, mistakes)?);
    name::step_keyword(content, mistakes)?;
    let name = name::declared(content, "step", mistakes)
        .map_err(|error| with_form(error, "step name: Type = …;"))?;
    let settings = StepSettings::read(&attributes, mistakes);
    let told = mistakes.len();
    let output = read_output(content, workflow, &name, mistakes)?;
    let is_typed = mistakes.len() == told;
    let is_equal = read_equal(content, mistakes)?;
    let (tokens, end) = until_semicolon(content)?;
    let last = last_span(&tokens).unwrap_or_else(|| name.span());
    let body = if !tokens.is_empty() || (is_equal && is_typed) {
        if !is_equal && is_typed {
            let message = format!("expected `=` before the body: `step {name}: Type = …;`");
            mistakes.add(first_span(&tokens).unwrap_or(last), message);
        }
        if end.is_none() && !tokens.is_empty() {
            let message = format!("step `{name}` is not closed: expected `;` after it");
            mistakes.add(name.span(), message);
        }
        read_body(&name, tokens, names_ask, mistakes)
    } else {
        if is_typed {
            mistakes.add(name.span(), no_body(&name));
        }
        Body::Broken(None)
    };
    Ok(Step {
        documentation,
        settings,
        name,
        output,
        is_storable: true,
        body,
        end: end.unwrap_or(Token![;](last)),
    })
}

/// Reads `: Type`; what is wrong with it is told.
fn read_output(
    content: ParseStream<'_>,
    workflow: &Ident,
    name: &Ident,
    mistakes: &mut Mistakes,
) -> syn::Result<Type> {
    let no_type = || {
        let message = format!("step `{name}` has no type: write `step {name}: Type = …;`");
        syn::Error::new(name.span(), message)
    };
    if content.peek(Token![->]) {
        let message = format!("a step's type stands behind `:`: `step {name}: Type = …;`");
        mistakes.push(content.error(message));
        content.parse::<Token![->]>()?;
    } else if content.parse::<Option<Token![:]>>()?.is_none() {
        if !content.peek(keyword::ask) {
            until_equal(content)?;
        }
        return Ok(mistakes.unknown_type(workflow, name, no_type()));
    }
    // What comes after the type, or after the step.
    let is_missing = content.is_empty()
        || content.peek(Token![=])
        || content.peek(Token![;])
        || content.peek(keyword::ask) && (content.peek2(Ident) || content.peek2(LitStr))
        || content.peek(keyword::step) && content.peek2(Ident);
    if is_missing {
        return Ok(mistakes.unknown_type(workflow, name, no_type()));
    }
    match kind(content) {
        Ok(output) => Ok(output),
        Err(error) => {
            until_equal(content)?;
            Ok(mistakes.unknown_type(workflow, name, error))
        }
    }
}

/// Reads the `=` between a step's type and its body, if there is one; what other languages write is told.
fn read_equal(content: ParseStream<'_>, mistakes: &mut Mistakes) -> syn::Result<bool> {
    let other = if content.peek(Token![=>]) {
        "=>"
    } else if content.peek(Token![:]) && content.peek2(Token![=]) {
        ":="
    } else {
        return Ok(content.parse::<Option<Token![=]>>()?.is_some());
    };
    mistakes.push(content.error(format!("expected `=`, found `{other}`")));
    for _ in other.chars() {
        content.parse::<TokenTree>()?;
    }
    Ok(true)
}

/// Passes over what stands before a step's body or its end.
fn until_equal(content: ParseStream<'_>) -> syn::Result<()> {
    let is_end = |content: ParseStream<'_>| {
        content.is_empty()
            || content.peek(Token![=])
            || content.peek(Token![;])
            || content.peek(keyword::step) && content.peek2(Ident)
    };
    while !is_end(content) {
        content.parse::<TokenTree>()?;
    }
    Ok(())
}

/// An error with the form of what was expected.
pub(super) fn with_form(error: syn::Error, form: &str) -> syn::Error {
    syn::Error::new(error.span(), format!("{error}: `{form}`"))
}

/// Takes the tokens up to the `;` that ends a step, and that `;` if there is one.
///
/// What looks like the beginning of the next step ends this one too.
fn until_semicolon(content: ParseStream<'_>) -> syn::Result<(TokenStream, Option<Token![;]>)> {
    let mut tokens = TokenStream::new();
    while !content.is_empty() {
        if let Some(end) = content.parse()? {
            return Ok((tokens, Some(end)));
        }
        let is_step =
            content.peek(keyword::step) && content.peek2(Ident) && content.peek3(Token![:]);
        let is_attribute =
            content.peek(Token![#]) && content.peek2(token::Bracket) && !tokens.is_empty();
        if is_step || is_attribute {
            return Ok((tokens, None));
        }
        tokens.extend([content.parse::<TokenTree>()?]);
    }
    Ok((tokens, None))
}

/// Goes on behind a step that could not be read; always makes progress.
fn skip(content: ParseStream<'_>) -> syn::Result<()> {
    if content.peek(keyword::step) && !content.is_empty() {
        content.parse::<TokenTree>()?;
    }
    until_semicolon(content)?;
    Ok(())
}

/// The attributes of what follows; one that is written as an inner one is told.
pub(super) fn attributes(
    content: ParseStream<'_>,
    mistakes: &mut Mistakes,
) -> syn::Result<Vec<Attribute>> {
    let mut tokens = TokenStream::new();
    while content.peek(Token![#]) {
        content.parse::<Token![#]>()?.to_tokens(&mut tokens);
        if content.peek(Token![!]) {
            let message = "an attribute of a workflow is written `#[…]`, before what it is of";
            mistakes.push(content.error(message));
            content.parse::<Token![!]>()?;
        }
        if !content.peek(token::Bracket) {
            return Err(content.error("expected an attribute: `#[…]`"));
        }
        tokens.extend([content.parse::<TokenTree>()?]);
    }
    Parser::parse2(Attribute::parse_outer, tokens)
}

/// Documentation, and the other attributes.
pub(super) fn documentation(attributes: Vec<Attribute>) -> (Vec<Attribute>, Vec<Attribute>) {
    attributes
        .into_iter()
        .partition(|attribute| attribute.path().is_ident("doc"))
}
