//! Who is asked instead of whom: names that must be there, and must not go round in circles.

use std::collections::BTreeMap;
use std::sync::Arc;

use wf_model::{AgentRef, Problem, nearest};

use super::parser::Parser;
use crate::Diagnose;
use crate::fallback::{Chain, Link};

/// An agent of the file, before it knows whom to ask instead.
pub(super) struct Draft {
    pub(super) name: String,
    /// None when something is wrong with it, which was reported.
    pub(super) agent: Option<Arc<dyn Diagnose>>,
    pub(super) capabilities: Vec<String>,
    /// The agents to be asked when it fails, each with its place.
    pub(super) fallback: Vec<(u32, String)>,
    /// The secrets that it lacks.
    pub(super) lacking: Vec<Problem<u32>>,
}

impl Parser<'_> {
    /// Reports the fallbacks that lead nowhere or round in circles.
    pub(super) fn check_fallbacks(&mut self, drafts: &[Draft]) {
        let numbers: BTreeMap<&str, usize> = drafts
            .iter()
            .enumerate()
            .map(|(number, draft)| (draft.name.as_str(), number))
            .collect();
        let mut edges: Vec<Vec<(u32, usize)>> = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let mut known = Vec::new();
            for (place, wanted) in &draft.fallback {
                match numbers.get(wanted.as_str()) {
                    Some(number) => known.push((*place, *number)),
                    None => self.unknown_fallback(draft, *place, wanted, &numbers),
                }
            }
            edges.push(known);
        }
        self.report_cycles(drafts, &edges);
    }

    fn unknown_fallback(
        &mut self,
        draft: &Draft,
        place: u32,
        wanted: &str,
        known: &BTreeMap<&str, usize>,
    ) {
        let mut message = format!(
            "agent `{}` falls back on `{wanted}`, which is not there",
            draft.name
        );
        match nearest(wanted, known.keys().copied()) {
            Some(meant) => message.push_str(&format!("; did you mean `{meant}`?")),
            None if AgentRef::of(wanted).capability().is_some() => {
                message.push_str("; name agents here, not capabilities");
            }
            None => {}
        }
        let names: Vec<String> = known.keys().map(|name| format!("`{name}`")).collect();
        let help = format!("the agents here are {}", names.join(", "));
        self.reader
            .report(Problem::error(place, message).help(help));
    }

    /// Goes from agent to agent without recursion: a file may have any number of them.
    fn report_cycles(&mut self, drafts: &[Draft], edges: &[Vec<(u32, usize)>]) {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            OnPath,
            Done,
        }
        let mut marks = vec![Mark::New; drafts.len()];
        for start in 0..drafts.len() {
            if marks.get(start) != Some(&Mark::New) {
                continue;
            }
            // The path, each with how many of its edges were followed.
            let mut path = vec![(start, 0)];
            while let Some((number, next)) = path.last_mut() {
                let number = *number;
                set(&mut marks, number, Mark::OnPath);
                let edge = edges.get(number).and_then(|edges| edges.get(*next));
                *next += 1;
                let Some((place, to)) = edge.copied() else {
                    set(&mut marks, number, Mark::Done);
                    path.pop();
                    continue;
                };
                match marks.get(to) {
                    Some(Mark::New) => path.push((to, 0)),
                    Some(Mark::OnPath) => {
                        let from = path.iter().position(|(number, _)| *number == to);
                        let circle = path.get(from.unwrap_or(0)..).unwrap_or_default();
                        let circle = circle.iter().map(|(number, _)| *number).chain([to]);
                        let names: Vec<&str> = circle
                            .filter_map(|number| drafts.get(number))
                            .map(|draft| draft.name.as_str())
                            .collect();
                        let message =
                            format!("agents fall back on each other: `{}`", names.join(" → "));
                        self.reader.report(
                            Problem::error(place, message)
                                .help("take one of them out of the other's `fallback`"),
                        );
                    }
                    _ => {}
                }
            }
        }

        fn set(marks: &mut [Mark], number: usize, mark: Mark) {
            if let Some(known) = marks.get_mut(number) {
                *known = mark;
            }
        }
    }
}

/// Gives each agent those that are asked instead, in the order of the drafts.
///
/// The drafts are free of mistakes.
pub(super) fn with_fallbacks(drafts: &[Draft]) -> Vec<Arc<dyn Diagnose>> {
    let numbers: BTreeMap<&str, usize> = drafts
        .iter()
        .enumerate()
        .map(|(number, draft)| (draft.name.as_str(), number))
        .collect();
    let links = drafts.iter().filter_map(|draft| {
        let names = draft.fallback.iter().map(|(_, name)| name.as_str());
        Some(Link {
            name: draft.name.clone(),
            agent: Arc::clone(draft.agent.as_ref()?),
            fallback: names
                .filter_map(|name| numbers.get(name).copied())
                .collect(),
        })
    });
    let links: Arc<[Link]> = links.collect();
    let agents = links.iter().enumerate().map(|(number, link)| {
        let alone = Arc::clone(&link.agent);
        match link.fallback.is_empty() {
            true => alone,
            false => Arc::new(Chain::new(Arc::clone(&links), number)),
        }
    });
    agents.collect()
}
