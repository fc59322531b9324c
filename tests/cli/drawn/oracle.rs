//! What may have come of a run, by its definition and what its programs have written down alone.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::lines::Line;
use super::recorded::{Attempt, Recorded, Row};
use super::scenario::{Limit, Program, Scenario};
use crate::workbench::Outcome;

type Checked = Result<(), String>;

/// What has happened to a run until it stopped.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Stop {
    pub(super) was_killed: bool,
    pub(super) was_cancelled: bool,
    pub(super) is_asked_to_pause: bool,
}

/// What the attempts of a step have led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// No attempt is recorded, or none but such as were cut off.
    Open,
    Done,
    /// It has failed, and has attempts left.
    Again,
    Failed,
}

/// Judges what was run in a round: nothing whose end was recorded before it, and nothing whose needs are not met.
pub(super) fn check_round(
    scenario: &Scenario,
    before: &Recorded,
    now: &Recorded,
    lines: &[Line],
    round: u32,
) -> Checked {
    let of_round: Vec<&Line> = lines.iter().filter(|line| line.round == round).collect();
    let mut last: BTreeMap<&str, u64> = BTreeMap::new();
    for line in of_round.iter().filter(|line| line.begins) {
        let key = line.step.as_str();
        let step = scenario.position(key).ok_or("an unknown step was run")?;
        if let Some(row) = before.steps.get(key) {
            let is_over = match row.state.as_str() {
                "failed" => !scenario.is_renewed(step),
                state => state != "pending" && state != "running",
            };
            ensure(!is_over, || format!("`{key}` was run again after its end"))?;
            let made = row.attempts.len() as u64;
            ensure(line.attempt > made, || {
                format!("`{key}` repeats attempt {} of {made}", line.attempt)
            })?;
        }
        let earlier = last.insert(key, line.attempt);
        ensure(earlier.is_none_or(|earlier| earlier < line.attempt), || {
            format!("attempt {} of `{key}` was made twice", line.attempt)
        })?;
        for &needed in &scenario.steps[step].needs {
            let needed = Scenario::key(needed);
            ensure(is_satisfied(scenario, now, &needed), || {
                format!("`{key}` was run, and the end of `{needed}` is not recorded")
            })?;
        }
    }
    check_overlaps(scenario, &of_round)
}

/// No more programs ran at once than may. Only those that wrote down their end are counted.
fn check_overlaps(scenario: &Scenario, lines: &[&Line]) -> Checked {
    let mut running: Vec<&Line> = Vec::new();
    for line in lines {
        if !line.begins {
            running.retain(|begun| !begun.is_of(line));
            continue;
        }
        let ends = |other: &&&Line| !other.begins && other.is_of(line);
        if !lines.iter().any(|other| ends(&other)) {
            continue;
        }
        running.push(line);
        let most = scenario.max_parallel.unwrap_or(16);
        let alone = running.iter().any(|line| {
            let step = scenario.position(&line.step);
            step.is_some_and(|step| !scenario.steps[step].parallel)
        });
        let most = if alone { 1 } else { most };
        ensure(running.len() as u64 <= most, || {
            format!("{} programs ran at once, and {most} may", running.len())
        })?;
    }
    Ok(())
}

/// Judges a run that has ended or is paused.
pub(super) fn check_stop(
    scenario: &Scenario,
    now: &Recorded,
    lines: &[Line],
    stop: Stop,
    status: i32,
) -> Checked {
    let state = now.state();
    let expected = match status {
        0 => "completed",
        1 => "failed",
        3 => "paused",
        _ => "cancelled",
    };
    ensure(state == expected, || {
        format!("the run is `{state}`, and the command exits with {status}")
    })?;
    let cuts = stop.was_killed || stop.was_cancelled || is_out_of_time(scenario, now);
    let mut fates = Vec::new();
    for (at, step) in scenario.steps.iter().enumerate() {
        let key = Scenario::key(at);
        let Some(row) = now.steps.get(&key) else {
            fates.push(Fate::Open);
            continue;
        };
        for attempt in &row.attempts {
            check_attempt(scenario, at, attempt, cuts)?;
            let writes = matches!(step.program, Program::Script(_));
            let wrote = |line: &Line| line.step == key && line.attempt == attempt.number;
            ensure(
                !writes || attempt.error.is_some() || lines.iter().any(wrote),
                || format!("`{key}` is done, and its program was not run"),
            )?;
        }
        let fate = fate(scenario, at, row)?;
        check_state(scenario, now, at, row, fate)?;
        fates.push(fate);
    }
    check_end(scenario, now, &fates, stop)
}

/// An attempt is recorded with the outcome that its program had.
fn check_attempt(scenario: &Scenario, at: usize, attempt: &Attempt, cuts: bool) -> Checked {
    let (key, number) = (Scenario::key(at), attempt.number);
    if attempt.interrupted || attempt.ended_at.is_none() {
        return ensure(cuts, || {
            format!("attempt {number} of `{key}` was cut off, and nothing cuts it")
        });
    }
    let step = &scenario.steps[at];
    let right = match &attempt.error {
        None => step.succeeds(number),
        Some(error) if error.starts_with("no answer within") => step.timeout.is_some(),
        Some(_) => !step.succeeds(number),
    };
    ensure(right, || {
        format!("attempt {number} of `{key}` had another outcome than `{attempt:?}`")
    })
}

fn fate(scenario: &Scenario, at: usize, row: &Row) -> Result<Fate, String> {
    let key = Scenario::key(at);
    let numbers: Vec<u64> = row.attempts.iter().map(|attempt| attempt.number).collect();
    let dense: Vec<u64> = (1..=numbers.len() as u64).collect();
    ensure(numbers == dense, || {
        format!("the attempts of `{key}` are numbered {numbers:?}")
    })?;
    let counted = row.attempts.iter().enumerate();
    let counted: Vec<(usize, &Attempt)> = counted
        .filter(|(_, attempt)| !attempt.interrupted && attempt.ended_at.is_some())
        .collect();
    if let Some(done) = counted.iter().position(|(_, made)| made.error.is_none()) {
        return match done + 1 == counted.len() {
            true => Ok(Fate::Done),
            false => Err(format!("`{key}` was run again after it was done")),
        };
    }
    let failures = counted.iter().filter(|(at, _)| *at >= row.retry_base);
    let failures = failures.count() as u64;
    let granted = scenario.steps[at].attempts;
    match failures {
        0 => Ok(Fate::Open),
        _ if failures < granted => Ok(Fate::Again),
        _ if failures == granted => Ok(Fate::Failed),
        _ => Err(format!("`{key}` has failed {failures} times of {granted}")),
    }
}

/// A step's state is what its attempts have led to, or what the end of the run has made of it.
fn check_state(scenario: &Scenario, now: &Recorded, at: usize, row: &Row, fate: Fate) -> Checked {
    let key = Scenario::key(at);
    let run = now.state();
    let needs = &scenario.steps[at].needs;
    let is_over = matches!(fate, Fate::Done | Fate::Failed);
    let right = match row.state.as_str() {
        "completed" => fate == Fate::Done,
        // A run that fails gives up those that were to be tried again.
        "failed" => {
            let gives_up = scenario.on_failure == "fail" || is_out_of_time(scenario, now);
            let given_up = run == "failed" && gives_up && !row.attempts.is_empty();
            fate == Fate::Failed || (given_up && !is_over)
        }
        "skipped" => {
            row.attempts.is_empty()
                && needs
                    .iter()
                    .any(|&needed| is_blocked(scenario, now, needed))
        }
        "pending" => run == "paused" && !is_over,
        "cancelled" => run == "cancelled" && !is_over,
        _ => false,
    };
    ensure(right, || {
        format!(
            "`{key}` is `{}` after its attempts led to {fate:?}",
            row.state
        )
    })?;
    let met = |&needed: &usize| is_satisfied(scenario, now, &Scenario::key(needed));
    ensure(row.attempts.is_empty() || needs.iter().all(met), || {
        format!("`{key}` has attempts, and not what it needs")
    })
}

/// The run has stopped in the state that its steps lead to.
fn check_end(scenario: &Scenario, now: &Recorded, fates: &[Fate], stop: Stop) -> Checked {
    let state = now.state();
    let all = || 0..scenario.steps.len();
    let fails = all().any(|at| fates[at] == Fate::Failed && !scenario.steps[at].optional);
    let is_over = |at: usize| {
        let row = now.steps.get(&Scenario::key(at));
        row.is_some_and(|row| !matches!(row.state.as_str(), "pending" | "running"))
    };
    let right = match state {
        "completed" => all().all(|at| is_satisfied(scenario, now, &Scenario::key(at))),
        "failed" => {
            is_out_of_time(scenario, now)
                || match scenario.on_failure {
                    "fail" => fails,
                    "continue" => fails && all().all(is_over),
                    _ => false,
                }
        }
        "paused" => {
            stop.is_asked_to_pause
                || (fails && scenario.on_failure == "pause")
                || is_spent(scenario, now)
        }
        "cancelled" => stop.was_cancelled,
        _ => false,
    };
    ensure(right, || {
        format!("the run is `{state}` after its steps led to {fates:?}, {stop:?}: {now:?}")
    })?;
    let made = attempts(now);
    let limit = attempt_limit(scenario, now);
    ensure(limit.is_none_or(|limit| made <= limit), || {
        format!("{made} attempts were made, and {limit:?} may be")
    })
}

/// Judges what `status --json` says of a run that has ended or is paused.
pub(super) fn check_document(scenario: &Scenario, now: &Recorded, status: &Outcome) -> Checked {
    ensure(status.status == 0, || {
        format!("`status` exits with {status:?}")
    })?;
    let document = status.json();
    let run = now.state();
    ensure(document["state"] == run, || {
        format!(
            "`status` says `{}` of a run that is `{run}`",
            document["state"]
        )
    })?;
    for at in 0..scenario.steps.len() {
        let key = Scenario::key(at);
        let shown = &document["steps"][&key];
        let row = now.steps.get(&key);
        let state = match (row, run) {
            (Some(row), _) => row.state.as_str(),
            (None, "failed") => "skipped",
            (None, "cancelled") => "cancelled",
            (None, _) => "pending",
        };
        let made = row.map_or(0, |row| row.attempts.len());
        let result = (state == "completed").then(|| json!(scenario.steps[at].answer()));
        let right = shown["state"] == state
            && shown["attempts"] == made
            && shown.get("result") == result.as_ref()
            && (state != "failed" || shown["error"].is_string());
        ensure(right, || {
            format!("`status` says {shown} of `{key}`, which is `{state}` after {made} attempts")
        })?;
    }
    let expected = (run == "completed").then(|| result(scenario, now));
    ensure(document.get("result") == expected.as_ref(), || {
        format!(
            "the result is {:?}, and not {expected:?}",
            document.get("result")
        )
    })
}

/// The results of the steps that nothing depends on.
fn result(scenario: &Scenario, now: &Recorded) -> Value {
    let is_last = |at: &usize| !scenario.steps.iter().any(|step| step.needs.contains(at));
    let members = (0..scenario.steps.len()).filter(is_last).map(|at| {
        let key = Scenario::key(at);
        let is_done = now
            .steps
            .get(&key)
            .is_some_and(|row| row.state == "completed");
        let value = if is_done {
            json!(scenario.steps[at].answer())
        } else {
            Value::Null
        };
        (key, value)
    });
    Value::Object(members.collect())
}

/// Whether what depends on the step may run.
fn is_satisfied(scenario: &Scenario, now: &Recorded, key: &str) -> bool {
    let optional = scenario
        .position(key)
        .is_some_and(|at| scenario.steps[at].optional);
    now.steps
        .get(key)
        .is_some_and(|row| match row.state.as_str() {
            "completed" => true,
            "failed" => optional,
            _ => false,
        })
}

/// Whether what depends on the step never runs.
fn is_blocked(scenario: &Scenario, now: &Recorded, step: usize) -> bool {
    let row = now.steps.get(&Scenario::key(step));
    row.is_some_and(|row| match row.state.as_str() {
        "failed" => !scenario.steps[step].optional,
        state => state == "skipped",
    })
}

fn is_out_of_time(scenario: &Scenario, now: &Recorded) -> bool {
    scenario.timeout.is_some_and(|limit| driven(now) >= limit)
}

/// Whether the budget keeps something from starting.
fn is_spent(scenario: &Scenario, now: &Recorded) -> bool {
    attempt_limit(scenario, now).is_some_and(|limit| attempts(now) >= limit)
        || limit(scenario, now, "wallTime", |limit| match limit {
            Limit::WallTime(most) => Some(most),
            Limit::Attempts(_) => None,
        })
        .is_some_and(|limit| driven(now) >= limit)
}

fn attempt_limit(scenario: &Scenario, now: &Recorded) -> Option<u64> {
    limit(scenario, now, "attempts", |limit| match limit {
        Limit::Attempts(most) => Some(most),
        Limit::WallTime(_) => None,
    })
}

/// A limit as it is now: that of the definition, or what was made of it since.
fn limit(
    scenario: &Scenario,
    now: &Recorded,
    name: &str,
    own: impl Fn(Limit) -> Option<u64>,
) -> Option<u64> {
    let changed = now.execution.as_ref().and_then(|run| run.budget.as_deref());
    match changed {
        Some(changed) => {
            let changed: Value = serde_json::from_str(changed).ok()?;
            changed.get(name)?.as_u64()
        }
        None => scenario.budget.and_then(own),
    }
}

fn attempts(now: &Recorded) -> u64 {
    now.steps
        .values()
        .map(|row| row.attempts.len() as u64)
        .sum()
}

fn driven(now: &Recorded) -> u64 {
    let run = now.execution.as_ref();
    run.map_or(0, |run| u64::try_from(run.driven_millis).unwrap_or(0))
}

fn ensure(right: bool, problem: impl FnOnce() -> String) -> Checked {
    if right { Ok(()) } else { Err(problem()) }
}
