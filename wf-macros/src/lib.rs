//! The `workflow!` macro of wf-core
