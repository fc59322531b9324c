//! What is wrong with what an endpoint was given.

/// What is wrong with a URL, a key, a header or a certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadEndpoint(pub(super) String);
