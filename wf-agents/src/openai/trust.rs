//! Whose certificates are accepted, and what is said of the others.

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, Error, InvalidMessage, RootCertStore, crypto,
};

use super::bad_endpoint::BadEndpoint;

/// The authorities whose certificates are accepted: those that the system trusts, and perhaps more.
#[derive(Clone, Default)]
pub(super) struct Trust {
    more: Option<Arc<Own>>,
}

/// The system's authorities and those of a file.
struct Own {
    authorities: RootCertStore,
    config: OnceLock<Arc<ClientConfig>>,
}

impl Trust {
    /// The system's authorities and those whose certificates the text has, as PEM.
    pub(super) fn with(pem: &[u8]) -> Result<Self, BadEndpoint> {
        let wrong = |what: fmt::Arguments<'_>| {
            BadEndpoint(format!(
                "{what}; give certificates as PEM, from `-----BEGIN CERTIFICATE-----` on"
            ))
        };
        let mut authorities = RootCertStore::empty();
        for (index, certificate) in CertificateDer::pem_slice_iter(pem).enumerate() {
            let number = index + 1;
            let certificate =
                certificate.map_err(|_| wrong(format_args!("certificate {number} is damaged")))?;
            authorities.add(certificate).map_err(|_| {
                wrong(format_args!(
                    "certificate {number} is none that can be used"
                ))
            })?;
        }
        if authorities.is_empty() {
            return Err(wrong(format_args!("there is no certificate in it")));
        }
        Ok(Trust {
            more: Some(Arc::new(Own {
                authorities,
                config: OnceLock::new(),
            })),
        })
    }

    /// What connections are encrypted with, made once.
    pub(super) fn config(&self) -> io::Result<Arc<ClientConfig>> {
        static SYSTEM: OnceLock<Arc<ClientConfig>> = OnceLock::new();
        let made = match &self.more {
            Some(own) => &own.config,
            None => &SYSTEM,
        };
        if let Some(made) = made.get() {
            return Ok(Arc::clone(made));
        }
        let mut roots = match &self.more {
            Some(own) => own.authorities.clone(),
            None => RootCertStore::empty(),
        };
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(io::Error::other(NothingTrusted));
        }
        let config =
            ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(io::Error::other)?
                .with_root_certificates(roots)
                .with_no_client_auth();
        Ok(Arc::clone(made.get_or_init(|| Arc::new(config))))
    }
}

/// The system trusts nobody.
#[derive(Debug, thiserror::Error)]
#[error(
    "no trusted certificates were found on this system; install them (often a package named `ca-certificates`), \
     or name a file with the agent's `caFile` or with `SSL_CERT_FILE`"
)]
struct NothingTrusted;

/// Says why there will be no encrypted connection, however often it is tried, and what to do about it; none
/// where another attempt may find one.
pub(super) fn distrust(error: &io::Error) -> Option<String> {
    let cause = error.get_ref()?;
    if cause.is::<NothingTrusted>() {
        return Some(cause.to_string());
    }
    let Error::InvalidCertificate(wrong) = cause.downcast_ref()? else {
        return None;
    };
    Some(match wrong {
        // The signature is bad also where an authority has the name of one that is trusted, and another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "nobody whom this system trusts has signed its certificate; if it is to be trusted, name the file of \
             its authority's certificate with the agent's `caFile`"
                .to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("{wrong}; correct the agent's `baseUrl`")
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => {
            format!("{wrong}; renew it, or correct this machine's clock")
        }
        _ => format!("its certificate is not accepted: {wrong}"),
    })
}

/// What went wrong on the way, in words.
pub(super) fn explained(error: &io::Error) -> String {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    match cause {
        Some(Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            "what answers there does not speak TLS; if that is meant, write `http://` in the agent's `baseUrl`"
                .to_owned()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(pem: &str) -> String {
        Trust::with(pem.as_bytes())
            .map(drop)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        assert_eq!(
            wrong("hello"),
            "there is no certificate in it; give certificates as PEM, from `-----BEGIN CERTIFICATE-----` on"
        );
        let block = |text: &str| {
            format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
        };
        assert!(wrong(&block("AAAA")).starts_with("certificate 1 is none that can be used"));
        assert!(wrong(&block("!")).starts_with("certificate 1 is damaged"));
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert!(wrong(key).starts_with("there is no certificate"));
    }
}
