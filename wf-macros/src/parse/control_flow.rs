//! `if`, `for` and the like between steps.

use proc_macro2::TokenTree;
use syn::parse::ParseStream;
use syn::{Token, token};

use crate::mistakes::Mistakes;

/// Reads over a statement that chooses or repeats, and tells what to write instead; `false` where there is none.
pub(super) fn tell(content: ParseStream<'_>, mistakes: &mut Mistakes) -> syn::Result<bool> {
    let (word, way_out) = if content.peek(Token![if]) {
        (
            "if",
            "choose within a step: `step name: Type = if … { … } else { … };`",
        )
    } else if content.peek(Token![match]) {
        (
            "match",
            "choose within a step: `step name: Type = match … { … };`",
        )
    } else if content.peek(Token![for]) {
        ("for", REPEAT)
    } else if content.peek(Token![while]) {
        ("while", REPEAT)
    } else if content.peek(Token![loop]) {
        ("loop", REPEAT)
    } else {
        return Ok(false);
    };
    mistakes.push(content.error(format!(
        "a workflow is made of steps, and `{word}` is none; {way_out}"
    )));
    block(content)?;
    while content.peek(Token![else]) {
        block(content)?;
    }
    content.parse::<Option<Token![;]>>()?;
    Ok(true)
}

const REPEAT: &str =
    "repeat within a step: `step name: Vec<Type> = { … };`, or write each step out";

/// Reads up to the end of the next block.
fn block(content: ParseStream<'_>) -> syn::Result<()> {
    while !content.is_empty() {
        let is_block = content.peek(token::Brace);
        content.parse::<TokenTree>()?;
        if is_block {
            break;
        }
    }
    Ok(())
}
