//! What `?` makes of an error in a step's code.

use std::error::Error;

use crate::agent::StepError;

/// Why a step's code failed: what `?` turns an error into.
///
/// It takes whatever a `Box<dyn Error>` takes: every error, such a box, a text, an `anyhow::Error`. A [`StepError`]
/// stays what it is, also in a box; any other error is taken as retryable, with all its sources in the message. A
/// `Box<dyn Error + Send + Sync>` is no error of its own and turns into no other box by itself: write
/// `.map_err(StepError::retryable)` before the `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepFailure(StepError);

/// An error that `?` takes in a step's code: whatever a `Box<dyn Error>` takes.
///
/// No implementation can be added for `Box<dyn Error + Send + Sync>`: std may make it an [`Error`] one day, and then there
/// would be two.
#[diagnostic::on_unimplemented(
    message = "`?` in a step does not take a `{Self}`",
    label = "`?` does not take this error; write `.map_err(StepError::retryable)?`"
)]
pub trait Cause {
    /// The failure that it causes.
    fn into_failure(self) -> StepFailure;
}

#[diagnostic::do_not_recommend]
impl<E: Into<Box<dyn Error>>> Cause for E {
    fn into_failure(self) -> StepFailure {
        let error = match self.into().downcast::<StepError>() {
            Ok(error) => return StepFailure(*error),
            Err(error) => error,
        };
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            message.push_str(": ");
            message.push_str(&error.to_string());
            source = error.source();
        }
        StepFailure(StepError::retryable(message))
    }
}

impl<E: Cause> From<E> for StepFailure {
    fn from(error: E) -> Self {
        error.into_failure()
    }
}

impl StepFailure {
    /// The failure as an attempt ends with it.
    pub fn into_step_error(self) -> StepError {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_retryable_and_a_step_error_stays_what_it_is() {
        let error = "x".parse::<u32>().unwrap_err();
        assert_eq!(
            StepFailure::from(error).into_step_error(),
            StepError::retryable("invalid digit found in string")
        );
        let terminal = StepError::terminal("no");
        assert_eq!(
            StepFailure::from(terminal.clone()).into_step_error(),
            terminal
        );
        let boxed: Box<dyn Error> = terminal.clone().into();
        assert_eq!(StepFailure::from(boxed).into_step_error(), terminal);
    }

    #[test]
    fn a_boxed_error_and_a_text_are_errors_too() {
        let boxed: Box<dyn Error> = "no".into();
        let no = StepError::retryable("no");
        assert_eq!(StepFailure::from(boxed).into_step_error(), no);
        assert_eq!(StepFailure::from("no").into_step_error(), no);
        assert_eq!(StepFailure::from("no".to_owned()).into_step_error(), no);
        let shared: Result<(), Box<dyn Error + Send + Sync>> = Err("no".into());
        assert_eq!(shared.map_err(StepError::retryable), Err(no));
    }
}
