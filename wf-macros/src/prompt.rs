//! A prompt in `format!` syntax, and what a workflow file would have in its place.

/// A piece of a prompt.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// A letter of text; an escaped brace is one.
    Text(char),
    /// `{name}` or `{name:format}`; the name may be empty or a number.
    Argument {
        name: &'a str,
        format: Option<&'a str>,
    },
    /// A brace without its partner: rustc says so.
    Broken,
}

/// What a placeholder of a prompt becomes in a workflow file.
pub(crate) enum Placeholder {
    /// `{{name}}`
    Reference(String),
    /// Something only code can compute.
    Computed,
}

/// Cuts a prompt into pieces.
pub(crate) fn pieces(prompt: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = prompt;
    while let Some(letter) = rest.chars().next() {
        let after = rest.get(letter.len_utf8()..).unwrap_or_default();
        rest = after;
        if !matches!(letter, '{' | '}') {
            pieces.push(Piece::Text(letter));
        } else if let Some(after) = after.strip_prefix(letter) {
            pieces.push(Piece::Text(letter));
            rest = after;
        } else if let Some((argument, after)) = after.split_once('}').filter(|_| letter == '{') {
            let (name, format) = match argument.split_once(':') {
                Some((name, format)) => (name, Some(format)),
                None => (argument, None),
            };
            pieces.push(Piece::Argument {
                name: name.trim(),
                format,
            });
            rest = after;
        } else {
            pieces.push(Piece::Broken);
        }
    }
    pieces
}

/// The names that a text in `format!` syntax mentions: `{name}`, and `{name:>width$.precision$}`.
pub(crate) fn names(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for piece in pieces(text) {
        if let Piece::Argument { name, format } = piece {
            names.push(name);
            names.extend(format.into_iter().flat_map(parameters));
        }
    }
    names.retain(|name| is_name(name));
    names
}

/// Whether `format!` takes a prompt, as far as its braces and what stands in them go.
pub(crate) fn is_whole(prompt: &str) -> bool {
    pieces(prompt).iter().all(|piece| match piece {
        Piece::Text(_) => true,
        Piece::Argument { name, .. } => is_plain(name),
        Piece::Broken => false,
    })
}

/// What stands in the braces of a prompt and is code that computes; of a field rustc says what to do.
pub(crate) fn computations(prompt: &str) -> Vec<&str> {
    let is_computation = |code: &&str| {
        use syn::Expr::{
            Await, Binary, Call, Cast, Index, Macro, MethodCall, Paren, Reference, Try, Unary,
        };
        let parsed = syn::parse_str(code);
        matches!(
            parsed,
            Ok(Await(_)
                | Binary(_)
                | Call(_)
                | Cast(_)
                | Index(_)
                | Macro(_)
                | MethodCall(_)
                | Paren(_)
                | Reference(_)
                | Try(_)
                | Unary(_))
        )
    };
    let pieces = pieces(prompt).into_iter();
    let codes = pieces.filter_map(|piece| match piece {
        Piece::Argument { name, .. } => Some(name).filter(|name| !is_plain(name)),
        Piece::Text(_) | Piece::Broken => None,
    });
    codes.filter(is_computation).collect()
}

/// Whether `format!` takes it as an argument: a name, a number or nothing.
fn is_plain(name: &str) -> bool {
    is_name(name) || name.chars().all(|letter| letter.is_ascii_digit())
}

/// Whether a text mentions a name, and only as `{name}` or `{name:?}`.
pub(crate) fn is_only_shown(text: &str, name: &str) -> bool {
    let mut is_shown = false;
    for piece in pieces(text) {
        let Piece::Argument {
            name: shown,
            format,
        } = piece
        else {
            continue;
        };
        if format
            .into_iter()
            .flat_map(parameters)
            .any(|one| one == name)
        {
            return false;
        }
        if shown == name {
            if !matches!(format, None | Some("?" | "#?")) {
                return false;
            }
            is_shown = true;
        }
    }
    is_shown
}

/// The width and the precision of a format, when they are names:
/// `[[fill]align][sign]['#']['0'][width '$']['.' precision '$'][type]`.
fn parameters(format: &str) -> impl Iterator<Item = &str> {
    let mut letters = format.chars();
    let is_align = |letter: Option<char>| matches!(letter, Some('<' | '^' | '>'));
    // What stands before an alignment fills, whatever it is.
    let (first, rest) = (letters.next(), letters.as_str());
    let rest = if is_align(letters.next()) {
        letters.as_str()
    } else if is_align(first) {
        rest
    } else {
        format
    };
    let rest = rest.trim_start_matches(['+', '-', '#']);
    let (width, precision) = match rest.split_once('.') {
        Some((width, precision)) => (width, Some(precision)),
        None => (rest, None),
    };
    // A zero before the width is a flag.
    let width = width.strip_prefix('0').unwrap_or(width);
    let counts = [Some(width), precision].into_iter().flatten();
    counts.filter_map(|count| count.split_once('$').map(|(name, _)| name))
}

/// The prompt as a workflow file has it, and whether it says all that the prompt says.
pub(crate) fn template(prompt: &str, meaning: impl Fn(&str) -> Placeholder) -> (String, bool) {
    let mut template = String::new();
    let mut is_whole = true;
    let mut braces = 0;
    for piece in pieces(prompt) {
        if piece == Piece::Text('{') {
            braces += 1;
            continue;
        }
        // Two braces are written as four; one alone is text, unless a placeholder follows.
        template.push_str(&"{{{{".repeat(braces / 2));
        let is_odd = braces % 2 == 1;
        if is_odd {
            template.push('{');
        }
        braces = 0;
        match piece {
            Piece::Text(letter) => template.push(letter),
            Piece::Argument { name, format } => match meaning(name) {
                Placeholder::Reference(name) if format.is_none() && !is_odd => {
                    template.push_str(&format!("{{{{{name}}}}}"));
                }
                _ => {
                    is_whole = false;
                    template.push_str(wf_model::NATIVE);
                    template.push_str(name);
                }
            },
            Piece::Broken => is_whole = false,
        }
    }
    template.push_str(&"{{{{".repeat(braces / 2));
    if braces % 2 == 1 {
        template.push('{');
    }
    (template, is_whole)
}

/// Placeholders as a workflow file writes them, which in Rust are escaped braces: `{{parse-changes.result}}`.
pub(crate) fn file_placeholders(prompt: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = prompt;
    std::iter::from_fn(move || {
        loop {
            let (_, after) = rest.split_once("{{")?;
            rest = after;
            let Some((inside, after)) = after.split_once("}}") else {
                continue;
            };
            let head = inside.trim().split('.').next().unwrap_or_default();
            if wf_model::is_name(head) {
                rest = after;
                return Some((inside.trim(), head));
            }
        }
    })
}

/// Whether a text is a name, a keyword included: `format!` takes `{type}` for `r#type`.
fn is_name(text: &str) -> bool {
    let mut letters = text.chars();
    letters
        .next()
        .is_some_and(|first| first.is_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_alphanumeric() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_file(prompt: &str) -> (String, bool) {
        template(prompt, |name| match name {
            "n" => Placeholder::Computed,
            name => Placeholder::Reference(name.replace('_', "-")),
        })
    }

    #[test]
    fn a_prompt_is_written_as_a_file_has_it() {
        assert_eq!(in_file("a {b_c}."), ("a {{b-c}}.".into(), true));
        assert_eq!(in_file("{{x}} {b}"), ("{x} {{b}}".into(), true));
        assert_eq!(in_file("{{{{x}}}}"), ("{{{{x}}".into(), true));
        assert_eq!(in_file("{{{{{b}"), ("{{{{{{b}}".into(), true));
    }

    #[test]
    fn what_a_file_cannot_say_is_marked() {
        assert_eq!(in_file("{n} of {b}"), ("native:n of {{b}}".into(), false));
        assert_eq!(in_file("{b:>4}"), ("native:b".into(), false));
        assert_eq!(in_file("{{{b}"), ("{native:b".into(), false));
        assert!(!in_file("{b").1);
    }

    #[test]
    fn a_width_and_a_precision_are_mentions() {
        assert_eq!(names("{a:>width$}"), ["a", "width"]);
        assert_eq!(
            names("{a:width$.precision$} {b:.c$}"),
            ["a", "width", "precision", "b", "c"]
        );
        assert_eq!(names("{a:$<+#0w$x?}"), ["a", "w"]);
        assert_eq!(names("{a:é^w$}"), ["a", "w"]);
        assert_eq!(names("{0:1$} {:<5} {a:.*} {b:#?}"), ["a", "b"]);
    }

    #[test]
    fn a_name_that_is_more_than_shown_is_known() {
        assert!(is_only_shown("{a} {a:?} {b:>4} {{c}}", "a"));
        for name in ["b", "c", "d"] {
            assert!(
                !is_only_shown("{a} {b:>4} {{c}} {d} {a:d$}", name),
                "{name}"
            );
        }
    }

    #[test]
    fn code_in_braces_is_told_from_other_things_that_are_no_names() {
        let found = computations(
            "{a} {0} {} {a.b} {{c()}} {d.len()} {\"e\": 1} {f, g} {h-i:?} {j[0]} {k}}",
        );
        assert_eq!(found, ["d.len()", "h-i", "j[0]"]);
        assert!(is_whole("{a} {0} {} {{b.c}} {d:>5}"));
        for broken in ["{a.b}", "{a", "a}", "{a b}"] {
            assert!(!is_whole(broken), "{broken}");
        }
    }

    #[test]
    fn placeholders_of_a_file_are_recognised() {
        let found: Vec<_> =
            file_placeholders("{{a-b.result}} {{ c }} {{\"json\": 1}} {{x").collect();
        assert_eq!(found, [("a-b.result", "a-b"), ("c", "c")]);
    }
}
