//! What a model has answered, put together from its pieces.

use serde_json::{Map, Value};

use super::Prices;
use super::piece::{Choice, Piece, Words};

/// How much is kept of what came before the answer began, in bytes.
const BEGINNING: usize = 1024;

/// An answer, as far as it has come.
#[derive(Debug)]
pub(super) struct Answer {
    limit: u64,
    text: String,
    refusal: String,
    finish: Option<String>,
    usage: Option<Value>,
    model: Option<String>,
    /// The beginning of what came in its place, until there was a choice.
    beginning: Vec<u8>,
    /// There was more of that.
    is_cut: bool,
    /// There was a choice, if only an empty one.
    is_begun: bool,
    /// There was something that no answer has in it.
    is_strange: bool,
    is_done: bool,
}

/// What makes an answer unusable.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It ended before it was complete.
    Incomplete,
    /// It never began, and what came instead is none: the answer's [`beginning`](Answer::beginning).
    NoAnswer,
    /// It goes on with what is not as the protocol has it; this.
    Unreadable(String),
    /// The endpoint reports an error in the midst of it, with a status if it has one.
    Error {
        status: Option<u16>,
        message: String,
    },
    /// It has more bytes than allowed.
    TooLong(u64),
    /// It reached the most tokens that it may have.
    CutOff,
    /// It was withheld, or the model refused, with these words.
    Refused(String),
    /// It is no text, but asks for something to be done.
    Tools,
}

impl Answer {
    pub(super) const fn new(limit: u64) -> Self {
        Answer {
            limit,
            text: String::new(),
            refusal: String::new(),
            finish: None,
            usage: None,
            model: None,
            beginning: Vec::new(),
            is_cut: false,
            is_begun: false,
            is_strange: false,
            is_done: false,
        }
    }

    /// Takes one event of a stream.
    pub(super) fn event(&mut self, data: &[u8]) -> Result<(), Wrong> {
        if data.trim_ascii() == b"[DONE]" {
            self.is_done = true;
            return Ok(());
        }
        if data.trim_ascii().is_empty() || self.is_done {
            return Ok(());
        }
        self.take(data, Choice::delta)
    }

    /// Takes a line of a stream that belongs to no event.
    pub(super) fn stray(&mut self, line: &[u8]) {
        self.is_strange = true;
        self.came(line);
    }

    /// Takes an answer that came as a whole.
    pub(super) fn whole(&mut self, body: &[u8]) -> Result<(), Wrong> {
        if body.trim_ascii().is_empty() {
            return Ok(());
        }
        self.take(body, Choice::message)?;
        self.is_done = true;
        Ok(())
    }

    fn take<'a>(
        &mut self,
        data: &'a [u8],
        words: fn(&Choice<'a>) -> Words<'a>,
    ) -> Result<(), Wrong> {
        self.came(data);
        let piece = match Piece::read(data) {
            Ok(Some(piece)) => piece,
            // It was cut in two on the way.
            Err(error) if error.is_eof() => return Err(Wrong::Incomplete),
            Ok(None) | Err(_) if self.is_begun => {
                let from = data.len().saturating_sub(BEGINNING);
                let end = data.get(from..).unwrap_or_default();
                return Err(Wrong::Unreadable(String::from_utf8_lossy(end).into_owned()));
            }
            Ok(None) | Err(_) => return Err(Wrong::NoAnswer),
        };
        if let Some(error) = piece.error() {
            return Err(reported(&error));
        }
        self.model = piece.model().or(self.model.take());
        self.usage = piece.usage().or(self.usage.take());
        let Some(choice) = piece.choice() else {
            self.is_strange |= !piece.has_choices() && self.usage.is_none();
            return Ok(());
        };
        self.is_begun = true;
        self.beginning = Vec::new();
        self.finish = choice.finish_reason().or(self.finish.take());
        let words = words(&choice);
        let length = self.text.len().saturating_add(self.refusal.len());
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let room = limit.saturating_sub(length);
        let room = room.saturating_sub(add(&mut self.refusal, words.refusal(), room, self.limit)?);
        add(&mut self.text, words.content(), room, self.limit)?;
        Ok(())
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

    /// Whether the endpoint has said that nothing follows.
    pub(super) const fn is_done(&self) -> bool {
        self.is_done
    }

    /// What is wrong with the answer, now that nothing follows.
    pub(super) fn wrong(&self) -> Option<Wrong> {
        if !self.is_begun && (self.is_done || self.is_strange) {
            return Some(Wrong::NoAnswer);
        }
        if !self.is_begun || !(self.is_done || self.finish.is_some()) {
            return Some(Wrong::Incomplete);
        }
        if !self.refusal.is_empty() {
            return Some(Wrong::Refused(self.refusal.clone()));
        }
        match self.finish.as_deref() {
            Some("length" | "max_tokens") => Some(Wrong::CutOff),
            Some("content_filter") => Some(Wrong::Refused(String::new())),
            Some("tool_calls" | "function_call") => Some(Wrong::Tools),
            _ => None,
        }
    }

    /// What the attempt has used, as far as the endpoint tells.
    pub(super) fn usage(&self, model: &str, prices: Option<Prices>) -> Value {
        let number = |place: &str| {
            let usage = self.usage.as_ref()?;
            usage.pointer(place).and_then(Value::as_u64)
        };
        let (input, output) = (number("/prompt_tokens"), number("/completion_tokens"));
        let total = number("/total_tokens").or(input
            .zip(output)
            .map(|(input, output)| input.saturating_add(output)));
        let mut usage = Map::new();
        for (name, count) in [
            ("input_tokens", input),
            ("output_tokens", output),
            ("total_tokens", total),
            (
                "cached_input_tokens",
                number("/prompt_tokens_details/cached_tokens"),
            ),
        ] {
            if let Some(count) = count {
                usage.insert(name.into(), count.into());
            }
        }
        if let Some(prices) = prices
            && let Some((input, output)) = input.zip(output)
        {
            usage.insert("cost".into(), cost(prices, input, output).into());
        }
        let model = self.model.as_deref().unwrap_or(model);
        usage.insert("model".into(), model.into());
        Value::Object(usage)
    }
}

/// Adds as much as there is room for; returns how much that is, if it is all.
fn add(all: &mut String, new: Option<String>, room: usize, limit: u64) -> Result<usize, Wrong> {
    let new = new.unwrap_or_default();
    if new.len() > room {
        let fitting = new.get(..new.floor_char_boundary(room));
        all.push_str(fitting.unwrap_or_default());
        return Err(Wrong::TooLong(limit));
    }
    let length = new.len();
    match all.is_empty() {
        // An answer as a whole is not copied.
        true => *all = new,
        false => all.push_str(&new),
    }
    Ok(length)
}

/// To a billionth, so that it reads as people would write it.
#[expect(
    clippy::cast_precision_loss,
    reason = "no answer has so many tokens that it would show"
)]
/// What so many tokens cost.
pub(super) fn cost(prices: Prices, input: u64, output: u64) -> f64 {
    let cost = (prices.input * input as f64 + prices.output * output as f64) / 1e6;
    (cost * 1e9).round() / 1e9
}

/// The error that an endpoint reports in the place of an answer.
fn reported(error: &Value) -> Wrong {
    let message = match error.get("message").or(Some(error)) {
        Some(Value::String(message)) => message.clone(),
        other => other.map(Value::to_string).unwrap_or_default(),
    };
    let number = |name: &str| {
        let value = error.get(name)?;
        let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
        u16::try_from(number)
            .ok()
            .filter(|status| (400..600).contains(status))
    };
    Wrong::Error {
        status: number("status").or_else(|| number("code")),
        message,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn streamed(events: &[Value]) -> Answer {
        let mut answer = Answer::new(1000);
        for event in events {
            answer.event(event.to_string().as_bytes()).unwrap();
        }
        answer
    }

    fn delta(text: &str) -> Value {
        json!({"model": "m-2", "choices": [{"delta": {"content": text}, "finish_reason": null}]})
    }

    fn end(reason: &str) -> Value {
        json!({"choices": [{"delta": {}, "finish_reason": reason}]})
    }

    #[test]
    fn a_streamed_answer_is_put_together() {
        let mut answer = streamed(&[
            delta("hel"),
            delta("lo"),
            end("stop"),
            json!({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12,
                "prompt_tokens_details": {"cached_tokens": 4}}}),
        ]);
        assert!(!answer.is_done());
        answer.event(b"[DONE]").unwrap();
        assert!(answer.is_done());
        assert_eq!((answer.text(), answer.wrong()), ("hello", None));
        let prices = Prices {
            input: 3.0,
            output: 15.0,
        };
        assert_eq!(
            answer.usage("m", Some(prices)),
            json!({"input_tokens": 10, "output_tokens": 2, "total_tokens": 12, "cached_input_tokens": 4,
                "cost": 0.00006, "model": "m-2"})
        );
    }

    #[test]
    fn an_answer_as_a_whole_is_read() {
        let mut answer = Answer::new(1000);
        let body = json!({"choices": [{"message": {"content": [{"type": "text", "text": "hi"}]},
            "finish_reason": "stop"}]});
        answer.whole(body.to_string().as_bytes()).unwrap();
        assert_eq!((answer.text(), answer.wrong()), ("hi", None));
        assert_eq!(answer.usage("m", None), json!({"model": "m"}));
    }

    #[test]
    fn an_answer_that_broke_off_is_incomplete() {
        assert_eq!(streamed(&[]).wrong(), Some(Wrong::Incomplete));
        assert_eq!(streamed(&[delta("hel")]).wrong(), Some(Wrong::Incomplete));
        assert_eq!(streamed(&[delta("hel"), end("stop")]).wrong(), None);
        let mut answer = Answer::new(1000);
        answer.whole(b"").unwrap();
        assert_eq!(answer.wrong(), Some(Wrong::Incomplete));
        // Some begin with an event that tells of something else, and a proxy may cut in the midst of any.
        let about = json!({"choices": [], "prompt_filter_results": []});
        assert_eq!(streamed(&[about]).wrong(), Some(Wrong::Incomplete));
        for beginning in ["{\"cho", "{\"choices\": [{\"delta\": {\"content\": \"a"] {
            let (mut event, mut whole) = (Answer::new(9), Answer::new(9));
            assert_eq!(event.event(beginning.as_bytes()), Err(Wrong::Incomplete));
            assert_eq!(whole.whole(beginning.as_bytes()), Err(Wrong::Incomplete));
            assert_eq!(whole.beginning(), (beginning.as_bytes(), false));
        }
    }

    #[test]
    fn what_never_began_is_no_answer_and_its_beginning_is_kept() {
        let mut answer = Answer::new(1000);
        answer.whole(b"{\"choices\": []}").unwrap();
        assert_eq!(answer.wrong(), Some(Wrong::NoAnswer));
        let mut answer = streamed(&[json!({"choices": []})]);
        answer.event(b"[DONE]").unwrap();
        assert_eq!(answer.wrong(), Some(Wrong::NoAnswer));
        let mut answer = streamed(&[json!({"message": "model not found"})]);
        assert_eq!(answer.wrong(), Some(Wrong::NoAnswer));
        answer.stray(b"and more");
        let kept = b"{\"message\":\"model not found\"}\nand more";
        assert_eq!(answer.beginning(), (&kept[..], false));
        answer.stray(&[b'x'; 2000]);
        let (kept, is_cut) = answer.beginning();
        assert!(is_cut && kept.len() == BEGINNING, "{}", kept.len());
        let mut answer = Answer::new(9);
        assert_eq!(answer.whole(b"<html>"), Err(Wrong::NoAnswer));
        assert_eq!(answer.beginning(), (&b"<html>"[..], false));
        // Once it began, nothing of the kind matters.
        let mut answer = streamed(&[delta("hel")]);
        answer.stray(b"x");
        answer.event(b"[DONE]").unwrap();
        assert_eq!(answer.wrong(), None);
        assert_eq!(answer.event(b"<html>"), Ok(()));
    }

    #[test]
    fn answers_that_are_no_answers_are_told_apart() {
        for (events, wrong) in [
            (vec![delta("hel"), end("length")], Wrong::CutOff),
            (vec![end("content_filter")], Wrong::Refused(String::new())),
            (vec![end("tool_calls")], Wrong::Tools),
            (vec![delta("let me look"), end("tool_calls")], Wrong::Tools),
            (
                vec![
                    json!({"choices": [{"delta": {"refusal": "I "}}]}),
                    json!({"choices": [{"delta": {"refusal": "won't"}, "finish_reason": "stop"}]}),
                ],
                Wrong::Refused("I won't".into()),
            ),
        ] {
            assert_eq!(streamed(&events).wrong(), Some(wrong));
        }
    }

    #[test]
    fn an_error_in_the_midst_is_reported_with_its_status() {
        let event = |event: Value| Answer::new(9).event(event.to_string().as_bytes());
        let error = |status, message: &str| {
            let message = message.to_owned();
            Err(Wrong::Error { status, message })
        };
        assert_eq!(
            event(json!({"error": {"message": "overloaded", "code": 503}})),
            error(Some(503), "overloaded")
        );
        assert_eq!(
            event(json!({"error": {"message": "bad", "code": "400"}})),
            error(Some(400), "bad")
        );
        assert_eq!(event(json!({"error": "no"})), error(None, "no"));
        assert_eq!(event(delta("ten bytes!")), Err(Wrong::TooLong(9)));
        let mut answer = Answer::new(9);
        answer.event(delta("1234").to_string().as_bytes()).unwrap();
        let more = answer.event(delta("5678ü").to_string().as_bytes());
        assert_eq!((more, answer.text()), (Err(Wrong::TooLong(9)), "12345678"));
        assert_eq!(
            streamed(&[delta("hel")]).event(b"<html>"),
            Err(Wrong::Unreadable("<html>".into()))
        );
    }
}
