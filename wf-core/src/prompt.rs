//! From a template and what is known to the prompt that an agent gets.

use std::borrow::Cow;

use wf_model::Part;

use crate::agent::StepError;
use crate::plan::Plan;
use crate::value::Json;

/// What a prompt is rendered from.
pub(crate) struct Known<'a, R: Fn(usize) -> Option<&'a Json>> {
    /// The value of each input.
    pub(crate) inputs: &'a [Json],
    /// The result of a step: none when it failed and is optional.
    pub(crate) result: R,
    /// Whether answers were not really given, so that a path into one shows as `<step.path>`.
    pub(crate) dry: bool,
}

/// Renders the prompt of `step`, borrowed where nothing is inserted. What is inserted is not looked at again.
///
/// # Errors
///
/// A terminal [`StepError`] that names the placeholder whose path is missing.
pub(crate) fn render<'a, 'p, R>(
    plan: &'p Plan,
    step: usize,
    known: &Known<'a, R>,
) -> Result<Cow<'p, str>, StepError>
where
    R: Fn(usize) -> Option<&'a Json>,
{
    let parts = plan.template(step);
    let whole = plan.prompt(step);
    if let [Part::Text(all)] = parts
        && all.len() == whole.len()
    {
        return Ok(Cow::Borrowed(whole));
    }
    let texts = parts.iter().map(|part| match part {
        Part::Text(range) => range.len(),
        // A guess; most results are short.
        Part::Input { .. } | Part::Step { .. } => 64,
    });
    let mut prompt = String::with_capacity(texts.sum());
    for part in parts {
        match part {
            Part::Text(range) => prompt.push_str(whole.get(range.clone()).unwrap_or_default()),
            Part::Input { input, path } => {
                let name = plan
                    .inputs()
                    .get(*input)
                    .map_or("", |input| input.name.as_str());
                let text = known
                    .inputs
                    .get(*input)
                    .and_then(|value| value.text_at(path));
                prompt.push_str(&text.ok_or_else(|| missing("input", name, path))?);
            }
            Part::Step { step, path } => {
                let key = plan.key(*step);
                let text = match (known.result)(*step) {
                    None => Cow::Borrowed("null"),
                    Some(result) => match result.text_at(path) {
                        Some(text) => text,
                        None if known.dry => Cow::Owned(format!("<{key}.{}>", path.join("."))),
                        None => return Err(missing("result of step", key, path)),
                    },
                };
                prompt.push_str(&text);
            }
        }
    }
    Ok(Cow::Owned(prompt))
}

fn missing(what: &str, name: &str, path: &[String]) -> StepError {
    let path = path.join(".");
    StepError::terminal(format_args!(
        "the prompt needs `{{{{{name}.{path}}}}}`, but the {what} `{name}` has no `{path}`"
    ))
}
