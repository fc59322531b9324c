//! The five workflow tables in SQLite: the durable store of wf-core
