//! From tokens to a declaration.

mod ask;
mod attributes;
mod body;
mod control_flow;
mod file;
mod inputs;
mod kind;
mod name;
mod steps;

use proc_macro2::TokenStream;
use syn::Token;
use syn::parse::{ParseStream, Parser};

pub(crate) use attributes::{Settings, StepSettings};
pub(crate) use body::{Agent, Body};
pub(crate) use file::FileDeclaration;
pub(crate) use inputs::Input;
pub(crate) use steps::{Step, Workflow};

use crate::mistakes::Mistakes;

mod keyword {
    syn::custom_keyword!(ask);
    syn::custom_keyword!(file);
    syn::custom_keyword!(step);
    syn::custom_keyword!(workflow);
}

/// What a `workflow!` declares.
pub(crate) enum Declaration {
    /// `workflow Name = file "path"`
    File(FileDeclaration),
    /// `workflow Name(inputs) { steps }`
    Steps(Box<Workflow>),
}

/// Parses a declaration; nothing when not even its beginning is right.
pub(crate) fn parse(tokens: TokenStream, mistakes: &mut Mistakes) -> Option<Declaration> {
    let mut parser = |input: ParseStream<'_>| -> syn::Result<Declaration> {
        let attributes = steps::attributes(input, mistakes)?;
        let visibility = input.parse()?;
        let expected = |error: syn::Error, what: &str| {
            let form = "write `workflow Name(input: Type) { step name: Type = …; }` or `workflow Name = file \"path\"`";
            syn::Error::new(error.span(), format!("expected {what}; {form}"))
        };
        name::workflow_keyword(input, mistakes).map_err(|error| expected(error, "`workflow`"))?;
        let name = name::workflow(input, mistakes)
            .map_err(|error| expected(error, "the name of the type to declare"))?;
        if input.peek(Token![=]) {
            return file::rest(input, attributes, visibility, name).map(Declaration::File);
        }
        steps::rest(input, attributes, visibility, name, mistakes)
            .map(|workflow| Declaration::Steps(Box::new(workflow)))
    };
    let parsed = Parser::parse2(&mut parser, tokens);
    match parsed {
        Ok(declaration) => Some(declaration),
        Err(error) => {
            mistakes.push(error);
            None
        }
    }
}
