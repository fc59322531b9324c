//! From a declaration and what the checker says to items.

use proc_macro2::TokenStream;
use quote::quote;
use wf_model::Format;

use crate::check::Checked;
use crate::declaration::Declaration;

pub(crate) fn expand(declaration: &Declaration, checked: Checked) -> TokenStream {
    // The compiler watches what is included, also when it is wrong.
    let text = checked
        .path
        .as_deref()
        .and_then(|path| path.to_str())
        .map(|path| quote!(::core::include_str!(#path)));
    let source = text.unwrap_or_else(|| quote!(""));
    let mistakes =
        checked.definition.as_ref().err().map(|mistakes| {
            syn::Error::new(declaration.path.span(), mistakes).into_compile_error()
        });
    let reader = match &checked.definition {
        Ok((_, Format::Json)) => quote!(from_json),
        _ => quote!(from_yaml),
    };
    let documentation = checked.definition.ok().map(|(definition, _)| {
        let text = definition.description.unwrap_or(definition.name);
        quote!(#[doc = #text])
    });
    let Declaration {
        attributes,
        visibility,
        name,
        path,
    } = declaration;
    quote! {
        #mistakes

        #(#attributes)*
        #documentation
        #[derive(Debug, Clone, Copy)]
        #visibility struct #name;

        impl #name {
            /// The workflow file's text, as it was checked.
            pub const SOURCE: &'static str = #source;

            /// The workflow's plan.
            ///
            /// # Errors
            ///
            /// None that the compiler has not reported: the text was checked when this was compiled.
            pub fn plan() -> ::core::result::Result<
                ::std::sync::Arc<::wf_core::plan::Plan>,
                ::wf_core::plan::Report,
            > {
                ::wf_core::plan::Plan::#reader(#path, Self::SOURCE)
            }
        }
    }
}
