//! A server on loopback that does exactly what a test says, down to the bytes.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with a request.
#[derive(Clone)]
pub(crate) enum Act {
    /// Writes these pieces, and closes the connection.
    Write(Vec<Vec<u8>>),
    /// Writes this and then nothing, with the connection open.
    Hang(Vec<u8>),
    /// Writes the first, and then the second again and again, until the client hangs up or it has written so many bytes
    /// of it.
    Flood(Vec<u8>, Vec<u8>, usize),
}

/// What the server was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) head: String,
    pub(crate) body: Value,
}

/// A server that does one act for each connection, in order, and the last for all further ones.
pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    flooded: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) async fn start(acts: impl IntoIterator<Item = Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let flooded = Arc::new(AtomicUsize::new(0));
        let mut acts: VecDeque<Act> = acts.into_iter().collect();
        tokio::spawn({
            let (asked, flooded) = (Arc::clone(&asked), Arc::clone(&flooded));
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let act = match acts.len() {
                        0 => return,
                        1 => acts[0].clone(),
                        _ => acts.pop_front().unwrap(),
                    };
                    tokio::spawn(serve(stream, act, Arc::clone(&asked), Arc::clone(&flooded)));
                }
            }
        });
        Server {
            url,
            asked,
            flooded,
        }
    }

    /// How many bytes it could write in floods.
    pub(crate) fn flooded(&self) -> usize {
        self.flooded.load(Ordering::Relaxed)
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    act: Act,
    asked: Arc<Mutex<Vec<Asked>>>,
    flooded: Arc<AtomicUsize>,
) {
    let (head, body) = request(&mut stream).await;
    let body = serde_json::from_slice(&body).unwrap_or_default();
    asked.lock().unwrap().push(Asked { head, body });
    perform(stream, act, &flooded).await;
}

/// Reads a request, and does the act.
pub(crate) async fn reply(mut stream: impl AsyncRead + AsyncWrite + Unpin, act: Act) {
    request(&mut stream).await;
    perform(stream, act, &AtomicUsize::new(0)).await;
}

async fn perform(mut stream: impl AsyncRead + AsyncWrite + Unpin, act: Act, flooded: &AtomicUsize) {
    match act {
        Act::Write(pieces) => {
            for piece in pieces {
                // The client may have had enough.
                if stream.write_all(&piece).await.is_err() {
                    return;
                }
                tokio::task::yield_now().await;
            }
            let _ = stream.shutdown().await;
        }
        Act::Hang(beginning) => {
            stream.write_all(&beginning).await.unwrap();
            // Until the client hangs up.
            let _ = stream.read(&mut [0]).await;
        }
        Act::Flood(beginning, piece, most) => {
            stream.write_all(&beginning).await.unwrap();
            for _ in 0..(most / piece.len()) {
                if stream.write_all(&piece).await.is_err() {
                    return;
                }
                flooded.fetch_add(piece.len(), Ordering::Relaxed);
            }
        }
    }
}

/// Reads a request: its head, and as much body as that announces.
pub(crate) async fn request(stream: &mut (impl AsyncRead + Unpin)) -> (String, Vec<u8>) {
    let mut all = Vec::new();
    let end = loop {
        if let Some(end) = all.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await.unwrap_or(0);
        if read == 0 {
            return (String::new(), Vec::new());
        }
        all.extend_from_slice(&piece[..read]);
    };
    let body = all.split_off(end);
    let head = String::from_utf8(all).unwrap();
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.trim().parse().unwrap());
    let mut body = body;
    let have = body.len();
    body.resize(length, 0);
    stream.read_exact(&mut body[have..]).await.unwrap();
    (head, body)
}

/// An answer of that status with that body.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Act {
    let length = body.len();
    Act::Write(vec![
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        )
        .into_bytes(),
    ])
}

/// The head of a streamed answer, which ends with its connection.
pub(crate) fn stream_head() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\r\n".to_vec()
}

/// An event with a piece of text.
pub(crate) fn delta(text: &str) -> Vec<u8> {
    let delta = serde_json::json!({
        "model": "m-2026", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]
    });
    format!("data: {delta}\n\n").into_bytes()
}

/// The events that end a streamed answer.
pub(crate) fn finish(reason: &str) -> Vec<u8> {
    let end = serde_json::json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]});
    let usage = serde_json::json!({
        "choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200}
    });
    format!("data: {end}\n\ndata: {usage}\n\ndata: [DONE]\n\n").into_bytes()
}

/// A streamed answer in these pieces.
pub(crate) fn streamed(texts: &[&str]) -> Act {
    let deltas = texts.iter().map(|text| delta(text));
    Act::Write(
        std::iter::once(stream_head())
            .chain(deltas)
            .chain([finish("stop")])
            .collect(),
    )
}
