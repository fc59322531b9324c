//! What is said of a text that is no tree.

use std::ops::Range;

use super::MOST_LEVELS;

/// A document that is no tree: what is wrong and where in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Syntax {
    pub(crate) at: Range<usize>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Syntax {
    pub(super) fn new(at: Range<usize>, message: impl Into<String>, help: &str) -> Self {
        Syntax {
            at,
            message: message.into(),
            help: (!help.is_empty()).then(|| help.to_owned()),
        }
    }

    /// Refuses a document of more levels than [`MOST_LEVELS`].
    pub(super) fn too_deep(at: Range<usize>, help: &str) -> Self {
        let message = format!("the document nests deeper than {MOST_LEVELS} levels");
        Syntax::new(at, message, help)
    }
}

/// Returns the range of the character at an offset, or before it.
pub(super) fn char_at(text: &str, offset: usize) -> Range<usize> {
    let start = text.floor_char_boundary(offset);
    let rest = text.get(start..).unwrap_or_default();
    start..start + rest.chars().next().map_or(0, char::len_utf8)
}
