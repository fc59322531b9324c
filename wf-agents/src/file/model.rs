//! The keys under `openai`.

use wf_model::Problem;
use wf_model::tree::{Entry, Node};

use super::kinds::Kind;
use super::parser::Parser;
use super::reference::Given;
use crate::{BadEndpoint, OpenAiAgent, Prices};

const KEYS: [&str; 14] = [
    "baseUrl",
    "model",
    "apiKeyEnv",
    "apiKeyFile",
    "caFile",
    "temperature",
    "maxTokens",
    "system",
    "headers",
    "stream",
    "options",
    "prices",
    "connectTimeout",
    "idleTimeout",
];

/// What to write as `model`.
const A_MODEL: &str = "write the name of a model that the endpoint has";

/// What `options` cannot say, and what does.
const TAKEN: [(&str, &str); 3] = [
    ("model", "the agent's `model`"),
    ("messages", "the step's `prompt` and the agent's `system`"),
    ("stream", "the agent's `stream`"),
];

/// One change to the agent, to be made when it is there.
type Change = Box<dyn FnOnce(OpenAiAgent) -> Result<OpenAiAgent, BadEndpoint>>;

impl Parser<'_> {
    /// A model behind an endpoint; `place` is that of its key.
    pub(super) fn openai(&mut self, place: u32, node: Node) -> Option<Kind> {
        let (mut base_url, mut model, mut key) = (None, None, None);
        let mut changes: Vec<(u32, Change)> = Vec::new();
        let mut seen = Vec::new();
        for Entry { key: entry, value } in self.reader.mapping("openai", node)? {
            let (name, at) = (&*entry.text, value.place);
            let mut change = |change: Change| changes.push((at, change));
            match name {
                "baseUrl" => base_url = self.reader.text(name, value).map(|url| (at, url)),
                "model" => {
                    let text = self.reader.text(name, value);
                    model = text.and_then(|text| self.filled(name, at, text, A_MODEL));
                }
                "apiKeyEnv" | "apiKeyFile" => {
                    if let Some((first, first_place)) = &key {
                        let problem = Problem::error(
                            entry.place,
                            format!("the key is given twice; `{name}` is the second"),
                        );
                        self.reader.report(
                            problem
                                .help("keep one of them")
                                .also(*first_place, format!("`{first}` is here")),
                        );
                    }
                    key = Some((name.to_owned(), entry.place));
                    if let Some(key) = self.key(name, value) {
                        change(Box::new(move |agent| agent.key(&key)));
                    }
                }
                "caFile" => {
                    let path = self.reader.text(name, value);
                    if let Some(pem) = path.and_then(|path| self.certificates(&path, at)) {
                        change(Box::new(move |agent| agent.authorities(&pem)));
                    }
                }
                "temperature" => {
                    if let Some(number) = self.reader.number(name, value) {
                        change(Box::new(move |agent| {
                            Ok(agent.option("temperature", number.into()))
                        }));
                    }
                }
                "maxTokens" => {
                    if let Some(number) = self.reader.whole(name, value, 1..=u64::from(u32::MAX)) {
                        change(Box::new(move |agent| {
                            Ok(agent.option("max_tokens", number.into()))
                        }));
                    }
                }
                "system" => {
                    if let Some(text) = self.reader.text(name, value) {
                        change(Box::new(move |agent| Ok(agent.system(text))));
                    }
                }
                "stream" => {
                    if let Some(stream) = self.reader.boolean(name, value) {
                        change(Box::new(move |agent| Ok(agent.stream(stream))));
                    }
                }
                "connectTimeout" => {
                    if let Some(time) = self.reader.timeout(name, value) {
                        change(Box::new(move |agent| Ok(agent.connect_timeout(time))));
                    }
                }
                "idleTimeout" => {
                    if let Some(time) = self.reader.timeout(name, value) {
                        change(Box::new(move |agent| Ok(agent.idle_timeout(time))));
                    }
                }
                "prices" => {
                    if let Some(prices) = self.prices(value) {
                        change(Box::new(move |agent| Ok(agent.prices(prices))));
                    }
                }
                "headers" => changes.extend(self.headers(value).unwrap_or_default()),
                "options" => changes.extend(self.options(value).unwrap_or_default()),
                _ => {
                    seen.extend(self.reader.unknown_key(&entry, &KEYS));
                    continue;
                }
            }
            seen.extend(KEYS.iter().find(|known| **known == name));
        }
        for (required, help) in [
            (
                "baseUrl",
                "write the endpoint's, such as `\"https://api.example.com/v1\"`",
            ),
            ("model", A_MODEL),
        ] {
            if !seen.contains(&required) {
                self.reader.missing_key(place, required, help);
            }
        }
        // What is wrong with a header is told also when there is no endpoint yet.
        let (at, url) = base_url.unwrap_or((place, "http://localhost".to_owned()));
        let agent = OpenAiAgent::new(&url, model.unwrap_or_default());
        let mut agent = self.checked(at, agent)?;
        for (at, change) in changes {
            // After a mistake the others are told as well.
            if let Some(changed) = self.checked(at, change(agent.clone())) {
                agent = changed;
            }
        }
        Some(Kind::Model(Box::new(agent)))
    }

    fn checked(
        &mut self,
        place: u32,
        agent: Result<OpenAiAgent, BadEndpoint>,
    ) -> Option<OpenAiAgent> {
        agent
            .map_err(|error| {
                let said = error.to_string();
                let (message, help) = said.split_once("; ").unwrap_or((&said, ""));
                let problem = Problem::error(place, message);
                self.reader.report(match help {
                    "" => problem,
                    help => problem.help(help),
                });
            })
            .ok()
    }

    /// The key, from where it is.
    fn key(&mut self, name: &str, node: Node) -> Option<String> {
        let place = node.place;
        let from = self.reader.text(name, node)?;
        let key = match name {
            "apiKeyEnv" => self.host_variable(&from, place)?,
            _ => self.secret_file(&from, place)?,
        };
        let key = self.word(name, place, key)?;
        let key = key.trim();
        if key.is_empty() {
            let problem = Problem::error(place, format!("the key that `{name}` names is empty"));
            self.lacks(problem.help("give it a value, or leave this out if there is no key"));
            return None;
        }
        Some(key.to_owned())
    }

    fn headers(&mut self, node: Node) -> Option<Vec<(u32, Change)>> {
        let mut changes: Vec<(u32, Change)> = Vec::new();
        for Entry { key, value } in self.reader.mapping("headers", node)? {
            let (name, place) = (key.text.to_string(), value.place);
            let Some(Given { value, is_secret }) = self.given(&name, value) else {
                continue;
            };
            let Some(value) = self.word(&name, place, value) else {
                continue;
            };
            changes.push((
                key.place,
                Box::new(move |agent: OpenAiAgent| match is_secret {
                    true => agent.secret_header(&name, &value, &value),
                    false => agent.header(&name, &value),
                }),
            ));
        }
        Some(changes)
    }

    fn options(&mut self, node: Node) -> Option<Vec<(u32, Change)>> {
        let mut changes: Vec<(u32, Change)> = Vec::new();
        for Entry { key, value } in self.reader.mapping("options", node)? {
            let name = key.text.to_string();
            if let Some((_, says)) = TAKEN.iter().find(|(taken, _)| *taken == name) {
                let problem = Problem::error(key.place, format!("`{name}` is no option"));
                self.reader.report(problem.help(format!("{says} says it")));
                continue;
            }
            let place = value.place;
            if let Some(value) = self.reader.json(&name, value) {
                changes.push((
                    place,
                    Box::new(move |agent: OpenAiAgent| Ok(agent.option(name, value))),
                ));
            }
        }
        Some(changes)
    }

    fn prices(&mut self, node: Node) -> Option<Prices> {
        const PRICES: [&str; 2] = ["input", "output"];
        let place = node.place;
        let (mut input, mut output) = (None, None);
        let mut is_wrong = false;
        for Entry { key, value } in self.reader.mapping("prices", node)? {
            let at = value.place;
            let price = match &*key.text {
                "input" => &mut input,
                "output" => &mut output,
                _ => {
                    self.reader.unknown_key(&key, &PRICES);
                    is_wrong = true;
                    continue;
                }
            };
            *price = self.reader.number(&key.text, value);
            if price.is_some_and(|price| price < 0.0) {
                let problem = Problem::error(at, format!("`{}` is negative", key.text));
                self.reader
                    .report(problem.help("write what a million tokens cost"));
            }
            is_wrong |= price.is_none();
        }
        if input.is_none() && output.is_none() && !is_wrong {
            self.reader.report(
                Problem::error(place, "`prices` has no price")
                    .help("write what a million tokens cost: `{ input: 3, output: 15 }`"),
            );
        }
        Some(Prices {
            input: input.unwrap_or(0.0),
            output: output.unwrap_or(0.0),
        })
    }

    fn word(&mut self, name: &str, place: u32, value: std::ffi::OsString) -> Option<String> {
        value
            .into_string()
            .map_err(|_| {
                let problem = Problem::error(place, format!("the value of `{name}` is not UTF-8"));
                self.reader
                    .report(problem.help("no header can hold it; correct it"));
            })
            .ok()
    }
}
