//! From tokens to a declaration.

use proc_macro2::TokenStream;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, Ident, LitStr, Token, Visibility};

mod keyword {
    syn::custom_keyword!(file);
    syn::custom_keyword!(workflow);
}

/// `pub workflow Name = file "path";`
pub(crate) struct Declaration {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) name: Ident,
    pub(crate) path: LitStr,
}

pub(crate) fn parse(tokens: TokenStream) -> syn::Result<Declaration> {
    Declaration::parse.parse2(tokens)
}

impl Parse for Declaration {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let expected =
            |what: &str| format!("{what}; write `workflow Name = file \"path/to/workflow.yaml\"`");
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let or = |error: syn::Error, what: &str| syn::Error::new(error.span(), expected(what));
        input
            .parse::<keyword::workflow>()
            .map_err(|error| or(error, "expected `workflow`"))?;
        let name = input
            .parse()
            .map_err(|error| or(error, "expected the name of the type to declare"))?;
        input
            .parse::<Token![=]>()
            .map_err(|error| or(error, "expected `=`"))?;
        input
            .parse::<keyword::file>()
            .map_err(|error| or(error, "expected `file`"))?;
        let path = input
            .parse()
            .map_err(|error| or(error, "expected the file's path, a string literal"))?;
        input.parse::<Option<Token![;]>>()?;
        if !input.is_empty() {
            return Err(input.error(expected("unexpected token after the path")));
        }
        Ok(Declaration {
            attributes,
            visibility,
            name,
            path,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        match parse(text.parse().unwrap()) {
            Ok(_) => panic!("`{text}` was parsed"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_file_is_declared_with_visibility_and_documentation() {
        let text = "#[doc = \"Reviews.\"] pub(crate) workflow Review = file \"a.yaml\";";
        let declaration = parse(text.parse().unwrap()).unwrap();
        assert_eq!(declaration.name, "Review");
        assert_eq!(declaration.path.value(), "a.yaml");
        assert_eq!(declaration.attributes.len(), 1);
    }

    #[test]
    fn each_mistake_says_what_was_expected() {
        let way_out = "write `workflow Name = file \"path/to/workflow.yaml\"`";
        assert_eq!(
            error("pub struct X;"),
            format!("expected `workflow`; {way_out}")
        );
        assert_eq!(
            error("workflow = file \"x\""),
            format!("expected the name of the type to declare; {way_out}")
        );
        assert_eq!(
            error("workflow X file \"x\""),
            format!("expected `=`; {way_out}")
        );
        assert_eq!(
            error("workflow X = \"x\""),
            format!("expected `file`; {way_out}")
        );
        assert_eq!(
            error("workflow X = file x"),
            format!("expected the file's path, a string literal; {way_out}")
        );
        assert_eq!(
            error("workflow X = file \"x\" y"),
            format!("unexpected token after the path; {way_out}")
        );
    }
}
