//! What a step's code sees: the values that it mentions.

use std::any::Any;
use std::fmt::{self, Write as _};
use std::ops::Deref;
use std::sync::Arc;

use super::Typed;
use crate::value::Json;

/// A value in both its forms.
#[derive(Clone)]
pub struct Value {
    pub(crate) json: Json,
    pub(crate) typed: Typed,
}

impl Value {
    /// The value as its type.
    ///
    /// # Panics
    ///
    /// When it is of another type, which does not happen in what `workflow!` writes.
    pub(crate) fn get<T: Any>(&self) -> &T {
        match self.typed.downcast_ref() {
            Some(value) => value,
            None => panic!(
                "a step reads a value as `{}`, which it is not",
                std::any::type_name::<T>()
            ),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.json.fmt(f)
    }
}

/// The inputs of a run and the outputs that one of its steps mentions.
///
/// Inputs are numbered as the workflow declares them, outputs as the step's
/// [dependencies](crate::typed::StepSpec::dependencies). The methods panic, which fails the step, on a number or
/// a type that the workflow does not have there; what `workflow!` writes never does.
#[derive(Debug, Clone)]
pub struct StepContext {
    pub(crate) inputs: Arc<[Value]>,
    pub(crate) steps: Vec<Option<Value>>,
}

impl StepContext {
    /// An input.
    ///
    /// # Panics
    ///
    /// See [`StepContext`].
    pub fn input<T: Any>(&self, input: usize) -> &T {
        self.inputs[input].get()
    }

    /// The output of a step.
    ///
    /// # Panics
    ///
    /// See [`StepContext`].
    pub fn step<T: Any>(&self, dependency: usize) -> &T {
        self.present(dependency).get()
    }

    /// The output of an optional step; none when it failed.
    ///
    /// # Panics
    ///
    /// See [`StepContext`].
    pub fn optional_step<T: Any>(&self, dependency: usize) -> Option<&T> {
        self.steps[dependency].as_ref().map(Value::get)
    }

    /// An input, to be inserted into a prompt.
    ///
    /// # Panics
    ///
    /// See [`StepContext`].
    pub fn show_input<T: Any>(&self, input: usize) -> Shown<'_, T> {
        Shown::new(&self.inputs[input])
    }

    /// The output of a step, to be inserted into a prompt.
    ///
    /// # Panics
    ///
    /// See [`StepContext`].
    pub fn show_step<T: Any>(&self, dependency: usize) -> Shown<'_, T> {
        Shown::new(self.present(dependency))
    }

    /// The output of an optional step, to be inserted into a prompt: `null` when it failed.
    ///
    /// # Panics
    ///
    /// See [`StepContext`].
    pub fn show_optional_step<T: Any>(&self, dependency: usize) -> ShownOptional<'_, T> {
        let value = self.steps[dependency].as_ref();
        ShownOptional {
            json: value.map(|value| &value.json),
            value: value.map(Value::get),
        }
    }

    fn present(&self, dependency: usize) -> &Value {
        match &self.steps[dependency] {
            Some(value) => value,
            None => panic!("a step that is not optional has no output"),
        }
    }
}

/// A value as a prompt shows it: a string as it is, anything else as compact JSON. Otherwise it is a `&T`.
pub struct Shown<'a, T> {
    json: &'a Json,
    value: &'a T,
}

impl<'a, T: Any> Shown<'a, T> {
    fn new(value: &'a Value) -> Self {
        Shown {
            json: &value.json,
            value: value.get(),
        }
    }
}

impl<T> Deref for Shown<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value
    }
}

impl<T> fmt::Display for Shown<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self.json, f)
    }
}

/// The formats of numbers that are not in decimal, as the value itself has them.
macro_rules! show_as_the_value {
    ($($format:ident)*) => {$(
        impl<T: fmt::$format> fmt::$format for Shown<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.value.fmt(f)
            }
        }
    )*};
}

show_as_the_value!(Binary Octal LowerHex UpperHex LowerExp UpperExp);

impl<T: fmt::Debug> fmt::Debug for Shown<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// The output of an optional step as a prompt shows it. Otherwise it is an `Option<&T>`.
pub struct ShownOptional<'a, T> {
    json: Option<&'a Json>,
    value: Option<&'a T>,
}

impl<'a, T> Deref for ShownOptional<'a, T> {
    type Target = Option<&'a T>;

    fn deref(&self) -> &Option<&'a T> {
        &self.value
    }
}

impl<T> fmt::Display for ShownOptional<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.json {
            Some(json) => show(json, f),
            None => f.pad("null"),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for ShownOptional<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// Writes a value as a prompt shows it, in the format that is asked for.
///
/// A width is for everything. A number takes the rest as in `format!`, a precision cuts a string, and no other value
/// has one: a part of an array or an object is no JSON.
fn show(json: &Json, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let text = json.to_text();
    if f.width().is_none() && f.precision().is_none() && !f.sign_plus() {
        return f.write_str(&text);
    }
    match json.as_str().as_bytes().first() {
        Some(b'"') => f.pad(&text),
        Some(b'-' | b'0'..=b'9') => show_number(&text, f),
        _ => pad_whole(&text, f),
    }
}

/// Writes a number; one that is whole and has a fraction in its text, as `1.0`, keeps it.
fn show_number(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if let Ok(number) = text.parse::<u128>() {
        fmt::Display::fmt(&number, f)
    } else if let Ok(number) = text.parse::<i128>() {
        fmt::Display::fmt(&number, f)
    } else if let Ok(number) = text.parse::<f64>() {
        fmt::Debug::fmt(&number, f)
    } else {
        f.pad(text)
    }
}

/// Writes a text in the width that is asked for, and all of it.
fn pad_whole(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let missing = f.width().unwrap_or(0).saturating_sub(text.chars().count());
    let before = match f.align() {
        None | Some(fmt::Alignment::Left) => 0,
        Some(fmt::Alignment::Center) => missing / 2,
        Some(fmt::Alignment::Right) => missing,
    };
    let fill = f.fill();
    for _ in 0..before {
        f.write_char(fill)?;
    }
    f.write_str(text)?;
    for _ in before..missing {
        f.write_char(fill)?;
    }
    Ok(())
}
