//! What a model has answered, put together from its pieces.

use serde_json::{Map, Value};

use super::Prices;
use super::letters::{Joint, Letters};
use super::piece::{Choice, Piece};
use super::reported::{self, Reported};
use super::usage;
use super::words::Words;
use crate::aside::looked_at;
use crate::ending::Ending;

/// How much is kept of what came before the answer began, in bytes.
const BEGINNING: usize = 1024;

/// How much is kept of what cannot be read, in bytes: its end is shown, without secrets, of which none is longer.
const UNREADABLE: usize = 64 * 1024;

/// An answer, as far as it has come.
#[derive(Debug)]
pub(super) struct Answer {
    limit: u64,
    text: String,
    joint: Joint,
    refusal: String,
    finish: Option<String>,
    usage: Option<Map<String, Value>>,
    model: Option<String>,
    /// The beginning of what came in its place, until there was a choice.
    beginning: Vec<u8>,
    /// There was more of that.
    is_cut: bool,
    /// There was a choice, if only an empty one.
    is_begun: bool,
    /// There was something that no answer has in it.
    is_strange: bool,
    /// There was a list of choices, if only an empty one.
    has_choices: bool,
    /// The text came as a message, where pieces of one are expected.
    is_message: bool,
    has_reasoned: bool,
    asks_for_tools: bool,
    is_done: bool,
}

/// What makes an answer unusable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It ended before it was complete, or with a word that does not say that it is.
    Incomplete(Option<String>),
    /// It is complete, and there is no text in it.
    Empty {
        /// The model has reasoned.
        has_reasoned: bool,
    },
    /// It never began, and what came instead is none: the answer's [`beginning`](Answer::beginning).
    NoAnswer {
        /// It looks like what another server, or another path, says.
        is_elsewhere: bool,
    },
    /// It goes on with what is not as the protocol has it; this.
    Unreadable(String),
    /// Its text is this instead of a text.
    NoText(&'static str),
    /// The endpoint reports an error in its place or partway through it.
    Error(Reported),
    /// It has more bytes than allowed.
    TooLong(u64),
    /// It reached the most tokens that it may have.
    CutOff,
    /// It was withheld, or the model refused, with these words.
    Refused(String),
    /// It is no text, but asks for something to be done.
    Tools,
    /// It is compressed, in this way.
    Compressed(String),
}

/// In which form an answer comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Streamed,
    Whole,
}

impl Answer {
    pub(super) fn new(limit: u64) -> Self {
        Answer {
            limit,
            text: String::new(),
            joint: Joint::default(),
            refusal: String::new(),
            finish: None,
            usage: None,
            model: None,
            beginning: Vec::new(),
            is_cut: false,
            is_begun: false,
            is_strange: false,
            has_choices: false,
            is_message: false,
            has_reasoned: false,
            asks_for_tools: false,
            is_done: false,
        }
    }

    /// Takes one event of a stream.
    pub(super) fn event(&mut self, data: &[u8]) -> Result<(), Wrong> {
        let data = data.trim_ascii();
        if data == b"[DONE]" {
            self.close();
            self.is_done = true;
            return Ok(());
        }
        if data.is_empty() || self.is_done {
            return Ok(());
        }
        let taken = self.take(data, Form::Streamed);
        self.unless_ended(taken)
    }

    /// Takes an error that is one by the form in which it comes.
    pub(super) fn error(&mut self, data: &[u8]) -> Result<(), Wrong> {
        let from = data.len().saturating_sub(UNREADABLE);
        let text = String::from_utf8_lossy(data.get(from..).unwrap_or_default());
        let mut error = reported::told(&text);
        error.is_flat = !self.is_begun;
        if error.message.trim().is_empty() {
            error.message = "an error of which it says nothing".to_owned();
        }
        self.unless_ended(Err(Wrong::Error(error)))
    }

    /// Takes a line of a stream that belongs to no event.
    pub(super) fn stray(&mut self, line: &[u8]) -> Result<(), Wrong> {
        // What is said without the form of an event counts where it is clear.
        if line.trim_ascii_start().starts_with(b"{")
            && let Ok(Some(piece)) = Piece::read(line)
            && (piece.has_any_choice() || piece.error().is_some())
        {
            return self.event(line);
        }
        self.is_strange = true;
        self.came(line);
        Ok(())
    }

    /// Takes an answer that came as a whole.
    pub(super) fn whole(&mut self, body: &[u8]) -> Result<(), Wrong> {
        if let Some(coding) = compressed(body) {
            return Err(Wrong::Compressed(coding.to_owned()));
        }
        if body.trim_ascii().is_empty() {
            return Ok(());
        }
        self.take(body, Form::Whole)?;
        self.is_done = true;
        Ok(())
    }

    /// What comes after the end does not undo an answer that is whole, or known not to be.
    fn unless_ended(&self, taken: Result<(), Wrong>) -> Result<(), Wrong> {
        match taken {
            Err(Wrong::TooLong(_)) => taken,
            Err(_) if self.is_ended() => Ok(()),
            taken => taken,
        }
    }

    fn take(&mut self, data: &[u8], form: Form) -> Result<(), Wrong> {
        looked_at(data.len());
        self.came(data);
        let piece = match Piece::read(data) {
            Ok(Some(piece)) => piece,
            // It was cut in two on the way.
            Err(error) if error.is_eof() => return Err(Wrong::Incomplete(None)),
            Ok(None) | Err(_) if self.is_begun => {
                let from = data.len().saturating_sub(UNREADABLE);
                let end = data.get(from..).unwrap_or_default();
                return Err(Wrong::Unreadable(String::from_utf8_lossy(end).into_owned()));
            }
            Ok(None) | Err(_) => return Err(Wrong::NoAnswer { is_elsewhere: true }),
        };
        self.model = piece.model().or(self.model.take());
        if let Some(Value::Object(usage)) = piece.usage() {
            // Each tells the sum up to here, some of them only in part.
            let known = usage.into_iter().filter(|(_, count)| !count.is_null());
            self.usage.get_or_insert_default().extend(known);
        }
        if let Some(error) = piece.error() {
            return Err(Wrong::Error(error));
        }
        self.has_choices |= piece.has_choices();
        let Some(choice) = piece.choice() else {
            self.is_begun |= piece.has_any_choice();
            self.is_strange |= !piece.has_choices() && self.usage.is_none();
            return Ok(());
        };
        self.is_begun = true;
        self.beginning = Vec::new();
        if let Some(words) = self.words(&choice, form)? {
            self.add_words(&words)?;
        }
        if let Some(word) = choice.finish_reason() {
            // What ended stays so, whatever is said of it later that says nothing, or that it is whole after all.
            if !self.is_ended() || !matches!(Ending::of(&word), Ending::Unknown | Ending::Whole) {
                self.finish = Some(word);
            }
        }
        Ok(())
    }

    /// The words of a choice, from where they are expected, or else from where they are.
    fn words<'a>(&mut self, choice: &Choice<'a>, form: Form) -> Result<Option<Words<'a>>, Wrong> {
        let expected = match form {
            Form::Streamed => choice.delta(),
            Form::Whole => choice.message(),
        };
        if let Some(expected) = expected.filter(|words| !words.is_empty()) {
            return Ok(Some(expected));
        }
        if let Some(text) = choice.text().filter(|words| !words.is_empty()) {
            return Ok(Some(text));
        }
        let other = match form {
            Form::Streamed => choice.message(),
            Form::Whole => choice.delta(),
        };
        let Some(other) = other.filter(|words| !words.is_empty()) else {
            return Ok(None);
        };
        if form == Form::Streamed && std::mem::replace(&mut self.is_message, true) {
            // Whether it is all of the answer or what is new in it, nobody says.
            return Err(Wrong::NoText("several messages instead of pieces of one"));
        }
        // After the pieces, some repeat the whole.
        let is_repeated = form == Form::Streamed && !self.text.is_empty();
        Ok(Some(other).filter(|_| !is_repeated))
    }

    fn add_words(&mut self, words: &Words<'_>) -> Result<(), Wrong> {
        let content = words.content().map_err(Wrong::NoText)?;
        self.has_reasoned |= content.reasons || words.reasons();
        self.asks_for_tools |= words.asks_for_tools();
        for refusal in [words.refusal().unwrap_or_default(), content.refusal] {
            let room = self.room();
            add(&mut self.refusal, refusal, room, self.limit)?;
        }
        self.add_text(content.text)
    }

    fn add_text(&mut self, text: Letters) -> Result<(), Wrong> {
        let text = self.joint.join(text);
        let room = self.room();
        add(&mut self.text, text, room, self.limit)
    }

    /// How many bytes may follow.
    fn room(&self) -> usize {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        limit.saturating_sub(self.text.len().saturating_add(self.refusal.len()))
    }

    /// Takes it that nothing follows.
    pub(super) fn close(&mut self) {
        let end = self.joint.finish();
        self.text.push_str(&end);
    }

    /// Keeps the beginning of what came before there was a choice.
    fn came(&mut self, data: &[u8]) {
        if self.is_begun || self.is_cut {
            return;
        }
        if !self.beginning.is_empty() {
            self.beginning.push(b'\n');
        }
        let room = BEGINNING.saturating_sub(self.beginning.len());
        self.is_cut = data.len() > room;
        self.beginning
            .extend_from_slice(data.get(..room).unwrap_or(data));
    }

    /// The beginning of what came in the place of an answer, and whether there was more of it.
    pub(super) fn beginning(&self) -> (&[u8], bool) {
        (&self.beginning, self.is_cut)
    }

    /// How many bytes of the answer are in memory.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.text.len() + self.refusal.len() + self.beginning.len()
    }

    /// The text so far.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The text from there on, at most so many bytes of it.
    pub(super) fn piece(&self, from: usize, most: usize) -> String {
        let text = self.text.get(from..).unwrap_or_default();
        let end = text.floor_char_boundary(most);
        text.get(..end).unwrap_or_default().to_owned()
    }

    /// Whether the endpoint has said that nothing follows.
    pub(super) const fn is_done(&self) -> bool {
        self.is_done
    }

    /// Whether the model has said how the answer has ended: what may follow is the usage.
    pub(super) fn is_ended(&self) -> bool {
        let ending = self.finish.as_deref().map(Ending::of);
        ending.is_some_and(|ending| ending != Ending::Unknown)
    }

    /// What is wrong with the answer, now that nothing follows.
    pub(super) fn wrong(&self) -> Option<Wrong> {
        let has_said = self.has_choices || self.is_strange || !self.beginning.is_empty();
        if !self.is_begun && has_said && (self.is_done || self.is_strange) {
            let is_elsewhere = !self.has_choices;
            return Some(Wrong::NoAnswer { is_elsewhere });
        }
        if !self.is_begun {
            return Some(Wrong::Incomplete(None));
        }
        if !self.refusal.is_empty() {
            return Some(Wrong::Refused(self.refusal.clone()));
        }
        match self.finish.as_deref().map(Ending::of) {
            Some(Ending::Whole) if self.asks_for_tools => Some(Wrong::Tools),
            Some(Ending::Whole) if self.text.trim().is_empty() => Some(Wrong::Empty {
                has_reasoned: self.has_reasoned,
            }),
            Some(Ending::Whole) => None,
            Some(Ending::CutOff) => Some(Wrong::CutOff),
            Some(Ending::Refused) => Some(Wrong::Refused(String::new())),
            Some(Ending::Tools) => Some(Wrong::Tools),
            Some(Ending::Unknown) | None => Some(Wrong::Incomplete(self.finish.clone())),
        }
    }

    /// Whether there was a choice.
    pub(super) const fn is_begun(&self) -> bool {
        self.is_begun
    }

    /// Whether it is known what the attempt has used.
    pub(super) const fn has_usage(&self) -> bool {
        self.usage.is_some()
    }

    /// What the attempt has used, as far as the endpoint tells.
    pub(super) fn usage(&self, model: &str, prices: Option<Prices>) -> Value {
        let model = self.model.as_deref().unwrap_or(model);
        usage::recorded(self.usage.as_ref(), model, prices)
    }
}

/// Adds as much as there is room for.
fn add(all: &mut String, new: String, room: usize, limit: u64) -> Result<(), Wrong> {
    if new.len() > room {
        let fitting = new.get(..new.floor_char_boundary(room));
        all.push_str(fitting.unwrap_or_default());
        return Err(Wrong::TooLong(limit));
    }
    match all.is_empty() {
        // An answer as a whole is not copied.
        true => *all = new,
        false => all.push_str(&new),
    }
    Ok(())
}

/// How a text is compressed, by its first bytes.
pub(super) fn compressed(text: &[u8]) -> Option<&'static str> {
    [
        (&[0x1f, 0x8b][..], "gzip"),
        (&[0x28, 0xb5, 0x2f, 0xfd], "zstd"),
        (&[0x78, 0x01], "deflate"),
        (&[0x78, 0x9c], "deflate"),
        (&[0x78, 0xda], "deflate"),
    ]
    .into_iter()
    .find_map(|(first, name)| text.starts_with(first).then_some(name))
}

#[cfg(test)]
mod tests;
