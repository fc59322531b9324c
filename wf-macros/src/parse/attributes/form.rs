//! How attributes are written.

use syn::Attribute;

use super::value::name;

/// An error in the form of an attribute, with an example of the right one.
pub(super) fn with_form(error: &syn::Error, attribute: &Attribute) -> syn::Error {
    let message = match form(&name(attribute)) {
        Some(form) => format!("{error}; write `#[{form}]`"),
        None => error.to_string(),
    };
    syn::Error::new(error.span(), message)
}

fn form(name: &str) -> Option<&'static str> {
    Some(match name {
        "after" => "after(step)",
        "author" => "author = \"Ada\"",
        "budget" => "budget(tokens = 100_000)",
        "key" => "key = \"code-review\"",
        "max_parallel" => "max_parallel = 4",
        "name" => "name = \"code-review\"",
        "on_failure" => "on_failure = \"continue\"",
        "optional" => "optional",
        "output_schema" => "output_schema = r#\"{ \"type\": \"object\" }\"#",
        "parallel" => "parallel = false",
        "retry" => "retry(attempts = 3)",
        "tags" => "tags(\"nightly\")",
        "timeout" => "timeout = \"60s\"",
        "version" => "version = \"1.0.0\"",
        _ => return None,
    })
}
