//! Answers that have to be JSON: how a model is asked for it, and what is made of the way models write it.

use serde_json::Value;

/// What a model is told of the schema that its answer has to fit.
pub(crate) fn demand(schema: &Value) -> String {
    format!(
        "Answer with JSON alone, without any other text, that is valid against this JSON Schema:\n{schema}"
    )
}

/// What is between fences, when the text is one block of JSON between them: models are fond of these.
pub(crate) fn unfenced(text: &str) -> &str {
    let inner = text
        .trim()
        .strip_prefix("```")
        .and_then(|rest| rest.strip_suffix("```"))
        .and_then(|rest| rest.split_once('\n'));
    match inner {
        Some((language, inner))
            if matches!(language.trim(), "" | "json" | "JSON") && !inner.contains("```") =>
        {
            inner
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_block_between_fences_is_taken_for_what_is_in_it() {
        assert_eq!(unfenced("```json\n{\"a\": 1}\n```\n"), "{\"a\": 1}\n");
        assert_eq!(unfenced("```\n[1]\n```"), "[1]\n");
        for text in [
            "{}",
            "see ```json\n{}\n```",
            "```sh\nls\n```",
            "```\na\n``` and ```\nb\n```",
        ] {
            assert_eq!(unfenced(text), text);
        }
    }
}
