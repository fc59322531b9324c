//! Agents that lack a secret: a mistake where one is asked, and nobody's trouble where none is.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::BoxFuture;
use wf_core::agent::{Agent, Allowance, Reply, Request, StepError};

use super::fallbacks::Draft;
use super::parser::Parser;
use crate::agents::{Diagnose, Fault};

impl Parser<'_> {
    /// Reports what the agents lack that are asked, or asked when those fail. In the place of any other that lacks
    /// something there is one that says so.
    pub(super) fn check_lacking(&mut self, drafts: &mut [Draft]) {
        let Some(asked) = self.asked else { return };
        let mut known = BTreeSet::new();
        let mut waiting: Vec<String> = asked.iter().map(|&wanted| wanted.to_owned()).collect();
        while let Some(wanted) = waiting.pop() {
            for draft in drafts.iter_mut().filter(|draft| draft.is_meant(&wanted)) {
                if known.insert(draft.name.clone()) {
                    waiting.extend(draft.fallback.iter().map(|(_, name)| name.clone()));
                    for problem in draft.lacking.drain(..) {
                        self.reader.report(problem);
                    }
                }
            }
        }
        for draft in drafts {
            if let Some(lacks) = draft.lacking.first() {
                let why = format!("agent `{}` cannot be asked: {}", draft.name, lacks.message);
                draft.agent = Some(Arc::new(Lacking(why)));
            }
        }
    }
}

impl Draft {
    /// Whether a step that asks for `wanted` may get this agent.
    fn is_meant(&self, wanted: &str) -> bool {
        match wanted.strip_prefix('@') {
            Some(capability) => self.capabilities.iter().any(|can| can == capability),
            None => self.name == wanted,
        }
    }
}

/// An agent that lacks something, and says what.
struct Lacking(String);

impl Agent for Lacking {
    fn call<'a>(&'a self, _: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
        Box::pin(async { Err(StepError::terminal(&self.0)) })
    }

    fn bound(&self, _: Request<'_>) -> Allowance {
        Allowance::NOTHING
    }
}

impl Diagnose for Lacking {
    fn diagnose<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, Fault>> {
        Box::pin(async move { self.call(request).await.map_err(Fault::agent) })
    }
}
