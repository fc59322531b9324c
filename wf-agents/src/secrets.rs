//! Keeps secrets out of what people read.

mod forms;
mod json;
mod lines;
mod members;
mod order;
mod stream;
mod texts;

use std::sync::{Arc, OnceLock};

use aho_corasick::{AhoCorasick, MatchKind};

use order::Order;
pub(crate) use stream::Redactor;
pub(crate) use texts::Texts;

/// What stands where a secret stood.
const MASK: &[u8] = b"[redacted]";

/// Values shorter than this, in bytes, are left alone in results: a word such as `dev` or `1` would be torn
/// out of honest data, and is no secret that lasts.
const SHORTEST_IN_RESULTS: usize = 8;

/// So many bytes of a secret, or more, are not shown where a text is cut partway through it. A value with fewer is no
/// secret: the mask would stand in place of every `1` of a message and hide what went wrong.
const TELLING: usize = 4;

/// By so many bytes at their beginning the places are found where a value may be.
const ANCHOR: usize = 16;

/// Whole numbers below this are told apart by their value; above it, by their digits alone.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The values that must not appear where people read, in each of the forms in which they come back. Clones share
/// them.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Arc<Values>);

#[derive(Clone, Default)]
struct Values {
    /// The longest first, so that a secret which holds another is masked whole.
    values: Vec<Vec<u8>>,
    order: Order,
    /// Finds the beginnings of values in one pass over a text, made when it is needed first; none where there are too many.
    finder: OnceLock<Option<AhoCorasick>>,
    /// Those that are whole numbers, as far as each is known exactly: a number can be written in several ways.
    numbers: Vec<f64>,
}

impl Secrets {
    /// Adds a value, the value without the white space around it, its lines, what is secret in it where it is JSON, and the
    /// forms that programs and servers give all of these in messages: escaped as JSON in several ways, once or twice, percent-encoded,
    /// in base64. One of less than 4 bytes hides nothing.
    pub(crate) fn add(&mut self, value: &[u8]) {
        let trimmed = value.trim_ascii();
        if trimmed.len() < TELLING {
            return;
        }
        let members = members::of(trimmed);
        let members: Vec<&[u8]> = members.iter().map(String::as_bytes).collect();
        // The lines of a JSON text are not secret by themselves, those of what is in it are.
        let of_lines = if members.is_empty() {
            &[trimmed]
        } else {
            members.as_slice()
        };
        let lines: Vec<Vec<u8>> = of_lines.iter().flat_map(|text| lines::of(text)).collect();
        let lines = lines.iter().map(Vec::as_slice);
        let mut new = Vec::new();
        for value in [value, trimmed].into_iter().chain(members).chain(lines) {
            new.push(value.to_vec());
            new.extend(forms::of(value));
        }
        Arc::make_mut(&mut self.0).extend(new);
    }

    /// Adds a value that is hidden from everybody: one of at least 8 bytes. Shorter ones are words, and secrets only
    /// to those to whom they were given.
    pub(crate) fn share(&mut self, value: &[u8]) {
        if value.trim_ascii().len() >= SHORTEST_IN_RESULTS {
            self.add(value);
        }
    }

    /// Adds those that are hidden from everybody.
    pub(crate) fn join(&mut self, shared: &Secrets) {
        let (own, all) = (&self.0.values, &shared.0.values);
        let is_shared = |value: &Vec<u8>| all.binary_search_by(|known| order(known, value)).is_ok();
        if own.iter().all(is_shared) {
            *self = shared.clone();
        } else {
            Arc::make_mut(&mut self.0).extend(all.iter().cloned());
        }
    }

    /// Whether nothing is hidden.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.values.is_empty()
    }

    /// The length of the longest value, in bytes.
    pub(crate) fn longest(&self) -> usize {
        self.0.values.first().map_or(0, Vec::len)
    }

    /// The text with a mask for each value in it.
    ///
    /// With `cut`, the text begins somewhere in a longer one: the end of a value at its very beginning is
    /// masked as well.
    pub(crate) fn redact(&self, text: &[u8], cut: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let rest = self.mask_end_at_start(text, cut, &mut out);
        self.mask(rest, 1, &mut out);
        out
    }

    /// The text, which may end anywhere in a longer one and with `cut` begins anywhere in it, with a mask for each value
    /// and for what a cut has left of one: less than 4 bytes of it are shown.
    pub(crate) fn redact_piece(&self, text: &[u8], cut: bool) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let rest = self.mask_end_at_start(text, cut, &mut out);
        let mut redactor = Redactor::new(self);
        out.extend(redactor.push(rest));
        out.extend(redactor.finish());
        out
    }

    /// Masks the end of a value with which a text begins that is `cut`; returns what follows.
    fn mask_end_at_start<'a>(&self, text: &'a [u8], cut: bool, out: &mut Vec<u8>) -> &'a [u8] {
        let ends = self.0.values.iter().filter(|_| cut);
        match ends.filter_map(|value| end_at_start(value, text)).max() {
            Some(end) => {
                out.extend_from_slice(MASK);
                text.get(end..).unwrap_or_default()
            }
            None => text,
        }
    }

    /// The message with a mask for each value in it.
    pub(crate) fn redact_message(&self, message: String) -> String {
        if self.is_empty() {
            return message;
        }
        String::from_utf8_lossy(&self.redact(message.as_bytes(), false)).into_owned()
    }

    /// A text of a step's result, with a mask for each value of at least 8 bytes.
    fn redact_result(&self, result: Vec<u8>) -> Vec<u8> {
        if self.longest() < SHORTEST_IN_RESULTS {
            return result;
        }
        let mut out = Vec::with_capacity(result.len());
        self.mask(&result, SHORTEST_IN_RESULTS, &mut out);
        out
    }

    /// Appends the text with a mask for each value that has at least `shortest` bytes.
    fn mask(&self, text: &[u8], shortest: usize, out: &mut Vec<u8>) {
        let mut rest = text;
        while !rest.is_empty() {
            let (before, from) = rest.split_at(self.plain(rest));
            out.extend_from_slice(before);
            rest = self.mask_at_start(from, shortest, out);
        }
    }

    /// Appends the mask of the longest value with which the text begins, or else its first byte; returns what follows.
    fn mask_at_start<'a>(&self, text: &'a [u8], shortest: usize, out: &mut Vec<u8>) -> &'a [u8] {
        let length = match self.at_start(text, shortest) {
            Some(length) => {
                out.extend_from_slice(MASK);
                length
            }
            None => {
                out.extend(text.first());
                1
            }
        };
        text.get(length..).unwrap_or_default()
    }

    /// How many bytes at the start of the text are before any value.
    fn plain(&self, text: &[u8]) -> usize {
        if self.is_empty() {
            return text.len();
        }
        let found = match self.0.finder() {
            Some(finder) => finder.find(text).map(|found| found.start()),
            None => text.iter().position(|byte| self.0.order.begins(*byte)),
        };
        found.unwrap_or(text.len())
    }

    /// The length of the longest value with which the text begins.
    fn at_start(&self, text: &[u8], shortest: usize) -> Option<usize> {
        let longest = self.0.order.at_start(&self.0.values, text);
        longest.filter(|length| *length >= shortest)
    }

    /// Where the first value may begin whose end is not in the text.
    fn unfinished(&self, text: &[u8]) -> usize {
        let from = text.len().saturating_sub(self.longest());
        let may_begin = |at: &usize| {
            let rest = text.get(*at..).unwrap_or_default();
            self.0.order.may_begin(&self.0.values, rest)
        };
        (from..text.len()).find(may_begin).unwrap_or(text.len())
    }
}

impl Values {
    fn extend(&mut self, new: impl IntoIterator<Item = Vec<u8>>) {
        self.values.extend(new);
        self.finder = OnceLock::new();
        self.values.sort_by(|one, other| order(one, other));
        self.values.dedup();
        self.order = Order::of(&self.values);
        self.numbers = self
            .values
            .iter()
            .filter(|value| value.len() >= SHORTEST_IN_RESULTS)
            .filter(|value| value.iter().all(u8::is_ascii_digit))
            .filter_map(|value| std::str::from_utf8(value).ok()?.parse().ok())
            .filter(|number| *number < EXACT)
            .collect();
    }

    fn finder(&self) -> Option<&AhoCorasick> {
        let make = || {
            let anchors = self.values.iter();
            let anchors = anchors.map(|value| value.get(..ANCHOR).unwrap_or(value));
            let mut anchors: Vec<&[u8]> = anchors.collect();
            anchors.sort_unstable();
            anchors.dedup();
            let mut builder = AhoCorasick::builder();
            builder.match_kind(MatchKind::LeftmostFirst);
            builder.build(anchors).ok()
        };
        self.finder.get_or_init(make).as_ref()
    }
}

/// The longest first.
fn order(one: &[u8], other: &[u8]) -> std::cmp::Ordering {
    other.len().cmp(&one.len()).then_with(|| one.cmp(other))
}

/// How many bytes at the beginning of `text` are the end of `value`, but not all of it.
fn end_at_start(value: &[u8], text: &[u8]) -> Option<usize> {
    (1..value.len())
        .filter_map(|from| value.get(from..))
        .find(|end| text.starts_with(end))
        .map(<[u8]>::len)
}

#[cfg(test)]
mod tests;
