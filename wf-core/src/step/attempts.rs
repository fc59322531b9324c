//! The attempts made at a step: most steps have one, which needs no allocation of its own.

use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Serialize};

use super::Attempt;

/// The error of an attempt that is not the last keeps about this many bytes.
const EARLIER_ERROR: usize = 512;

/// So many attempts before the last keep that much of their errors.
const EARLIER: usize = 8;

/// The errors of those before them keep about this many bytes: every commit of a step writes all its attempts.
const OLD_ERROR: usize = 96;

/// The attempts made at a step, oldest first.
///
/// A slice of [`Attempt`]s that grows at its end.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Attempt>", into = "Vec<Attempt>")]
pub struct Attempts(Kept);

#[derive(Debug, Clone)]
enum Kept {
    AtMostOne(Option<Attempt>),
    Many(Vec<Attempt>),
}

impl Default for Kept {
    fn default() -> Self {
        Kept::AtMostOne(None)
    }
}

impl Attempts {
    /// No attempts.
    pub const fn new() -> Self {
        Attempts(Kept::AtMostOne(None))
    }

    /// Adds the attempt that was made last.
    pub fn push(&mut self, attempt: Attempt) {
        match &mut self.0 {
            Kept::Many(many) => many.push(attempt),
            Kept::AtMostOne(one) => match one.take() {
                None => *one = Some(attempt),
                Some(first) => self.0 = Kept::Many(vec![first, attempt]),
            },
        }
    }

    /// Adds an attempt that begins, and shortens the errors of those before it: the eight before it keep 512 bytes each,
    /// the others 96.
    pub(crate) fn begin(&mut self, attempt: Attempt) {
        if let Some(last) = self.len().checked_sub(1) {
            self[last].shorten_error(EARLIER_ERROR);
            if let Some(old) = last.checked_sub(EARLIER) {
                self[old].shorten_error(OLD_ERROR);
            }
        }
        self.push(attempt);
    }

    /// Takes away the attempt that was made last.
    pub fn pop(&mut self) -> Option<Attempt> {
        match &mut self.0 {
            Kept::AtMostOne(one) => one.take(),
            Kept::Many(many) => many.pop(),
        }
    }

    /// The attempts as a slice.
    pub fn as_slice(&self) -> &[Attempt] {
        match &self.0 {
            Kept::AtMostOne(one) => one.as_slice(),
            Kept::Many(many) => many,
        }
    }
}

impl Deref for Attempts {
    type Target = [Attempt];

    fn deref(&self) -> &[Attempt] {
        self.as_slice()
    }
}

impl DerefMut for Attempts {
    fn deref_mut(&mut self) -> &mut [Attempt] {
        match &mut self.0 {
            Kept::AtMostOne(one) => one.as_mut_slice(),
            Kept::Many(many) => many,
        }
    }
}

/// Equal when the attempts are, however they are kept.
impl PartialEq for Attempts {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl From<Vec<Attempt>> for Attempts {
    fn from(mut attempts: Vec<Attempt>) -> Self {
        Attempts(if attempts.len() > 1 {
            Kept::Many(attempts)
        } else {
            Kept::AtMostOne(attempts.pop())
        })
    }
}

impl From<Attempts> for Vec<Attempt> {
    fn from(attempts: Attempts) -> Self {
        match attempts.0 {
            Kept::AtMostOne(one) => one.into_iter().collect(),
            Kept::Many(many) => many,
        }
    }
}

impl<'a> IntoIterator for &'a Attempts {
    type Item = &'a Attempt;
    type IntoIter = std::slice::Iter<'a, Attempt>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Timestamp;

    #[test]
    fn attempts_come_and_go_at_the_end() {
        let attempt = |number| Attempt::start(number, Timestamp::from_millis(number.into()));
        let mut attempts = Attempts::new();
        assert_eq!(attempts.pop(), None);
        for number in 1..=3 {
            attempts.push(attempt(number));
            let numbers: Vec<u32> = attempts.iter().map(|made| made.number).collect();
            assert_eq!(numbers, (1..=number).collect::<Vec<_>>());
        }
        for number in (1..=3).rev() {
            assert_eq!(attempts.pop(), Some(attempt(number)));
        }
        assert!(attempts.is_empty());
        // What has had many is equal to what has had few.
        attempts.push(attempt(1));
        assert_eq!(attempts, Attempts::from(vec![attempt(1)]));
    }

    #[test]
    fn the_errors_of_earlier_attempts_are_shortened() {
        let start = |number| Attempt::start(number, Timestamp::from_millis(0));
        let failed =
            |number: u32| start(number).end(Timestamp::from_millis(1), Some("é".repeat(3_000)));
        let mut attempts = Attempts::new();
        for number in 1..=12 {
            attempts.begin(start(number));
            attempts.pop();
            attempts.push(failed(number));
        }
        let kept: Vec<usize> = attempts
            .iter()
            .map(|made| made.error.as_ref().unwrap().len())
            .collect();
        assert_eq!(
            kept,
            [99, 99, 99, 515, 515, 515, 515, 515, 515, 515, 515, 6_000]
        );
        assert!(attempts[0].error.as_ref().unwrap().ends_with("é…"));
    }

    #[test]
    fn attempts_are_written_as_a_list() {
        for count in 0..3 {
            let made = (1..=count).map(|number| Attempt::start(number, Timestamp::from_millis(5)));
            let made: Vec<Attempt> = made.collect();
            let text = serde_json::to_string(&made).unwrap();
            let read: Attempts = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
            assert_eq!(*read, *made);
        }
    }
}
