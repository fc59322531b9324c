//! How an answer has ended, by the word with which a model or a program says so.

/// How an answer has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It is whole.
    Whole,
    /// It reached the most tokens that it may have.
    CutOff,
    /// It was withheld, or the model refused.
    Refused,
    /// It asks for something to be done.
    Tools,
    /// Nobody knows: the word is empty, or not known.
    Unknown,
}

/// The words of an answer that is whole: only these are taken for one.
const WHOLE: [&str; 5] = ["stop", "eos", "eos_token", "end_turn", "stop_sequence"];

/// What words have in them that say each of the others.
const FAMILIES: [(Ending, &[&str]); 4] = [
    (Ending::Unknown, &["malformed", "error"]),
    (
        Ending::CutOff,
        &["length", "token", "truncat", "context_window"],
    ),
    (
        Ending::Refused,
        &[
            "filter",
            "safety",
            "refus",
            "sensitive",
            "recitation",
            "block",
            "prohibited",
            "spii",
            "moderat",
        ],
    ),
    (Ending::Tools, &["tool", "function"]),
];

impl Ending {
    /// How the word says that an answer has ended, in whatever case.
    pub(crate) fn of(word: &str) -> Self {
        let word = word.trim().to_lowercase().replace(['-', ' '], "_");
        if WHOLE.contains(&word.as_str()) {
            return Ending::Whole;
        }
        let is_of = |parts: &[&str]| parts.iter().any(|part| word.contains(part));
        let family = FAMILIES.iter().find(|(_, parts)| is_of(parts));
        family.map_or(Ending::Unknown, |(ending, _)| *ending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart_by_a_list_and_by_families() {
        for (ending, words) in [
            (
                Ending::Whole,
                "stop STOP eos eos_token end_turn End-Turn stop_sequence",
            ),
            (
                Ending::CutOff,
                "length max_tokens MAX_TOKENS max_output_tokens model_length token_limit \
                 model_context_window_exceeded",
            ),
            (
                Ending::Refused,
                "content_filter content-filter SAFETY IMAGE_SAFETY refusal sensitive RECITATION BLOCKLIST \
                 PROHIBITED_CONTENT SPII",
            ),
            (
                Ending::Tools,
                "tool_calls tool-calls tool_use function_call",
            ),
            (
                Ending::Unknown,
                "null error abort other unknown pause_turn MALFORMED_FUNCTION_CALL stopped",
            ),
        ] {
            for word in words.split_whitespace() {
                assert_eq!(Ending::of(word), ending, "{word}");
            }
        }
        assert_eq!(Ending::of(""), Ending::Unknown);
        assert_eq!(Ending::of(" "), Ending::Unknown);
    }
}
