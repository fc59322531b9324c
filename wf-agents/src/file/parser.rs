//! What takes the tree of an agents file apart, and the values that are no more than one.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use wf_model::tree::{Node, Reader, Value};
use wf_model::{AgentRef, Problem};

use super::size;
use crate::LARGEST_OUTPUT;
use crate::secrets::Secrets;
use crate::{RateLimit, Watchdog};

/// Takes the tree apart. Each method gives nothing after a problem, and has reported it.
pub(super) struct Parser<'a> {
    pub(super) reader: &'a mut Reader,
    pub(super) folder: &'a Path,
    pub(super) directory: &'a Path,
    pub(super) environment: &'a dyn Fn(&str) -> Option<OsString>,
    pub(super) watchdog: Option<Watchdog>,
    /// The agents that will be asked, by name or as `@capability`; none where it may be any.
    pub(super) asked: Option<&'a [&'a str]>,
    /// What the agent that is being read lacks, to be told if it is asked.
    pub(super) lacking: Vec<Problem<u32>>,
    /// The names of all agents, also of those with mistakes.
    pub(super) named: BTreeSet<String>,
    /// What keeps agents that are asked from being asked.
    pub(super) unmet: Vec<Unmet>,
    /// What came by a reference, of all agents.
    pub(super) secrets: Secrets,
}

/// An agent, as a step asks for it, that cannot be asked.
pub(super) struct Unmet {
    pub(super) wanted: String,
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// Whether it is another that cannot be asked, in its place; that is reported where it stands as well.
    pub(super) is_elsewhere: bool,
}

impl Parser<'_> {
    /// The text, unless it is empty.
    pub(super) fn filled(
        &mut self,
        name: &str,
        place: u32,
        text: String,
        help: &str,
    ) -> Option<String> {
        if text.trim().is_empty() {
            let problem = Problem::error(place, format!("`{name}` is empty"));
            self.reader.report(problem.help(help));
            return None;
        }
        Some(text)
    }

    pub(super) fn rate_limit(&mut self, node: Node) -> Option<RateLimit> {
        let place = node.place;
        let text = self.reader.text("rateLimit", node)?;
        let limit = RateLimit::parse(&text);
        if limit.is_none() {
            let message = format!("`rateLimit` is `{text}`, which is no rate");
            let help = "write how many attempts may start in which time, such as `10/m`, `50/s`, `100/h` or `5/30s`";
            self.reader
                .report(Problem::error(place, message).help(help));
        }
        limit
    }

    pub(super) fn size(&mut self, name: &str, node: Node) -> Option<u64> {
        let place = node.place;
        if let Value::Number(_) = node.value {
            let size = self.reader.whole(name, node, 0..=u64::MAX);
            return size.filter(|size| self.is_storable(name, place, *size));
        }
        let text = self.reader.text(name, node)?;
        let size = size::parse(&text);
        if size.is_none() {
            let message = format!("`{name}` is `{text}`, which is no size");
            let help = "write a whole number and a unit, such as `500kB`, `10MB` or `1GiB`, or bytes without one";
            self.reader
                .report(Problem::error(place, message).help(help));
        }
        size.filter(|size| self.is_storable(name, place, *size))
    }

    /// Reports a limit on what an agent answers that is above what the database can hold.
    fn is_storable(&mut self, name: &str, place: u32, size: u64) -> bool {
        let most = u64::try_from(LARGEST_OUTPUT).unwrap_or(u64::MAX);
        if size > most {
            let message = format!(
                "`{name}` is {size} bytes, and the database takes results of at most {most}"
            );
            let help = "let the agent write what is large to a file, and answer with its path";
            self.reader
                .report(Problem::error(place, message).help(help));
        }
        size <= most
    }

    pub(super) fn cwd(&mut self, node: Node) -> Option<PathBuf> {
        let place = node.place;
        let directory = self.reader.text("cwd", node)?;
        let directory = self.without_nul("cwd", place, directory)?;
        Some(self.folder.join(directory))
    }

    pub(super) fn capabilities(&mut self, node: Node) -> Option<Vec<String>> {
        let mut capabilities = Vec::new();
        let (places, words) = self.reader.texts("capabilities", node)?;
        for (place, capability) in places.into_iter().zip(words) {
            if capability.is_empty() || AgentRef::of(&capability).capability().is_some() {
                let message = format!("a capability cannot be named `{capability}`");
                let help = "write a word without `@`; steps ask for it as `agent: \"@word\"`";
                self.reader
                    .report(Problem::error(place, message).help(help));
            } else {
                capabilities.push(capability);
            }
        }
        Some(capabilities)
    }
}
