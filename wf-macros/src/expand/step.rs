//! A step's code: one small function, and a row of the table.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned as _;

use super::arguments::Arguments;
use super::{codec, function_name};
use crate::analyse::{Analysed, AnalysedStep, Target, plain};
use crate::parse::{Body, Step, Workflow};

/// The functions of all steps.
pub(super) fn functions(
    core: &TokenStream,
    workflow: &Workflow,
    analysed: &Analysed,
) -> TokenStream {
    let steps = workflow.steps.iter().zip(&analysed.steps).enumerate();
    steps
        .map(|(at, (step, known))| {
            let name = function_name(at);
            let context = Ident::new("context", Span::mixed_site());
            match &step.body {
                _ if known.is_without_code => TokenStream::new(),
                Body::Ask {
                    prompt, arguments, ..
                } => {
                    let offers = offers(workflow, known);
                    let read = Arguments::read(arguments);
                    let computed = read.as_ref().map(Arguments::computed_with).unwrap_or_default();
                    let mut shown = Vec::new();
                    let bindings = bindings(workflow, known, &context, |name, show| {
                        let name_in_text = plain(name);
                        let is_computed_with = computed.contains(&name_in_text);
                        if is_computed_with {
                            shown.push((name_in_text, name.clone(), show));
                        }
                        !is_computed_with
                    });
                    let arguments = match &read {
                        Some(read) if !shown.is_empty() => read.showing(&prompt.value(), &shown),
                        _ => arguments.clone(),
                    };
                    let misplaced = misplaced(core, workflow, at, known);
                    quote! {
                        #[allow(unreachable_code, unused_variables, clippy::all, clippy::pedantic, clippy::nursery)]
                        fn #name(
                            #context: &#core::typed::StepContext,
                        ) -> ::core::result::Result<::std::string::String, #core::typed::StepFailure> {
                            #offers
                            #bindings
                            #misplaced
                            ::core::result::Result::Ok(::std::format!(#prompt #arguments))
                        }
                    }
                }
                Body::Rust(tokens) if known.has_return => {
                    returning(core, &name, step, tokens, &lets(workflow, known, &context))
                }
                Body::Rust(tokens) => {
                    let lets = lets(workflow, known, &context);
                    let output = &step.output;
                    let expression = expression(step, tokens);
                    let value = Ident::new("output", Span::mixed_site());
                    let end = Ident::new("end", Span::mixed_site());
                    let block = quote!({
                        #lets
                        let #value: #output = #expression
                        // Only this is unreachable behind a `todo!()`: the lint stays on for the code above.
                        #[allow(unreachable_code)]
                        let #end = ::core::result::Result::<#core::typed::Boxed, #core::typed::StepFailure>::Ok(
                            #core::typed::boxed(#value),
                        );
                        #end
                    });
                    run(core, &name, step, &context, &block)
                }
                Body::Broken(_) => TokenStream::new(),
            }
        })
        .collect()
}

/// The function of a step whose code has a `return`: it ends what the code is, an `async` function.
fn returning(
    core: &TokenStream,
    name: &Ident,
    step: &Step,
    tokens: &TokenStream,
    lets: &TokenStream,
) -> TokenStream {
    let context = Ident::new("context", Span::mixed_site());
    // A function is seen by the code in it, whatever its hygiene: its name must be none of the user's.
    let code = Ident::new("__wf_code", Span::mixed_site());
    let value = Ident::new("output", Span::mixed_site());
    let end = Ident::new("end", Span::mixed_site());
    let output = &step.output;
    let expression = expression(step, tokens);
    // A value that does not fit is told beside the type that the step declares.
    let place = Span::mixed_site().located_at(output.span());
    let result = quote_spanned!(place=> ::core::result::Result<#output, #core::typed::StepFailure>);
    let block = quote! {{
        #[allow(unused_variables, clippy::let_unit_value, clippy::needless_return)]
        async fn #code(#context: &#core::typed::StepContext) -> #result {
            #lets
            let #value: #output = #expression
            #[allow(unreachable_code)]
            let #end = ::core::result::Result::Ok(#value);
            #end
        }
        ::core::result::Result::Ok(#core::typed::boxed(#code(&#context).await?))
    }};
    run(core, name, step, &context, &block)
}

/// The function that runs a step's code.
fn run(
    core: &TokenStream,
    name: &Ident,
    step: &Step,
    context: &Ident,
    block: &TokenStream,
) -> TokenStream {
    // That the future is not `Send` is told at the step's name.
    let place = Span::mixed_site().located_at(step.name.span());
    let future = quote_spanned!(place=> ::std::boxed::Box::pin(async move #block));
    quote! {
        #[allow(unused_variables, clippy::let_unit_value)]
        fn #name(
            #context: #core::typed::StepContext,
        ) -> #core::typed::BoxFuture<
            'static,
            ::core::result::Result<#core::typed::Boxed, #core::typed::StepFailure>,
        > {
            #future
        }
    }
}

/// The step's expression, with the `;` behind it: what is missing before that is told there.
///
/// It stands where it would stand if it were whole: an editor compares this with what it would be if something more were
/// typed.
fn expression(step: &Step, tokens: &TokenStream) -> TokenStream {
    let end = &step.end;
    quote!(#tokens #end)
}

/// What the code can name.
fn lets(workflow: &Workflow, known: &AnalysedStep, context: &Ident) -> TokenStream {
    let offers = offers(workflow, known);
    let bindings = bindings(workflow, known, context, |_, _| false);
    quote!(#offers #bindings)
}

/// The rows of all steps.
pub(super) fn table(core: &TokenStream, workflow: &Workflow, analysed: &Analysed) -> TokenStream {
    let steps = workflow.steps.iter().zip(&analysed.steps).enumerate();
    steps
        .map(|(at, (step, known))| {
            let function = function_name(at);
            let output = &step.output;
            let output_type = written(output);
            let codec = codec(core, output);
            let code = match &step.body {
                _ if known.is_without_code => quote!(#core::typed::Code::Template),
                Body::Ask { agent, .. } => {
                    let agent = agent.text();
                    quote! {
                        #core::typed::Code::Agent(#core::typed::AgentStep {
                            agent: #agent,
                            render: #function,
                            output_type: #output_type,
                            output: #codec,
                        })
                    }
                }
                Body::Rust(_) => quote! {
                    #core::typed::Code::Native(#core::typed::NativeStep {
                        run: #function,
                        output_type: #output_type,
                        output: #codec,
                    })
                },
                Body::Broken(_) => quote!(#core::typed::Code::Template),
            };
            let dependencies = known
                .dependencies()
                .filter_map(|step| u32::try_from(step).ok());
            quote! {
                #core::typed::StepSpec { code: #code, dependencies: &[#(#dependencies),*] },
            }
        })
        .collect()
}

/// What the code reads, bound to the names under which it was declared: as its value, or as a prompt shows it.
///
/// The declaration's own tokens are used, so that an editor can go from a use to the declaration and rename both.
fn bindings(
    workflow: &Workflow,
    known: &AnalysedStep,
    context: &Ident,
    mut is_shown: impl FnMut(&Ident, TokenStream) -> bool,
) -> TokenStream {
    let mut bindings = TokenStream::new();
    let mut dependency = 0_usize;
    for target in &known.references {
        let (name, show, value) = match *target {
            Target::Input(at) => {
                let Some(input) = workflow.inputs.get(at) else {
                    continue;
                };
                let (name, kind) = (&input.name, &input.kind);
                let show = quote!(#context.show_input::<#kind>(#at));
                (name, show, quote!(let #name: &#kind = #context.input(#at);))
            }
            Target::Step(at) => {
                let Some(step) = workflow.steps.get(at) else {
                    continue;
                };
                let (name, output) = (&step.name, &step.output);
                let (show, value) = if step.settings.is_optional {
                    let value = quote! {
                        let #name: ::core::option::Option<&#output> = #context.optional_step(#dependency);
                    };
                    (
                        quote!(#context.show_optional_step::<#output>(#dependency)),
                        value,
                    )
                } else {
                    let value = quote!(let #name: &#output = #context.step(#dependency););
                    (quote!(#context.show_step::<#output>(#dependency)), value)
                };
                dependency += 1;
                (name, show, value)
            }
        };
        bindings.extend(if is_shown(name, show.clone()) {
            quote!(let #name = #show;)
        } else {
            value
        });
    }
    bindings
}

/// Names that the code could use and does not: declared and never set, so that they cost nothing and cannot be
/// used by accident, but rustc suggests them for a misspelt name and an editor for one that is half typed.
fn offers(workflow: &Workflow, known: &AnalysedStep) -> TokenStream {
    known
        .offers
        .iter()
        .filter_map(|target| {
            let (name, kind, is_optional) = match *target {
                Target::Input(at) => {
                    let input = workflow.inputs.get(at)?;
                    (&input.name, &input.kind, false)
                }
                Target::Step(at) => {
                    let step = workflow.steps.get(at)?;
                    (&step.name, &step.output, step.settings.is_optional)
                }
            };
            Some(if is_optional {
                quote!(let #name: ::core::option::Option<&#kind>;)
            } else {
                quote!(let #name: &#kind;)
            })
        })
        .collect()
}

/// Steps that the prompt must not show, bound to what cannot be shown: the error stands where they are in the text,
/// which a macro cannot point at.
fn misplaced(
    core: &TokenStream,
    workflow: &Workflow,
    at: usize,
    known: &AnalysedStep,
) -> TokenStream {
    // Named as the steps are, and declared where they are.
    let type_of = |name: &Ident| {
        let place = Span::mixed_site().located_at(name.span());
        let mut kind = name.clone();
        kind.set_span(place);
        let declaration = quote_spanned! {place=>
            #[allow(non_camel_case_types)]
            enum #kind {}
        };
        (kind, declaration)
    };
    let Some(step) = workflow
        .steps
        .get(at)
        .filter(|_| !known.misplaced.is_empty())
    else {
        return TokenStream::new();
    };
    let (this, declaration) = type_of(&step.name);
    let mentioned = known.misplaced.iter().filter_map(|&mentioned| {
        let name = &workflow.steps.get(mentioned)?.name;
        Some(if mentioned == at {
            quote!(let #name = #core::typed::Itself::<#this>::new();)
        } else {
            let (kind, declaration) = type_of(name);
            quote! {
                #declaration
                let #name = #core::typed::Later::<#kind, #this>::new();
            }
        })
    });
    quote! {
        #declaration
        #(#mentioned)*
    }
}

/// A type as it was written, without white space that does not matter.
fn written(output: &Type) -> String {
    let mut text = String::new();
    for part in quote!(#output).to_string().split_whitespace() {
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        if text.ends_with(is_word) && part.starts_with(is_word) {
            text.push(' ');
        }
        text.push_str(part);
    }
    text
}
