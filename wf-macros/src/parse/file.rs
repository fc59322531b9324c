//! `workflow Name = file "path"`.

use syn::parse::ParseStream;
use syn::{Attribute, Ident, LitStr, Token, Visibility};

use super::keyword;

/// `pub workflow Name = file "path";`
pub(crate) struct FileDeclaration {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) name: Ident,
    pub(crate) path: LitStr,
}

/// Parses what follows the name.
pub(super) fn rest(
    input: ParseStream<'_>,
    attributes: Vec<Attribute>,
    visibility: Visibility,
    name: Ident,
) -> syn::Result<FileDeclaration> {
    let expected =
        |what: &str| format!("{what}; write `workflow {name} = file \"path/to/workflow.yaml\"`");
    let or = |error: syn::Error, what: &str| syn::Error::new(error.span(), expected(what));
    input.parse::<Token![=]>()?;
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
    if let Some(attribute) = attributes
        .iter()
        .find(|attribute| !attribute.path().is_ident("doc"))
    {
        let message = "a workflow that is a file has its settings in the file; only documentation may stand here";
        return Err(syn::Error::new_spanned(attribute.path(), message));
    }
    Ok(FileDeclaration {
        attributes,
        visibility,
        name,
        path,
    })
}
