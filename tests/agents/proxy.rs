//! Models behind proxies, as the environment names them.

use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::https;
use crate::server::{Server, answer, streamed};

/// The credentials `me:hunter2secret`, as a proxy gets them.
const CREDENTIALS: &str = "proxy-authorization: Basic bWU6aHVudGVyMnNlY3JldA==";

/// A proxy that connects whoever asks to one address, whatever is asked for; returns its address and what it was asked. With
/// an acceptor it is spoken to over TLS.
async fn proxy(target: String, acceptor: Option<TlsAcceptor>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heads = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (target, heads) = (target.clone(), Arc::clone(&heads));
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                match acceptor {
                    None => connect(stream, &target, &heads).await,
                    Some(acceptor) => {
                        // Who does not trust the certificate hangs up.
                        if let Ok(stream) = acceptor.accept(stream).await {
                            connect(stream, &target, &heads).await;
                        }
                    }
                }
            });
        }
    });
    (address, asked)
}

async fn connect(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    target: &str,
    heads: &Mutex<Vec<String>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let mut onward = TcpStream::connect(target).await.unwrap();
    if head.starts_with(b"CONNECT ") {
        let connected = b"HTTP/1.1 200 Connected\r\n\r\n";
        stream.write_all(connected).await.unwrap();
    } else {
        onward.write_all(&head).await.unwrap();
    }
    heads.lock().unwrap().push(String::from_utf8(head).unwrap());
    let _ = tokio::io::copy_bidirectional(&mut stream, &mut onward).await;
}

/// Runs a step of an agent with that base URL; `ax` has these variables and no others of their kind.
async fn run(base_url: &str, more: &str, variables: &[(&str, String)]) -> (Output, Value) {
    let folder = tempfile::tempdir().unwrap();
    let agents =
        format!("agents:\n  m: {{ openai: {{ baseUrl: '{base_url}', model: m{more} }} }}\n");
    std::fs::write(folder.path().join("agents.yaml"), agents).unwrap();
    let workflow = "name: w\nsteps:\n  - { key: s, agent: m, prompt: p }\n";
    std::fs::write(folder.path().join("w.yaml"), workflow).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ax"));
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command
            .env_remove(name)
            .env_remove(name.to_ascii_lowercase());
    }
    command
        .args(["--json", "workflow", "run", "w.yaml"])
        .current_dir(folder.path())
        .env_remove("AX_DATABASE_URL")
        .env_remove("REQUEST_METHOD")
        .envs(variables.iter().map(|(name, value)| (name, value)));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    let shown = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output, shown)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_not_encrypted_is_sent_to_the_proxy() {
    let server = Server::start([streamed(&["hello"])]).await;
    let proxy = server
        .url
        .replace("/v1", "")
        .replace("//", "//me:hunter2secret@");
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        let variables = [(name, proxy.clone())];
        let (output, shown) = run("http://models.test/v1", "", &variables).await;
        assert_eq!(shown["steps"]["s"]["result"], "hello", "{output:?}");
    }
    for asked in server.asked() {
        assert!(
            asked
                .head
                .starts_with("POST http://models.test/v1/chat/completions HTTP/1.1\r\n"),
            "{}",
            asked.head
        );
        assert!(
            asked.head.contains("host: models.test\r\n"),
            "{}",
            asked.head
        );
        assert!(asked.head.contains(CREDENTIALS), "{}", asked.head);
    }
    assert_eq!(server.asked().len(), 3);
    // This machine is reached directly, and so is what is excepted.
    let (_, shown) = run(
        &server.url,
        "",
        &[("HTTP_PROXY", "http://127.0.0.1:9".into())],
    )
    .await;
    assert_eq!(shown["steps"]["s"]["result"], "hello");
    let variables = [("ALL_PROXY", proxy), ("NO_PROXY", "models.test".into())];
    let (_, shown) = run("http://models.test/v1", "", &variables).await;
    assert_eq!(shown["state"], "failed");
    assert_eq!(server.asked().len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encrypted_request_goes_through_a_tunnel() {
    let authority = https::authority("Models");
    let url = https::server(&authority, https::certificate("models.test")).await;
    let target = url.split("//").nth(1).unwrap().split('/').next().unwrap();
    let port = target.rsplit(':').next().unwrap();
    let (address, asked) = proxy(format!("127.0.0.1:{port}"), None).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, authority.pem()).unwrap();
    let more = format!(", caFile: '{}'", file.display());
    let variables = [("https_proxy", format!("http://me:hunter2secret@{address}"))];
    let (output, shown) = run("https://models.test/v1", &more, &variables).await;
    assert_eq!(shown["steps"]["s"]["result"], "over TLS", "{output:?}");
    let head = asked.lock().unwrap().concat();
    assert!(
        head.starts_with("CONNECT models.test:443 HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(head.contains(CREDENTIALS), "{head}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_names_the_proxy_and_shows_no_credentials() {
    let denied = Server::start([answer("407 Proxy Authentication Required", "", "who?")]).await;
    let denied = denied.url.replace("/v1", "");
    let closed = "http://127.0.0.1:1".to_owned();
    for (base_url, proxy, said) in [
        (
            "https://models.test/v1",
            &denied,
            "answered 407 Proxy Authentication Required; give it",
        ),
        (
            "http://models.test/v1",
            &denied,
            "answered 407 Proxy Authentication Required through the proxy",
        ),
        (
            "https://models.test/v1",
            &closed,
            "cannot be reached: its proxy `http://127.0.0.1:1` cannot be",
        ),
        (
            "http://models.test/v1",
            &closed,
            "cannot be reached: its proxy `http://127.0.0.1:1` cannot be",
        ),
        (
            "https://models.test/v1",
            &"socks5://127.0.0.1:1".to_owned(),
            "speaks SOCKS",
        ),
    ] {
        let proxy = proxy.replace("//", "//me:hunter2secret@");
        let (output, shown) = run(base_url, "", &[("ALL_PROXY", proxy)]).await;
        let error = shown["steps"]["s"]["error"].as_str().unwrap();
        assert!(error.contains(said), "{error}");
        let all = format!("{output:?}");
        assert!(
            !all.contains("hunter2") && !all.contains("bWU6aHVud"),
            "{all}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_is_spoken_to_over_tls_where_its_url_says_so() {
    let authority = https::authority("Ours");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, authority.pem()).unwrap();
    let more = format!(", caFile: '{}'", file.display());
    let encrypted = https::server(&authority, https::certificate("models.test")).await;
    let plain = Server::start([streamed(&["hello"])]).await;
    for (base_url, target, answer, beginning) in [
        (
            "https://models.test/v1",
            encrypted.as_str(),
            "over TLS",
            "CONNECT models.test:443 HTTP/1.1\r\n",
        ),
        (
            "http://models.test/v1",
            &plain.url,
            "hello",
            "POST http://models.test/v1/chat/completions HTTP/1.1\r\n",
        ),
    ] {
        let target = target.split('/').nth(2).unwrap();
        let acceptor = https::acceptor(&authority, https::certificate("127.0.0.1"));
        let (address, asked) = proxy(target.to_owned(), Some(acceptor)).await;
        let variables = [("ALL_PROXY", format!("https://me:hunter2secret@{address}"))];
        let (output, shown) = run(base_url, &more, &variables).await;
        assert_eq!(shown["steps"]["s"]["result"], answer, "{output:?}");
        let head = asked.lock().unwrap().concat();
        assert!(head.starts_with(beginning), "{head}");
        assert!(head.contains(CREDENTIALS), "{head}");
        // Whose certificate nobody has signed is not spoken to.
        let (output, shown) = run(base_url, "", &variables).await;
        let error = shown["steps"]["s"]["error"].as_str().unwrap();
        let said = format!("its proxy `https://{address}` is not trusted: ");
        assert!(error.contains(&said), "{error}");
        assert!(!format!("{output:?}").contains("hunter2"), "{output:?}");
        assert_eq!(asked.lock().unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_does_not_answer_over_tls_is_an_error_that_names_it() {
    let (address, _) = proxy("127.0.0.1:1".to_owned(), None).await;
    let variables = [("HTTPS_PROXY", format!("https://me:hunter2secret@{address}"))];
    let more = ", connectTimeout: 2s";
    let (output, shown) = run("https://models.test/v1", more, &variables).await;
    let error = shown["steps"]["s"]["error"].as_str();
    let error = error.unwrap_or_else(|| panic!("{output:?}"));
    let said = format!("no connection within 2s through its proxy `https://{address}`");
    assert!(error.contains(&said), "{error}");
    assert!(!format!("{output:?}").contains("hunter2"), "{output:?}");
}

#[tokio::test]
async fn a_variable_that_names_no_proxy_is_told_before_the_run_without_its_value() {
    let value = "http://me:hunter2secret@proxy:port".to_owned();
    for variable in [("HTTPS_PROXY", ":::".to_owned()), ("all_proxy", value)] {
        let name = variable.0;
        let (output, _) = run("https://models.test/v1", "", &[variable]).await;
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        let named = format!("`{name}` in the environment does not name a proxy by a URL");
        assert!(said.contains(&named), "{said}");
        assert!(
            said.contains("except `models.test` with `NO_PROXY`"),
            "{said}"
        );
        assert!(!said.contains(":::") && !said.contains("hunter2"), "{said}");
    }
}

#[tokio::test]
async fn a_base_url_with_what_is_added_to_it_is_refused_at_its_place() {
    let url = "http://127.0.0.1:1/v1/chat/completions";
    let (output, _) = run(url, "", &[]).await;
    assert_eq!(output.status.code(), Some(2));
    let said = format!("{output:?}");
    assert!(said.contains("ends in `/chat/completions`"), "{said}");
    assert!(said.contains("write `http://127.0.0.1:1/v1`"), "{said}");
    assert!(said.contains("agents.yaml:2"), "{said}");
}
