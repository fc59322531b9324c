//! Types of which no value can be stored, as far as they tell by how they are written.

use proc_macro2::Ident;
use quote::format_ident;
use syn::spanned::Spanned as _;
use syn::visit::{Visit, visit_type};
use syn::visit_mut::{VisitMut, visit_type_mut};
use syn::{Type, TypePath, parse_quote, parse_quote_spanned};

use crate::mistakes::Mistakes;
use crate::parse::Workflow;

/// Tells what cannot be the type of an input or an output, and puts one that can in its place.
///
/// A lifetime in a path is left to rustc: `Cow<'static, str>` can be read back, and another type may be.
pub(super) fn tell_unstorable(workflow: &mut Workflow, mistakes: &mut Mistakes) {
    let Workflow {
        inputs,
        steps,
        parameters,
        ..
    } = workflow;
    let inputs = inputs
        .iter_mut()
        .map(|input| (&mut input.kind, &mut input.is_storable));
    let outputs = steps
        .iter_mut()
        .map(|step| (&mut step.output, &mut step.is_storable));
    for (kind, is_storable) in inputs.chain(outputs) {
        let mut found = Unstorable {
            parameters,
            mistakes,
            is_found: false,
        };
        found.tell_unsized(kind);
        found.visit_type(kind);
        if found.is_found {
            *is_storable = false;
            StandIn { parameters }.put_for(kind);
        }
    }
}

/// Looks through a type.
struct Unstorable<'a> {
    parameters: &'a [Ident],
    mistakes: &'a mut Mistakes,
    is_found: bool,
}

impl Unstorable<'_> {
    fn tell(&mut self, kind: &Type, message: &str) {
        self.is_found = true;
        self.mistakes.push(syn::Error::new_spanned(kind, message));
    }
}

impl Unstorable<'_> {
    /// Only of the type itself: there is a `Box<str>`.
    fn tell_unsized(&mut self, kind: &Type) {
        let is_without_size = match kind {
            Type::Slice(_) => true,
            // A name alone may be that of a type of the user's.
            Type::Path(path) => {
                path.path.is_ident("str") || (unsized_of_std(path).is_some() && is_of_std(path))
            }
            _ => false,
        };
        if let Some(owned) = owned(kind).filter(|_| is_without_size) {
            let message =
                format!("a value is stored and read back, so it has a size; write `{owned}`");
            self.tell(kind, &message);
        }
    }
}

impl<'ast> Visit<'ast> for Unstorable<'_> {
    fn visit_type(&mut self, kind: &'ast Type) {
        match kind {
            // What a function or a trait object takes is not stored; rustc says that neither is itself.
            Type::FnPtr(_) | Type::TraitObject(_) => {}
            Type::Reference(reference) => {
                let message = match owned(&reference.elem) {
                    Some(owned) => format!(
                        "a value is stored and read back, so it cannot borrow; write `{owned}`"
                    ),
                    None => "a value is stored and read back, so it cannot borrow; write the type without `&`".to_owned(),
                };
                self.tell(kind, &message);
            }
            Type::Infer(_) => self.tell(
                kind,
                "the type is written out here: it is part of the definition and of what the workflow gives",
            ),
            Type::ImplTrait(_) => self.tell(
                kind,
                "a value is stored and read back, so its type must be one; write that instead of `impl …`",
            ),
            Type::Path(path) if path.path.get_ident().is_some_and(|name| self.parameters.contains(name)) => {
                self.is_found = true;
            }
            kind => visit_type(self, kind),
        }
    }
}

/// The type to write in the place of one that has no size, or of a reference to that or to one with a name.
fn owned(referred: &Type) -> Option<String> {
    match referred {
        Type::Path(path) if path.path.is_ident("str") => Some("String".to_owned()),
        Type::Path(path) if unsized_of_std(path).is_some() => {
            let (module, owned) = unsized_of_std(path)?;
            Some(if is_of_std(path) {
                format!("std::{module}::{owned}")
            } else {
                owned.to_string()
            })
        }
        Type::Path(path) => path.path.get_ident().map(ToString::to_string),
        Type::Slice(_) => Some("Vec<…>".to_owned()),
        _ => None,
    }
}

/// For a type of the standard library that has no size and a name: the module of the one that owns it, and its name.
fn unsized_of_std(path: &TypePath) -> Option<(Ident, Ident)> {
    let last = path.path.segments.last()?;
    let (module, owned) = match last.ident.to_string().as_str() {
        "Path" => ("path", "PathBuf"),
        "OsStr" => ("ffi", "OsString"),
        "CStr" => ("ffi", "CString"),
        _ => return None,
    };
    let is_alone = path.path.segments.len() == 1 && path.path.leading_colon.is_none();
    let is_plain = path.qself.is_none() && last.arguments.is_none();
    (is_plain && (is_alone || is_of_std(path)))
        .then(|| (format_ident!("{module}"), format_ident!("{owned}")))
}

/// Whether a path begins with the standard library.
fn is_of_std(path: &TypePath) -> bool {
    let segments = &path.path.segments;
    let is_std = |name: &Ident| {
        ["std", "core", "alloc"]
            .iter()
            .any(|library| name == library)
    };
    segments.len() > 1 && segments.first().is_some_and(|first| is_std(&first.ident))
}

/// Puts the type that was meant in the place of one that was told, so that what uses it is not told of the mistake again.
struct StandIn<'a> {
    parameters: &'a [Ident],
}

impl StandIn<'_> {
    fn put_for(&mut self, kind: &mut Type) {
        own(kind);
        self.visit_type_mut(kind);
    }
}

impl VisitMut for StandIn<'_> {
    fn visit_type_mut(&mut self, kind: &mut Type) {
        match kind {
            Type::FnPtr(_) | Type::TraitObject(_) => {}
            Type::Reference(reference) => {
                let mut referred = (*reference.elem).clone();
                self.put_for(&mut referred);
                *kind = referred;
            }
            Type::Infer(_) | Type::ImplTrait(_) => *kind = parse_quote!(()),
            Type::Path(path)
                if path
                    .path
                    .get_ident()
                    .is_some_and(|name| self.parameters.contains(name)) =>
            {
                *kind = parse_quote!(());
            }
            kind => visit_type_mut(self, kind),
        }
    }
}

/// Makes of a type without a size the one that owns such a value.
fn own(kind: &mut Type) {
    let place = kind.span();
    let owned = match kind {
        Type::Slice(slice) => {
            let element = &slice.elem;
            parse_quote!(::std::vec::Vec<#element>)
        }
        Type::Path(path) if path.path.is_ident("str") => {
            parse_quote_spanned!(place=> ::std::string::String)
        }
        Type::Path(path) => match unsized_of_std(path) {
            Some((module, owned)) => parse_quote_spanned!(place=> ::std::#module::#owned),
            None => return,
        },
        _ => return,
    };
    *kind = owned;
}
