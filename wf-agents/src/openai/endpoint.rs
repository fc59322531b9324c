//! Where the endpoint is, and the way there.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::bad_endpoint::BadEndpoint;
use super::proxy::{self, Proxies, Unreached};
use super::trust::Trust;

/// A connection, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// How the addresses end that documentation shows beside the base URL.
const ADDED: [&str; 3] = ["/chat/completions", "/completions", "/responses"];

/// An endpoint's address.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    tls: Option<ServerName<'static>>,
    host: String,
    port: u16,
    /// The host, with the port unless it is the usual one: what the `Host` header says.
    authority: String,
    /// The path, and the query if there is one.
    target: String,
    shown: String,
}

impl Endpoint {
    /// Reads a base URL; `/chat/completions` is added to its path.
    pub(super) fn parse(base_url: &str) -> Result<Self, BadEndpoint> {
        let wrong = |what: &str| {
            let example = "write one such as `https://api.example.com/v1`";
            BadEndpoint(format!("`{}` {what}; {example}", shown(base_url)))
        };
        if base_url.contains('#') {
            return Err(wrong("has a fragment in it"));
        }
        let url: Uri = base_url.parse().map_err(|_| wrong("is not a URL"))?;
        let is_tls = match url.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(wrong("is not a URL of `http` or `https`")),
        };
        let authority = url.authority().ok_or_else(|| wrong("names no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("has a user in it, which the key is for"));
        }
        let host = authority.host();
        let port = match authority.as_str().strip_prefix(host) {
            Some("") if is_tls => 443,
            Some("") => 80,
            port => port
                .and_then(|port| port.strip_prefix(':')?.parse().ok())
                .filter(|port| *port != 0)
                .ok_or_else(|| wrong("has no usable port"))?,
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(wrong("names no host"));
        }
        let tls = if is_tls {
            let name = ServerName::try_from(host.to_owned());
            Some(name.map_err(|_| wrong("names no valid host"))?)
        } else {
            None
        };
        let path = url.path().trim_end_matches('/');
        if let Some(known) = ADDED.iter().find(|known| path.ends_with(**known)) {
            let base = base_url.find(known).and_then(|at| base_url.get(..at));
            return Err(BadEndpoint(format!(
                "`{}` ends in `{known}`, and `/chat/completions` is added to it; write `{}`",
                shown(base_url),
                shown(base.unwrap_or_default())
            )));
        }
        let scheme = if is_tls { "https" } else { "http" };
        let query = url.query().map(|query| format!("?{query}"));
        Ok(Endpoint {
            tls,
            host: host.to_owned(),
            port,
            authority: authority.as_str().to_owned(),
            target: format!("{path}/chat/completions{}", query.unwrap_or_default()),
            // A query may hold a key.
            shown: format!("{scheme}://{authority}{path}/chat/completions"),
        })
    }

    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    pub(super) fn target(&self) -> &str {
        &self.target
    }

    /// The address as messages show it, without a query.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// Whether what is sent there is encrypted.
    pub(super) const fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The host and the port, as a proxy is asked for them.
    pub(super) fn host_and_port(&self) -> String {
        host_and_port(&self.host, self.port)
    }

    /// Makes a connection, to whom that trust accepts, through a proxy if there is one for it. The whole of the time is for
    /// the caller to bound.
    pub(super) async fn connect(
        &self,
        trust: &Trust,
        proxies: &Proxies,
        within: Duration,
    ) -> Result<Box<dyn Stream>, Unreached> {
        let stream: Box<dyn Stream> = match proxies.intercept(self) {
            Some(proxy) => proxy::connect(&proxy, self, trust, within).await?,
            None => {
                let reached = reach(&self.host, self.port, within).await;
                Box::new(reached.map_err(Unreached::Endpoint)?)
            }
        };
        let Some(name) = &self.tls else {
            return Ok(stream);
        };
        let encrypted = encrypt(stream, name.clone(), trust).await;
        encrypted.map_err(Unreached::Endpoint)
    }
}

/// A host and a port in the form that URLs have.
fn host_and_port(host: &str, port: u16) -> String {
    match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

/// An encrypted connection over another, to whom that trust accepts.
pub(super) async fn encrypt(
    stream: Box<dyn Stream>,
    name: ServerName<'static>,
    trust: &Trust,
) -> io::Result<Box<dyn Stream>> {
    let connector = TlsConnector::from(trust.config()?);
    Ok(Box::new(connector.connect(name, stream).await?))
}

/// A connection to a host. Where it has several addresses, each gets its share of the time.
pub(super) async fn reach(host: &str, port: u16, within: Duration) -> io::Result<TcpStream> {
    let began = Instant::now();
    let addresses = lookup_host((host, port)).await?;
    let stream = first_reached(&addresses.collect::<Vec<_>>(), began, within).await?;
    // An answer comes in small pieces, each wanted at once.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A connection with the first of these where somebody answers. One that says nothing leaves to each that follows its
/// share of the time.
async fn first_reached(
    addresses: &[SocketAddr],
    began: Instant,
    within: Duration,
) -> io::Result<TcpStream> {
    let mut error = io::Error::other("the host has no address");
    for (number, address) in addresses.iter().enumerate() {
        let following = addresses.len() - number - 1;
        let connecting = TcpStream::connect(address);
        let Some(following) = u32::try_from(following).ok().filter(|count| *count > 0) else {
            // The last has all the time that is left.
            return connecting.await;
        };
        let share = within.saturating_sub(began.elapsed()) / (following + 1);
        match timeout(share, connecting).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(failed)) => error = failed,
            Err(_) => {}
        }
    }
    Err(error)
}

/// A URL that could not be read, as far as it can be shown: what stands where a password or a key may be is not.
fn shown(base_url: &str) -> &str {
    let end = base_url.find(['?', '#']).unwrap_or(base_url.len());
    let text = base_url.get(..end).unwrap_or_default();
    match text.rfind('@') {
        Some(at) => text.get(at..).unwrap_or_default(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_gives_host_port_and_path() {
        for (url, authority, target, port) in [
            (
                "http://127.0.0.1:8080/v1",
                "127.0.0.1:8080",
                "/v1/chat/completions",
                8080,
            ),
            (
                "https://api.example.com/v1/",
                "api.example.com",
                "/v1/chat/completions",
                443,
            ),
            ("http://localhost", "localhost", "/chat/completions", 80),
            (
                "http://[::1]:81/a/b",
                "[::1]:81",
                "/a/b/chat/completions",
                81,
            ),
            (
                "https://x.example/openai/d?api-version=2",
                "x.example",
                "/openai/d/chat/completions?api-version=2",
                443,
            ),
        ] {
            let endpoint = Endpoint::parse(url).unwrap();
            assert_eq!(
                (endpoint.authority(), endpoint.target(), endpoint.port),
                (authority, target, port),
                "{url}"
            );
        }
        assert_eq!(Endpoint::parse("http://[::1]:81").unwrap().host, "::1");
    }

    #[test]
    fn what_is_no_usable_url_is_refused_without_showing_a_password() {
        for url in [
            "",
            "localhost:8080/v1",
            "ftp://x/v1",
            "http://",
            "http://me:hunter2@x/v1",
            "http://x:0/",
            "http://x:99999/",
            "http://x/v1#top",
            "http://a b/",
            "https://-x-.../",
        ] {
            let said = Endpoint::parse(url).unwrap_err().to_string();
            assert!(!said.contains("hunter2"), "{said}");
            assert!(said.contains("; write one such as"), "{url}: {said}");
        }
    }

    #[test]
    fn what_is_added_to_a_base_url_is_not_to_be_in_it() {
        for (url, base) in [
            (
                "https://x.example/v1/chat/completions",
                "https://x.example/v1",
            ),
            (
                "https://x.example/v1/chat/completions/",
                "https://x.example/v1",
            ),
            (
                "https://x.example/v1/completions?k=hunter2",
                "https://x.example/v1",
            ),
            ("http://localhost:80/v1/responses", "http://localhost:80/v1"),
        ] {
            let said = Endpoint::parse(url).unwrap_err().to_string();
            assert!(said.ends_with(&format!("; write `{base}`")), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn a_query_is_not_shown() {
        let endpoint = Endpoint::parse("https://x.example/v1?key=hunter2").unwrap();
        assert_eq!(endpoint.shown(), "https://x.example/v1/chat/completions");
    }

    #[tokio::test]
    async fn an_address_where_nobody_answers_leaves_time_for_the_next() {
        // A queue that is full: whoever comes then is neither taken nor refused.
        let silent = tokio::net::TcpSocket::new_v4().unwrap();
        silent.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let silent = silent.listen(1).unwrap();
        let nobody = silent.local_addr().unwrap();
        let mut queue = Vec::new();
        while let Ok(taken) = timeout(Duration::from_millis(200), TcpStream::connect(nobody)).await
        {
            queue.push(taken.unwrap());
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let somebody = listener.local_addr().unwrap();
        let (began, within) = (Instant::now(), Duration::from_secs(2));
        let all = [nobody, nobody, somebody];
        let reached = timeout(within, first_reached(&all, began, within));
        let stream = reached.await.unwrap().unwrap();
        assert_eq!(stream.peer_addr().unwrap(), somebody);
        let error = first_reached(&[], began, within).await.unwrap_err();
        assert_eq!(error.to_string(), "the host has no address");
    }
}
