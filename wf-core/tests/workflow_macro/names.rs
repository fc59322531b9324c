//! What a name in a step stands for.

use std::sync::Arc;

use futures::executor::block_on;
use wf_core::agent::Agents;
use wf_core::engine::Engine;
use wf_core::store::MemoryStore;
use wf_core::typed::Workflow as _;
use wf_core::{AgentSet, workflow};

use crate::running::Echo;

#[test]
fn a_workflow_is_declared_in_a_function() {
    workflow! {
        workflow Local(n: u32) { step double: u32 = n * 2; }
    }
    let engine = Engine::new(Arc::new(MemoryStore::new()), Agents::new());
    assert_eq!(*block_on(engine.run(Local { n: 4 })).unwrap().double(), 8);
}

workflow! {
    /// What a pattern binds is no mention, whatever steps there are.
    workflow Patterns(n: Option<u32>) {
        step found: u32 = match n { Some(found) => *found, None => 0 };
        step first: u32 = if let Some(count) = n { *count + found } else { 0 };
        step count: u32 = first + 1;
    }
}

#[test]
fn a_pattern_may_bind_the_name_of_its_own_or_a_later_step() {
    let definition = <Patterns as wf_core::typed::Workflow>::to_definition();
    let needs: Vec<_> = definition
        .steps
        .iter()
        .map(|step| step.dependencies.join(" "))
        .collect();
    assert_eq!(needs, ["", "found", "first"]);
}

workflow! {
    /// `ask` is a keyword before an agent only.
    workflow Asks(n: u32) {
        step ask: u32 = n + 1;
        step sum: u32 = ask + 1;
        step wide: u64 = *ask as u64 + u64::from(*sum);
        step same: String = ask.to_string();
    }
}

#[test]
fn a_step_may_be_named_ask() {
    let engine = Engine::new(Arc::new(MemoryStore::new()), Agents::new());
    let output = block_on(engine.run(Asks { n: 1 })).unwrap();
    assert_eq!((output.sum(), output.wide()), (&3, &5));
    assert_eq!(output.same(), "2");
}

workflow! {
    /// Widths and precisions are references like any other.
    workflow Aligned(text: String, width: usize) {
        step half: usize = width / 2;
        step shown: String = ask echo "{text:>width$}|{text:.half$}|{width}";
        step code: String = format!("{shown:*<width$.half$}");
    }
}

#[test]
fn a_width_or_a_precision_in_a_prompt_is_a_reference() {
    let agents = Agents::new().with("echo", |prompt: String| async move { prompt });
    let engine = Engine::new(Arc::new(MemoryStore::new()), agents);
    let text = "abc".to_owned();
    let output = block_on(engine.run(Aligned { text, width: 4 })).unwrap();
    assert_eq!(output.shown(), " abc|ab|4");
    assert_eq!(output.code(), " a**");
    let definition = Aligned::to_definition();
    assert_eq!(definition.steps[1].dependencies, ["half"]);
    assert_eq!(definition.steps[2].dependencies, ["shown", "half"]);
}

workflow! {
    /// A prompt formats a value, not the JSON that it shows of it.
    workflow Formats(price: f64, n: u32, is_on: bool, list: Vec<u8>, whole: f64, big: u128, less: i64) {
        #[optional]
        step half: f64 = price / 2.0;
        step numbers: String = ask echo "[{price:.2}] [{n:05}] [{n:5}] [{n:+}] [{price:8.3}] [{less:<+5}] [{big:41}]";
        step named: String = ask echo "[{x:.2}] [{y:05}] [{z:.1}]", x = price, y = n, z = list;
        step others: String = ask echo "[{is_on:6}] [{is_on:>6.2}] [{list:.2}] [{list:*^9}] [{whole}] [{whole:5}]";
        step radix: String = ask echo "[{n:x}] [{n:#06X}] [{n:b}] [{n:o}] [{price:e}] [{price:E}]";
        step optional: String = ask echo "[{half:.1}] [{half:08.2}]";
    }
}

#[test]
fn a_format_in_a_prompt_is_of_the_value() {
    let agents = Agents::new().with("echo", |prompt: String| async move { prompt });
    let engine = Engine::new(Arc::new(MemoryStore::new()), agents);
    let (price, n, big, less) = (12.3456_f64, 7_u32, u128::MAX, -3_i64);
    let inputs = Formats {
        price,
        n,
        is_on: true,
        list: vec![1, 23],
        whole: 1.0,
        big,
        less,
    };
    let output = block_on(engine.run(inputs)).unwrap();
    let numbers =
        format!("[{price:.2}] [{n:05}] [{n:5}] [{n:+}] [{price:8.3}] [{less:<+5}] [{big:41}]");
    assert_eq!(output.numbers(), &numbers);
    assert_eq!(output.named(), "[12.35] [00007] [[1,23]]");
    assert_eq!(
        output.others(),
        "[true  ] [  true] [[1,23]] [*[1,23]**] [1.0] [  1.0]"
    );
    let radix = format!("[{n:x}] [{n:#06X}] [{n:b}] [{n:o}] [{price:e}] [{price:E}]");
    assert_eq!(output.radix(), &radix);
    assert_eq!(output.optional(), "[6.2] [00006.17]");
}

fn next(n: &u32) -> u32 {
    n + 1
}

fn first(list: &[u8]) -> u8 {
    list.first().copied().unwrap_or_default()
}

workflow! {
    /// The arguments of a prompt are code like that of any step.
    workflow Arguments(n: u32, v: Vec<u8>) {
        #[optional]
        step p: u32 = n - 4;
        step sums: String = ask echo "{n:03} {v} {m} {k} {h} {w}", m = n + 1, k = next(n), h = first(v), w = v;
        step equal: String = ask echo "{a} {b} {n} {}", n == &3, a = n < &5, b = match n { 3 => "three", _ => "else" };
        step maybe: String = ask echo "{p} {q}", q = match p { Some(7) => "seven", _ => "else" },;
        step text: String = ask echo "{} {n}", format!("{n:?}").as_str();
    }
}

#[test]
fn an_argument_of_a_prompt_is_code_like_that_of_any_step() {
    let agents = Agents::new().with("echo", |prompt: String| async move { prompt });
    let engine = Engine::new(Arc::new(MemoryStore::new()), agents);
    let inputs = Arguments {
        n: 11,
        v: vec![4, 5],
    };
    let output = block_on(engine.run(inputs)).unwrap();
    assert_eq!(output.sums(), "011 [4,5] 12 12 4 [4,5]");
    assert_eq!(output.equal(), "false else 11 false");
    assert_eq!(output.maybe(), "7 seven");
    assert_eq!(output.text(), "11 11");
}

/// A set whose agents have other names than its fields.
#[derive(AgentSet)]
struct Renamed<A: wf_core::agent::Agent + 'static> {
    backend: A,
    #[agent(name = "security_expert")]
    security: Echo,
    #[agent(name = "quality-check")]
    quality: Echo,
    #[agent(name = "type")]
    kind: A,
}

workflow! {
    workflow AsksRenamed(text: String) for Renamed<Echo> {
        step parse: String = ask backend "{text}";
        step audit: String = ask security_expert "{parse}";
        step check: String = ask "quality-check" "{audit}";
        step same: String = ask "security_expert" "{check}";
        step kind: String = ask r#type "{same}.";
    }
}

#[test]
fn a_workflow_for_a_set_asks_its_agents_by_the_names_they_have() {
    let team = Renamed {
        backend: Echo,
        security: Echo,
        quality: Echo,
        kind: Echo,
    };
    let engine = Engine::new(Arc::new(MemoryStore::new()), team);
    let text = "abc".to_owned();
    let output = block_on(engine.run(AsksRenamed { text })).unwrap();
    assert_eq!(output.kind(), "abc.");
}

mod of_one_letter {
    use super::*;

    workflow! {
        pub(super) workflow A(n: u32) {
            step first: u32 = n + 1;
            step asked: String = ask echo "{first}";
        }
    }

    /// A set that is named as generated code might name it.
    #[derive(AgentSet)]
    pub(super) struct Set {
        #[agent(name = "an echo")]
        pub(super) echo: Echo,
    }

    workflow! {
        pub(super) workflow S(n: u32) for Set { step asked: String = ask "an echo" "{n}"; }
    }
}

#[test]
fn workflows_and_sets_are_named_freely() {
    let agents = Agents::new().with("echo", |prompt: String| async move { prompt });
    let engine = Engine::new(Arc::new(MemoryStore::new()), agents);
    let output = block_on(engine.run(of_one_letter::A { n: 1 })).unwrap();
    assert_eq!(output.asked(), "2");
    let set = of_one_letter::Set { echo: Echo };
    let engine = Engine::new(Arc::new(MemoryStore::new()), set);
    let output = block_on(engine.run(of_one_letter::S { n: 1 })).unwrap();
    assert_eq!(output.asked(), "1");
}

/// A step that is not written yet breaks no build that denies warnings.
mod unfinished {
    #![deny(unreachable_code, unused)]
    #![expect(
        clippy::diverging_sub_expression,
        reason = "the step is not written yet"
    )]
    use super::workflow;

    workflow! {
        pub(super) workflow Unfinished(n: u32) { step a: usize = todo!("{n}"); }
    }
}

#[test]
fn a_step_that_is_not_written_yet_compiles_without_a_warning() {
    assert_eq!(unfinished::Unfinished::to_definition().steps.len(), 1);
}

workflow! {
    /// Text outside of a macro mentions nothing, and what `matches!` binds neither.
    workflow Mentions(text: String, n: Option<u32>) {
        step replaced: String = text.replace("{later}", "y");
        step fixed: usize = { static TEXT: &str = "see {later}"; TEXT.len() };
        step is_large: bool = matches!(n, Some(later) if *later > 3);
        step later: u32 = 1;
    }
}

#[test]
fn text_outside_of_a_macro_and_the_pattern_of_matches_are_no_mentions() {
    let engine = Engine::new(Arc::new(MemoryStore::new()), Agents::new());
    let text = "{later}".to_owned();
    let output = block_on(engine.run(Mentions { text, n: Some(4) })).unwrap();
    assert_eq!(output.replaced(), "y");
    assert_eq!((*output.fixed(), *output.is_large()), (11, true));
    let definition = Mentions::to_definition();
    assert!(
        definition
            .steps
            .iter()
            .all(|step| step.dependencies.is_empty())
    );
}

workflow! {
    /// What a step binds itself hides an earlier step of that name.
    workflow Hides(text: String, n: Option<u32>) {
        step found: u32 = 100;
        step matched: bool = matches!(n, Some(found) if *found > 3);
        step arm: u32 = match n { Some(found) => *found, None => 0 };
        step condition: u32 = if let Some(found) = n && *found > 1 { *found } else { 0 };
        step closure: u32 = n.map_or(0, |found| found + 1);
        step looped: u32 = { let mut sum = 0; for found in 0..3 { sum += found; } sum };
        step local: String = { let found = text.len(); format!("{found}") };
        step asked: String = ask echo "{found} {m}", found = n.iter().count(), m = n.map_or(0, |found| found);
        step after_all: u32 = { let found = found + 1; found.max(1) };
        step outside: u32 = n.map_or(*found, |found| found);
    }
}

#[test]
fn what_a_step_binds_itself_is_no_mention_of_an_earlier_step() {
    let agents = Agents::new().with("echo", |prompt: String| async move { prompt });
    let engine = Engine::new(Arc::new(MemoryStore::new()), agents);
    let (text, n) = ("abc".to_owned(), Some(4));
    let output = block_on(engine.run(Hides { text, n })).unwrap();
    assert!(output.matched());
    let numbers = [
        output.arm(),
        output.condition(),
        output.closure(),
        output.looped(),
    ];
    assert_eq!(numbers, [&4, &4, &5, &3]);
    assert_eq!(
        (output.local().as_str(), output.asked().as_str()),
        ("3", "1 4")
    );
    assert_eq!((output.after_all(), output.outside()), (&101, &4));
    let definition = Hides::to_definition();
    let dependents: Vec<_> = definition
        .steps
        .iter()
        .filter(|step| !step.dependencies.is_empty())
        .collect();
    let keys: Vec<_> = dependents.iter().map(|step| step.key.as_str()).collect();
    assert_eq!(keys, ["after-all", "outside"]);
}
