//! The `inputs` section.

use crate::check::default_mismatch;
use crate::definition::{Input, InputKind};
use crate::keys;
use crate::literal::Literal;
use crate::problem::{Problem, quoted};
use crate::tree::{Digits, Entry, Node, Reader, Value};

const KEYS: [&str; 4] = keys::names(&keys::INPUT);

/// Reads the inputs and the place of each name; an input that is not right is read as one that takes anything.
pub(super) fn read(node: Node, reader: &mut Reader) -> Option<(Vec<Input>, Vec<u32>)> {
    if node.value == Value::Null {
        return Some((Vec::new(), Vec::new()));
    }
    let digits = reader.digits(&node);
    let entries = reader.mapping("inputs", node)?;
    let inputs = entries.into_iter().map(|entry| {
        let place = entry.key.place;
        (input(entry, &digits, reader), place)
    });
    Some(inputs.unzip())
}

fn input(entry: Entry, digits: &Digits, reader: &mut Reader) -> Input {
    let name = entry.key.text.to_string();
    let Value::Mapping(_) = entry.value.value else {
        if entry.value.value != Value::Null {
            let message = format!(
                "input {} is {}, but must be a mapping",
                quoted(&name),
                entry.value.value.kind()
            );
            let help = format!(
                "write it as `{}: {{ type: string }}`",
                crate::problem::shown(&name)
            );
            reader.report(Problem::error(entry.value.place, message).help(help));
            return Input::required(name, InputKind::Any);
        }
        return Input::required(name, InputKind::String);
    };
    let mut kind = Some(InputKind::String);
    let (mut required, mut default, mut description) = (true, None, None);
    for entry in reader.mapping(&name, entry.value).unwrap_or_default() {
        let (key, value) = (entry.key, entry.value);
        match (&*key.text, &value.value) {
            ("default", _) => {
                let place = value.place;
                let node = value.clone();
                let value = reader.json("default", value);
                default = Some((place, value.map(|value| Literal::at(&node, digits, value))));
            }
            (known, Value::Null) if KEYS.contains(&known) => {}
            ("type", _) => {
                kind = reader.choice(
                    "type",
                    value,
                    &InputKind::ALL.map(InputKind::name),
                    InputKind::parse,
                );
            }
            ("required", _) => required = reader.boolean("required", value).unwrap_or(true),
            ("description", _) => description = reader.text("description", value),
            _ => {
                reader.unknown_key(&key, &KEYS);
            }
        }
    }
    let has_default = default.is_some();
    let default = default.and_then(|(place, default)| {
        let default = default?;
        let Some(mismatch) = kind.and_then(|kind| default_mismatch(kind, default.value())) else {
            return Some(default);
        };
        let message = format!("the default of input {} {mismatch}", quoted(&name));
        let help = if default.value().is_null() {
            "leave `default` out, and write `required: false` if a run need not give it"
        } else {
            "change the default or the `type`"
        };
        reader.report(Problem::error(place, message).help(help));
        None
    });
    Input {
        name,
        kind: kind.unwrap_or(InputKind::Any),
        required: required && !has_default,
        default,
        description,
    }
}
