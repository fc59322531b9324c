//! How often a value is written as JSON and read from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::executor::block_on;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wf_core::agent::Agents;
use wf_core::engine::Engine;
use wf_core::store::MemoryStore;
use wf_core::workflow;

/// A type that counts, by itself, how often it is written and read.
macro_rules! counted {
    ($name:ident, $written:ident, $read:ident) => {
        static $written: AtomicU32 = AtomicU32::new(0);
        static $read: AtomicU32 = AtomicU32::new(0);

        struct $name([u32; 1]);

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $written.fetch_add(1, Ordering::Relaxed);
                self.0.serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $read.fetch_add(1, Ordering::Relaxed);
                <[u32; 1]>::deserialize(deserializer).map($name)
            }
        }
    };
}

counted!(Made, MADE_WRITTEN, MADE_READ);
counted!(Told, TOLD_WRITTEN, TOLD_READ);

workflow! {
    workflow Counted(text: String) {
        step made: Made = Made([u32::try_from(text.len())?]);
        step told: Told = ask echo "{made}";
        step sum: u32 = made.0[0] + told.0[0];
        step shown: String = ask echo "{made} {told} {n}", n = made.0[0];
    }
}

#[test]
fn an_output_is_written_once_and_never_read_and_a_reply_is_read_once() {
    // Answers with JSON where the prompt is JSON, as a program's answer is read.
    let echo = |prompt: String| async move {
        serde_json::from_str(&prompt).unwrap_or(serde_json::Value::String(prompt))
    };
    let agents = Agents::new().with("echo", echo);
    let engine = Engine::new(Arc::new(MemoryStore::new()), agents);
    let text = "abc".to_owned();
    let output = block_on(engine.run(Counted { text })).unwrap();
    assert_eq!((output.made().0, output.told().0), ([3], [3]));
    assert_eq!((*output.sum(), output.shown().as_str()), (6, "[3] [3] 3"));
    let counts = [&MADE_WRITTEN, &MADE_READ, &TOLD_WRITTEN, &TOLD_READ];
    let counts = counts.map(|count| count.load(Ordering::Relaxed));
    assert_eq!(counts, [1, 0, 0, 1]);
}
