//! One conformance suite that every [`Store`](super::Store) must pass.
