//! Whatever is typed, a macro answers: what is left out or put in anywhere makes it tell, and never panic.

use proc_macro2::{Group, TokenStream, TokenTree};

use crate::declare;

const DECLARATION: &str = r##"
    #[version = "1"]
    pub workflow r#type(a: String, mut b: Vec<u8>) for Team {
        #[retry(attempts = 3)]
        step x: String = ask expert "{a} {b:?} {n}", n = a.len();
        #[after(x)] #[timeout = "3s"]
        step y: usize = { let q = x.len(); q + b.len() };
        let z: u8 = 1;
        step w = ask security-expert "{a.b} {y-1}";
        step r#v: String = ask @c "{w}", q: w.await;
        #[optional]
        step u: T = self.a;
    }
"##;

/// What is put in the place of a token.
const OTHERS: [&str; 10] = [
    "",
    "-",
    "@",
    ":",
    "=",
    "ask",
    "step",
    "match",
    "\"{a.b()}\"",
    "r#type",
];

/// How many tokens there are, those in groups included.
fn count(tokens: &TokenStream) -> usize {
    let inside = tokens.clone().into_iter().map(|token| match token {
        TokenTree::Group(group) => 1 + count(&group.stream()),
        _ => 1,
    });
    inside.sum()
}

/// The tokens with others in the place of one of them, or before it.
fn changed(tokens: TokenStream, at: &mut usize, others: &TokenStream, keeps: bool) -> TokenStream {
    let changed = tokens.into_iter().map(|token| {
        let is_here = *at == 0;
        *at = at.wrapping_sub(1);
        let mut changed = TokenStream::new();
        if is_here {
            changed.extend(others.clone());
        }
        if !is_here || keeps {
            changed.extend([match token {
                TokenTree::Group(group) => {
                    let inside = self::changed(group.stream(), at, others, keeps);
                    TokenTree::Group(Group::new(group.delimiter(), inside))
                }
                token => token,
            }]);
        }
        changed
    });
    changed.collect()
}

#[test]
fn no_token_that_is_missing_or_too_many_makes_the_macro_panic() {
    let declaration: TokenStream = DECLARATION.parse().unwrap();
    for at in 0..count(&declaration) {
        for other in OTHERS {
            let others: TokenStream = other.parse().unwrap();
            for keeps in [false, true] {
                let text = changed(declaration.clone(), &mut at.clone(), &others, keeps);
                let told = declare(text.clone()).to_string();
                assert!(told.contains("compile_error"), "{text}");
            }
        }
    }
}
