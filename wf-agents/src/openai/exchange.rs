//! One request and its answer, over one connection, within bounds of time and size.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, Either, select};
use http::header::{self, HeaderMap};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::endpoint::Stream;

/// How large a status line with its headers may be, in bytes.
pub(super) const HEADERS: usize = 64 * 1024;

/// An answer that is being read.
pub(super) struct Exchange {
    response: Response<Incoming>,
    /// Moves the bytes; none when the connection has ended.
    connection: Option<BoxFuture<'static, ()>>,
    /// As long as it lives, the connection is not closed.
    _sender: SendRequest<Full<Bytes>>,
    idle: Duration,
    left: u64,
}

/// Why an exchange broke off.
#[derive(Debug)]
pub(super) enum Broken {
    /// The connection was lost, or what came over it is no HTTP.
    Connection(String),
    /// Nothing came for this time, and nothing at all before it.
    Unanswered(Duration),
    /// Nothing came for this time.
    Silent(Duration),
    /// More came than may come.
    TooLong,
}

impl Exchange {
    /// Sends the request and waits for the status of the answer.
    pub(super) async fn begin(
        stream: Box<dyn Stream>,
        message: http::Request<Full<Bytes>>,
        idle: Duration,
        limit: u64,
    ) -> Result<Self, Broken> {
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(HEADERS)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| Broken::connection(&error))?;
        // What goes wrong with the connection is seen by whoever reads from it.
        let mut connection: Option<BoxFuture<'static, ()>> = Some(connection.map(drop).boxed());
        let answered = {
            let send = std::pin::pin!(sender.send_request(message));
            timeout(idle, alongside(&mut connection, send)).await
        };
        let response = answered
            .map_err(|_| Broken::Unanswered(idle))?
            .map_err(|error| Broken::connection(&error))?;
        Ok(Exchange {
            response,
            connection,
            _sender: sender,
            idle,
            left: limit,
        })
    }

    pub(super) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The media type of the body, in lower case and without what is added to it; none where none is told.
    pub(super) fn media_type(&self) -> Option<String> {
        let kind = self.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
        let kind = kind.split(';').next().unwrap_or_default();
        Some(kind.trim().to_ascii_lowercase())
    }

    /// How the body is compressed, by what its header says; none where it says nothing of that.
    pub(super) fn coding(&self) -> Option<String> {
        let coding = self
            .headers()
            .get(header::CONTENT_ENCODING)?
            .to_str()
            .ok()?;
        let coding = coding.trim().to_ascii_lowercase();
        Some(coding).filter(|coding| !coding.is_empty() && coding != "identity")
    }

    /// The next piece of the body; none at its end.
    ///
    /// # Cancellation
    ///
    /// Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        self.next_within(self.idle).await
    }

    /// How long nothing may come.
    pub(super) const fn idle(&self) -> Duration {
        self.idle
    }

    /// The next piece of the body, if it comes within that time; none at its end.
    ///
    /// # Cancellation
    ///
    /// Dropping the future loses nothing.
    pub(super) async fn next_within(&mut self, idle: Duration) -> Result<Option<Bytes>, Broken> {
        loop {
            let frame = std::pin::pin!(self.response.body_mut().frame());
            let frame = timeout(idle, alongside(&mut self.connection, frame))
                .await
                .map_err(|_| Broken::Silent(self.idle))?;
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame.map_err(|error| Broken::connection(&error))?;
            // What is not data are trailers.
            if let Ok(data) = frame.into_data() {
                let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
                self.left = self.left.checked_sub(length).ok_or(Broken::TooLong)?;
                if !data.is_empty() {
                    return Ok(Some(data));
                }
            }
        }
    }
}

impl Broken {
    fn connection(error: &hyper::Error) -> Self {
        let mut message = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            message.push_str(": ");
            message.push_str(&cause.to_string());
            source = cause.source();
        }
        Broken::Connection(message)
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Connection(error) => write!(f, "the connection broke: {error}"),
            Broken::Unanswered(time) => {
                write!(f, "no answer within {}", wf_model::format_duration(*time))
            }
            Broken::Silent(time) => {
                write!(f, "nothing came for {}", wf_model::format_duration(*time))
            }
            Broken::TooLong => f.write_str("the answer is too long"),
        }
    }
}

/// Waits for the future, and keeps the connection going meanwhile.
pub(super) async fn alongside<F: Future>(
    connection: &mut Option<BoxFuture<'static, ()>>,
    future: Pin<&mut F>,
) -> F::Output {
    let Some(moving) = connection else {
        return future.await;
    };
    match select(future, moving).await {
        Either::Left((output, _)) => output,
        Either::Right(((), future)) => {
            *connection = None;
            future.await
        }
    }
}
