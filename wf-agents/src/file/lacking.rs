//! Agents that lack a secret: a mistake where one is asked, and nobody's trouble where none is.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::BoxFuture;
use wf_core::agent::{Agent, Allowance, Reply, Request, StepError};
use wf_model::{AgentRef, nearest};

use super::fallbacks::Draft;
use super::parser::{Parser, Unmet};
use crate::{Diagnose, Fault};

impl Parser<'_> {
    /// Reports what the agents lack that are asked, or asked when those fail, and notes for whom. In the place of any other
    /// that lacks something there is one that says so.
    pub(super) fn check_lacking(&mut self, drafts: &mut [Draft]) {
        let Some(asked) = self.asked else { return };
        let asked: BTreeSet<&str> = asked.iter().copied().collect();
        let mut reported = BTreeSet::new();
        for wanted in asked {
            let meant = drafts.iter().filter(|draft| draft.is_meant(wanted));
            let mut waiting: Vec<String> = meant.map(|draft| draft.name.clone()).collect();
            // What is code of a program, the engine says.
            let is_known = self.named.contains(wanted) || AgentRef::of(wanted).is_native();
            if waiting.is_empty() && !is_known {
                self.unknown(wanted, drafts);
            }
            let mut known = BTreeSet::new();
            while let Some(name) = waiting.pop() {
                let Some(draft) = drafts.iter().find(|draft| draft.name == name) else {
                    continue;
                };
                if !known.insert(name) {
                    continue;
                }
                waiting.extend(draft.fallback.iter().map(|(_, name)| name.clone()));
                let Some(lacks) = draft.lacking.first() else {
                    continue;
                };
                let (name, lacks) = (&draft.name, &lacks.message);
                self.unmet.push(Unmet {
                    wanted: wanted.to_owned(),
                    message: match wanted == name {
                        true => format!("agent `{name}` cannot be asked: {lacks}"),
                        false => format!(
                            "`{wanted}` may ask agent `{name}`, which cannot be asked: {lacks}"
                        ),
                    },
                    help: None,
                    is_elsewhere: true,
                });
            }
            reported.append(&mut known);
        }
        for draft in drafts {
            let is_asked = reported.contains(&draft.name);
            if let Some(lacks) = draft.lacking.first() {
                let why = format!("agent `{}` cannot be asked: {}", draft.name, lacks.message);
                draft.agent = Some(Arc::new(Lacking(why)));
            }
            for problem in draft.lacking.drain(..).filter(|_| is_asked) {
                self.reader.report(problem);
            }
        }
    }

    /// Notes that nobody is there whom steps ask.
    fn unknown(&mut self, wanted: &str, drafts: &[Draft]) {
        let asked = AgentRef::of(wanted);
        let (message, names): (_, BTreeSet<&str>) = match asked.capability() {
            // A capability may stand where the file has a mistake.
            Some(_) if self.reader.has_errors() => return,
            Some(capability) => (
                format!("asks an agent that can `{capability}`, and there is none"),
                drafts
                    .iter()
                    .flat_map(|draft| &draft.capabilities)
                    .map(String::as_str)
                    .collect(),
            ),
            None => (
                format!("asks agent `{wanted}`, which is not there"),
                self.named.iter().map(String::as_str).collect(),
            ),
        };
        let near = nearest(asked.word(), names.iter().copied());
        let near = near.map(|near| format!("; did you mean `{near}`?"));
        let listed: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let help = match (asked.capability().is_some(), listed.is_empty()) {
            (true, true) => "no agent lists any `capabilities`".to_owned(),
            (true, false) => format!(
                "the capabilities that agents list are {}",
                listed.join(", ")
            ),
            (false, true) => "there are no agents".to_owned(),
            (false, false) => format!("the agents are {}", listed.join(", ")),
        };
        self.unmet.push(Unmet {
            wanted: wanted.to_owned(),
            message: message + &near.unwrap_or_default(),
            help: Some(help),
            is_elsewhere: false,
        });
    }
}

impl Draft {
    /// Whether a step that asks for `wanted` may get this agent.
    fn is_meant(&self, wanted: &str) -> bool {
        match AgentRef::of(wanted).capability() {
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
