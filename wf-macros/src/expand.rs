//! From a declaration and what is known of it to items.

mod agents;
mod arguments;
mod file;
mod spec;
mod step;

use std::collections::HashSet;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Attribute, Type};

pub(crate) use file::file;

use self::spec::Spec;
use crate::analyse::{Analysed, plain};
use crate::crate_path::crate_path;
use crate::parse::{Step, Workflow};

/// The items of a workflow that is declared step by step.
pub(crate) fn workflow(workflow: &Workflow, analysed: &Analysed) -> TokenStream {
    let core = crate_path();
    let Workflow {
        documentation,
        visibility,
        name,
        inputs,
        ..
    } = workflow;
    // An editor takes the first use of a token for its meaning: the set of agents comes before the steps.
    let agents_shown = agents::shown_in_editor(&core, workflow);
    let Declared {
        head,
        place,
        output,
    } = Declared::by(visibility, name);
    let summary = documented(
        documentation,
        format!("The inputs of the workflow `{name}`."),
    );
    // A name that is repeated has been told.
    let mut seen = HashSet::new();
    let inputs: Vec<_> = inputs
        .iter()
        .filter(|input| seen.insert(plain(&input.name)))
        .collect();
    let fields = inputs.iter().map(|input| {
        let (name, kind) = (&input.name, &input.kind);
        let documentation = documented(&input.documentation, format!("The input `{name}`."));
        quote!(#documentation #visibility #name: #kind)
    });
    let input_names = inputs.iter().map(|input| &input.name);
    let codecs = inputs.iter().filter(|input| input.is_storable);
    let codecs = codecs.map(|input| codec(&core, &input.kind));
    let getters = distinct_steps(workflow);
    let outputs = outputs_of_self(place);
    let getters = getters.map(|(at, step)| getter(&core, visibility, &outputs, at, step));
    let output_summary = format!("The outputs of a completed run of [`{name}`].");
    let schemas = workflow
        .steps
        .iter()
        .filter_map(|step| step.settings.output_schema_at);
    let schemas = schemas.map(|place| output_schema(&core, place));
    let functions = step::functions(&core, workflow, analysed);
    let table = step::table(&core, workflow, analysed);
    let runs_on = agents::runs_on(&core, name, agents::of(workflow), workflow.agents.as_ref());
    let definition = &analysed.definition;
    // Without `<>` the compiler would take a type that it does not find for a parameter, which a workflow cannot have.
    let here = at(&core, place);
    let structs = quote_spanned! {place=>
        #summary
        #head #name<> {
            #(#fields,)*
        }

        #[doc = #output_summary]
        #[derive(Debug)]
        #head #output(#here::typed::Outputs);
    };
    let from_outputs = from_outputs(&core, &output, place);
    let spec = Spec {
        source: quote!(Declared(#definition)),
        codecs: quote!(#(#codecs),*),
        steps: table,
        values: quote!(#(::core::option::Option::Some(#core::typed::boxed(self.#input_names))),*),
    };
    let spec = spec.items(&core, name, &output);
    quote! {
        #agents_shown

        #structs

        #[automatically_derived]
        #[allow(dead_code, clippy::missing_panics_doc)]
        impl #output {
            #(#getters)*
        }

        #[doc(hidden)]
        const _: () = {
            #from_outputs

            #functions

            #spec

            #runs_on

            #(#schemas)*
        };
    }
}

/// The two types that a workflow declares. That one of their names is taken is told at the workflow's name.
struct Declared {
    /// What is before the name of either: its visibility, and `struct`.
    head: TokenStream,
    /// Where they are declared.
    place: Span,
    /// The name of the outputs.
    output: Ident,
}

impl Declared {
    fn by(visibility: &syn::Visibility, name: &Ident) -> Self {
        let place = Span::call_site().located_at(name.span());
        let visibility = at(&quote!(#visibility), place);
        Declared {
            head: quote_spanned!(place=> #visibility struct),
            place,
            output: Ident::new(&format!("{}Output", plain(name)), place),
        }
    }
}

/// How the outputs are made of what a run has kept.
fn from_outputs(core: &TokenStream, output: &Ident, place: Span) -> TokenStream {
    let core = at(core, place);
    quote_spanned! {place=>
        #[automatically_derived]
        impl ::core::convert::From<#core::typed::Outputs> for #output {
            fn from(outputs: #core::typed::Outputs) -> Self {
                #output(outputs)
            }
        }
    }
}

/// What a run has kept, in a method of the outputs.
fn outputs_of_self(place: Span) -> TokenStream {
    // The compiler looks for a `self` where the method has it.
    let this = Ident::new("self", Span::call_site());
    quote_spanned!(place=> &#this.0)
}

/// The codec of a type; what is wrong with the type is told where it stands.
fn codec(core: &TokenStream, kind: &Type) -> TokenStream {
    let place = Span::mixed_site().located_at(kind.span());
    let core = at(core, place);
    quote_spanned!(place=> #core::typed::Codec::of::<#kind>())
}

/// That output schemas are checked at all, asked where one is named.
fn output_schema(core: &TokenStream, place: Span) -> TokenStream {
    let place = Span::mixed_site().located_at(place);
    let core = at(core, place);
    quote_spanned!(place=> const _: () = <#core::typed::OutputSchema as #core::typed::Available>::IT;)
}

/// The path of wf-core at a place: an expression is told where its first token is, too.
fn at(core: &TokenStream, place: Span) -> TokenStream {
    let tokens = core.clone().into_iter().map(|mut token| {
        token.set_span(place);
        token
    });
    tokens.collect()
}

/// The method that gives a step's output.
fn getter(
    core: &TokenStream,
    visibility: &syn::Visibility,
    outputs: &TokenStream,
    at: usize,
    step: &Step,
) -> TokenStream {
    let (name, output) = (&step.name, &step.output);
    let generated = format!("The output of step `{name}`.");
    let documentation = documented(&step.documentation, generated);
    if step.settings.is_optional {
        quote! {
            #documentation
            #[must_use]
            #visibility fn #name(&self) -> ::core::option::Option<&#output> {
                #core::typed::Outputs::optional_step(#outputs, #at)
            }
        }
    } else {
        quote! {
            #documentation
            #[must_use]
            #visibility fn #name(&self) -> &#output {
                #core::typed::Outputs::step(#outputs, #at)
            }
        }
    }
}

/// The steps whose names have not come before: a repeated name has been told.
fn distinct_steps(workflow: &Workflow) -> impl Iterator<Item = (usize, &Step)> {
    let mut seen = HashSet::new();
    workflow
        .steps
        .iter()
        .enumerate()
        .filter(move |(_, step)| seen.insert(plain(&step.name)))
}

/// Documentation as it was written, else a sentence.
fn documented(attributes: &[Attribute], otherwise: String) -> TokenStream {
    if attributes.is_empty() {
        quote!(#[doc = #otherwise])
    } else {
        quote!(#(#attributes)*)
    }
}

/// The function that makes a step's prompt, or does the step.
fn function_name(step: usize) -> Ident {
    format_ident!("__wf_step_{step}")
}
