//! The proxies that the environment names, and the way through one.

use std::env;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::{self, HeaderValue};
use http::uri::Scheme;
use http::{Method, Request, StatusCode, Uri};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use tokio_rustls::rustls::pki_types::ServerName;

use super::bad_endpoint::BadEndpoint;
use super::endpoint::{Endpoint, Stream, encrypt, reach};
use super::exchange::{HEADERS, alongside};
use super::request::USER_AGENT;
use super::trust::Trust;

/// The proxies for endpoints. Clones share them.
#[derive(Clone)]
pub(super) struct Proxies(Arc<Known>);

struct Known {
    matcher: Matcher,
    /// Has a proxy for every host that `NO_PROXY` does not except.
    anywhere: Matcher,
    /// The variable that should name a proxy for `http`, and does not.
    no_http: Option<&'static str>,
    /// The variable that should name a proxy for `https`, and does not.
    no_https: Option<&'static str>,
    /// What appears in no message.
    secrets: Vec<String>,
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum Unreached {
    /// The endpoint itself does not answer.
    Endpoint(io::Error),
    /// This proxy does not answer.
    Proxy(String, io::Error),
    /// This proxy does not make the connection.
    Refused(String, StatusCode),
    /// This proxy is of another kind than those that are known.
    NotHttp(String),
}

impl Proxies {
    /// Those that `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY` name, except for what is in `NO_PROXY`; also in lower case.
    pub(super) fn of_environment() -> Self {
        static FOUND: OnceLock<Proxies> = OnceLock::new();
        let found = FOUND.get_or_init(|| {
            // Where a request sets variables, this one is what a stranger has sent as a header.
            let http = match env::var_os("REQUEST_METHOD") {
                Some(_) => Variable::default(),
                None => Variable::of(["HTTP_PROXY", "http_proxy"]),
            };
            Proxies::named(
                &http,
                &Variable::of(["HTTPS_PROXY", "https_proxy"]),
                &Variable::of(["ALL_PROXY", "all_proxy"]),
                &Variable::of(["NO_PROXY", "no_proxy"]).value,
            )
        });
        found.clone()
    }

    fn named(http: &Variable, https: &Variable, all: &Variable, no: &str) -> Self {
        let urls = [http, https, all].map(|variable| variable.value.as_str());
        let [plain, encrypted, other] = urls;
        let matcher = Matcher::builder().http(plain).https(encrypted).all(other);
        // The variable that counts for a scheme is the other one only where its own says nothing.
        let lacking = |own: &Variable| {
            let counts = if own.value.is_empty() { all } else { own };
            (!counts.is_usable()).then_some(counts.name)
        };
        Proxies(Arc::new(Known {
            matcher: matcher.no(no).build(),
            anywhere: Matcher::builder().all("http://proxy").no(no).build(),
            no_http: lacking(http),
            no_https: lacking(https),
            secrets: urls.into_iter().flat_map(secrets).collect(),
        }))
    }

    /// Sees to it that the proxy for an endpoint is known, if there has to be one.
    ///
    /// # Errors
    ///
    /// When the variable that should name it does not.
    pub(super) fn check(&self, endpoint: &Endpoint) -> Result<(), BadEndpoint> {
        let lacking = match endpoint.is_encrypted() {
            true => self.0.no_https,
            false => self.0.no_http,
        };
        match lacking {
            Some(name) if choose(&self.0.anywhere, endpoint).is_some() => {
                let host = endpoint.host();
                Err(BadEndpoint(format!(
                    "`{name}` in the environment does not name a proxy by a URL; \
                     write one such as `http://proxy.example:3128`, take the variable away, or except `{host}` with `NO_PROXY`"
                )))
            }
            _ => Ok(()),
        }
    }

    /// The parts of the proxies' URLs that appear in no message.
    pub(super) fn secrets(&self) -> &[String] {
        &self.0.secrets
    }

    /// The proxy for an endpoint. What is on this machine is reached directly.
    pub(super) fn intercept(&self, endpoint: &Endpoint) -> Option<Intercept> {
        choose(&self.0.matcher, endpoint)
    }

    /// The proxy that is sent the requests to an endpoint, since they are not encrypted.
    pub(super) fn forwarding(&self, endpoint: &Endpoint) -> Option<Intercept> {
        self.intercept(endpoint)
            .filter(|_| !endpoint.is_encrypted())
    }
}

/// A variable of the environment.
#[derive(Default)]
struct Variable {
    /// As it was found.
    name: &'static str,
    value: String,
}

impl Variable {
    /// The first of these that is set.
    fn of(names: [&'static str; 2]) -> Self {
        let mut found = names
            .into_iter()
            .filter_map(|name| Some((name, env::var_os(name)?)));
        let Some((name, value)) = found.next() else {
            return Variable::default();
        };
        let value = value.to_string_lossy().trim().to_owned();
        Variable { name, value }
    }

    /// Whether it names a proxy, or none.
    fn is_usable(&self) -> bool {
        if self.value.is_empty() {
            return true;
        }
        let matcher = Matcher::builder().all(self.value.as_str()).build();
        let proxy = matcher.intercept(&Uri::from_static("http://endpoint.example/"));
        let authority = proxy.as_ref().and_then(|proxy| proxy.uri().authority());
        authority.is_some_and(|authority| {
            let port = authority.as_str().strip_prefix(authority.host());
            // A port that is no number, or too large, counts as none where it is asked for.
            let has_port = matches!(port, Some("" | ":")) || authority.port_u16().is_some();
            // What is left of a password with an `@` in it would be taken for the host's.
            let is_whole = !authority.as_str().contains('@');
            has_port && is_whole && !matches!(authority.host(), "" | "[]")
        })
    }
}

/// The proxy that a matcher has for an endpoint; none for what is on this machine.
fn choose(matcher: &Matcher, endpoint: &Endpoint) -> Option<Intercept> {
    if is_here(endpoint.host()) {
        return None;
    }
    let scheme = match endpoint.is_encrypted() {
        true => "https",
        false => "http",
    };
    let url = format!("{scheme}://{}/", endpoint.host_and_port());
    matcher.intercept(&url.parse().ok()?)
}

/// A proxy as messages show it, without credentials.
pub(super) fn shown(proxy: &Intercept) -> String {
    proxy.uri().to_string().trim_end_matches('/').to_owned()
}

/// Makes a connection through a proxy: to the proxy itself where the requests are sent to it, else to the endpoint.
pub(super) async fn connect(
    proxy: &Intercept,
    endpoint: &Endpoint,
    trust: &Trust,
    within: Duration,
) -> Result<Box<dyn Stream>, Unreached> {
    let unreached = |error: io::Error| Unreached::Proxy(shown(proxy), error);
    let uri = proxy.uri();
    let is_encrypted = match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTP => false,
        Some(scheme) if *scheme == Scheme::HTTPS => true,
        _ => return Err(Unreached::NotHttp(shown(proxy))),
    };
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = uri
        .port_u16()
        .unwrap_or(if is_encrypted { 443 } else { 80 });
    let stream = reach(host, port, within).await.map_err(unreached)?;
    let mut stream: Box<dyn Stream> = Box::new(stream);
    if is_encrypted {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| unreached(io::Error::other("its URL names no valid host")))?;
        stream = encrypt(stream, name, trust).await.map_err(unreached)?;
    }
    if !endpoint.is_encrypted() {
        return Ok(stream);
    }
    match tunnel(stream, &endpoint.host_and_port(), proxy.basic_auth()).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(status)) => Err(Unreached::Refused(shown(proxy), status)),
        Err(error) => Err(unreached(io::Error::other(error))),
    }
}

/// Asks a proxy to connect to a target; its status where it does not.
async fn tunnel(
    stream: Box<dyn Stream>,
    target: &str,
    credentials: Option<&HeaderValue>,
) -> hyper::Result<Result<Box<dyn Stream>, StatusCode>> {
    let mut message = Request::new(Empty::<Bytes>::new());
    *message.method_mut() = Method::CONNECT;
    *message.uri_mut() = target.parse().unwrap_or_default();
    let headers = message.headers_mut();
    if let Ok(host) = HeaderValue::from_str(target) {
        headers.insert(header::HOST, host);
    }
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    if let Some(credentials) = credentials {
        headers.insert(header::PROXY_AUTHORIZATION, credentials.clone());
    }
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEADERS)
        .handshake(TokioIo::new(stream))
        .await?;
    // What goes wrong with the connection is seen by whoever reads from it.
    let connection = connection.with_upgrades().map(drop).boxed();
    let mut connection: Option<BoxFuture<'static, ()>> = Some(connection);
    let send = std::pin::pin!(sender.send_request(message));
    let response = alongside(&mut connection, send).await?;
    if !response.status().is_success() {
        return Ok(Err(response.status()));
    }
    let upgrade = std::pin::pin!(hyper::upgrade::on(response));
    let upgraded = alongside(&mut connection, upgrade).await?;
    Ok(Ok(Box::new(TokioIo::new(upgraded))))
}

/// Whether a host is this machine.
fn is_here(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback() || address.is_unspecified(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// What a URL has in it that is not for everybody's eyes: the user and the password, as they are and decoded.
fn secrets(url: &str) -> Vec<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some((user, _)) = authority.rsplit_once('@') else {
        return Vec::new();
    };
    let password = user.split_once(':').map(|(_, password)| password);
    let decoded = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let [first, after @ ..] = rest {
            let digits = after.get(..2).filter(|_| *first == b'%');
            let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
            match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                Some(byte) => {
                    bytes.push(byte);
                    rest = after.get(2..).unwrap_or_default();
                }
                None => {
                    bytes.push(*first);
                    rest = after;
                }
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let parts = [Some(user), password.filter(|password| !password.is_empty())];
    let parts = parts.into_iter().flatten();
    parts
        .flat_map(|part| [part.to_owned(), decoded(part)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(proxies: &Proxies, base_url: &str) -> Option<String> {
        let endpoint = Endpoint::parse(base_url).unwrap();
        proxies.intercept(&endpoint).map(|proxy| shown(&proxy))
    }

    fn named(http: &str, https: &str, all: &str, no: &str) -> Proxies {
        let variable = |name: &'static str, value: &str| Variable {
            name,
            value: value.to_owned(),
        };
        Proxies::named(
            &variable("HTTP_PROXY", http),
            &variable("https_proxy", https),
            &variable("ALL_PROXY", all),
            no,
        )
    }

    #[test]
    fn a_variable_that_names_no_proxy_counts_where_it_would_be_used() {
        let lacking = |proxies: &Proxies, base_url: &str| {
            let checked = proxies.check(&Endpoint::parse(base_url).unwrap());
            let said = checked.err()?.to_string();
            said.split('`').nth(1).map(str::to_owned)
        };
        let (plain, encrypted) = ("http://x.example/v1", "https://x.example/v1");
        for wrong in [
            ":::",
            "http://",
            "http://:80",
            "proxy:port",
            "http://proxy:99999",
            "ftp://proxy",
            "\u{fffd}",
            "http://me:a b@proxy",
            "http://me:p@ss@proxy:3128",
            "https//proxy",
            "http://proxy:80:80",
        ] {
            let proxies = named("", wrong, "http://proxy", "y.example");
            let found = lacking(&proxies, encrypted);
            assert_eq!(found.as_deref(), Some("https_proxy"), "{wrong}");
            for url in [plain, "https://y.example/v1", "https://localhost/v1"] {
                assert_eq!(lacking(&proxies, url), None, "{wrong} {url}");
            }
            let proxies = named("http://proxy", "", wrong, "");
            let found = lacking(&proxies, encrypted);
            assert_eq!(found.as_deref(), Some("ALL_PROXY"), "{wrong}");
            assert_eq!(lacking(&proxies, plain), None, "{wrong}");
        }
        for right in [
            "",
            "proxy",
            "proxy:3128",
            "http://proxy/",
            "https://me:p%40ss@proxy:443",
            "socks5://proxy:1080",
            "http://[::1]:3128",
            "http://[::1]",
            "http://proxy:",
        ] {
            assert_eq!(
                lacking(&named("", "", right, ""), encrypted),
                None,
                "{right}"
            );
        }
    }

    #[test]
    fn a_proxy_is_chosen_by_scheme_and_host() {
        let proxies = named(
            "http://plain:3128",
            "http://me:hunter%32@secure:3128/",
            "",
            "internal.example, 10.0.0.0/8",
        );
        for (url, proxy) in [
            ("http://x.example/v1", Some("http://plain:3128")),
            ("https://x.example/v1", Some("http://secure:3128")),
            ("https://a.internal.example/v1", None),
            ("https://10.1.2.3/v1", None),
            ("https://localhost/v1", None),
            ("http://127.0.0.1:8080/v1", None),
            ("http://[::1]:8080/v1", None),
            ("http://models.localhost/v1", None),
        ] {
            assert_eq!(through(&proxies, url).as_deref(), proxy, "{url}");
        }
        assert_eq!(
            proxies.secrets(),
            ["me:hunter%32", "me:hunter2", "hunter%32", "hunter2"]
        );
        let all = named("", "", "proxy:8080", "*");
        assert_eq!(through(&all, "https://x.example"), None);
        let all = named("", "", "proxy:8080", "");
        assert_eq!(
            through(&all, "https://x.example").as_deref(),
            Some("http://proxy:8080")
        );
        let none = named("", "", "", "");
        assert_eq!(through(&none, "https://x.example"), None);
    }
}
