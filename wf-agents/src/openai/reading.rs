//! Reading an answer to its end, or to where it is stopped.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use wf_core::agent::{Interim, Reply, Request};

use super::OpenAiAgent;
use super::answer::{self, Answer, Wrong};
use super::body::Body;
use super::exchange::{Broken, Exchange};
use crate::aside::aside;
use crate::fault::Fault;
use crate::secrets::Redactor;
use crate::structured::unfenced;

/// How long is waited for what may follow an answer that is whole: its usage, and the end of the connection.
const GRACE: Duration = Duration::from_secs(1);

/// How much is shown before others get a turn, in bytes.
const TURN: usize = 64 * 1024;

/// An answer that is being read, and what is left of its body.
struct Reading {
    body: Body,
    answer: Answer,
    /// How much of the body was there when it was last found not to be whole.
    unfinished: Option<usize>,
}

/// Shared with whoever stops the attempt.
type Shared = Arc<Mutex<Reading>>;

impl Reading {
    /// How long is waited for the next piece, and whether nothing is waited for after that.
    fn patience(&self, idle: Duration) -> (Duration, bool) {
        if self.answer.is_ended() {
            return (GRACE.min(idle), true);
        }
        match self.unfinished {
            Some(length) if length == self.body.held() => (idle.saturating_sub(GRACE), true),
            _ if self.body.may_be_whole() => (GRACE.min(idle), idle <= GRACE),
            _ => (idle, true),
        }
    }

    /// Whether all is there, although nobody says that nothing follows.
    fn is_over(&mut self) -> bool {
        if self.answer.is_ended() || self.body.is_whole() {
            return true;
        }
        self.unfinished = Some(self.body.held());
        false
    }

    /// Takes it that nothing follows.
    fn close(&mut self) -> Result<(), Wrong> {
        let taken = self.body.finish(&mut self.answer);
        self.answer.close();
        taken
    }
}

impl OpenAiAgent {
    /// Reads the answer to its end, and shows it.
    pub(super) async fn read(
        &self,
        exchange: &mut Exchange,
        request: Request<'_>,
    ) -> Result<Reply, Fault> {
        let limit = self.output_limit;
        if let Some(coding) = exchange.coding() {
            return Err(self.unusable(Wrong::Compressed(coding), &Answer::new(limit)));
        }
        let reading = Arc::new(Mutex::new(Reading {
            body: Body::new(exchange.media_type().as_deref(), limit),
            answer: Answer::new(limit),
            unfinished: None,
        }));
        let has_schema = request.schema.is_some();
        request.interim.set_slow({
            let (agent, reading) = (self.clone(), Arc::clone(&reading));
            move || agent.interim(&mut lock(&reading), has_schema)
        });
        let ended = self.take(exchange, &reading, request).await;
        if let Err(mut fault) = ended {
            let answer = &lock(&reading).answer;
            if answer.has_usage() {
                let usage = answer.usage(&self.model, self.prices);
                fault.error = fault.error.with_usage(self.secrets.redact_usage(usage));
            }
            return Err(fault);
        }
        self.answered(&reading, has_schema).await
    }

    /// The reply that was read to its end.
    async fn answered(&self, reading: &Shared, has_schema: bool) -> Result<Reply, Fault> {
        let (agent, size) = (self.clone(), lock(reading).answer.text().len());
        let reply = move |reading: &mut Reading| agent.reply(&reading.answer, has_schema);
        with(reading, size, reply).await
    }

    /// Takes the answer piece by piece, and shows it.
    async fn take(
        &self,
        exchange: &mut Exchange,
        reading: &Shared,
        request: Request<'_>,
    ) -> Result<(), Fault> {
        let mut shown = Redactor::new(&self.secrets);
        let mut length = 0;
        let mut is_first = true;
        let ended = loop {
            let (patience, is_last_chance) = lock(reading).patience(exchange.idle());
            let (taken, is_last) = match exchange.next_within(patience).await {
                Ok(Some(bytes)) => {
                    let coding = answer::compressed(&bytes).filter(|_| is_first);
                    is_first = false;
                    let taken = match coding {
                        Some(coding) => Err(Wrong::Compressed(coding.to_owned())),
                        None => push(reading, bytes).await,
                    };
                    (taken, lock(reading).answer.is_done())
                }
                // The last event may lack its empty line; its text is shown like all other.
                Ok(None) => (close(reading).await, true),
                Err(Broken::Silent(_)) if is_over(reading).await => (close(reading).await, true),
                Err(Broken::Silent(_)) if !is_last_chance => continue,
                Err(broken) => {
                    let text = |reading: &Shared| lock(reading).answer.text().to_owned();
                    match close(reading).await {
                        // What was read by then may be all there is.
                        Ok(()) if lock(reading).answer.is_ended() => (Ok(()), true),
                        Err(wrong @ Wrong::Error(_)) => (Err(wrong), true),
                        _ => break Err(self.broken(&broken, &text(reading))),
                    }
                }
            };
            if request.output.is_heard() {
                loop {
                    let new = lock(reading).answer.piece(length, TURN);
                    if new.is_empty() {
                        break;
                    }
                    length += new.len();
                    let new = shown.push(new.as_bytes());
                    request.output.write(&String::from_utf8_lossy(&new));
                    tokio::task::yield_now().await;
                }
            }
            if let Err(wrong) = taken {
                break Err(self.unusable(wrong, &lock(reading).answer));
            }
            if is_last {
                break Ok(());
            }
        };
        let end = shown.finish();
        request.output.write(&String::from_utf8_lossy(&end));
        ended
    }

    /// What the attempt has come to when it is stopped.
    fn interim(&self, reading: &mut Reading, has_schema: bool) -> Option<Interim> {
        let taken = reading.close();
        let answer = &reading.answer;
        if answer.is_ended() {
            let reply = self.reply(answer, has_schema);
            return Some(Interim::Ended(reply.map_err(|fault| fault.error)));
        }
        let usage = || {
            let usage = answer.usage(&self.model, self.prices);
            self.secrets.redact_usage(usage)
        };
        if let Err(wrong @ Wrong::Error(_)) = taken {
            let error = self.unusable(wrong, answer).error;
            return Some(Interim::Ended(Err(match answer.has_usage() {
                true => error.with_usage(usage()),
                false => error,
            })));
        }
        answer.has_usage().then(|| Interim::Underway(usage()))
    }

    /// The answer as a reply, when it is one.
    fn reply(&self, answer: &Answer, has_schema: bool) -> Result<Reply, Fault> {
        let usage = self
            .secrets
            .redact_usage(answer.usage(&self.model, self.prices));
        if let Some(wrong) = answer.wrong() {
            let mut fault = self.unusable(wrong, answer);
            fault.error = fault.error.with_usage(usage);
            return Err(fault);
        }
        let text = match has_schema {
            true => unfenced(answer.text()),
            false => answer.text(),
        };
        Ok(self.secrets.reply(text).with_usage(usage))
    }
}

async fn push(reading: &Shared, bytes: Bytes) -> Result<(), Wrong> {
    let size = lock(reading).body.looks_at(&bytes);
    let push = move |reading: &mut Reading| reading.body.push(&bytes, &mut reading.answer);
    with(reading, size, push).await
}

async fn close(reading: &Shared) -> Result<(), Wrong> {
    let size = lock(reading).body.held();
    with(reading, size, Reading::close).await
}

async fn is_over(reading: &Shared) -> bool {
    let size = lock(reading).body.held();
    with(reading, size, Reading::is_over).await
}

/// Does something that looks at so many bytes of what was read.
async fn with<T: Send + 'static>(
    reading: &Shared,
    size: usize,
    act: impl FnOnce(&mut Reading) -> T + Send + 'static,
) -> T {
    let reading = Arc::clone(reading);
    aside(size, move || act(&mut lock(&reading))).await
}

fn lock(reading: &Shared) -> MutexGuard<'_, Reading> {
    reading.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::aside::{LARGE, LOOKED_AT};

    #[tokio::test]
    async fn a_large_answer_is_not_looked_at_by_the_thread_that_reads_it() {
        let text = "x".repeat(2 * LARGE);
        let choice = |form: &str| json!({"choices": [{"index": 0, form: {"content": text}, "finish_reason": "stop"}]});
        let streamed = format!("data: {}\n\n", choice("delta"));
        let agent = OpenAiAgent::new("http://127.0.0.1:9", "m").unwrap();
        for (media_type, body) in [
            ("application/json", choice("message").to_string()),
            ("text/event-stream", streamed),
        ] {
            let reading = Arc::new(Mutex::new(Reading {
                body: Body::new(Some(media_type), u64::MAX),
                answer: Answer::new(u64::MAX),
                unfinished: None,
            }));
            LOOKED_AT.set(0);
            for piece in body.as_bytes().chunks(10_000) {
                push(&reading, Bytes::copy_from_slice(piece)).await.unwrap();
            }
            assert!(is_over(&reading).await, "{media_type}");
            close(&reading).await.unwrap();
            let reply = agent.answered(&reading, false).await.unwrap();
            assert_eq!(reply.result.as_str().len(), text.len() + 2);
            assert_eq!(LOOKED_AT.get(), 0, "{media_type}");
        }
    }
}
