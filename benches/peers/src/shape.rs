//! The graphs, as `benches/floors/workloads.rs` makes them.

/// Which steps each step needs.
pub type Shape = Vec<Vec<usize>>;

/// What each step answers.
pub fn result() -> String {
    "x".repeat(100)
}

/// The graph of that name.
pub fn named(workload: &str) -> Shape {
    match workload {
        "chain" => (0..1_000)
            .map(|step: usize| step.checked_sub(1).into_iter().collect())
            .collect(),
        "fan-out" => {
            let mut needs = vec![Vec::new()];
            needs.extend((0..1_000).map(|_| vec![0]));
            needs.push((1..=1_000).collect());
            needs
        }
        "random" => random(10_000),
        other => panic!("there is no graph called `{other}`"),
    }
}

/// Up to three of all before it, drawn by xorshift64*.
fn random(steps: usize) -> Shape {
    let mut state = 7_u64.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut below = |bound: usize| {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) % bound as u64) as usize
    };
    let needs = (0..steps).map(|step| {
        let mut needs: Vec<usize> = (0..3.min(step)).map(|_| below(step)).collect();
        needs.sort_unstable();
        needs.dedup();
        needs
    });
    needs.collect()
}
