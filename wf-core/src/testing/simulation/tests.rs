//! The engine under the simulator, and the simulator under engines that are broken on purpose.

mod broken;
mod drawn;
mod honest;
mod planted;

use std::sync::Arc;

use crate::plan::Plan;

/// Twelve steps: one that fans out, two rows of diamonds with retries and one optional step, one that joins all.
fn diamond() -> Arc<Plan> {
    plan("")
}

/// The same with other settings of the workflow.
fn plan(config: &str) -> Arc<Plan> {
    let mut text = format!("name: diamond\n{config}\nsteps:\n");
    let steps = [
        ("top", &[][..]),
        ("a", &["top"]),
        ("b", &["top"]),
        ("c", &["top"]),
        ("d", &["top"]),
        ("ab", &["a", "b"]),
        ("bc", &["b", "c"]),
        ("cd", &["c", "d"]),
        ("left", &["ab", "bc"]),
        ("right", &["bc", "cd"]),
        ("extra", &["cd"]),
        ("bottom", &["left", "right", "extra"]),
    ];
    for (key, needs) in steps {
        let prompt: Vec<String> = needs.iter().map(|key| format!("{{{{{key}}}}}")).collect();
        let (prompt, needs) = (prompt.join(" "), needs.join(", "));
        let optional = key == "extra";
        text.push_str(&format!(
            "  - {{ key: {key}, agent: worker, prompt: 'do {key}: {prompt}', dependencies: [{needs}], optional: {optional}, retryPolicy: {{ maxAttempts: 3, initialDelay: 50ms, maxDelay: 200ms }} }}\n"
        ));
    }
    Plan::from_yaml("diamond.yaml", &text).unwrap_or_else(|report| panic!("{report}"))
}
