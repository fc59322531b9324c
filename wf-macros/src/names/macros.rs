//! What stands in the parentheses of a macro, as far as its name or its form tells.

use proc_macro2::{Ident, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, Macro, Pat, Token};

use super::called_with_a_pattern;

/// What a macro is given.
pub(super) enum Given {
    /// The arguments of a macro that formats, and at which place its text stands.
    Format(Vec<Argument>, usize),
    /// Expressions that mean what they mean elsewhere.
    Plain(Vec<Expr>),
    /// Expressions, of which a text may be formatted.
    Unknown(Vec<Expr>),
    /// A value, a pattern, and what can use what the pattern binds.
    Match(Box<Expr>, Box<Pat>, Option<Expr>),
    /// Anything else.
    Tokens,
}

/// `value` or `name = value`
pub(super) struct Argument {
    pub(super) name: Option<Ident>,
    value: Expr,
}

impl Argument {
    pub(super) fn value(&self) -> &Expr {
        &self.value
    }

    pub(super) fn into_value(self) -> Expr {
        self.value
    }
}

/// Reads what a macro is given.
pub(super) fn given(called: &Macro) -> Given {
    let Some(name) = called.path.segments.last().map(|segment| &segment.ident) else {
        return Given::Tokens;
    };
    let tokens = called.tokens.clone();
    let given = if called_with_a_pattern(name) {
        matched.parse2(tokens)
    } else if let Some(place) = place_of_format(name) {
        arguments(tokens).map(|arguments| Given::Format(arguments, place))
    } else if name == "vec" || name == "dbg" {
        expressions.parse2(tokens).map(Given::Plain)
    } else {
        expressions.parse2(tokens).map(Given::Unknown)
    };
    given.unwrap_or(Given::Tokens)
}

/// Reads `value` and `name = value`, with commas between them.
pub(super) fn arguments(tokens: TokenStream) -> syn::Result<Vec<Argument>> {
    let parser = |input: ParseStream<'_>| {
        let mut arguments = Vec::new();
        while !input.is_empty() {
            let mut name = None;
            if input.peek(Ident::peek_any) && input.peek2(Token![=]) && !input.peek2(Token![==]) {
                name = Some(input.call(Ident::parse_any)?);
                input.parse::<Token![=]>()?;
            }
            let value = input.parse()?;
            arguments.push(Argument { name, value });
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    };
    parser.parse2(tokens)
}

/// The place of the text among the arguments of the standard library's macros that format.
fn place_of_format(name: &Ident) -> Option<usize> {
    Some(match name.unraw().to_string().as_str() {
        "format" | "format_args" | "print" | "println" | "eprint" | "eprintln" | "panic"
        | "todo" | "unimplemented" | "unreachable" => 0,
        "write" | "writeln" | "assert" | "debug_assert" => 1,
        "assert_eq" | "assert_ne" | "debug_assert_eq" | "debug_assert_ne" => 2,
        _ => return None,
    })
}

/// `a, b` or `a; b`
fn expressions(input: ParseStream<'_>) -> syn::Result<Vec<Expr>> {
    let mut expressions = Vec::new();
    while !input.is_empty() {
        expressions.push(input.parse()?);
        if input.peek(Token![;]) {
            input.parse::<Token![;]>()?;
        } else if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(expressions)
}

/// `value, pattern if guard`, and what a message may follow with.
fn matched(input: ParseStream<'_>) -> syn::Result<Given> {
    let value = input.parse()?;
    input.parse::<Token![,]>()?;
    let pattern = Pat::parse_multi_with_leading_vert(input)?;
    let mut guard = None;
    if input.parse::<Option<Token![if]>>()?.is_some() {
        guard = Some(input.parse()?);
    }
    input.parse::<Option<Token![,]>>()?;
    if input.is_empty() {
        Ok(Given::Match(Box::new(value), Box::new(pattern), guard))
    } else {
        // The pattern of `assert_matches!` may be followed by a message, which does not see what it binds.
        Err(input.error("a message"))
    }
}
