//! What is wrong with a command line, and what was probably meant.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Error};
use wf_model::nearest;

use super::arguments::Arguments;

/// What clap does not say of the mistake: where a command is that was looked for elsewhere, or what a file could be.
pub(crate) fn hint(error: &Error) -> Option<String> {
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidSubcommand)
            else {
                return None;
            };
            command(given)
        }
        ErrorKind::MissingRequiredArgument => missing(error),
        _ => None,
    }
}

fn command(given: &str) -> Option<String> {
    let root = Arguments::command();
    let workflow = root.find_subcommand("workflow")?;
    let names: Vec<&str> = workflow
        .get_subcommands()
        .map(clap::Command::get_name)
        .collect();
    if names.contains(&given) {
        return Some(format!("write `ax workflow {given}`"));
    }
    if let Some(near) = nearest(given, names.iter().copied()) {
        return Some(format!("did you mean `ax workflow {near}`?"));
    }
    let is_file = super::start::looks_like_a_file(given);
    is_file.then(|| format!("to run a workflow, write `ax workflow run {given}`"))
}

fn missing(error: &Error) -> Option<String> {
    let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let is_missing = |name: &str| missing.iter().any(|missing| missing.contains(name));
    if is_missing("CHECKPOINT-ID") {
        Some("`ax workflow checkpoints EXECUTION-ID` lists them".to_owned())
    } else if is_missing("FILE") {
        Some(
            "FILE is a workflow in YAML or JSON, such as `review.yaml`, or `-` for standard input"
                .to_owned(),
        )
    } else if is_missing("<ID>") {
        Some("`ax workflow executions` lists the identifiers".to_owned())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn hint_of(arguments: &[&str]) -> String {
        let arguments = [&["ax"], arguments].concat();
        hint(&Arguments::try_parse_from(arguments).unwrap_err()).unwrap_or_default()
    }

    #[test]
    fn a_mistaken_command_line_is_told_what_was_probably_meant() {
        for (arguments, said) in [
            (&["run", "x.yaml"][..], "write `ax workflow run`"),
            (&["statsu", "x"], "did you mean `ax workflow status`?"),
            (
                &["workflow", "resmue", "x"],
                "did you mean `ax workflow resume`?",
            ),
            (
                &["review.yaml"],
                "to run a workflow, write `ax workflow run review.yaml`",
            ),
            (
                &["workflow", "review.yaml"],
                "to run a workflow, write `ax workflow run review.yaml`",
            ),
            (&["workflow", "run"], "`-` for standard input"),
            (&["workflow", "status"], "`ax workflow executions` lists"),
            (
                &["workflow", "restore"],
                "`ax workflow checkpoints EXECUTION-ID` lists",
            ),
            (&["workflow", "graph", "--bogus"], ""),
        ] {
            let hint = hint_of(arguments);
            assert!(hint.contains(said), "{arguments:?}: {hint}");
        }
    }
}
