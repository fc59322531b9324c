//! From the tree of an agents file to agents, with every mistake on the way.

use wf_core::agent::Agents;
use wf_model::tree::{Entry, Node, Value};
use wf_model::{AgentRef, Problem};

use super::fallbacks::{Draft, with_fallbacks};
use super::kinds::{Kind, Overrides, Settings};
use super::parser::Parser;

/// The keys of a file.
const FILE_KEYS: [&str; 1] = ["agents"];

/// The keys of an agent; the first say what it is.
const AGENT_KEYS: [&str; 19] = [
    "command",
    "preset",
    "openai",
    "builtin",
    "model",
    "args",
    "flags",
    "timeout",
    "maxConcurrent",
    "rateLimit",
    "breaker",
    "breakerReset",
    "outputLimit",
    "env",
    "cwd",
    "fallback",
    "capabilities",
    "waitForReset",
    "killGrace",
];

/// What was read of one agent.
#[derive(Default)]
struct Parts {
    /// Each key that says what the agent is, with its place; more than one is a mistake.
    kinds: Vec<(&'static str, u32, Option<Kind>)>,
    /// The keys that only presets have, with their places.
    for_presets: Vec<(&'static str, u32)>,
    /// A key that says what the agent is was meant, but is misspelt.
    is_meant: bool,
    overrides: Overrides,
    settings: Settings,
    /// The place of what names the program, and of `cwd`.
    program_at: Option<u32>,
    cwd_at: Option<u32>,
    capabilities: Vec<String>,
    fallback: Vec<(u32, String)>,
    lacking: Vec<Problem<u32>>,
}

impl Parser<'_> {
    /// Reads the whole file.
    pub(super) fn file(&mut self, root: Node) -> Option<Agents> {
        let place = root.place;
        let help = "write `agents:`, and under it each agent's name with what it is";
        if matches!(root.value, Value::Null) {
            self.reader
                .report(Problem::error(place, "the file is empty").help(help));
            return None;
        }
        let mut agents = None;
        let mut is_meant = false;
        for Entry { key, value } in self.reader.mapping("the agents file", root)? {
            match &*key.text {
                "agents" => agents = Some(self.agents(value)),
                _ => is_meant |= self.reader.unknown_key(&key, &FILE_KEYS).is_some(),
            }
        }
        if agents.is_none() && !is_meant {
            self.reader.missing_key(place, "agents", help);
        }
        agents?
    }

    fn agents(&mut self, node: Node) -> Option<Agents> {
        let mut read = Vec::new();
        for Entry { key, value } in self.reader.mapping("agents", node)? {
            if key.text.is_empty() || AgentRef::of(&key.text).capability().is_some() {
                let message = format!("an agent cannot be named `{}`", key.text);
                let help =
                    "give it a name; what begins with `@` asks for one of its `capabilities`";
                self.reader
                    .report(Problem::error(key.place, message).help(help));
            }
            self.named.insert(key.text.to_string());
            if let Some(parts) = self.parts(&key.text, value) {
                read.push((key, parts));
            }
        }
        // Each knows the secrets of all.
        let drafts = read.into_iter();
        let mut drafts: Vec<Draft> = drafts
            .map(|(key, parts)| self.draft(key.text.to_string(), key.place, parts))
            .collect();
        self.check_fallbacks(&drafts);
        self.check_lacking(&mut drafts);
        if self.reader.has_errors() {
            return None;
        }
        let finished = with_fallbacks(&drafts);
        let finished = drafts.iter().zip(finished);
        Some(finished.fold(Agents::new(), |agents, (draft, agent)| {
            agents.with_capable(&draft.name, agent, draft.capabilities.clone())
        }))
    }

    fn parts(&mut self, name: &str, node: Node) -> Option<Parts> {
        let mut parts = Parts::default();
        for Entry { key, value } in self.reader.mapping(name, node)? {
            let Some(known) = AGENT_KEYS.into_iter().find(|known| **known == *key.text) else {
                let meant = self.reader.unknown_key(&key, &AGENT_KEYS);
                parts.is_meant |=
                    matches!(meant, Some("command" | "preset" | "openai" | "builtin"));
                continue;
            };
            self.part(known, key.place, value, &mut parts);
        }
        parts.lacking = std::mem::take(&mut self.lacking);
        Some(parts)
    }

    fn part(&mut self, name: &'static str, at: u32, value: Node, parts: &mut Parts) {
        let place = value.place;
        let settings = &mut parts.settings;
        match name {
            "command" => {
                let (program_at, command) = self.command(value).unzip();
                parts.program_at = program_at.or(parts.program_at);
                parts.overrides.command.clone_from(&command);
                parts.kinds.push((name, at, command.map(Kind::Command)));
            }
            "preset" => {
                parts.program_at = parts.program_at.or(Some(place));
                parts.kinds.push((name, at, self.known_program(value)));
            }
            "openai" => parts.kinds.push((name, at, self.openai(at, value))),
            "builtin" => parts.kinds.push((name, at, self.builtin(value))),
            "model" => {
                parts.for_presets.push((name, at));
                let model = self.reader.text(name, value);
                let model = model.and_then(|model| self.without_nul(name, place, model));
                let help = "write the name of a model, or leave it out for the program's own";
                parts.overrides.model =
                    model.and_then(|model| self.filled(name, place, model, help));
            }
            "args" => {
                parts.for_presets.push((name, at));
                parts.overrides.arguments = self.words(name, value).unwrap_or_default();
            }
            "flags" => {
                parts.for_presets.push((name, at));
                parts.overrides.flags = self.words(name, value);
            }
            "timeout" => settings.timeout = self.reader.timeout(name, value),
            "maxConcurrent" => {
                settings.max_concurrent = self.reader.whole(name, value, 1..=u64::from(u32::MAX));
            }
            "rateLimit" => settings.rate_limit = self.rate_limit(value),
            "breaker" => {
                let failures = self.reader.whole(name, value, 0..=u64::from(u32::MAX));
                settings.breaker = failures.and_then(|failures| u32::try_from(failures).ok());
            }
            "breakerReset" => settings.breaker_reset = self.reader.timeout(name, value),
            "outputLimit" => settings.output_limit = self.size(name, value),
            "env" => settings.variables = self.variables(value).unwrap_or_default(),
            "waitForReset" => {
                settings.waits_for_reset = self.reader.boolean(name, value).unwrap_or_default();
            }
            "cwd" => {
                settings.directory = self.cwd(value);
                parts.cwd_at = Some(place);
            }
            "killGrace" => settings.kill_grace = self.reader.duration(name, value),
            "fallback" => {
                let (places, names) = self.reader.texts(name, value).unwrap_or_default();
                parts.fallback = places.into_iter().zip(names).collect();
            }
            _ => parts.capabilities = self.capabilities(value).unwrap_or_default(),
        }
    }

    fn draft(&mut self, name: String, place: u32, parts: Parts) -> Draft {
        let Parts {
            mut kinds,
            for_presets,
            is_meant,
            overrides,
            settings,
            program_at,
            cwd_at,
            capabilities,
            fallback,
            mut lacking,
        } = parts;
        let is_preset = kinds.iter().any(|(key, ..)| *key == "preset");
        if is_preset {
            // Then it says which program it is.
            kinds.retain(|(key, ..)| *key != "command");
        } else if !is_meant {
            for (key, place) in for_presets {
                let message = format!("`{key}` is for a preset, and agent `{name}` has none");
                let help = match kinds.first() {
                    Some(("openai", ..)) => format!(
                        "write it under `openai`, if it belongs there; else take `{key}` out"
                    ),
                    _ => "write the program and its arguments under `command`".to_owned(),
                };
                self.reader
                    .report(Problem::error(place, message).help(help));
            }
        }
        if let [(_, first, _), (second, other, _), ..] = kinds.as_slice() {
            let message = format!("agent `{name}` is two things at once; `{second}` is the second");
            let problem = Problem::error(*other, message)
                .help("keep one of them")
                .also(*first, "the first is here");
            self.reader.report(problem);
        }
        let kind = kinds.into_iter().next();
        if kind.is_none() && !is_meant {
            let message = format!(
                "agent `{name}` has no `command`, no `preset`, no `openai` and no `builtin`"
            );
            let help =
                "say what it is, such as `command: [\"program\", \"argument\"]` or `builtin: echo`";
            self.reader
                .report(Problem::error(place, message).help(help));
        }
        let kind = kind.and_then(|(_, _, kind)| kind);
        let is_program = matches!(kind, Some(Kind::Command(_) | Kind::Preset(_)));
        if is_program
            && self.asked.is_some()
            && let (Some(at), Some(directory)) = (cwd_at, &settings.directory)
            && !directory.is_dir()
        {
            let directory = directory.display();
            let problem = Problem::error(at, format!("there is no folder `{directory}`"));
            let help = "make it, or correct `cwd`; a relative one is taken from the folder of the agents file";
            lacking.push(problem.help(help));
        }
        let built = kind.map(|kind| self.build(&name, kind, overrides, settings));
        let (agent, obstacle) = built.map(|built| (built.agent, built.obstacle)).unzip();
        if self.asked.is_some()
            && let Some((message, help)) = obstacle.flatten()
        {
            let at = program_at.unwrap_or(place);
            lacking.push(Problem::error(at, message).help(help));
        }
        Draft {
            name,
            agent,
            capabilities,
            fallback,
            lacking,
        }
    }
}
