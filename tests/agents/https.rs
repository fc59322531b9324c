//! Models behind HTTPS: whose certificates are accepted, and what is said of the others.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use ax::agents::OpenAiAgent;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use wf_core::agent::StepError;

use crate::ask;
use crate::server::{reply, streamed};

/// An authority that nobody knows.
type Authority = CertifiedIssuer<'static, KeyPair>;

pub(crate) fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new([]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

pub(crate) fn certificate(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).unwrap()
}

/// A server on loopback with that certificate; returns its base URL.
pub(crate) async fn server(authority: &Authority, certificate: CertificateParams) -> String {
    let acceptor = acceptor(authority, certificate);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Who does not trust the certificate hangs up.
                if let Ok(stream) = acceptor.accept(stream).await {
                    reply(stream, streamed(&["over ", "TLS"])).await;
                }
            });
        }
    });
    format!("https://127.0.0.1:{port}/v1")
}

/// What makes a connection an encrypted one, with that certificate.
pub(crate) fn acceptor(authority: &Authority, certificate: CertificateParams) -> TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let signed = certificate.signed_by(&key, authority).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![signed.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

fn agent(url: &str, trusted: &Authority) -> OpenAiAgent {
    let agent = OpenAiAgent::new(url, "m").unwrap();
    agent.authorities(trusted.pem().as_bytes()).unwrap()
}

#[tokio::test]
async fn an_answer_comes_over_tls_from_whom_a_named_authority_has_signed() {
    let authority = authority("ours");
    let url = server(&authority, certificate("127.0.0.1")).await;
    let agent = agent(&url, &authority);
    for _ in 0..2 {
        let answer = ask(&agent, "p").await.unwrap();
        assert_eq!(answer.result.as_str(), r#""over TLS""#);
    }
    let several = format!(
        "# others\n{}\n{}",
        self::authority("other").pem(),
        authority.pem()
    );
    let agent = agent.authorities(several.as_bytes()).unwrap();
    assert!(ask(&agent, "p").await.is_ok());
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_fails_the_step_and_says_what_to_do() {
    let theirs = authority("theirs");
    let url = server(&theirs, certificate("127.0.0.1")).await;
    // Also one that has the name of an authority which is trusted.
    for trusted in ["other", "theirs"] {
        let agent = agent(&url, &authority(trusted));
        let error = ask(&agent, "p").await.unwrap_err();
        assert!(matches!(error, StepError::Terminal(_)), "{error:?}");
        assert_eq!(
            error.to_string(),
            format!(
                "`{url}/chat/completions` is not trusted: nobody whom this system trusts has signed its certificate; \
                 if it is to be trusted, name the file of its authority's certificate with the agent's `caFile`"
            )
        );
    }
}

#[tokio::test]
async fn a_certificate_for_another_host_is_not_accepted() {
    let authority = authority("ours");
    let url = server(&authority, certificate("models.example")).await;
    let error = ask(&agent(&url, &authority), "p").await.unwrap_err();
    assert!(matches!(error, StepError::Terminal(_)), "{error:?}");
    let said = error.to_string();
    assert!(
        said.contains("models.example") && said.ends_with("; correct the agent's `baseUrl`"),
        "{said}"
    );
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_not_accepted() {
    let authority = authority("ours");
    let mut certificate = certificate("127.0.0.1");
    certificate.not_before = date_time_ymd(2001, 1, 1);
    certificate.not_after = date_time_ymd(2001, 2, 1);
    let url = server(&authority, certificate).await;
    let error = ask(&agent(&url, &authority), "p").await.unwrap_err();
    assert!(matches!(error, StepError::Terminal(_)), "{error:?}");
    let said = error.to_string();
    assert!(
        said.ends_with("; renew it, or correct this machine's clock"),
        "{said}"
    );
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_told_as_that() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap();
        let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
        // Until the client hangs up.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let url = format!("https://127.0.0.1:{port}/v1");
    let agent = agent(&url, &authority("ours"));
    let error = ask(&agent, "p").await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    assert!(error.to_string().contains("does not speak TLS"), "{error}");
}

/// A folder with a workflow of one step, whose model is there.
fn folder(url: &str, more: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let workflow =
        "name: W\nsteps: [{ key: a, agent: model, prompt: p, retryPolicy: { maxAttempts: 3 } }]\n";
    fs::write(folder.path().join("w.yaml"), workflow).unwrap();
    let agents =
        format!("agents: {{ model: {{ openai: {{ baseUrl: '{url}', model: m{more} }} }} }}\n");
    fs::write(folder.path().join("agents.yaml"), agents).unwrap();
    folder
}

async fn ax(folder: &Path, trusted: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ax"));
    command
        .args(["workflow", "run", "w.yaml"])
        .current_dir(folder)
        .env("SSL_CERT_FILE", folder.join(trusted))
        .env_remove("SSL_CERT_DIR")
        .stdin(Stdio::null());
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn the_command_trusts_the_systems_authorities_and_those_of_the_agents_file() {
    let (theirs, other) = (authority("theirs"), authority("other"));
    let url = server(&theirs, certificate("127.0.0.1")).await;
    let prepared = |more: &str| {
        let folder = folder(&url, more);
        fs::write(folder.path().join("theirs.pem"), theirs.pem()).unwrap();
        fs::write(folder.path().join("other.pem"), other.pem()).unwrap();
        folder
    };
    let by_system = ax(prepared("").path(), "theirs.pem").await;
    assert_eq!(by_system.status.code(), Some(0), "{by_system:?}");
    let by_file = ax(prepared(", caFile: theirs.pem").path(), "other.pem").await;
    assert_eq!(by_file.status.code(), Some(0), "{by_file:?}");
    let not_at_all = ax(prepared("").path(), "other.pem").await;
    assert_eq!(not_at_all.status.code(), Some(1), "{not_at_all:?}");
    let said = String::from_utf8_lossy(&not_at_all.stderr).into_owned();
    // For good: it is not tried again.
    assert!(
        said.contains("is not trusted") && !said.contains("retry"),
        "{said}"
    );
    let nobody = ax(prepared("").path(), "none.pem").await;
    let said = String::from_utf8_lossy(&nobody.stderr).into_owned();
    assert!(
        said.contains("no trusted certificates were found"),
        "{said}"
    );
}

#[tokio::test]
async fn a_file_without_certificates_is_a_mistake_with_its_place() {
    for (more, said) in [
        (", caFile: none.pem", "none.pem` cannot be read: "),
        (", caFile: w.yaml", "there is no certificate in it"),
        (", caFile: [a]", "`caFile`"),
    ] {
        let folder = folder("https://127.0.0.1:1/v1", more);
        let wrong = ax(folder.path(), "none.pem").await;
        assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
        let shown = String::from_utf8_lossy(&wrong.stderr).into_owned();
        assert!(
            shown.contains(said) && shown.contains("agents.yaml:1:"),
            "{shown}"
        );
    }
}
