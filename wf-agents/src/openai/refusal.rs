//! From what went wrong to what the step is told.

use std::time::Duration;

use http::StatusCode;
use http::header::{self, HeaderMap};
use jiff::fmt::rfc2822;
use serde_json::Value;
use wf_core::agent::StepError;
use wf_core::clock::{Clock, SystemClock};

use super::OpenAiAgent;
use super::answer::{self, Answer, Wrong};
use super::exchange::{Broken, Exchange};
use super::proxy::{self, Unreached};
use super::trust;
use crate::capture::Tail;
use crate::fault::{Blame, Fault};
use crate::secrets::Redactor;

/// How much of the body of an answer with an error status is read, in bytes; its end is shown.
const BODY: usize = 256 * 1024;

/// What to do where a proxy wants to know who asks.
const CREDENTIALS: &str =
    "; give it credentials in the URL that names it, such as `http://user:password@host:3128`";

/// The longest time that an endpoint can ask to be left alone: a hundred years.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

impl OpenAiAgent {
    /// There is no connection.
    pub(super) fn not_connected(&self, error: &Unreached) -> Fault {
        let endpoint = self.endpoint.shown();
        match error {
            Unreached::Endpoint(error) => match trust::distrust(error) {
                Some(why) => {
                    let message = format!("`{endpoint}` is not trusted: {why}");
                    Fault::agent(self.terminal(message))
                }
                None => self.unreachable(&trust::explained(error)),
            },
            Unreached::Proxy(proxy, error) => match trust::distrust(error) {
                Some(why) => {
                    let message = format!(
                        "`{endpoint}` cannot be reached: its proxy `{proxy}` is not trusted: {why}"
                    );
                    Fault::agent(self.terminal(message))
                }
                None => {
                    let error = trust::explained(error);
                    self.unreachable(&format!("its proxy `{proxy}` cannot be: {error}"))
                }
            },
            Unreached::Refused(proxy, status) => {
                let message = format!(
                    "`{endpoint}` cannot be reached: its proxy `{proxy}` answered {status}"
                );
                let message = match *status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
                    true => message + CREDENTIALS,
                    false => message,
                };
                let is_passing = self.by_status(*status, String::new(), None);
                match is_passing.error.is_retryable() {
                    true => Fault::nobody(self.retryable(message)),
                    false => Fault::agent(self.terminal(message)),
                }
            }
            Unreached::NotHttp(proxy) => Fault::agent(self.terminal(format!(
                "`{endpoint}` cannot be reached: its proxy `{proxy}` speaks SOCKS, and only proxies of `http://` and \
                 `https://` are known; name another in `HTTPS_PROXY` or `HTTP_PROXY`, or the endpoint in `NO_PROXY`"
            ))),
        }
    }

    /// Nobody answers there.
    pub(super) fn unreachable(&self, error: &str) -> Fault {
        let endpoint = self.endpoint.shown();
        let message = format!("`{endpoint}` cannot be reached: {error}");
        Fault::nobody(self.retryable(message))
    }

    /// The exchange broke off, after this much of an answer.
    pub(super) fn broken(&self, broken: &Broken, text: &str) -> Fault {
        let endpoint = self.endpoint.shown();
        let message = format!("the exchange with `{endpoint}` broke off: {broken}");
        let message = self.with_end(message, text);
        match broken {
            Broken::TooLong => Fault::attempt(self.terminal(message)),
            Broken::Unanswered(_) => Fault::agent(self.retryable(message)),
            Broken::Connection(_) if text.is_empty() => Fault::agent(self.retryable(message)),
            Broken::Connection(_) | Broken::Silent(_) => Fault::attempt(self.retryable(message)),
        }
    }

    /// The endpoint answered with a status that is no success.
    pub(super) async fn refused(&self, mut exchange: Exchange) -> Fault {
        let (status, wait) = (exchange.status(), retry_after(exchange.headers()));
        let mut body = Vec::new();
        // A body that breaks off tells something all the same.
        while let Ok(Some(bytes)) = exchange.next().await {
            body.extend_from_slice(&bytes);
            if body.len() > BODY {
                break;
            }
        }
        let endpoint = self.endpoint.shown();
        let mut message = format!("`{endpoint}` answered {status}");
        if let Some(proxy) = self.proxies.forwarding(&self.endpoint) {
            message.push_str(&format!(" through the proxy `{}`", proxy::shown(&proxy)));
        }
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            message.push_str(CREDENTIALS);
        }
        if status.is_redirection() {
            message.push_str(", and a key is not sent elsewhere; correct the agent's `baseUrl`");
        }
        let coding = exchange.coding();
        let coding = coding.as_deref().or_else(|| answer::compressed(&body));
        let message = match Tail::of(&body, &self.secrets).show(&self.secrets) {
            _ if coding.is_some() => {
                let coding = coding.unwrap_or_default();
                format!("{message}; what it says of that is compressed (`{coding}`)")
            }
            end if end.is_empty() => message,
            end => format!("{message}: {end}"),
        };
        let code = serde_json::from_slice::<Value>(&body).ok();
        let code = code.as_ref().and_then(|body| body.pointer("/error/code"));
        let mut fault = self.by_status(status, message, code.and_then(Value::as_str));
        if let (true, Some(wait)) = (fault.error.is_retryable(), wait) {
            fault.error = fault.error.retry_after(wait);
        }
        fault
    }

    /// The answer cannot be used.
    pub(super) fn unusable(&self, wrong: Wrong, answer: &Answer) -> Fault {
        let endpoint = self.endpoint.shown();
        match wrong {
            Wrong::Incomplete(word) => {
                let message = format!("the answer of `{endpoint}` broke off");
                let message = match word.as_deref() {
                    Some("") => format!("{message}: it ended without saying how"),
                    Some(word) => {
                        format!("{message}: it ended with `{word}`, which no whole answer ends with")
                    }
                    None if answer.is_begun() && answer.is_done() => {
                        format!("{message}: it ended without a `finish_reason`")
                    }
                    None => message,
                };
                let message = match (answer.text(), self.beginning(answer)) {
                    ("", beginning) if beginning.is_empty() && !answer.is_begun() => {
                        format!("the answer of `{endpoint}` is empty")
                    }
                    ("", beginning) if !beginning.is_empty() => {
                        format!("{message}; what had come begins: {beginning}")
                    }
                    (text, _) => self.with_end(message, text),
                };
                Fault::attempt(self.retryable(message))
            }
            Wrong::Empty { has_reasoned } => Fault::attempt(self.retryable(match has_reasoned {
                true => format!(
                    "the answer of `{endpoint}` is empty: the model only reasoned; raise the agent's `maxTokens` \
                     or have it reason less"
                ),
                false => format!("the answer of `{endpoint}` is empty: it ended without any text"),
            })),
            Wrong::NoAnswer { is_elsewhere } => {
                let message = format!("what `{endpoint}` says is no answer");
                let message = match self.beginning(answer) {
                    beginning if beginning.is_empty() => message,
                    beginning => format!("{message}: `{beginning}`"),
                };
                Fault::agent(self.terminal(match is_elsewhere {
                    true => format!("{message}; check the agent's `baseUrl`"),
                    false => format!("{message}; there is no choice in it"),
                }))
            }
            Wrong::NoText(kind) => {
                let message =
                    format!("the answer of `{endpoint}` is no text: its `content` is {kind}");
                Fault::attempt(self.terminal(self.with_end(message, answer.text())))
            }
            Wrong::Compressed(coding) => Fault::agent(self.terminal(format!(
                "the answer of `{endpoint}` is compressed (`{coding}`), which was not asked for and is not read; \
                 turn that off at the endpoint or at the proxy before it"
            ))),
            Wrong::Unreadable(what) => {
                let what = self.end(&what);
                let message =
                    format!("the answer of `{endpoint}` is not what it should be: {what}");
                Fault::attempt(self.terminal(self.with_end(message, answer.text())))
            }
            Wrong::Error(error) => {
                let message = self.end(&error.message);
                let message = format!("`{endpoint}` reports an error: {message}");
                let message = self.with_end(message, answer.text());
                match error.status.and_then(|status| StatusCode::from_u16(status).ok()) {
                    Some(status) => self.by_status(status, message, error.code.as_deref()),
                    // Of an error that is all there is, and names no cause that passes, nothing better is expected.
                    None if error.is_flat && !answer.is_begun() => {
                        Fault::attempt(self.terminal(message))
                    }
                    None => Fault::attempt(self.retryable(message)),
                }
            }
            Wrong::TooLong(limit) => {
                let message = format!(
                    "the answer of `{endpoint}` has more than {limit} bytes; raise the agent's `outputLimit` \
                     or ask for less"
                );
                Fault::attempt(self.terminal(self.with_end(message, answer.text())))
            }
            Wrong::CutOff => {
                let message = format!(
                    "the answer of `{endpoint}` was cut off at the limit of tokens; raise the agent's \
                     `maxTokens` or ask for less"
                );
                Fault::attempt(self.terminal(self.with_end(message, answer.text())))
            }
            Wrong::Refused(words) => {
                let message = format!("`{endpoint}` refuses to answer");
                Fault::prompt(self.terminal(match words.is_empty() {
                    true => format!("{message}: its content filter took hold"),
                    false => format!("{message}: {}", self.end(&words)),
                }))
            }
            Wrong::Tools => {
                let message = format!(
                    "`{endpoint}` asks for a tool instead of answering, and there are none; take `tools` out of \
                     the agent's `options`"
                );
                Fault::attempt(self.terminal(self.with_end(message, answer.text())))
            }
        }
    }

    /// By the contract's table: 408, 429 and 5xx may pass, others do not.
    fn by_status(&self, status: StatusCode, message: String, code: Option<&str>) -> Fault {
        let is_passing = status.is_server_error()
            || matches!(
                status,
                StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
            );
        let blame = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::PAYMENT_REQUIRED => {
                Blame::Agent
            }
            StatusCode::NOT_FOUND => Blame::Agent,
            // The account has run dry: nobody's next request does better.
            StatusCode::TOO_MANY_REQUESTS if code == Some("insufficient_quota") => Blame::Agent,
            StatusCode::BAD_REQUEST
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNPROCESSABLE_ENTITY => Blame::Prompt,
            _ if status.is_server_error() || status.is_redirection() => Blame::Agent,
            _ => Blame::Attempt,
        };
        let error = match is_passing {
            true => self.retryable(message),
            false => self.terminal(message),
        };
        Fault::new(error, blame)
    }

    fn with_end(&self, message: String, text: &str) -> String {
        match self.end(text) {
            end if end.is_empty() => message,
            end => format!("{message}; what had come ends: {end}"),
        }
    }

    /// The end of a text, or all of it where it is short.
    fn end(&self, text: &str) -> String {
        Tail::of(text.as_bytes(), &self.secrets).show(&self.secrets)
    }

    /// The beginning of what came in the place of an answer.
    fn beginning(&self, answer: &Answer) -> String {
        let (text, is_cut) = answer.beginning();
        let mut redactor = Redactor::new(&self.secrets);
        let mut shown = redactor.push(text);
        if !is_cut {
            shown.extend(redactor.finish());
        }
        // What is held back may be the beginning of a secret whose end is gone.
        let shown = String::from_utf8_lossy(&shown);
        match is_cut {
            // A letter may be cut in two.
            true => format!("{}…", shown.trim_end_matches('\u{fffd}').trim()),
            false => shown.trim().to_owned(),
        }
    }

    fn retryable(&self, message: String) -> StepError {
        StepError::retryable(self.secrets.redact_message(message))
    }

    fn terminal(&self, message: String) -> StepError {
        StepError::terminal(self.secrets.redact_message(message))
    }
}

/// How long the endpoint asks to be left alone: seconds, or a date, reckoned from the endpoint's own if it gives
/// that; some also give milliseconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(millis) = text("retry-after-ms").and_then(whole) {
        return Some(Duration::from_millis(millis).min(FOR_EVER));
    }
    let text_of_wait = text(header::RETRY_AFTER.as_str())?;
    if let Some(seconds) = whole(text_of_wait) {
        return Some(Duration::from_secs(seconds).min(FOR_EVER));
    }
    // Dates end in this year, and its last days are beyond what can be reckoned with.
    if text_of_wait.split_whitespace().nth(3) == Some("9999") {
        return Some(FOR_EVER);
    }
    let millis = |text: &str| Some(rfc2822::parse(text).ok()?.timestamp().as_millisecond());
    let now = text(header::DATE.as_str()).and_then(millis);
    let now = now.unwrap_or_else(|| SystemClock::new().now().millis());
    let wait = millis(text_of_wait)?.saturating_sub(now).max(0);
    let wait = u64::try_from(wait).ok().map(Duration::from_millis)?;
    Some(wait.min(FOR_EVER))
}

/// A whole number, of any length.
fn whole(text: &str) -> Option<u64> {
    let is_whole = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_whole.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn wait(headers: &[(&'static str, &'static str)]) -> Option<u128> {
        let headers = headers.iter().map(|(name, value)| {
            (
                HeaderName::from_static(name),
                http::HeaderValue::from_static(value),
            )
        });
        retry_after(&headers.collect()).map(|wait| wait.as_millis())
    }

    #[test]
    fn a_wait_is_read_as_seconds_as_a_date_and_as_milliseconds() {
        let date = ("date", "Sun, 06 Nov 1994 08:49:07 GMT");
        let later = ("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(wait(&[("retry-after", "20")]), Some(20_000));
        assert_eq!(wait(&[date, later]), Some(30_000));
        assert_eq!(
            wait(&[("retry-after-ms", "150"), ("retry-after", "1")]),
            Some(150)
        );
        // A moment that is past is no wait.
        assert_eq!(wait(&[later]), Some(0));
        for nonsense in ["", "soon", "-1", "1.5"] {
            assert_eq!(wait(&[("retry-after", nonsense)]), None, "{nonsense}");
        }
        for endless in [
            "99999999999999999999999",
            "18446744073709551615",
            "Fri, 31 Dec 9999 23:59:59 GMT",
            "Sun, 06 Nov 5994 08:49:37 GMT",
        ] {
            let long = Some(FOR_EVER.as_millis());
            assert_eq!(wait(&[("retry-after", endless)]), long, "{endless}");
        }
        let millis = ("retry-after-ms", "99999999999999999999999");
        assert_eq!(wait(&[millis]), Some(FOR_EVER.as_millis()));
    }
}
