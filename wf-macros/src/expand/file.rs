//! The items of a workflow that is a file.

use std::collections::HashSet;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use wf_model::{Format, Input, InputKind, Step};

use super::agents::{self, Asked};
use super::spec::Spec;
use super::{Declared, at, documented, from_outputs, output_schema, outputs_of_self};
use crate::crate_path::crate_path;
use crate::file::CheckedFile;
use crate::parse::FileDeclaration;

pub(crate) fn file(declaration: &FileDeclaration, file: &CheckedFile) -> TokenStream {
    // The compiler watches what is included, also when it is wrong.
    let path = file.path.as_deref().and_then(|path| path.to_str());
    let text = path.map_or_else(|| quote!(""), |path| quote!(::core::include_str!(#path)));
    let FileDeclaration {
        attributes,
        visibility,
        name,
        path,
    } = declaration;
    let core = crate_path();
    let definition = &file.definition;
    let inputs: Vec<_> = distinct(&file.inputs, |input| &input.name).collect();
    let Declared {
        head,
        place,
        output,
    } = Declared::by(visibility, name);
    let title = definition.description.as_ref().unwrap_or(&definition.name);
    let summary = documented(attributes, title.clone());
    let fields = inputs.iter().map(|input| field(&core, visibility, input));
    let values = inputs.iter().map(|input| value(&core, place, input));
    let codecs = inputs.iter().map(|input| {
        let kind = kind(&core, input.kind);
        quote!(#core::typed::Codec::of::<#kind>())
    });
    let keys = keys(visibility, &definition.steps);
    let getters = distinct(&definition.steps, |step| &step.key).enumerate();
    let outputs = outputs_of_self(place);
    let getters = getters.map(|(at, step)| getter(&core, visibility, &outputs, at, step));
    let output_summary = format!("The outputs of a completed run of [`{name}`], as JSON.");
    let steps = definition.steps.iter().map(|_| {
        quote!(#core::typed::StepSpec { code: #core::typed::Code::Template, dependencies: &[] })
    });
    let source = match file.format {
        Format::Yaml => format_ident!("Yaml"),
        Format::Json => format_ident!("Json"),
    };
    // What a wrong file asks is not held against anybody's agents.
    let asked = definition.steps.iter().filter(|_| file.is_right);
    let asked = asked.map(|step| Asked {
        agent: step.agent.clone(),
        step: step.key.clone(),
        span: path.span(),
    });
    let mut steps_with_schema = definition
        .steps
        .iter()
        .filter(|step| step.output_schema.is_some());
    let schema = steps_with_schema
        .next()
        .map(|_| output_schema(&core, path.span()));
    let runs_on = agents::runs_on(&core, name, asked, None);
    let input_struct = quote_spanned! {place=>
        #summary
        #head #name {
            #(#fields,)*
        }
    };
    let here = at(&core, place);
    let output_struct = quote_spanned! {place=>
        #[doc = #output_summary]
        #[derive(Debug)]
        #head #output(#here::typed::Outputs);
    };
    let from_outputs = from_outputs(&core, &output, place);
    let spec = Spec {
        source: quote!(#source(#path, #name::SOURCE)),
        codecs: quote!(#(#codecs),*),
        steps: quote!(#(#steps),*),
        values: quote!(#(#values),*),
    };
    let spec = spec.items(&core, name, &output);
    quote! {
        #input_struct

        #[automatically_derived]
        #[allow(dead_code)]
        impl #name {
            /// The workflow file's text, as it was checked.
            #visibility const SOURCE: &'static str = #text;
            #keys
        }

        #output_struct

        #[automatically_derived]
        #[allow(dead_code, non_snake_case)]
        impl #output {
            #(#getters)*
        }

        #[doc(hidden)]
        const _: () = {
            #from_outputs

            #spec

            #runs_on

            #schema
        };
    }
}

/// What has a name that can be one, and has not come before: both are so in a file that is right.
fn distinct<T>(all: &[T], name: impl Fn(&T) -> &str) -> impl Iterator<Item = &T> {
    let mut seen = HashSet::new();
    all.iter()
        .filter(move |one| wf_model::is_name(name(one)) && seen.insert(ident(name(one))))
}

fn field(core: &TokenStream, visibility: &syn::Visibility, input: &Input) -> TokenStream {
    let name = ident(&input.name);
    let kind = kind(core, input.kind);
    let generated = format!("The input `{}`.", input.name);
    let documentation = input.description.clone().unwrap_or(generated);
    if input.required {
        quote!(#[doc = #documentation] #visibility #name: #kind)
    } else {
        quote!(#[doc = #documentation] #visibility #name: ::core::option::Option<#kind>)
    }
}

fn value(core: &TokenStream, place: Span, input: &Input) -> TokenStream {
    let mut name = ident(&input.name);
    name.set_span(place);
    if input.required {
        quote!(::core::option::Option::Some(#core::typed::boxed(self.#name)))
    } else {
        quote!(self.#name.map(#core::typed::boxed))
    }
}

/// The Rust type of the values that an input takes.
fn kind(core: &TokenStream, kind: InputKind) -> TokenStream {
    match kind {
        InputKind::String => quote!(::std::string::String),
        InputKind::Number => quote!(f64),
        InputKind::Integer => quote!(i64),
        InputKind::Boolean => quote!(bool),
        InputKind::Array => quote!(::std::vec::Vec<#core::value::Tree>),
        InputKind::Object => quote!(#core::value::Object),
        InputKind::Any => quote!(#core::value::Tree),
    }
}

/// The key of each step as a constant.
fn keys(visibility: &syn::Visibility, steps: &[Step]) -> TokenStream {
    // Keys that differ only in the case of their letters share a constant's name: the first has it.
    let mut seen = HashSet::new();
    let mut keys = TokenStream::new();
    for step in steps.iter().filter(|step| wf_model::is_name(&step.key)) {
        let name = format!("STEP_{}", step.key.replace('-', "_").to_uppercase());
        if seen.insert(name.clone()) {
            let name = Ident::new(&name, Span::call_site());
            let (documentation, key) = (format!("The key of step `{}`.", step.key), &step.key);
            keys.extend(quote! {
                #[doc = #documentation]
                #visibility const #name: &'static str = #key;
            });
        }
    }
    keys
}

fn getter(
    core: &TokenStream,
    visibility: &syn::Visibility,
    outputs: &TokenStream,
    at: usize,
    step: &Step,
) -> TokenStream {
    let name = ident(&step.key);
    let documentation = if step.optional {
        format!("The result of step `{}`; none when it failed.", step.key)
    } else {
        format!("The result of step `{}`.", step.key)
    };
    quote! {
        #[doc = #documentation]
        #[must_use]
        #visibility fn #name(&self) -> ::core::option::Option<&#core::value::Json> {
            #core::typed::Outputs::json(#outputs, #at)
        }
    }
}

/// A name of the file as an identifier: `-` becomes `_`, and a keyword is written raw.
fn ident(name: &str) -> Ident {
    let name = name.replace('-', "_");
    if matches!(name.as_str(), "self" | "Self" | "super" | "crate" | "_") {
        return format_ident!("{name}_");
    }
    match syn::parse_str::<Ident>(&name) {
        // A keyword since the edition of 2024, which syn takes for a name.
        Ok(_) if name == "gen" => Ident::new_raw(&name, Span::call_site()),
        Ok(_) => Ident::new(&name, Span::call_site()),
        Err(_) => Ident::new_raw(&name, Span::call_site()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::mistakes::Mistakes;
    use crate::parse::{Declaration, parse};

    #[test]
    fn every_keyword_is_an_identifier() {
        let raw = "abstract as async await become box break const continue do dyn else enum extern false final fn for \
            gen if impl in let loop macro match mod move mut override priv pub ref return static struct trait true try \
            type typeof unsafe unsized use virtual where while yield";
        for keyword in raw.split_whitespace() {
            assert_eq!(ident(keyword).to_string(), format!("r#{keyword}"));
        }
        for keyword in ["self", "Self", "super", "crate", "_"] {
            assert_eq!(ident(keyword).to_string(), format!("{keyword}_"));
        }
        for name in ["generate", "union", "auto", "raw", "safe"] {
            assert_eq!(ident(name).to_string(), name);
        }
    }

    #[test]
    fn the_compiler_watches_a_file_also_when_it_is_wrong() {
        let tokens = "pub workflow Review = file \"workflows/review.yaml\"";
        let declared = parse(tokens.parse().unwrap(), &mut Mistakes::default());
        let Some(Declaration::File(declaration)) = declared else {
            panic!("this declares a file");
        };
        for is_right in [false, true] {
            let checked = CheckedFile {
                path: Some(PathBuf::from("/host/workflows/review.yaml")),
                is_right,
                format: Format::Yaml,
                definition: wf_model::Definition::new("review"),
                inputs: Vec::new(),
            };
            let items = file(&declaration, &checked).to_string();
            let included = quote!(::core::include_str!("/host/workflows/review.yaml"));
            assert!(items.contains(&included.to_string()), "{items}");
        }
    }
}
