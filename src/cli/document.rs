//! The JSON documents.

mod usage;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::value::RawValue;
use wf_core::engine::{Checkpoint, Status, StepStatus};
use wf_core::store::{ExecutionRecord, WorkflowRecord};
use wf_core::value::Json;
use wf_model::{Diagnostic, Report, Severity};

use self::usage::{StepUsageDocument, UsageDocument};
use super::moment::rfc_3339;
use super::standing::is_left_behind;

/// An error: `{"error": …}`, with what is wrong where when it is a file that is wrong.
#[derive(Serialize)]
pub(crate) struct ErrorDocument<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    diagnostics: Vec<DiagnosticDocument<'a>>,
}

impl<'a> ErrorDocument<'a> {
    pub(crate) fn new(message: &'a str, report: Option<&'a Report>) -> Self {
        ErrorDocument {
            error: message,
            diagnostics: report.map(diagnostics).unwrap_or_default(),
        }
    }
}

/// One mistake in a file.
#[derive(Serialize)]
pub(crate) struct DiagnosticDocument<'a> {
    severity: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
}

/// The mistakes of a report.
pub(crate) fn diagnostics(report: &Report) -> Vec<DiagnosticDocument<'_>> {
    fn document(found: &Diagnostic) -> DiagnosticDocument<'_> {
        let Diagnostic {
            severity,
            message,
            help,
            file,
            line,
            column,
            ..
        } = found;
        DiagnosticDocument {
            severity: match severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            message,
            help: help.as_deref(),
            file,
            line: Some(*line).filter(|line| *line > 0),
            column: Some(*column).filter(|column| *column > 0),
        }
    }
    report.diagnostics().iter().map(document).collect()
}

/// How an execution stands: what `run`, `resume`, `status`, `pause` and `cancel` write.
#[derive(Serialize)]
pub(crate) struct StatusDocument<'a> {
    execution_id: &'a str,
    workflow: &'a str,
    version: &'a str,
    state: &'static str,
    /// Whether the process that drove it is gone, or does not answer.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    interrupted: bool,
    steps: StepsDocument<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    started_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<serde_json::Value>,
}

impl<'a> StatusDocument<'a> {
    pub(crate) fn new(status: &'a Status) -> Self {
        let execution = &status.execution;
        let is_limited = !status.budget.is_unlimited();
        StatusDocument {
            execution_id: execution.id.as_str(),
            workflow: &status.workflow,
            version: &status.version,
            state: execution.state.name(),
            interrupted: is_left_behind(execution),
            steps: StepsDocument(&status.steps),
            result: status.result.as_ref().map(raw),
            error: execution.error.as_deref(),
            started_at: rfc_3339(execution.started_at),
            completed_at: execution.completed_at.map(rfc_3339),
            usage: UsageDocument::of(status),
            budget: is_limited.then(|| status.budget.to_json()),
        }
    }
}

/// The steps by key, in the definition's order.
struct StepsDocument<'a>(&'a [StepStatus]);

#[derive(Serialize)]
struct StepDocument<'a> {
    state: &'static str,
    attempts: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<StepUsageDocument<'a>>,
}

impl Serialize for StepsDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for step in self.0 {
            let document = StepDocument {
                state: step.state.name(),
                attempts: step.record.attempts.len(),
                result: step.record.result.as_ref().map(raw),
                error: step.record.error.as_deref(),
                usage: StepUsageDocument::of(step),
            };
            map.serialize_entry(&step.key, &document)?;
        }
        map.end()
    }
}

/// A row of `workflows`.
#[derive(Serialize)]
pub(crate) struct WorkflowDocument<'a> {
    id: &'a str,
    name: &'a str,
    description: Option<&'a str>,
    definition: &'a RawValue,
    version: &'a str,
    hash: &'a str,
    created_at: String,
    updated_at: String,
}

impl<'a> WorkflowDocument<'a> {
    pub(crate) fn new(workflow: &'a WorkflowRecord, definition: &'a Json) -> Self {
        WorkflowDocument {
            id: workflow.id.as_str(),
            name: &workflow.name,
            description: workflow.description.as_deref(),
            definition: raw(definition),
            version: &workflow.version,
            hash: &workflow.hash,
            created_at: rfc_3339(workflow.created_at),
            updated_at: rfc_3339(workflow.updated_at),
        }
    }
}

/// A row of `workflow_executions`, with the name and version of its workflow.
#[derive(Serialize)]
pub(crate) struct ExecutionDocument<'a> {
    id: &'a str,
    workflow_id: &'a str,
    workflow: Option<&'a str>,
    version: Option<&'a str>,
    state: &'static str,
    context: &'a RawValue,
    started_at: String,
    completed_at: Option<String>,
    error: Option<&'a str>,
    owner: Option<&'a str>,
    fencing_token: u64,
    lease_until: Option<String>,
    revision: u64,
    driven_millis: u64,
    last_seq: u64,
    budget: Option<serde_json::Value>,
    pause_requested: bool,
    interrupted: bool,
    agents_file: Option<&'a str>,
    directory: Option<&'a str>,
    restored_from: Option<&'a str>,
    resume_at: Option<String>,
}

impl<'a> ExecutionDocument<'a> {
    pub(crate) fn new(
        execution: &'a ExecutionRecord,
        context: &'a Json,
        workflow: Option<&'a WorkflowRecord>,
    ) -> Self {
        ExecutionDocument {
            id: execution.id.as_str(),
            workflow_id: execution.workflow_id.as_str(),
            workflow: workflow.map(|workflow| workflow.name.as_str()),
            version: workflow.map(|workflow| workflow.version.as_str()),
            state: execution.state.name(),
            context: raw(context),
            started_at: rfc_3339(execution.started_at),
            completed_at: execution.completed_at.map(rfc_3339),
            error: execution.error.as_deref(),
            owner: execution.owner.as_ref().map(|owner| owner.as_str()),
            fencing_token: execution.token,
            lease_until: execution.lease_until.map(rfc_3339),
            revision: execution.revision,
            driven_millis: execution.driven_millis,
            last_seq: execution.last_seq,
            budget: execution.budget.map(|budget| budget.to_json()),
            pause_requested: execution.pause_requested,
            interrupted: is_left_behind(execution),
            agents_file: execution.origin.agents_file.as_deref(),
            directory: execution.origin.directory.as_deref(),
            restored_from: execution
                .restored_from
                .as_ref()
                .map(|checkpoint| checkpoint.as_str()),
            resume_at: execution.resume_at.map(rfc_3339),
        }
    }
}

/// A row of `workflow_checkpoints`.
#[derive(Serialize)]
pub(crate) struct CheckpointDocument<'a> {
    id: &'a str,
    execution_id: &'a str,
    state: &'static str,
    context: &'a RawValue,
    completed_steps: Vec<&'a str>,
    created_at: String,
    revision: u64,
}

impl<'a> From<&'a Checkpoint> for CheckpointDocument<'a> {
    fn from(checkpoint: &'a Checkpoint) -> Self {
        let record = &checkpoint.record;
        CheckpointDocument {
            id: record.id.as_str(),
            execution_id: record.execution_id.as_str(),
            state: record.state.name(),
            context: raw(&record.context),
            completed_steps: checkpoint.completed_steps().collect(),
            created_at: rfc_3339(record.created_at),
            revision: record.revision,
        }
    }
}

/// The value as serde writes it without reading it: every digit and the order of keys are kept.
pub(crate) fn raw(json: &Json) -> &RawValue {
    // What a `Json` holds is JSON, unless a database was damaged.
    serde_json::from_str(json.as_str()).unwrap_or(RawValue::NULL)
}

/// Compact JSON with line ends and indents.
pub(crate) fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0;
    let (mut quoted, mut escaped) = (false, false);
    let mut letters = json.chars().peekable();
    while let Some(letter) = letters.next() {
        if quoted {
            quoted = escaped || letter != '"';
            escaped = letter == '\\' && !escaped;
            out.push(letter);
            continue;
        }
        match letter {
            '{' | '[' => {
                out.push(letter);
                if let Some(end) = letters.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(letter);
            }
            ',' => {
                out.push(letter);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => {
                quoted = letter == '"';
                out.push(letter);
            }
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_indented_and_not_changed() {
        let json = r#"{"a":[1.0,{}],"b":"x:{\"y\",\\","c":{"d":[],"e":1e300}}"#;
        let expected = r#"{
  "a": [
    1.0,
    {}
  ],
  "b": "x:{\"y\",\\",
  "c": {
    "d": [],
    "e": 1e300
  }
}"#;
        assert_eq!(indented(json), expected);
        assert_eq!(Json::parse(&indented(json)).unwrap().as_str(), json);
    }
}
