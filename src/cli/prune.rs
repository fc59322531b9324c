//! `prune`.

use std::sync::Arc;

use serde::Serialize;
use wf_core::agent::Agents;

use super::arguments::Prune;
use super::console::Console;
use super::database::Database;
use super::exit::{Exit, Failure};
use super::progress::Progress;
use super::start;

/// What was deleted.
#[derive(Serialize)]
struct PruneDocument {
    deleted_checkpoints: u64,
}

/// Deletes old checkpoints.
pub(crate) async fn prune(
    console: Console,
    database: &Database,
    arguments: &Prune,
) -> Result<Exit, Failure> {
    let deleted = match database.open_existing()? {
        Some(store) => {
            let progress = Arc::new(Progress::new(Console {
                quiet: true,
                ..console
            }));
            let engine = start::engine(Arc::new(store), Agents::new(), &progress);
            engine
                .prune(arguments.older_than)
                .await
                .map_err(|error| start::failure(&error, database))?
        }
        None => 0,
    };
    if console.json {
        console.document(&PruneDocument {
            deleted_checkpoints: deleted,
        })?;
    } else {
        let what = if deleted == 1 {
            "checkpoint"
        } else {
            "checkpoints"
        };
        console.text(&format!("deleted {deleted} {what}"))?;
    }
    Ok(Exit::Done)
}
