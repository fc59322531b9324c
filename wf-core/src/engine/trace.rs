//! Spans and events of `tracing`; nothing at all without the feature.

pub(super) use imp::{Trace, Within, begun};

#[cfg(feature = "tracing")]
mod imp {
    use std::collections::HashMap;

    use tracing::field::Empty;
    use tracing::level_filters::LevelFilter;
    use tracing::{Instrument, Span, debug, info, info_span, warn};

    use crate::engine::Notice;
    use crate::id::ExecutionId;
    use crate::plan::Plan;
    use crate::usage::Usage;

    /// The spans of an execution that is being driven, and of its steps that are under way.
    pub(in crate::engine) struct Trace {
        execution: Span,
        steps: HashMap<String, Span>,
    }

    /// A span that a future runs in.
    pub(in crate::engine) struct Within(Span);

    impl Trace {
        /// Whether anybody may listen: asked before what there is to tell is gathered.
        pub(in crate::engine) fn is_heard() -> bool {
            LevelFilter::current() != LevelFilter::OFF
        }

        pub(in crate::engine) fn new(id: &ExecutionId, plan: &Plan) -> Self {
            let execution = info_span!(
                "execution",
                execution_id = %id,
                workflow = plan.name(),
                version = plan.version(),
                state = Empty,
            );
            Trace {
                execution,
                steps: HashMap::new(),
            }
        }

        /// The execution's span, to drive it in.
        pub(in crate::engine) fn execution(&self) -> Within {
            Within(self.execution.clone())
        }

        /// The span of an attempt that starts, within that of its step.
        pub(in crate::engine) fn attempt(
            &mut self,
            step: &str,
            agent: &str,
            number: u32,
        ) -> Within {
            if self.execution.is_disabled() {
                return Within(Span::none());
            }
            let span = self.steps.entry(step.to_owned()).or_insert_with(
                || info_span!(parent: &self.execution, "step", step, agent, outcome = Empty),
            );
            Within(info_span!(parent: &*span, "attempt", step, agent, attempt = number))
        }

        /// Takes down what has become durable.
        pub(in crate::engine) fn note(&mut self, notice: &Notice<'_>) {
            match *notice {
                Notice::AttemptFailed {
                    step,
                    attempt,
                    error,
                    retry_in,
                    usage,
                    ..
                } => {
                    let Usage { tokens, cost } = usage.map(Usage::reported).unwrap_or_default();
                    let retry_in_ms = retry_in.map(|wait| wait.as_millis() as u64);
                    warn!(
                        parent: self.step(step),
                        step, attempt, error, retry_in_ms, tokens, cost, "attempt failed"
                    );
                }
                Notice::StepEnded {
                    step,
                    outcome,
                    duration,
                    usage,
                    ..
                } => {
                    let Usage { tokens, cost } = usage.map(Usage::reported).unwrap_or_default();
                    let duration_ms = duration.map(|duration| duration.as_millis() as u64);
                    let is_known = !self.steps.is_empty();
                    let span = is_known.then(|| self.steps.remove(step)).flatten();
                    let parent = span.as_ref().unwrap_or(&self.execution);
                    let outcome = outcome.state().name();
                    if let Some(span) = &span {
                        span.record("outcome", outcome);
                    }
                    info!(parent: parent, step, outcome, duration_ms, tokens, cost, "step ended");
                }
                Notice::Moved { from, to, .. } => {
                    self.execution.record("state", to.name());
                    debug!(parent: &self.execution, from = from.name(), to = to.name(), "state changed");
                    if to.is_terminal() || to == crate::State::Paused {
                        info!(parent: &self.execution, state = to.name(), "execution rests");
                    }
                }
                _ => {}
            }
        }

        fn step(&self, step: &str) -> &Span {
            self.steps.get(step).unwrap_or(&self.execution)
        }
    }

    /// Takes down, in the span of an attempt, that it has begun.
    pub(in crate::engine) fn begun(step: &str, attempt: u32) {
        debug!(step, attempt, "attempt started");
    }

    impl Within {
        pub(in crate::engine) fn run<F: Future>(
            self,
            future: F,
        ) -> tracing::instrument::Instrumented<F> {
            future.instrument(self.0)
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod imp {

    use crate::engine::Notice;
    use crate::id::ExecutionId;
    use crate::plan::Plan;

    pub(in crate::engine) struct Trace;

    pub(in crate::engine) struct Within;

    impl Trace {
        pub(in crate::engine) const fn is_heard() -> bool {
            false
        }

        pub(in crate::engine) const fn new(_: &ExecutionId, _: &Plan) -> Self {
            Trace
        }

        pub(in crate::engine) const fn execution(&self) -> Within {
            Within
        }

        pub(in crate::engine) const fn attempt(&mut self, _: &str, _: &str, _: u32) -> Within {
            Within
        }

        pub(in crate::engine) const fn note(&mut self, _: &Notice<'_>) {}
    }

    pub(in crate::engine) const fn begun(_: &str, _: u32) {}

    impl Within {
        pub(in crate::engine) fn run<F: Future>(self, future: F) -> F {
            future
        }
    }
}
