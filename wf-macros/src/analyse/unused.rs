//! Inputs that nothing uses.

use super::scope::Scope;
use super::{Target, plain};
use crate::mistakes::Mistakes;
use crate::names;
use crate::parse::{Body, Input};

/// Tells the inputs that are not used.
///
/// Of a step's `unknown` names rustc tells: not of an input for which one may be meant, or that is in a plain text of
/// such a step. In the text of another it is told with what to do about that.
pub(super) fn tell_unused(
    scope: &Scope<'_>,
    is_used: &[bool],
    unknown: &[(usize, String)],
    mistakes: &mut Mistakes,
) {
    let inputs = scope.workflow.inputs.iter().zip(is_used).enumerate();
    for (at, (input, is_used)) in inputs {
        let plain = plain(&input.name);
        let is_repeated = scope.find(&plain) != Some(Target::Input(at));
        if *is_used || is_repeated || plain.starts_with('_') {
            continue;
        }
        if unknown
            .iter()
            .any(|(_, unknown)| scope.is_near(unknown, &plain))
        {
            continue;
        }
        let name = &input.name;
        let message = match in_text(scope, input) {
            Some(step) if unknown.iter().any(|(at, _)| *at == step) => continue,
            Some(step) => {
                let step = scope.name(Target::Step(step));
                format!(
                    "unused input `{name}`: `{{{plain}}}` is plain text in the code of step `{step}`; write `ask agent \"prompt\"`, or `format!(…)` around the text"
                )
            }
            None => format!(
                "unused input `{name}`: no step mentions it; remove it, or name it `_{plain}` to keep it"
            ),
        };
        mistakes.add(name.span(), message);
    }
}

/// The first step whose code has a text that would mention the input if it were formatted.
fn in_text(scope: &Scope<'_>, input: &Input) -> Option<usize> {
    let name = plain(&input.name);
    scope
        .workflow
        .steps
        .iter()
        .position(|step| match &step.body {
            Body::Rust(tokens) => names::in_texts(tokens.clone()).contains(&name),
            Body::Ask { .. } | Body::Broken(_) => false,
        })
}
