//! The agents of a file with their fallbacks, and the fallbacks of those.

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use wf_core::agent::{Agent, Asked, Reply, Request, StepError};

use super::in_turn;
use crate::{Diagnose, Fault};

/// An agent without its fallbacks, and where these are among the others.
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) agent: Arc<dyn Diagnose>,
    pub(crate) fallback: Vec<usize>,
}

/// Asks an agent, and then its fallbacks in their order, each followed by its own fallbacks; each agent once in an attempt,
/// however many name it.
pub(crate) struct Chain {
    links: Arc<[Link]>,
    first: usize,
}

impl Chain {
    /// Begins with the agent of that number.
    pub(crate) const fn new(links: Arc<[Link]>, first: usize) -> Self {
        Chain { links, first }
    }

    async fn ask(&self, request: Request<'_>) -> Result<Reply, Fault> {
        let alone = Asked::default();
        let asked = request.asked.unwrap_or(&alone);
        let request = request.with_asked(asked);
        let walk = Walk {
            links: &self.links,
            asked,
            waiting: vec![self.first],
        };
        let mut walk = walk.peekable();
        match walk.peek() {
            Some(_) => in_turn(walk, request).await,
            None => Err(Fault::attempt(StepError::unavailable(
                "the agent and all its fallbacks were asked already in this attempt",
            ))),
        }
    }
}

/// The agents in their order, without those that the attempt has asked.
struct Walk<'a> {
    links: &'a [Link],
    asked: &'a Asked,
    /// Those to be asked, the next one last.
    waiting: Vec<usize>,
}

impl<'a> Iterator for Walk<'a> {
    type Item = (&'a str, &'a dyn Diagnose);

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(number) = self.waiting.pop() {
            let Some(link) = self.links.get(number) else {
                continue;
            };
            if self.asked.add(&link.name) {
                self.waiting.extend(link.fallback.iter().rev());
                return Some((&link.name, &*link.agent));
            }
        }
        None
    }
}

impl Agent for Chain {
    fn call<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, StepError>> {
        Box::pin(async move { self.ask(request).await.map_err(|fault| fault.error) })
    }
}

impl Diagnose for Chain {
    fn diagnose<'a>(&'a self, request: Request<'a>) -> BoxFuture<'a, Result<Reply, Fault>> {
        Box::pin(self.ask(request))
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = self.links.get(self.first).map(|link| &link.name);
        f.debug_tuple("Chain").field(&first).finish()
    }
}
