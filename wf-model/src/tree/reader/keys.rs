//! The keys of mappings: those that are unknown, missing, or there twice.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::problem::{Problem, quoted};
use crate::tree::{Entry, Key};

use super::Reader;

impl Reader {
    /// Reports a key that has no meaning, with the one that was probably meant, which it returns.
    pub fn unknown_key<'a>(&mut self, key: &Key, known: &[&'a str]) -> Option<&'a str> {
        let mut message = format!("unknown key {}", quoted(&key.text));
        let meant = self.suggestions.nearest(&key.text, known.iter().copied());
        if let Some(meant) = meant {
            message.push_str(&format!("; did you mean {}?", quoted(meant)));
        }
        let problem = Problem::error(key.place, message);
        self.report(match meant {
            Some(_) => problem,
            None => problem.help(format!(
                "the keys here are {}",
                known
                    .iter()
                    .map(|key| quoted(key))
                    .collect::<Vec<_>>()
                    .join(", ")
            )),
        });
        meant
    }

    /// Reports a key of another tool's files: what to write here instead.
    pub fn foreign_key(&mut self, key: &Key, help: &str) {
        let message = format!("unknown key {}", quoted(&key.text));
        self.report(Problem::error(key.place, message).help(help));
    }

    /// Reports a key that other tools use for what is called `meant` here, which it returns.
    pub(crate) fn unknown_key_for<'a>(&mut self, key: &Key, meant: &'a str) -> &'a str {
        let message = format!(
            "unknown key {}; did you mean {}?",
            quoted(&key.text),
            quoted(meant)
        );
        self.report(Problem::error(key.place, message));
        meant
    }

    /// Reports that a mapping lacks a key.
    pub fn missing_key(&mut self, place: u32, key: &str, help: &str) {
        self.report(Problem::error(place, format!("missing key {}", quoted(key))).help(help));
    }

    /// Reports that two keys say the same thing.
    pub fn two_spellings(
        &mut self,
        (first, first_place): (&str, u32),
        (second, second_place): (&str, u32),
    ) {
        let message = format!(
            "{} and {} are two spellings of one thing",
            quoted(first),
            quoted(second)
        );
        self.report(
            Problem::error(second_place, message)
                .help("keep one of them")
                .also(first_place, "the other is here"),
        );
    }

    pub(super) fn remove_duplicates(&mut self, entries: &mut Vec<Entry>) {
        // Looking through a few keys is quicker than hashing them.
        const FEW: usize = 16;
        let has_duplicates = if entries.len() <= FEW {
            let mut rest = entries.as_slice();
            let mut found = false;
            while let Some((first, after)) = rest.split_first() {
                found |= after.iter().any(|entry| entry.key.text == first.key.text);
                rest = after;
            }
            found
        } else {
            let mut seen = HashSet::with_capacity(entries.len());
            !entries.iter().all(|entry| seen.insert(&*entry.key.text))
        };
        if !has_duplicates {
            return;
        }
        let mut first_of: HashMap<Arc<str>, u32> = HashMap::new();
        entries.retain(|entry| {
            let Some(first) = first_of.get(&entry.key.text) else {
                first_of.insert(entry.key.text.clone(), entry.key.place);
                return true;
            };
            let message = format!("duplicate key {}", quoted(&entry.key.text));
            let problem = Problem::error(entry.key.place, message).help("keep one of them");
            self.report(problem.also(*first, "the first is here"));
            false
        });
    }
}
