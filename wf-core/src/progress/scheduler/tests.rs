//! The scheduler alone: what must hold in every run of every graph.

use std::fmt::Write as _;

use super::*;

/// A plan of `steps` lines: key and whatever follows it, in YAML flow form.
fn plan(config: &str, steps: &[String]) -> Arc<Plan> {
    let mut text = format!("name: t\nconfig: {{ {config} }}\nsteps:\n");
    for step in steps {
        let _ = writeln!(text, "  - {{ agent: a, prompt: p, key: {step} }}");
    }
    Plan::from_yaml("t.yaml", &text).unwrap_or_else(|report| panic!("{report}"))
}

/// Numbers that look drawn by lot and are the same every time (SplitMix64).
struct Lot(u64);

impl Lot {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap()
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }
}

fn random_plan(lot: &mut Lot) -> Arc<Plan> {
    let count = 1 + lot.below(40);
    let steps: Vec<String> = (0..count)
        .map(|step| {
            let wanted = if step == 0 { 0 } else { lot.below(4) };
            let mut needs: Vec<usize> = (0..wanted).map(|_| lot.below(step)).collect();
            needs.sort_unstable();
            needs.dedup();
            let needs: Vec<String> = needs.iter().map(|need| format!("s{need}")).collect();
            let (serial, optional) = (lot.one_in(8), lot.one_in(5));
            format!(
                "s{step}, dependencies: [{}], parallel: {}, optional: {optional}",
                needs.join(", "),
                !serial
            )
        })
        .collect();
    let on_failure = ["fail", "continue", "pause"][lot.below(3)];
    let max_parallel = 1 + lot.below(6);
    plan(
        &format!("onFailure: {on_failure}, maxParallel: {max_parallel}"),
        &steps,
    )
}

#[test]
fn what_must_hold_holds_in_a_thousand_random_runs() {
    for seed in 0..1_000 {
        let lot = &mut Lot(seed);
        let plan = random_plan(lot);
        let mut scheduler = Scheduler::new(Arc::clone(&plan));
        let mut outcomes: Vec<Option<Outcome>> = vec![None; plan.graph().len()];
        let mut committed = vec![false; plan.graph().len()];
        let (mut running, mut resting): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
        scheduler.release();
        loop {
            while let Some(step) = scheduler.start_next() {
                let needs = plan.graph().dependencies(step as usize);
                assert!(
                    needs.iter().all(|&need| committed[need as usize]),
                    "seed {seed}: step {step} started before what it needs was committed"
                );
                assert!(
                    outcomes[step as usize].is_none(),
                    "seed {seed}: {step} ran again"
                );
                running.push(step);
                let alone = running.iter().any(|&step| plan.is_serial(step));
                assert!(
                    !alone || running.len() == 1,
                    "seed {seed}: overlaps a serial step"
                );
                assert!(running.len() <= plan.max_parallel() as usize, "seed {seed}");
                assert_eq!(scheduler.running() as usize, running.len());
            }
            if !resting.is_empty() && (running.is_empty() || lot.one_in(3)) {
                scheduler.requeue(resting.swap_remove(lot.below(resting.len())));
                if scheduler.is_stopped() {
                    break;
                }
                continue;
            }
            if running.is_empty() {
                break;
            }
            let step = running.swap_remove(lot.below(running.len()));
            match lot.below(10) {
                0 => {
                    scheduler.vacate(step, false);
                    assert_eq!(
                        scheduler.start_next(),
                        None,
                        "seed {seed}: a failure is open"
                    );
                    scheduler.rest(step);
                    resting.push(step);
                }
                1 => {
                    scheduler.vacate(step, false);
                    scheduler.settle(step, Outcome::Failed);
                    outcomes[step as usize] = Some(Outcome::Failed);
                }
                _ => {
                    scheduler.vacate(step, true);
                    scheduler.settle(step, Outcome::Succeeded);
                    outcomes[step as usize] = Some(Outcome::Succeeded);
                }
            }
            while let Some(step) = scheduler.next_blocked() {
                scheduler.settle(step, Outcome::Skipped);
                outcomes[step as usize] = Some(Outcome::Skipped);
            }
            for (step, outcome) in outcomes.iter().enumerate() {
                committed[step] = outcome.is_some();
            }
            scheduler.release();
        }
        let failed = (0_u32..)
            .zip(&outcomes)
            .any(|(step, outcome)| *outcome == Some(Outcome::Failed) && !plan.is_optional(step));
        assert_eq!(scheduler.failed().is_some(), failed, "seed {seed}");
        // A run ends when all is settled, or when a failure has stopped it.
        assert!(
            scheduler.is_done() || scheduler.is_stopped(),
            "seed {seed}: nothing can go on"
        );
    }
}

#[test]
fn a_slot_is_kept_for_the_critical_path() {
    let steps = ["head", "tail, dependencies: [head]", "other"].map(str::to_owned);
    let mut scheduler = Scheduler::new(plan("maxParallel: 1", &steps));
    scheduler.release();
    assert_eq!(scheduler.start_next(), Some(0));
    scheduler.vacate(0, true);
    // `tail` and `other` are one step long each: `other` need not wait.
    assert_eq!(scheduler.start_next(), Some(2));

    let steps = [
        "head",
        "mid, dependencies: [head]",
        "tail, dependencies: [mid]",
        "other",
    ];
    let mut scheduler = Scheduler::new(plan("maxParallel: 1", &steps.map(str::to_owned)));
    scheduler.release();
    assert_eq!(scheduler.start_next(), Some(0));
    scheduler.vacate(0, true);
    assert_eq!(scheduler.start_next(), None);
    scheduler.settle(0, Outcome::Succeeded);
    scheduler.release();
    assert_eq!(scheduler.start_next(), Some(1));
}

#[test]
fn the_chain_that_took_longest_goes_first_and_short_steps_count_as_steps() {
    let steps = ["a", "b", "c, dependencies: [b]", "d"].map(str::to_owned);
    let plan = plan("maxParallel: 4", &steps);
    let order = |durations: &[(u32, Duration)]| -> Vec<u32> {
        let mut scheduler = Scheduler::new(Arc::clone(&plan));
        scheduler.expect(durations);
        scheduler.release();
        std::iter::from_fn(|| scheduler.start_next()).collect()
    };
    let (short, second) = (Duration::from_millis(20), Duration::from_secs(1));
    assert_eq!(order(&[]), [1, 0, 3]);
    // All that is shorter than a tenth of a second is alike.
    let noise = |step: u32| (step, short * step);
    assert_eq!(order(&[0, 1, 2, 3].map(noise)), [1, 0, 3]);
    assert_eq!(
        order(&[(0, short), (1, short), (2, short), (3, second)]),
        [3, 1, 0]
    );
    // Of `c` nothing is known: it is taken to be as long as the others are on average.
    assert_eq!(order(&[(0, second), (1, short), (3, second)]), [0, 3, 1]);
    assert_eq!(
        order(&[(0, second), (1, second * 2), (3, Duration::MAX)]),
        [3, 1, 0]
    );
}
