//! From the events of the parser to the tree.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use granit_parser::{Event, ScalarStyle, Tag};

use crate::problem::{Problem, quoted};
use crate::tree::keys::SharedKeys;
use crate::tree::syntax::Syntax;
use crate::tree::{Entry, Key, MOST_LEVELS, Node, Value};

use super::scalar;

/// Builds a tree of events, and replays those below an anchor for each of its aliases.
///
/// What an alias repeats keeps the numbers of the nodes that are written, so that it is reported there.
pub(super) struct Builder<'a> {
    next: u32,
    root: Option<Node>,
    open: Vec<Open>,
    keys: SharedKeys,
    problems: Vec<Problem<u32>>,
    /// The events below the anchors, with the numbers of their nodes.
    tape: Vec<(Event<'a>, u32)>,
    /// Which part of the tape each anchor names, once its node is complete.
    anchors: HashMap<usize, Range<usize>>,
    /// The anchored collections that are open: how many collections are around them, the anchor, and where they begin on
    /// the tape.
    open_anchors: Vec<(usize, usize, usize)>,
    /// How many nodes, and bytes of text, aliases may still repeat.
    nodes_left: usize,
    bytes_left: usize,
}

/// A collection whose end is still to come.
struct Open {
    place: u32,
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<Entry>,
        key: Option<Key>,
        has_merge_key: bool,
    },
}

impl Content {
    const MAPPING: Content = Content::Mapping {
        entries: Vec::new(),
        key: None,
        has_merge_key: false,
    };
}

impl<'a> Builder<'a> {
    /// Begins a document of so many bytes; its aliases may repeat as much, and a fixed amount more.
    pub(super) fn new(length: usize) -> Self {
        const MORE_NODES: usize = 100_000;
        const MORE_BYTES: usize = 16 << 20;
        Builder {
            next: 0,
            root: None,
            open: Vec::new(),
            keys: SharedKeys::default(),
            problems: Vec::new(),
            tape: Vec::new(),
            anchors: HashMap::new(),
            open_anchors: Vec::new(),
            nodes_left: length.saturating_add(MORE_NODES),
            bytes_left: length.saturating_add(MORE_BYTES),
        }
    }

    /// Takes the next event of the document, and where it stands.
    pub(super) fn meet(&mut self, event: Event<'a>, at: &Range<usize>) -> Result<(), Syntax> {
        let place = self.next;
        self.next = place.saturating_add(u32::from(event.is_node()));
        let anchor = event.anchor_id();
        if anchor.is_some() || !self.open_anchors.is_empty() {
            self.record(&event, anchor, place);
        }
        self.take(event, place, at)
    }

    /// Returns the tree and what is odd in it.
    pub(super) fn finish(self) -> (Node, Vec<Problem<u32>>) {
        let empty = Node {
            place: 0,
            value: Value::Null,
        };
        (self.root.unwrap_or(empty), self.problems)
    }

    fn record(&mut self, event: &Event<'a>, anchor: Option<usize>, place: u32) {
        let start = self.tape.len();
        self.tape.push((event.clone(), place));
        let levels = self.open.len();
        match (event, anchor) {
            (Event::Scalar(..), Some(anchor)) => {
                self.anchors.insert(anchor, start..start + 1);
            }
            (_, Some(anchor)) => self.open_anchors.push((levels, anchor, start)),
            (Event::SequenceEnd | Event::MappingEnd, None) => {
                let ended = self
                    .open_anchors
                    .pop_if(|(around, ..)| *around + 1 == levels);
                if let Some((_, anchor, start)) = ended {
                    self.anchors.insert(anchor, start..self.tape.len());
                }
            }
            _ => {}
        }
    }

    fn take(&mut self, event: Event<'a>, place: u32, at: &Range<usize>) -> Result<(), Syntax> {
        match event {
            Event::Scalar(text, style, _, tag) => {
                self.scalar(text, style, tag.as_deref(), place, at)
            }
            Event::SequenceStart(_, _, tag) => {
                self.begin(Content::Sequence(Vec::new()), tag.as_deref(), place, at)
            }
            Event::MappingStart(_, _, tag) => {
                self.begin(Content::MAPPING, tag.as_deref(), place, at)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.end();
                Ok(())
            }
            Event::Alias(anchor) => self.replay(anchor, place, at),
            _ => Ok(()),
        }
    }

    /// Takes the events below an anchor again, in place of its alias.
    fn replay(&mut self, anchor: usize, place: u32, at: &Range<usize>) -> Result<(), Syntax> {
        let Some(part) = self.anchors.get(&anchor).cloned() else {
            return Err(too_deep(at));
        };
        for index in part.clone() {
            let Some((event, written)) = self.tape.get(index).cloned() else {
                break;
            };
            self.charge(&event, at)?;
            let is_first = index == part.start;
            self.take(event, if is_first { place } else { written }, at)?;
        }
        Ok(())
    }

    fn charge(&mut self, event: &Event<'a>, at: &Range<usize>) -> Result<(), Syntax> {
        let length = event.scalar().map_or(0, |(text, _)| text.len());
        let left = (
            self.nodes_left.checked_sub(1),
            self.bytes_left.checked_sub(length),
        );
        let (Some(nodes), Some(bytes)) = left else {
            return Err(Syntax::new(
                at.clone(),
                "the aliases expand to more than this document may hold",
                "write out what the aliases stand for, or use fewer",
            ));
        };
        (self.nodes_left, self.bytes_left) = (nodes, bytes);
        Ok(())
    }

    fn scalar(
        &mut self,
        text: Cow<'a, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        place: u32,
        at: &Range<usize>,
    ) -> Result<(), Syntax> {
        if let Some(Open {
            content:
                Content::Mapping {
                    key: key @ None,
                    has_merge_key,
                    ..
                },
            ..
        }) = self.open.last_mut()
        {
            *has_merge_key |= text == "<<";
            let text = self.keys.shared(&text);
            *key = Some(Key { place, text });
            return Ok(());
        }
        let is_local = self.meet_tag(tag, place);
        let value = match tag.and_then(Tag::core_suffix) {
            Some(kind @ ("bool" | "int" | "float" | "null")) => {
                Some(scalar::tagged(&text, kind).ok_or_else(|| {
                    let message = format!("{} does not fit its tag `!!{kind}`", quoted(&text));
                    Syntax::new(at.clone(), message, "remove the tag")
                })?)
            }
            None if style == ScalarStyle::Plain && (tag.is_none() || is_local) => {
                scalar::plain(&text)
            }
            _ => None,
        };
        let value = value.unwrap_or_else(|| Value::Text(text.into_owned()));
        self.add(Node { place, value });
        Ok(())
    }

    fn begin(
        &mut self,
        content: Content,
        tag: Option<&Tag>,
        place: u32,
        at: &Range<usize>,
    ) -> Result<(), Syntax> {
        if let Some(Content::Mapping { key: None, .. }) = self.open.last().map(|open| &open.content)
        {
            return Err(Syntax::new(
                at.clone(),
                "a list or mapping stands where a key is expected",
                "put text that begins with `{{`, `{` or `[` in quotes",
            ));
        }
        if self.open.len() >= MOST_LEVELS {
            return Err(too_deep(at));
        }
        self.meet_tag(tag, place);
        self.open.push(Open { place, content });
        Ok(())
    }

    fn end(&mut self) {
        let Some(Open { place, content }) = self.open.pop() else {
            return;
        };
        let value = match content {
            Content::Sequence(nodes) => Value::Sequence(nodes),
            Content::Mapping {
                entries,
                has_merge_key: true,
                ..
            } => Value::Mapping(merged(entries, &mut self.problems)),
            Content::Mapping { entries, .. } => Value::Mapping(entries),
        };
        self.add(Node { place, value });
    }

    fn add(&mut self, node: Node) {
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::Sequence(nodes)) => nodes.push(node),
            Some(Content::Mapping { entries, key, .. }) => {
                entries.extend(key.take().map(|key| Entry { key, value: node }));
            }
        }
    }

    /// Reports a tag of the file's own, such as `!secret`, whose value is read as if it had none; tells whether it is one.
    fn meet_tag(&mut self, tag: Option<&Tag>, place: u32) -> bool {
        let name = tag.map(|tag| format!("{}{}", tag.handle(), tag.suffix()));
        let Some(name) = name.filter(|name| name.starts_with('!')) else {
            return false;
        };
        self.problems.push(
            Problem::error(place, format!("unknown tag {}", quoted(&name)))
                .help("remove it; if it is meant as text, put the whole text in quotes"),
        );
        true
    }
}

pub(super) fn too_deep(at: &Range<usize>) -> Syntax {
    let help = "bring the text to fewer levels; an alias must not stand inside what it names";
    Syntax::too_deep(at.clone(), help)
}

/// Replaces `<<` by the entries of the mappings it names; a key that is already there keeps its value.
fn merged(entries: Vec<Entry>, problems: &mut Vec<Problem<u32>>) -> Vec<Entry> {
    let (merges, mut kept): (Vec<Entry>, Vec<Entry>) = entries
        .into_iter()
        .partition(|entry| *entry.key.text == *"<<");
    let mut known: HashSet<Arc<str>> = kept.iter().map(|entry| entry.key.text.clone()).collect();
    for merge in merges {
        let sources = match merge.value.value {
            Value::Sequence(nodes) => nodes,
            _ => vec![merge.value],
        };
        for source in sources {
            match source.value {
                Value::Mapping(entries) => kept.extend(
                    entries
                        .into_iter()
                        .filter(|entry| known.insert(entry.key.text.clone())),
                ),
                other => {
                    let named = match other {
                        Value::Null => "nothing",
                        _ => other.kind(),
                    };
                    let message = format!("`<<` names {named}, but must name a mapping");
                    let help = "give it the alias of a mapping, as in `<<: *defaults`, or a list of such aliases";
                    problems.push(Problem::error(source.place, message).help(help));
                }
            }
        }
    }
    kept
}
