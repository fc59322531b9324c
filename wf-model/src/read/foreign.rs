//! Keys of other tools' workflow files, with what to write here instead.

/// Returns the key of a workflow that another tool's key stands for, and what to write instead.
pub(super) fn of_workflow(key: &str) -> Option<(&'static str, &'static str)> {
    Some(match key {
        "workflowId" | "workflow_id" | "id" => ("name", "write `name: …`"),
        "metadata" => (
            "",
            "leave it out; there are `description`, `author` and `tags`",
        ),
        _ => return None,
    })
}

/// Returns what to write instead of another tool's key of a retry policy.
pub(super) fn of_retry_policy(key: &str) -> Option<&'static str> {
    Some(match key {
        "backoffMs" => "write `initialDelay: …`",
        "retryOn" => "leave it out; what can pass is tried again, and nothing else is",
        _ => return None,
    })
}

/// Returns what to write instead of another tool's key of a step.
pub(super) fn of_step(key: &str) -> Option<&'static str> {
    Some(match key {
        "type" => {
            "leave it out: every step asks its `agent`, and the agents file says whether that is a model or a program"
        }
        "run" => {
            "name an agent that is a program, `command: [\"sh\", \"-c\", \"…\"]` in the agents file, as the step's `agent`"
        }
        "uses" => "write `agent: …`, and say in the agents file what that agent is",
        "model" => "write it in the agents file, at the agent that the step's `agent` names",
        _ => return None,
    })
}
