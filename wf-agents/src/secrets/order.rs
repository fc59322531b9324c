//! The values in the order of their bytes: what a text begins with is found in few steps, however many there are.

/// The values in the order of their bytes.
#[derive(Clone, Default)]
pub(super) struct Order {
    entries: Vec<Entry>,
    /// For each byte whether a value begins with it; empty where there are no values.
    firsts: Vec<bool>,
}

#[derive(Clone)]
struct Entry {
    /// Which of the values it is.
    index: usize,
    /// Where the longest other value is with which this one begins.
    within: Option<usize>,
}

impl Order {
    pub(super) fn of(values: &[Vec<u8>]) -> Self {
        let mut firsts = vec![false; 256];
        for first in values.iter().filter_map(|value| value.first()) {
            if let Some(begins) = firsts.get_mut(usize::from(*first)) {
                *begins = true;
            }
        }
        let mut indexes: Vec<usize> = (0..values.len()).collect();
        indexes.sort_by_key(|index| values.get(*index));
        let mut entries: Vec<Entry> = Vec::with_capacity(indexes.len());
        // Those with which the next may begin, the longest last.
        let mut open: Vec<usize> = Vec::new();
        for (position, index) in indexes.into_iter().enumerate() {
            let value = values.get(index).map(Vec::as_slice).unwrap_or_default();
            while let Some(last) = open.last() {
                let last = entries.get(*last).and_then(|last| last.value(values));
                if last.is_some_and(|last| value.starts_with(last)) {
                    break;
                }
                open.pop();
            }
            let within = open.last().copied();
            entries.push(Entry { index, within });
            open.push(position);
        }
        Order { entries, firsts }
    }

    /// Whether a value begins with the byte.
    pub(super) fn begins(&self, byte: u8) -> bool {
        self.firsts.get(usize::from(byte)).copied() == Some(true)
    }

    /// The length of the longest value with which the text begins.
    pub(super) fn at_start(&self, values: &[Vec<u8>], text: &[u8]) -> Option<usize> {
        // All between a value and what begins with it begin with it as well: the last one before the text does.
        let mut at = self.after(values, text).checked_sub(1);
        while let Some(entry) = at.and_then(|at| self.entries.get(at)) {
            compared();
            let value = entry.value(values)?;
            if text.starts_with(value) {
                return Some(value.len());
            }
            at = entry.within;
        }
        None
    }

    /// Whether the text is the beginning of a value, and not all of it.
    pub(super) fn may_begin(&self, values: &[Vec<u8>], text: &[u8]) -> bool {
        if text.first().is_some_and(|first| !self.begins(*first)) {
            return false;
        }
        let next = self.entries.get(self.after(values, text));
        let next = next.and_then(|next| next.value(values));
        next.is_some_and(|next| next.starts_with(text))
    }

    /// How many values come before the text, or are it.
    fn after(&self, values: &[Vec<u8>], text: &[u8]) -> usize {
        self.entries.partition_point(|entry| {
            compared();
            entry.value(values).is_some_and(|value| value <= text)
        })
    }
}

impl Entry {
    fn value<'a>(&self, values: &'a [Vec<u8>]) -> Option<&'a [u8]> {
        values.get(self.index).map(Vec::as_slice)
    }
}

#[cfg(not(test))]
const fn compared() {}

#[cfg(test)]
fn compared() {
    tests::COMPARED.with(|compared| compared.set(compared.get() + 1));
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        /// How often a text was compared with a value.
        pub(super) static COMPARED: Cell<usize> = const { Cell::new(0) };
    }

    #[test]
    fn what_a_text_begins_with_is_what_a_search_through_all_values_finds() {
        // All words of up to four letters of two, but for every fifth.
        let words =
            (1..=4_u32).flat_map(|length| (0..1_u32 << length).map(move |word| (length, word)));
        let words = words.map(|(length, word)| -> Vec<u8> {
            let letters = (0..length).map(|at| if word >> at & 1 == 0 { b'a' } else { 0xff });
            letters.collect()
        });
        let all: Vec<Vec<u8>> = words.collect();
        for left_out in 0..5 {
            let kept = all.iter().enumerate().filter(|(at, _)| at % 5 != left_out);
            let values: Vec<Vec<u8>> = kept.map(|(_, value)| value.clone()).collect();
            let order = Order::of(&values);
            for text in all
                .iter()
                .chain([&Vec::new(), &b"b".to_vec(), &b"aab".to_vec()])
            {
                let found = values.iter().filter(|value| text.starts_with(value));
                let longest = found.map(Vec::len).max();
                assert_eq!(order.at_start(&values, text), longest, "{text:?}");
                let begins = |value: &Vec<u8>| value.len() > text.len() && value.starts_with(text);
                let may_begin = values.iter().any(begins);
                assert_eq!(order.may_begin(&values, text), may_begin, "{text:?}");
            }
        }
    }

    #[test]
    fn many_values_that_begin_alike_are_not_all_looked_at() {
        let value = |number: usize| format!("sk-test-0123456789-{number:05}").into_bytes();
        let values: Vec<Vec<u8>> = (0..30_000).map(value).collect();
        let order = Order::of(&values);
        COMPARED.set(0);
        for text in [
            "sk-test-0123456789 and so on",
            "sk-test-0123456789-12345 is it",
            "sk-tesu",
        ] {
            let is_one = text.ends_with("it");
            assert_eq!(order.at_start(&values, text.as_bytes()).is_some(), is_one);
            assert!(!order.may_begin(&values, text.as_bytes()));
        }
        assert!(order.may_begin(&values, b"sk-test-0123456789-1"));
        assert!(COMPARED.get() < 200, "{}", COMPARED.get());
    }
}
