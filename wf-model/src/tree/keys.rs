//! The keys of mappings: most documents have few, and many times each.

use std::sync::Arc;

/// Keeps the keys that were read first, so that the same keys share their text.
#[derive(Debug, Default)]
pub(super) struct SharedKeys(Vec<Arc<str>>);

impl SharedKeys {
    /// So many are looked through for each.
    const MOST: usize = 16;

    pub(super) fn shared(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.iter().find(|known| ***known == *text) {
            return Arc::clone(known);
        }
        let key = Arc::from(text);
        if self.0.len() < SharedKeys::MOST {
            self.0.push(Arc::clone(&key));
        }
        key
    }
}
