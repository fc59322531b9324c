//! Between a Rust value and the JSON that a store keeps of it.

use std::any::{Any, TypeId};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::finite::Finite;
use crate::value::Json;

/// A Rust value whose type is known where it is read.
pub type Typed = Arc<dyn Any + Send + Sync>;

/// A Rust value on the way to its [`Codec`], which knows that it can be sent and shared.
///
/// So that a type of which neither is true is told once, where it is named.
pub type Boxed = Box<dyn Any>;

/// Boxes a value.
pub fn boxed<T: Any>(value: T) -> Boxed {
    Box::new(value)
}

/// A type whose values can be a step's output or a workflow's input; every type that serde can write and read is.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the output of a step or an input",
    label = "a value of this type is stored as JSON and read back on resume",
    note = "derive `serde::Serialize` and `serde::Deserialize` for it, or for the types it holds; wrap a type of another crate in one of yours",
    note = "it must also be `Send + Sync + 'static`"
)]
pub trait StepOutput: Serialize + DeserializeOwned + Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> StepOutput for T {}

/// Writes and reads the values of one type.
#[derive(Debug, Clone, Copy)]
pub struct Codec {
    take: fn(Boxed) -> Result<Typed, String>,
    encode: fn(&(dyn Any + Send + Sync)) -> Result<Json, String>,
    decode: fn(&Json) -> Result<Typed, String>,
}

impl Codec {
    /// The codec of `T`.
    pub const fn of<T: StepOutput>() -> Self {
        Codec {
            take: take::<T>,
            encode: encode::<T>,
            decode: decode::<T>,
        }
    }

    /// Takes a value of the codec's type.
    ///
    /// # Errors
    ///
    /// When it is of another type.
    pub fn take(&self, value: Boxed) -> Result<Typed, String> {
        (self.take)(value)
    }

    /// Writes a value as JSON.
    ///
    /// # Errors
    ///
    /// What serde says when the type cannot be written as JSON, or that a number in it is not finite.
    pub fn encode(&self, value: &Typed) -> Result<Json, String> {
        (self.encode)(&**value)
    }

    /// Reads a value from JSON.
    ///
    /// A `String` takes an object or array as its text; any other type also parses a string as JSON.
    ///
    /// # Errors
    ///
    /// What does not fit, and at which field.
    pub fn decode(&self, json: &Json) -> Result<Typed, String> {
        (self.decode)(json).map_err(|error| shortened(&error))
    }
}

fn take<T: StepOutput>(value: Boxed) -> Result<Typed, String> {
    match value.downcast::<T>() {
        Ok(value) => Ok(Arc::new(*value)),
        Err(_) => Err(not_of_type::<T>()),
    }
}

fn not_of_type<T>() -> String {
    format!("it is not of type `{}`", std::any::type_name::<T>())
}

fn encode<T: StepOutput>(value: &(dyn Any + Send + Sync)) -> Result<Json, String> {
    let value = value.downcast_ref::<T>().ok_or_else(not_of_type::<T>)?;
    serde_json::to_string(&Finite(value))
        .map(Json::from_stored)
        .map_err(|error| error.to_string())
}

fn decode<T: StepOutput>(json: &Json) -> Result<Typed, String> {
    let text = json.as_str();
    let error = match serde_json::from_str::<T>(text) {
        Ok(value) => return Ok(Arc::new(value)),
        Err(error) => error,
    };
    if TypeId::of::<T>() == TypeId::of::<String>() {
        if text.starts_with(['{', '[']) {
            return Ok(Arc::new(text.to_owned()));
        }
        return Err(error.to_string());
    }
    let Ok(inner) = serde_json::from_str::<String>(text) else {
        return Err(misfit::<T>(text, &error));
    };
    let inner = inner.strip_prefix('\u{feff}').unwrap_or(&inner);
    match serde_json::from_str::<T>(inner) {
        Ok(value) => Ok(Arc::new(value)),
        // A text that was meant as JSON is told as such, any other as the string it is.
        Err(_) if serde_json::from_str::<serde::de::IgnoredAny>(inner).is_err() => {
            Err(error.to_string())
        }
        Err(error) => Err(misfit::<T>(inner, &error)),
    }
}

/// The message without the middle of what it quotes: an answer can be long.
fn shortened(message: &str) -> String {
    /// So many letters stand at either end.
    const SHOWN: usize = 200;
    let end = message.char_indices().nth(SHOWN);
    let begin = message.char_indices().nth_back(SHOWN - 1);
    let (Some((end, _)), Some((begin, _))) = (end, begin) else {
        return message.to_owned();
    };
    match (message.get(..end), message.get(begin..)) {
        (Some(first), Some(last)) if end < begin => format!("{first} … {last}"),
        _ => message.to_owned(),
    }
}

/// What does not fit and where: on the way to an error only, so that reading twice does not matter.
fn misfit<T: StepOutput>(text: &str, error: &serde_json::Error) -> String {
    let reader = &mut serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, T>(reader) {
        Err(found) if found.path().iter().next().is_some() => {
            format!("field `{}`: {}", found.path(), found.inner())
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: StepOutput + Clone>(json: &str) -> Result<T, String> {
        let value = Codec::of::<T>().decode(&Json::parse(json).unwrap())?;
        Ok(value.downcast_ref::<T>().cloned().unwrap())
    }

    #[test]
    fn a_string_takes_an_object_as_its_text_and_other_types_parse_a_string() {
        assert_eq!(read::<String>(r#"{"a":[1]}"#).unwrap(), r#"{"a":[1]}"#);
        assert_eq!(read::<String>(r#""{\"a\":1}""#).unwrap(), r#"{"a":1}"#);
        assert_eq!(read::<u32>(r#""42""#).unwrap(), 42);
        assert_eq!(read::<Vec<u8>>(r#""[1, 2]""#).unwrap(), [1, 2]);
        assert_eq!(
            read::<Option<String>>(r#""42""#).unwrap(),
            Some("42".to_owned())
        );
    }

    #[test]
    fn what_does_not_fit_names_the_field() {
        #[derive(Debug, Clone, Serialize, serde::Deserialize)]
        struct Changes {
            files: Vec<File>,
        }
        #[derive(Debug, Clone, Serialize, serde::Deserialize)]
        struct File {
            lines: u32,
        }
        assert_eq!(
            read::<Changes>(r#"{"files":[{"lines":1},{"lines":"x"}]}"#).unwrap_err(),
            "field `files[1].lines`: invalid type: string \"x\", expected u32 at line 1 column 34"
        );
        assert_eq!(
            read::<Changes>("{}").unwrap_err(),
            "missing field `files` at line 1 column 2"
        );
        assert_eq!(
            read::<Changes>(r#""sorry""#).unwrap_err(),
            "invalid type: string \"sorry\", expected struct Changes at line 1 column 7"
        );
        assert_eq!(
            read::<u32>(r#"{"a":1}"#).unwrap_err(),
            "invalid type: map, expected u32 at line 1 column 0"
        );
    }

    #[test]
    fn an_answer_that_does_not_fit_is_quoted_in_part() {
        let long = serde_json::json!("é".repeat(1 << 20)).to_string();
        let error = read::<u32>(&long).unwrap_err();
        assert!(error.starts_with("invalid type: string \"éé"), "{error}");
        assert!(
            error.ends_with("expected u32 at line 1 column 2097154"),
            "{error}"
        );
        assert_eq!(error.chars().count(), 403);
        let fits = "x".repeat(300);
        assert_eq!(shortened(&fits), fits);
    }

    #[test]
    fn an_output_reads_back_as_it_was_written() {
        let codec = Codec::of::<Vec<String>>();
        let value = codec.take(boxed(vec!["a".to_owned()])).unwrap();
        assert_eq!(codec.encode(&value).unwrap().as_str(), r#"["a"]"#);
        let other = Codec::of::<u8>().take(boxed(1_u8)).unwrap();
        assert!(codec.encode(&other).is_err());
        assert!(codec.take(boxed(1_u8)).is_err());
    }
}
