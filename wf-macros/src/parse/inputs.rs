//! `(name: Type, name: Type)`

use proc_macro2::TokenTree;
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Attribute, Ident, Token, Type};

use super::name;
use super::steps::{attributes, documentation};
use crate::mistakes::Mistakes;

const FORM: &str = "an input is declared as `name: Type`";

/// `name: Type`
pub(crate) struct Input {
    pub(crate) documentation: Vec<Attribute>,
    pub(crate) name: Ident,
    pub(crate) kind: Type,
    /// Whether nothing is known to be wrong with its type; what is has been told.
    pub(crate) is_storable: bool,
}

/// Reads the inputs, and says whether each is as it should be.
pub(super) fn read_inputs(
    content: ParseStream<'_>,
    workflow: &Ident,
    inputs: &mut Vec<Input>,
    mistakes: &mut Mistakes,
) -> syn::Result<bool> {
    let told = mistakes.len();
    while !content.is_empty() {
        match read_input(content, workflow, mistakes) {
            Ok(input) => inputs.push(input),
            Err(error) => {
                mistakes.add(error.span(), format!("{error}; {FORM}"));
                until_comma(content)?;
            }
        }
        if content.parse::<Option<Token![,]>>()?.is_none() && !content.is_empty() {
            mistakes.push(content.error("expected `,` between inputs"));
            if !(content.peek(Ident) && content.peek2(Token![:])) {
                until_comma(content)?;
                content.parse::<Option<Token![,]>>()?;
            }
        }
    }
    Ok(mistakes.len() == told)
}

fn read_input(
    content: ParseStream<'_>,
    workflow: &Ident,
    mistakes: &mut Mistakes,
) -> syn::Result<Input> {
    let (documentation, others) = documentation(attributes(content, mistakes)?);
    for attribute in &others {
        mistakes.push(syn::Error::new_spanned(
            attribute.path(),
            "an input takes no attributes, only documentation",
        ));
    }
    if content.peek(Token![mut]) && content.peek2(Ident::peek_any) {
        let message = "an input takes no `mut`, steps only read it; remove the `mut`";
        mistakes.push(content.error(message));
        content.parse::<Token![mut]>()?;
    }
    let first = name::declared(content, "input", mistakes)?;
    let (name, kind) = if is_type(&first) && behind_type(content) {
        let name: Ident = content.parse()?;
        let message = format!("the name stands before the type: `{name}: {first}`");
        mistakes.add(first.span(), message);
        (name, syn::parse_quote!(#first))
    } else {
        let kind = read_type(content, workflow, &first, mistakes)?;
        (first, kind)
    };
    if content.peek(Token![=]) {
        let message = "an input has no default; make it an `Option`, and choose the value where it is none in a step";
        mistakes.push(content.error(message));
        until_comma(content)?;
    }
    Ok(Input {
        documentation,
        name,
        kind,
        is_storable: true,
    })
}

/// Whether a name is that of a type, as far as its letters tell.
fn is_type(name: &Ident) -> bool {
    const PRIMITIVE: [&str; 16] = [
        "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16",
        "u32", "u64", "u128", "usize",
    ];
    let name = name.to_string();
    name.starts_with(char::is_uppercase) || PRIMITIVE.contains(&name.as_str())
}

/// Whether a name and nothing else follows, as behind a type in other languages.
fn behind_type(content: ParseStream<'_>) -> bool {
    let ahead = content.fork();
    let is_name = ahead.parse::<Ident>().is_ok_and(|name| !is_type(&name));
    is_name && (ahead.is_empty() || ahead.peek(Token![,]))
}

/// Reads `: Type`; what is wrong with it is told.
fn read_type(
    content: ParseStream<'_>,
    workflow: &Ident,
    name: &Ident,
    mistakes: &mut Mistakes,
) -> syn::Result<Type> {
    let told = |error: syn::Error| syn::Error::new(error.span(), format!("{error}; {FORM}"));
    let colon = content.parse::<Token![:]>().map_err(told);
    if colon.is_err() {
        content.parse::<Option<Token![=]>>()?;
    }
    let kind = if content.is_empty() || content.peek(Token![,]) {
        Err(told(content.error("expected a type")))
    } else {
        content.parse().map_err(told)
    };
    match (colon, kind) {
        (Ok(_), Ok(kind)) => Ok(kind),
        (Err(error), Ok(kind)) => {
            mistakes.push(error);
            Ok(kind)
        }
        (colon, Err(error)) => {
            until_comma(content)?;
            Ok(mistakes.unknown_type(workflow, name, colon.err().unwrap_or(error)))
        }
    }
}

/// Passes over the rest of an input.
fn until_comma(content: ParseStream<'_>) -> syn::Result<()> {
    while !content.is_empty() && !content.peek(Token![,]) {
        content.parse::<TokenTree>()?;
    }
    Ok(())
}
