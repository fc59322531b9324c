//! What `?` makes of an error in a step's code.

use std::any::Any;
use std::error::Error;

use crate::agent::StepError;

/// Why a step's code failed: what `?` turns any error into.
///
/// A [`StepError`] stays what it is; any other error is taken as retryable, with all its sources in the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepFailure(StepError);

impl<E: Error + 'static> From<E> for StepFailure {
    fn from(error: E) -> Self {
        if let Some(error) = (&error as &dyn Any).downcast_ref::<StepError>() {
            return StepFailure(error.clone());
        }
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
    }
}
