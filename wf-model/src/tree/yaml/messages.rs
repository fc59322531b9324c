//! What the parser complains of, in words of the file.

use std::ops::Range;

use granit_parser::{ErrorKind as Kind, ScanError};

use crate::tree::syntax::{Syntax, char_at};

use super::build::too_deep;

/// Says in words of the file what the parser says with a kind.
pub(super) fn explained(text: &str, error: &ScanError) -> Syntax {
    let offset = error.marker().byte_offset().unwrap_or_default();
    let at = char_at(text, offset);
    let escape = |message: &str| {
        let at = char_at(text, bad_escape(text, offset));
        Syntax::new(
            at,
            message,
            "write a backslash as `\\\\`, or use single quotes",
        )
    };
    match error.kind() {
        Kind::RecursionLimitExceeded => too_deep(&at),
        Kind::UnexpectedCharacter { character } => unexpected_character(text, offset, *character),
        Kind::UnclosedFlowCollection { open } => {
            let close = closing(*open);
            Syntax::new(
                at,
                format!("a `{open}` that is never closed"),
                &format!("separate the entries with `,` and close it with `{close}`"),
            )
        }
        Kind::MismatchedFlowCollectionEnd { open, close } => Syntax::new(
            at,
            format!("a `{open}` that is closed by `{close}`"),
            &format!("close it with `{}`", closing(*open)),
        ),
        Kind::TabNotAllowed
        | Kind::TabInBlockIndentation
        | Kind::TabInIndentation
        | Kind::TabInPlainScalar
        | Kind::TabAtBlockScalarStart => Syntax::new(
            tab(text, offset).unwrap_or(at),
            "a tab where spaces are expected",
            "indent with spaces",
        ),
        Kind::UnknownQuotedScalarEscape => escape("unknown escape in a text in double quotes"),
        Kind::InvalidQuotedScalarHexEscape | Kind::InvalidLowSurrogateHexEscape => {
            escape("an escape that is not complete")
        }
        kind => {
            let (message, help) = known(kind).unwrap_or(if is_directive(text, offset) {
                (
                    "a directive that cannot be read",
                    "remove the line: no directives are needed; put text that begins with `%` in quotes",
                )
            } else {
                (
                    "this is not YAML",
                    "check the indentation, quotes and brackets here and just before",
                )
            });
            Syntax::new(at, message, help)
        }
    }
}

fn known(kind: &Kind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        Kind::MappingValueNotAllowed
        | Kind::InvalidColonPlacement
        | Kind::InvalidMappingValueWhitespace
        | Kind::FlowMappingValueAdjacentCollection => (
            "a `:` that cannot stand here",
            "put text that contains `: ` in quotes, and check the indentation",
        ),
        Kind::ExpectedBlockMappingKey => (
            "expected a key",
            "check the indentation of this line, and that quotes before it are closed",
        ),
        Kind::ExpectedBlockSequenceEntry => (
            "expected a list entry",
            "begin it with `- `, indented as the entries before it",
        ),
        Kind::SimpleKeyExpected | Kind::InvalidSimpleKey => (
            "expected `:` after a key",
            "write `key: value`, and check the indentation",
        ),
        Kind::ExpectedFlowSequenceSeparator => (
            "expected `,` or `]`",
            "separate the entries with `,` and close the list with `]`",
        ),
        Kind::ExpectedFlowMappingSeparator => (
            "expected `,` or `}`",
            "separate the entries with `,` and close the mapping with `}`",
        ),
        Kind::MisplacedFlowCollectionEnd => (
            "a bracket or brace that closes nothing",
            "remove it, or put the whole text in quotes",
        ),
        Kind::ExpectedNodeContent
        | Kind::UnexpectedEndOfPlainScalar
        | Kind::UnexpectedEof
        | Kind::UnexpectedEofBlockMapping
        | Kind::UnexpectedEofBlockSequence
        | Kind::UnexpectedEofFlowMapping
        | Kind::UnexpectedEofFlowSequence
        | Kind::UnexpectedEofImplicitFlowMapping => (
            "expected a value",
            "write a value, or close the brackets and braces before it",
        ),
        Kind::InvalidIndentation
        | Kind::InvalidFlowScalarIndent
        | Kind::InvalidQuotedScalarIndent
        | Kind::InvalidBlockScalarIndent => (
            "an indentation that does not fit the lines before it",
            "indent the lines of one text, list or mapping alike",
        ),
        Kind::UnclosedQuotedScalar | Kind::DocumentIndicatorInQuotedScalar => (
            "a quote that is never closed",
            "close it, or put the whole text in quotes of the other kind",
        ),
        Kind::InvalidTrailingSingleQuotedScalar | Kind::InvalidTrailingDoubleQuotedScalar => (
            "more text after a text in quotes",
            "put the whole text in quotes, of the other kind if it contains some",
        ),
        Kind::InvalidLowSurrogate
        | Kind::MissingLowSurrogate
        | Kind::UnpairedLowSurrogate
        | Kind::InvalidUnicodeEscape => (
            "an escape in this text stands for no character",
            "write the character itself",
        ),
        Kind::UnknownAnchor => (
            "unknown alias",
            "define it before with `&name`; put text that begins with `*` in quotes",
        ),
        Kind::MissingAnchorOrAliasName => (
            "an alias or anchor without a name",
            "put text that begins with `*` or `&` in quotes",
        ),
        Kind::BlockSequenceEntryNotAllowed
        | Kind::BlockEntryInFlowCollection
        | Kind::InvalidBlockEntryWhitespace => (
            "a list cannot begin here",
            "put its first `- ` on a line of its own",
        ),
        Kind::PlainScalarStartsWithDashFlowIndicator => (
            "text cannot begin with `-` here",
            "put the whole text in quotes",
        ),
        Kind::MappingKeyNotAllowed => ("a key cannot stand here", "check the indentation"),
        Kind::UndeclaredTagHandle
        | Kind::InvalidTagTerminator
        | Kind::MissingTagUri
        | Kind::UnclosedVerbatimTag
        | Kind::InvalidTagEscape => (
            "unknown tag",
            "remove it; if it is meant as text, put the whole text in quotes",
        ),
        Kind::CommentInterceptedScalar => (
            "a comment in the middle of a text",
            "put the whole text in quotes, or the comment on a line before it",
        ),
        Kind::CommentNotSeparated => (
            "a comment that begins right after something else",
            "put a space before `#`; put text that contains ` #` in quotes",
        ),
        Kind::ZeroBlockScalarIndent | Kind::InvalidBlockScalarHeader => (
            "more text after the `|` or `>` that begins a text of several lines",
            "begin the text on the next line; put text that begins with `|` or `>` in quotes",
        ),
        Kind::ExpectedDocumentStart
        | Kind::InvalidDocumentEnd
        | Kind::MissingDocumentEndBeforeDirective => (
            "more text after the end of the document",
            "keep one document in a file, and check the indentation",
        ),
        Kind::BomInsideDocument => (
            "a byte order mark after the beginning of the file",
            "remove it",
        ),
        _ => return None,
    })
}

fn closing(open: char) -> char {
    if open == '[' { ']' } else { '}' }
}

/// Explains a character that YAML allows nowhere, or not at the beginning of a text.
fn unexpected_character(text: &str, offset: usize, character: char) -> Syntax {
    if character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}') {
        // The parser names the character, but stands where the text around it begins.
        let rest = text.get(offset..).unwrap_or_default();
        let ahead = rest.find(character).unwrap_or_default();
        return Syntax::new(
            char_at(text, offset + ahead),
            format!(
                "the control character U+{:04X} cannot stand in YAML",
                u32::from(character)
            ),
            "remove it, or write it as an escape in double quotes; is this a text file?",
        );
    }
    let shown = if character == '`' {
        "a backtick".to_owned()
    } else {
        format!("`{character}`")
    };
    Syntax::new(
        char_at(text, offset),
        format!("text cannot begin with {shown}"),
        "put the whole text in quotes",
    )
}

/// Finds the tab that is meant: in the indentation of the line, or else the next one.
fn tab(text: &str, offset: usize) -> Option<Range<usize>> {
    let start = line_start(text, offset);
    let indentation = text.get(start..offset)?;
    let from = if indentation.trim_start().is_empty() {
        start
    } else {
        offset
    };
    let at = from + text.get(from..)?.find('\t')?;
    Some(at..at + 1)
}

fn is_directive(text: &str, offset: usize) -> bool {
    let line = text.get(line_start(text, offset)..);
    line.is_some_and(|line| line.starts_with('%'))
}

fn line_start(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or_default();
    before.rfind(['\n', '\r']).map_or(0, |end| end + 1)
}

/// Finds the first escape that cannot be read in the text in double quotes that begins at an offset.
fn bad_escape(text: &str, offset: usize) -> usize {
    let mut letters = text.get(offset..).unwrap_or_default().char_indices();
    while let Some((at, letter)) = letters.next() {
        if letter != '\\' {
            continue;
        }
        let digits = match letters.next() {
            Some((_, 'x')) => 2,
            Some((_, 'u')) => 4,
            Some((_, 'U')) => 8,
            Some((_, known)) if "0abt\tnvfre \"/\\N_LP\n\r".contains(known) => 0,
            _ => return offset + at,
        };
        let mut ahead = letters.clone().take(digits);
        if !ahead.all(|(_, digit)| digit.is_ascii_hexdigit()) {
            return offset + at;
        }
    }
    offset
}
