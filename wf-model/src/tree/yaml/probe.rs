//! The last resort for where a node stands: the parser that read it, stopped there.
//!
//! The two parsers do not agree on everything: `serde_yaml` lets the second line of a text in quotes begin
//! where its key does, for one. Beyond the point where the other parser gives up, the first is asked again,
//! once for each node, up to a bound.

use serde_yaml::Deserializer;

use crate::tree::build::Builder;
use crate::tree::locate::{Spot, Spots, Wanted};

use super::walk::end_of_quoted;

/// Adds the spots that are missing.
pub(super) fn complete(text: &str, wanted: &Wanted, spots: &mut Spots) {
    const MOST_BYTES: usize = 64 << 20;
    const MOST_PROBES: usize = 200;
    let most = (MOST_BYTES / text.len().max(1)).clamp(1, MOST_PROBES);
    let mut missing: Vec<u32> = wanted
        .places()
        .filter(|place| !spots.contains_key(place))
        .collect();
    missing.sort_unstable();
    // The root of an empty document stands at its beginning.
    if missing.first() == Some(&0) {
        spots.insert(
            missing.remove(0),
            Spot {
                at: 0..0,
                text: None,
            },
        );
    }
    let mut last = 0;
    for (count, place) in missing.into_iter().enumerate() {
        let found = if count < most {
            probe(text, place)
        } else {
            None
        };
        let spot = found.unwrap_or(Spot {
            at: last..last,
            text: None,
        });
        last = spot.at.start;
        spots.insert(place, spot);
    }
}

fn probe(text: &str, place: u32) -> Option<Spot> {
    let mut builder = Builder::stopped_at(text.len(), place);
    let error = builder.root(Deserializer::from_str(text)).err()?;
    let start = error.location()?.index();
    let rest = text.get(start..)?;
    let length = match rest.chars().next() {
        Some(quote @ ('"' | '\'')) => end_of_quoted(rest, quote),
        Some('[' | '{') => 1,
        _ => rest.lines().next().map_or(0, |line| line.trim_end().len()),
    };
    // Where a plain text ends is not known; what is looked for in it is looked for from its beginning.
    let decoded = builder
        .stopped_text
        .map(|decoded| (start..text.len(), decoded));
    Some(Spot {
        at: start..start + length,
        text: decoded,
    })
}
