//! How a scenario is drawn.

use std::time::Duration;

use wf_model::OnFailure;

use super::{Limit, Scenario, Step};
use crate::testing::rng::Rng;
use crate::testing::simulation::Act;
use crate::value::Json;

/// How long attempts take, in milliseconds: few values, so that ends fall together.
const TIMES: [u64; 3] = [0, 10, 20];

/// How long steps wait for their next attempt.
const DELAYS: [u64; 4] = [0, 10, 20, 100];

/// Between the times of attempts.
const TIMEOUTS: [u64; 2] = [5, 15];

impl Scenario {
    /// Draws a scenario.
    pub fn drawn(seed: u64) -> Self {
        let mut draw = Rng::new(seed, "scenario");
        // Small ones tell most, and are played fastest.
        let steps = 1
            + draw.below(4)
            + if one_in(&mut draw, 8) {
                draw.below(3)
            } else {
                0
            };
        let mut scenario = Scenario {
            seed,
            on_failure: pick(
                &mut draw,
                &[OnFailure::Fail, OnFailure::Continue, OnFailure::Pause],
            ),
            max_parallel: 1 + draw.below(4),
            timeout: one_in(&mut draw, 6).then(|| 5 + 10 * draw.below(8)),
            budget: None,
            tokens: one_in(&mut draw, 3).then(|| 1 + draw.below(9)),
            steps: Vec::new(),
            pause_after: one_in(&mut draw, 5).then(|| 5 * draw.below(12)),
            cancel_after: one_in(&mut draw, 6).then(|| 5 * draw.below(12)),
            restores: one_in(&mut draw, 6),
            latency: pick(&mut draw, &[0, 1, 5, 20]),
        };
        if one_in(&mut draw, 5) {
            scenario.budget = Some(match (draw.below(3), scenario.tokens) {
                (0, _) => Limit::WallTime(5 + 10 * draw.below(8)),
                (1, Some(tokens)) => Limit::Tokens(tokens * (1 + draw.below(8))),
                _ => Limit::Attempts(1 + draw.below(8)),
            });
        }
        for at in 0..steps {
            let step = Step::drawn(&mut draw, at);
            scenario.steps.push(step);
        }
        scenario
    }
}

impl Step {
    fn drawn(draw: &mut Rng, at: u64) -> Self {
        let needs = (0..at).filter(|_| one_in(draw, 3));
        let needs = needs.map(|needed| format!("s{needed}")).collect();
        // Drawn in either case, so that a seed draws the same but for this.
        let is_checked = one_in(draw, 6) && cfg!(feature = "schema");
        Step {
            key: format!("s{at}"),
            needs,
            parallel: !one_in(draw, 6),
            optional: one_in(draw, 4),
            timeout: one_in(draw, 6).then(|| pick(draw, &TIMEOUTS)),
            attempts: 1 + draw.below(3),
            delay: pick(draw, &DELAYS),
            jitter: one_in(draw, 4),
            is_checked,
            acts: (0..=draw.below(3))
                .map(|_| drawn_act(draw, is_checked))
                .collect(),
        }
    }
}

fn drawn_act(draw: &mut Rng, is_checked: bool) -> Act {
    let time = Duration::from_millis(pick(draw, &TIMES));
    match draw.below(16) {
        0..=3 => Act::Fail(time),
        4 => Act::Refuse(time),
        5 => Act::Down(time),
        6 => Act::Busy(
            time,
            Duration::from_millis(pick(draw, &[10, 50, 4_000_000])),
        ),
        // A number where an object is asked for.
        7..=9 if is_checked => Act::Answer(time, Json::from_stored("7")),
        number if is_checked => Act::Answer(time, Json::from_stored(format!("{{\"n\":{number}}}"))),
        _ => Act::Digest(time),
    }
}

fn one_in(draw: &mut Rng, count: u64) -> bool {
    draw.below(count) == 0
}

fn pick<T: Copy>(draw: &mut Rng, from: &[T]) -> T {
    let at = draw.below(from.len() as u64);
    from[usize::try_from(at).unwrap_or(0)]
}
