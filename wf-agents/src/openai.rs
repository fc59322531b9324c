//! The agent that is a model behind an endpoint which speaks OpenAI's chat protocol.

mod answer;
mod bad_endpoint;
mod body;
mod bound;
mod endpoint;
mod events;
mod exchange;
mod letters;
mod piece;
mod proxy;
mod reading;
mod refusal;
mod reported;
mod request;
mod trust;
mod usage;
mod words;

use std::fmt;
use std::time::Duration;

use futures::future::BoxFuture;
use http::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value};
use wf_core::agent::{Agent, Allowance, Reply, Request, StepError};

pub use self::bad_endpoint::BadEndpoint;

use self::endpoint::Endpoint;
use self::exchange::Exchange;
use self::proxy::{Proxies, shown};
use self::trust::Trust;
use super::command::OUTPUT_LIMIT;
use super::fault::{Diagnose, Fault};
use super::secrets::Secrets;

/// How long it may take to reach the endpoint.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the endpoint may say nothing at all, unless told otherwise: while it streams, and while it thinks up
/// an answer that comes as a whole.
const IDLE_STREAMING: Duration = Duration::from_secs(120);
const IDLE_WHOLE: Duration = Duration::from_secs(600);

/// Asks a model behind an endpoint that speaks OpenAI's chat protocol (`POST …/chat/completions`).
///
/// The prompt is the user's message, after the system's if there is one. The answer is streamed unless told
/// otherwise, and shown to whoever watches; it is read by [`Reply::read`], and where the step has an output
/// schema, a block of JSON between fences is taken for what is in it. Each attempt has a connection of its own. No
/// redirect is followed. The proxies that `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY` name are used except for what `NO_PROXY`
/// names and for this machine. Over `https` the endpoint's certificate must be signed by an authority that
/// the system trusts, or one that [`authorities`](Self::authorities) adds; where it is not, the step fails for good.
///
/// Statuses 408, 429 and 5xx, timeouts and broken connections fail the attempt retryably, and a `Retry-After` is
/// honoured; every other status fails the step for good. So does an answer that was cut off at the limit of tokens,
/// that was filtered or refused, that asks for tools, or that is longer than the output limit; and so does what is no
/// answer at all. An answer counts when it says that it is whole (`stop`, `end_turn` and the like) and is not empty; one that is
/// empty, or ends in another way, fails the attempt retryably. What goes wrong after the end does not undo an answer. Whatever the endpoint sends, no more
/// of it is kept at once than six times the output limit and 1 MiB, beside the text that was made of it.
///
/// Usage is recorded as `input_tokens`, `output_tokens`, `total_tokens`, `cached_input_tokens`, `model`, and with
/// [`prices`](Self::prices) `cost`, as far as the endpoint tells.
///
/// Must be called within a tokio runtime whose I/O and time drivers are enabled.
///
/// # Cancellation
///
/// Dropping the future of an attempt closes its connection.
#[derive(Clone)]
pub struct OpenAiAgent {
    endpoint: Endpoint,
    trust: Trust,
    proxies: Proxies,
    model: String,
    system: Option<String>,
    options: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
    secrets: Secrets,
    stream: bool,
    prices: Option<Prices>,
    connect_timeout: Duration,
    idle_timeout: Option<Duration>,
    output_limit: u64,
}

/// What a million tokens cost, in a currency of your choice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Prices {
    /// A million tokens of the prompt.
    pub input: f64,
    /// A million tokens of the answer.
    pub output: f64,
}

impl OpenAiAgent {
    /// The agent that asks `model` at `base_url`, such as `https://api.openai.com/v1`.
    ///
    /// # Errors
    ///
    /// When `base_url` is no URL of `http` or `https`, or has a user or a fragment in it, and when the variable that should
    /// name the proxy for it does not.
    pub fn new(base_url: &str, model: impl Into<String>) -> Result<Self, BadEndpoint> {
        let proxies = Proxies::of_environment();
        let mut secrets = Secrets::default();
        for secret in proxies.secrets() {
            secrets.add(secret.as_bytes());
        }
        let endpoint = Endpoint::parse(base_url)?;
        proxies.check(&endpoint)?;
        Ok(OpenAiAgent {
            endpoint,
            trust: Trust::default(),
            proxies,
            model: model.into(),
            system: None,
            options: Map::new(),
            headers: Vec::new(),
            secrets,
            stream: true,
            prices: None,
            connect_timeout: CONNECT_TIMEOUT,
            idle_timeout: None,
            output_limit: OUTPUT_LIMIT,
        })
    }

    /// Sets the key, which is sent as `Authorization: Bearer` and appears in no message.
    ///
    /// # Errors
    ///
    /// When the key has a character that no header can hold.
    pub fn key(self, key: &str) -> Result<Self, BadEndpoint> {
        self.secret_header("authorization", &format!("Bearer {key}"), key)
    }

    /// Adds a header.
    ///
    /// # Errors
    ///
    /// When it is no header, or one that the agent sets itself.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, BadEndpoint> {
        let name = request::name(name)?;
        let value = request::value(&name, value, false)?;
        self.headers.push((name, value));
        Ok(self)
    }

    /// Adds a header of which `secret` appears in no message.
    ///
    /// # Errors
    ///
    /// When it is no header, or one that the agent sets itself.
    pub fn secret_header(
        mut self,
        name: &str,
        value: &str,
        secret: &str,
    ) -> Result<Self, BadEndpoint> {
        let name = request::name(name)?;
        let value = request::value(&name, value, true)?;
        self.secrets.add(secret.as_bytes());
        self.headers.push((name, value));
        Ok(self)
    }

    /// Hides what was given to others as well.
    pub(super) fn hiding(mut self, shared: &Secrets) -> Self {
        self.secrets.join(shared);
        self
    }

    /// Trusts the authorities whose certificates `pem` has as well as those of the system: what
    /// an endpoint inside of a company needs.
    ///
    /// # Errors
    ///
    /// When there is no certificate in it, or one that cannot be used.
    pub fn authorities(mut self, pem: &[u8]) -> Result<Self, BadEndpoint> {
        self.trust = Trust::with(pem)?;
        Ok(self)
    }

    /// Sets a message of the system before the prompt.
    #[must_use]
    pub fn system(mut self, system: impl Into<String>) -> Self {
        self.system = Some(system.into());
        self
    }

    /// Adds a member to the request's body, as it is; `null` takes one out that would be there otherwise.
    ///
    /// `model`, `messages` and `stream` are the agent's own and stay as they are.
    #[must_use]
    pub fn option(mut self, name: impl Into<String>, value: Value) -> Self {
        self.options.insert(name.into(), value);
        self
    }

    /// Sets whether the answer is streamed, as it is by default, or comes as a whole.
    #[must_use]
    pub const fn stream(mut self, stream: bool) -> Self {
        self.stream = stream;
        self
    }

    /// Sets prices, so that the usage has a cost.
    #[must_use]
    pub const fn prices(mut self, prices: Prices) -> Self {
        self.prices = Some(prices);
        self
    }

    /// Sets the time within which the endpoint must be reached; 10 s by default.
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets the time for which the endpoint may be silent; by default 2 minutes when it streams,
    /// and 10 when it does not.
    #[must_use]
    pub const fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = Some(timeout);
        self
    }

    /// Sets how many bytes the answer may have; 64 MiB by default.
    #[must_use]
    pub const fn output_limit(mut self, bytes: u64) -> Self {
        self.output_limit = bytes;
        self
    }

    async fn attempt(&self, request: Request<'_>) -> Result<Reply, Fault> {
        let idle = self.idle_timeout.unwrap_or(match self.stream {
            true => IDLE_STREAMING,
            false => IDLE_WHOLE,
        });
        let message = self.message(request);
        let connected = self
            .endpoint
            .connect(&self.trust, &self.proxies, self.connect_timeout);
        let stream = match tokio::time::timeout(self.connect_timeout, connected).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(self.not_connected(&error)),
            Err(_) => {
                let time = wf_model::format_duration(self.connect_timeout);
                let proxy = self.proxies.intercept(&self.endpoint);
                let through = proxy.map(|proxy| format!(" through its proxy `{}`", shown(&proxy)));
                let through = through.unwrap_or_default();
                return Err(self.unreachable(&format!("no connection within {time}{through}")));
            }
        };
        let exchange = Exchange::begin(stream, message, idle, self.raw_limit()).await;
        let mut exchange = exchange.map_err(|broken| self.broken(&broken, ""))?;
        if !exchange.status().is_success() {
            return Err(self.refused(exchange).await);
        }
        self.read(&mut exchange, request).await
    }

    /// How much may come over the wire: each piece of a streamed answer travels in an envelope. What of it is held at once
    /// is bounded by [`Body`].
    fn raw_limit(&self) -> u64 {
        const ENVELOPE: u64 = 512;
        self.output_limit
            .saturating_mul(ENVELOPE)
            .saturating_add(1024 * 1024)
    }

    fn message(&self, request: Request<'_>) -> http::Request<http_body_util::Full<bytes::Bytes>> {
        let body = request::body(
            &self.model,
            self.system.as_deref(),
            self.stream,
            &self.options,
            request,
        );
        let proxy = self.proxies.forwarding(&self.endpoint);
        let mut message = request::message(&self.endpoint, &self.headers, body, request);
        if let Some(proxy) = proxy {
            request::forward(&mut message, &self.endpoint, proxy.basic_auth());
        }
        message
    }
}

impl Agent for OpenAiAgent {
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
        Box::pin(async move { self.attempt(request).await.map_err(|fault| fault.error) })
    }

    /// By the limit of tokens that the request has; not known where it has none.
    fn bound(&self, request: Request<'_>) -> Allowance {
        self.most(request)
    }
}

impl Diagnose for OpenAiAgent {
    fn diagnose<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, Fault>> {
        Box::pin(self.attempt(request))
    }
}

/// Shows where it asks and the names of its headers, and no value.
impl fmt::Debug for OpenAiAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("OpenAiAgent")
            .field("endpoint", &self.endpoint.shown())
            .field("model", &self.model)
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}
