//! From a template and what is known to the prompt that an agent gets.

use std::borrow::Cow;

use wf_model::{Form, Part};

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

/// Everything that the prompt of one step is rendered from, to be rendered somewhere else.
#[derive(Clone)]
pub(crate) struct Rendering {
    step: usize,
    inputs: Vec<Json>,
    /// The results that the prompt reads, by step.
    results: Vec<(usize, Json)>,
    dry: bool,
}

impl Rendering {
    /// Takes what the prompt of `step` reads, when that is at least so many bytes.
    pub(crate) fn of_large<'a, R>(
        plan: &Plan,
        step: usize,
        known: &Known<'a, R>,
        bytes: usize,
    ) -> Option<Self>
    where
        R: Fn(usize) -> Option<&'a Json>,
    {
        let value = |part: &Part| match part {
            Part::Text(_) => None,
            Part::Input { input, .. } => known.inputs.get(*input),
            Part::Step { step, .. } => (known.result)(*step),
        };
        let parts = plan.template(step);
        let values = parts.iter().filter_map(value);
        let size: usize = values.map(|value| value.as_str().len()).sum();
        if size < bytes {
            return None;
        }
        let results = parts.iter().filter_map(|part| match part {
            Part::Step { step, .. } => Some((*step, (known.result)(*step)?.clone())),
            Part::Text(_) | Part::Input { .. } => None,
        });
        Some(Rendering {
            step,
            results: results.collect(),
            inputs: known.inputs.to_vec(),
            dry: known.dry,
        })
    }

    /// Renders the prompt.
    ///
    /// # Errors
    ///
    /// As [`render`].
    pub(crate) fn render(&self, plan: &Plan) -> Result<String, StepError> {
        let known = Known {
            inputs: &self.inputs,
            result: |step| {
                let mut results = self.results.iter();
                results.find(|(at, _)| *at == step).map(|(_, json)| json)
            },
            dry: self.dry,
        };
        render(plan, self.step, &known).map(Cow::into_owned)
    }
}

/// Renders the prompt of `step`, borrowed where nothing is inserted. What is inserted is not looked at again.
///
/// # Errors
///
/// A terminal [`StepError`] that names the placeholder whose path is missing, or says that the prompt is too long.
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
    let mut prompt = Prompt(String::with_capacity(texts.sum()));
    for part in parts {
        match part {
            Part::Text(range) => prompt.add(whole.get(range.clone()).unwrap_or_default())?,
            Part::Input { input, path, form } => {
                let name = plan
                    .inputs()
                    .get(*input)
                    .map_or("", |input| input.name.as_str());
                let text = known
                    .inputs
                    .get(*input)
                    .and_then(|value| written(value, path, *form));
                prompt.add(&text.ok_or_else(|| missing("input", name, path, None))?)?;
            }
            Part::Step { step, path, form } => {
                let key = plan.key(*step);
                let text = match (known.result)(*step) {
                    None => Cow::Borrowed("null"),
                    Some(result) => match written(result, path, *form) {
                        Some(text) => text,
                        None if known.dry => {
                            let shown = Json::string(&format!("<{key}.{}>", path.join(".")));
                            Cow::Owned(written(&shown, &[], *form).unwrap_or_default().into_owned())
                        }
                        None => return Err(missing("result of step", key, path, Some(result))),
                    },
                };
                prompt.add(&text)?;
            }
        }
    }
    Ok(Cow::Owned(prompt.0))
}

/// The longest prompt that an agent is given, in bytes: 64 MiB.
pub(crate) const LONGEST_PROMPT: usize = 64 << 20;

/// A prompt that grows up to the bound.
struct Prompt(String);

impl Prompt {
    fn add(&mut self, text: &str) -> Result<(), StepError> {
        if text.len() > LONGEST_PROMPT.saturating_sub(self.0.len()) {
            return Err(too_long());
        }
        self.0.push_str(text);
        Ok(())
    }
}

/// The error of a step whose prompt is longer than [`LONGEST_PROMPT`].
pub(crate) fn too_long() -> StepError {
    StepError::terminal(
        "the prompt is longer than 64 MiB; insert less, such as a path into a result, or give the agent a file",
    )
}

/// What a prompt shows of the value at a path.
fn written<'a>(value: &'a Json, path: &[String], form: Form) -> Option<Cow<'a, str>> {
    // A model's answer is often JSON in a fence: what reads a path in it means the JSON.
    if !path.is_empty()
        && let Some(fenced) = value.fenced()
    {
        let text = written_in(&fenced, path, form)?;
        return Some(Cow::Owned(text.into_owned()));
    }
    written_in(value, path, form)
}

fn written_in<'a>(value: &'a Json, path: &[String], form: Form) -> Option<Cow<'a, str>> {
    match form {
        Form::Text => value.text_at(path),
        Form::Json => value.at(path).map(Cow::Borrowed),
    }
}

fn missing(what: &str, name: &str, path: &[String], value: Option<&Json>) -> StepError {
    let hint = match path.first().map(String::as_str) {
        Some("output" | "outputs") => format!("; `{{{{{name}}}}}` is the whole of it"),
        _ if value.is_some_and(Json::begins_with_fence) => {
            ": it is a text that begins with a fence, in which there is no JSON".to_owned()
        }
        _ => String::new(),
    };
    let path = path.join(".");
    StepError::terminal(format_args!(
        "the prompt needs `{{{{{name}.{path}}}}}`, but the {what} `{name}` has no `{path}`{hint}"
    ))
}
