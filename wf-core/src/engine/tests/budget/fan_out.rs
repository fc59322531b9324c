//! Steps side by side under a budget: what uses nothing overlaps, and what uses something stays within it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;

use super::super::harness::id;
use crate::agent::{Agent, Agents, Allowance, Reply, Request, StepError};
use crate::clock::Clock;
use crate::engine::{Engine, RunOptions, Status};
use crate::lifecycle::State;
use crate::plan::{Inputs, Plan};
use crate::progress::retry;
use crate::store::{MemoryStore, Store};
use crate::testing::VirtualClock;

/// An agent that says what it may use, takes a second, and notes when its attempts begin and end.
#[derive(Clone)]
struct Metered {
    clock: VirtualClock,
    bound: Allowance,
    /// What its attempts use, in turn, the last one for ever.
    uses: Vec<u64>,
    events: Arc<Mutex<Vec<String>>>,
}

impl Agent for Metered {
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
        Box::pin(async move {
            let step = request.step;
            let number = {
                let mut events = self.events.lock().unwrap();
                let number = events.iter().filter(|event| event.starts_with('+')).count();
                events.push(format!("+{step}"));
                number
            };
            self.clock.sleep(Duration::from_secs(1)).await;
            self.events.lock().unwrap().push(format!("-{step}"));
            let used = self.uses.get(number).or(self.uses.last());
            let usage = serde_json::json!({"total_tokens": used, "cost": 0});
            let reply = Reply::text("x");
            Ok(match used {
                Some(_) => reply.with_usage(usage),
                None => reply,
            })
        })
    }

    fn bound(&self, _: Request<'_>) -> Allowance {
        self.bound
    }
}

struct Table {
    clock: VirtualClock,
    store: Arc<MemoryStore>,
    events: Arc<Mutex<Vec<String>>>,
}

impl Table {
    fn new() -> Self {
        Table {
            clock: VirtualClock::new(),
            store: Arc::default(),
            events: Arc::default(),
        }
    }

    fn agent(&self, bound: Allowance, uses: &[u64]) -> Metered {
        Metered {
            clock: self.clock.clone(),
            bound,
            uses: uses.to_vec(),
            events: Arc::clone(&self.events),
        }
    }

    /// Runs a step for each of the agents named in `steps`, and nothing after another.
    fn run(&self, execution: &str, config: &str, steps: &[&str], agents: Agents) -> Status {
        let mut text = format!("name: W\nconfig: {{ {config} }}\nsteps:\n");
        for (at, agent) in steps.iter().enumerate() {
            let _ = writeln!(
                text,
                "  - {{ key: {agent}{at}, agent: {agent}, prompt: p }}"
            );
        }
        let plan = Arc::new(Plan::from_yaml("w.yaml", &text).unwrap());
        let store: Arc<dyn Store> = self.store.clone();
        let engine = Engine::new(store, agents).with_clock(self.clock.clone());
        let run = async {
            let options = RunOptions::default().with_id(execution);
            let run = engine.start(&plan, Inputs::new(), options).await.unwrap();
            run.finish().await.unwrap()
        };
        self.clock.run(run).unwrap()
    }

    fn events(&self) -> Vec<String> {
        std::mem::take(&mut self.events.lock().unwrap())
    }
}

fn tokens(most: u64) -> Allowance {
    Allowance {
        tokens: Some(most),
        cost: Some(0.0),
    }
}

#[test]
fn programs_overlap_under_a_budget_of_tokens_and_cost() {
    for budget in [
        "tokens: 10",
        "cost: 1",
        "tokens: 10, cost: 1, perAttempt: { tokens: 10, cost: 1 }",
    ] {
        let table = Table::new();
        let agents = Agents::new().with("p", table.agent(Allowance::NOTHING, &[]));
        let config = format!("budget: {{ {budget} }}");
        let status = table.run("run", &config, &["p", "p", "p"], agents);
        assert_eq!(status.state(), State::Completed, "{budget}");
        assert_eq!(
            table.events(),
            ["+p0", "+p1", "+p2", "-p0", "-p1", "-p2"],
            "{budget}"
        );
    }
}

#[test]
fn a_program_does_not_wait_behind_a_model_that_has_no_room() {
    let table = Table::new();
    let agents = Agents::new()
        .with("m", table.agent(Allowance::UNLIMITED, &[10]))
        .with("p", table.agent(Allowance::NOTHING, &[]));
    let status = table.run(
        "run",
        "budget: { tokens: 100 }",
        &["m", "m", "p", "m", "p"],
        agents,
    );
    assert_eq!(status.state(), State::Completed);
    assert_eq!(
        table.events(),
        [
            "+m0", "+p2", "+p4", "-m0", "+m1", "+m3", "-p2", "-p4", "-m1", "-m3"
        ]
    );
}

#[test]
fn programs_go_on_when_the_tokens_are_used_up_and_then_the_run_pauses() {
    let table = Table::new();
    let agents = Agents::new()
        .with("m", table.agent(tokens(100), &[100]))
        .with("p", table.agent(Allowance::NOTHING, &[]));
    let config = "maxParallel: 1, budget: { tokens: 100 }";
    let status = table.run("run", config, &["m", "m", "p", "p"], agents);
    assert_eq!(status.state(), State::Paused);
    assert_eq!(table.events(), ["+m0", "-m0", "+p2", "-p2", "+p3", "-p3"]);
    assert_eq!(
        status.execution.error.as_deref(),
        Some(
            "the run's budget is used up: 100 of its 100 tokens are used, and the next attempt may take 100; \
             resume it with a larger budget, such as `tokens=+100`"
        )
    );
}

#[test]
fn a_model_that_says_what_it_may_use_does_not_run_alone_first() {
    let table = Table::new();
    let agents = Agents::new().with("m", table.agent(tokens(40), &[10]));
    let status = table.run("run", "budget: { tokens: 100 }", &["m"; 4], agents);
    assert_eq!(status.state(), State::Completed);
    let events = table.events();
    assert_eq!(&events[..3], ["+m0", "+m1", "-m0"], "{events:?}");
}

#[test]
fn what_an_agent_used_in_an_earlier_execution_is_remembered() {
    let table = Table::new();
    let agents = || Agents::new().with("c", table.agent(Allowance::UNLIMITED, &[30]));
    let first = table.run("first", "budget: { tokens: 100 }", &["c"; 3], agents());
    assert_eq!(first.state(), State::Completed);
    assert_eq!(table.events()[..2], ["+c0", "-c0"], "nothing is known");
    let second = table.run("second", "budget: { tokens: 100 }", &["c"; 3], agents());
    assert_eq!(second.state(), State::Completed);
    assert_eq!(table.events()[..3], ["+c0", "+c1", "+c2"]);
    // It is a hint: a budget below it lets one attempt start all the same.
    let third = table.run("third", "budget: { tokens: 20 }", &["c"; 3], agents());
    assert_eq!((third.state(), third.usage().tokens), (State::Paused, 30));
}

/// Drawn budgets, agents and fan-outs: as long as no attempt uses more than it reserved, the run does not either.
#[test]
fn what_is_used_stays_within_the_budget_while_attempts_stay_within_their_reserves() {
    let mut paused = 0;
    for seed in 0..400_u64 {
        let mut drawn = 0;
        let mut draw = |below: u64| {
            drawn += 1;
            retry::seed(&format!("{seed}/{drawn}"), 0) % below
        };
        let table = Table::new();
        let limit = 1 + draw(1_000);
        let mut agents = Agents::new();
        let names = ["x", "y", "z"];
        for name in names {
            // Some say what they may use; the others use the same each time, so that the first tells of the rest.
            let most = draw(300);
            let agent = match draw(3) {
                0 => table.agent(Allowance::NOTHING, &[]),
                1 => {
                    let uses: Vec<u64> = (0..40).map(|_| draw(most + 1)).collect();
                    table.agent(tokens(most), &uses)
                }
                _ => table.agent(Allowance::UNLIMITED, &[most.min(limit)]),
            };
            agents = agents.with(name, agent);
        }
        let steps: Vec<&str> = (0..1 + draw(20))
            .map(|_| names[usize::try_from(draw(3)).unwrap()])
            .collect();
        let config = format!(
            "maxParallel: {}, budget: {{ tokens: {limit} }}",
            1 + draw(8)
        );
        let status = table.run(id().as_str(), &config, &steps, agents.clone());
        paused += u32::from(status.state() == State::Paused);
        // An agent of which nothing is known reserves what is left, and may use more than that only alone.
        let mut by_agent = BTreeMap::<char, u64>::new();
        for step in &status.steps {
            for made in step
                .record
                .attempts
                .iter()
                .filter_map(|made| made.usage.as_ref())
            {
                let used = made["total_tokens"].as_u64().unwrap_or(0);
                *by_agent
                    .entry(step.key.as_str().chars().next().unwrap())
                    .or_default() += used;
            }
        }
        let used = status.usage().tokens;
        assert_eq!(by_agent.values().sum::<u64>(), used);
        let exceeded = used > limit && !first_use_alone(&status, limit);
        assert!(!exceeded, "seed {seed}: {used} of {limit}, {by_agent:?}");
        assert!(
            matches!(status.state(), State::Completed | State::Paused),
            "seed {seed}: {:?}",
            status.state()
        );
    }
    assert!(paused > 50, "{paused}");
}

/// Whether the attempt that went beyond the limit was an agent's first, which reserved all that was left.
fn first_use_alone(status: &Status, limit: u64) -> bool {
    let mut made: Vec<_> = status
        .steps
        .iter()
        .flat_map(|step| step.record.attempts.iter().map(move |made| (step, made)))
        .collect();
    made.sort_by_key(|(_, made)| made.ended_at);
    let mut spent = 0;
    let mut seen = Vec::new();
    for (step, attempt) in made {
        let usage = attempt.usage.as_ref();
        let used = usage.and_then(|usage| usage["total_tokens"].as_u64());
        let agent = step.key.as_str().chars().next();
        spent += used.unwrap_or(0);
        if spent > limit {
            return !seen.contains(&agent);
        }
        seen.push(agent);
    }
    false
}
