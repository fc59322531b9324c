//! `logs`.

use std::fmt::Write as _;
use std::time::Duration;

use wf_core::engine::{Engine, Status};
use wf_core::id::ExecutionId;
use wf_core::lifecycle::State;
use wf_core::step::StepState;
use wf_core::store::ExecutionRecord;
use wf_model::nearest;

use super::arguments::{Execution, Logs};
use super::console::{Console, printable};
use super::database::{Database, quoted};
use super::drive::is_abandoned;
use super::exit::{Exit, Failure};
use super::journal::{Entry, Happened, JournalReader};
use super::lines::OpenLines;
use super::moment::{human, rfc_3339};
use super::signals::Signals;
use super::{control, standing, start};
use wf_view::printable::printable_json;

/// How often a follower looks for more.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How often a follower looks for the last lines of a run that has come to rest.
const PATIENCE: u32 = 10;

/// Shows what happened in a run, and what its agents wrote.
pub(crate) async fn logs(
    console: Console,
    database: &Database,
    arguments: &Logs,
) -> Result<Exit, Failure> {
    let execution = Execution {
        id: arguments.id.clone(),
    };
    let (engine, id) = control::open_to_read(console, database, &execution)?;
    let status = read(&engine, &id, database).await?;
    if let Some(step) = &arguments.step {
        known(step, &status)?;
    }
    let mut reader = JournalReader::new(database, &id);
    let mut show = Show::new(console, arguments);
    let rests = |state: State| state.is_terminal() || state == State::Paused;
    let is_there = match reader.is_there() {
        Ok(is_there) => is_there,
        Err(refused) => {
            console.tell(&format!("what the agents wrote is not shown: {refused}"));
            recorded(&status)
                .into_iter()
                .for_each(|entry| show.take(entry));
            return show.end();
        }
    };
    if !is_there && (!arguments.follow || rests(status.state())) {
        let path = reader.path().display();
        console.note(&format!(
            "what the agents wrote was not kept: there is no `{path}`"
        ));
        recorded(&status)
            .into_iter()
            .for_each(|entry| show.take(entry));
        return show.end();
    }
    if !arguments.follow {
        while let Some(entry) = next(&mut reader)? {
            show.take(entry);
        }
        return show.end();
    }
    let mut signals = Signals::catch()
        .map_err(|error| Failure::system("failed to listen for signals", &error))?;
    let mut patience = PATIENCE;
    loop {
        // The state is read first: what was written before it came to rest is there by now.
        let execution = row(&engine, &id, database).await?;
        while let Some(entry) = next(&mut reader)? {
            show.take(entry);
        }
        show.flush()?;
        let is_read = tokio::select! {
            biased;
            read = console.written() => read?,
            () = signals.next() => return Ok(Exit::Interrupted),
        };
        // The journal is written behind the run, and its last line is the state that the run comes to rest in.
        let is_complete = show.moved.as_deref() == Some(execution.state.name());
        if !is_read || rests(execution.state) && (is_complete || patience == 0) {
            return show.end();
        }
        if rests(execution.state) {
            patience -= 1;
        }
        if is_abandoned(&execution) {
            let resume = quoted(id.as_str());
            let arguments = database.arguments();
            console.note(&format!(
                "the process that ran it is gone; `ax workflow resume {resume}{arguments}` goes on with it"
            ));
            return show.end();
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            () = signals.next() => return show.end().map(|_| Exit::Interrupted),
        }
    }
}

async fn read(engine: &Engine, id: &ExecutionId, database: &Database) -> Result<Status, Failure> {
    let status = engine.status(id).await;
    status.map_err(|error| start::failure(&error, database))
}

/// The row of the run alone: a follower reads it ten times a second.
async fn row(
    engine: &Engine,
    id: &ExecutionId,
    database: &Database,
) -> Result<ExecutionRecord, Failure> {
    let row = engine.store().execution(id).await;
    let row = row.map_err(|error| database.failure(&error))?;
    row.ok_or_else(|| Failure::wrong(format!("execution `{id}` is gone; was it pruned?")))
}

fn next(reader: &mut JournalReader) -> Result<Option<Entry>, Failure> {
    reader
        .next_entry()
        .map_err(|error| Failure::system("failed to read the journal", &error))
}

fn known(step: &str, status: &Status) -> Result<(), Failure> {
    if status.step(step).is_some() {
        return Ok(());
    }
    let help = match nearest(step, status.steps.iter().map(|step| step.key.as_str())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`ax workflow status` lists its steps".to_owned(),
    };
    Err(Failure::wrong(format!(
        "execution `{}` has no step `{step}`; {help}",
        status.execution.id
    )))
}

/// The word for a state that a journal names.
fn named(state: &str) -> &str {
    match State::parse(state) {
        Some(known) => standing::word(known),
        None => state,
    }
}

/// What the database knows of a run whose journal is not there.
fn recorded(status: &Status) -> Vec<Entry> {
    let mut entries = Vec::new();
    for step in &status.steps {
        let mut add = |at, attempt, happened| {
            let step = Some(step.key.to_string());
            entries.push((
                at,
                Entry {
                    at: rfc_3339(at),
                    step,
                    attempt,
                    happened,
                },
            ));
        };
        for made in &step.record.attempts {
            add(made.started_at, Some(made.number), Happened::Started);
            if let (Some(at), Some(error)) = (made.ended_at, made.error.clone()) {
                let failed = Happened::Failed {
                    error,
                    retry_in_ms: None,
                };
                add(at, Some(made.number), failed);
            }
        }
        if let (Some(at), StepState::Completed | StepState::Failed) =
            (step.record.completed_at, step.record.state)
        {
            let outcome = step.record.state.name().to_owned();
            add(at, None, Happened::Ended { outcome });
        }
    }
    // Stable: what happened at one moment stays in order.
    entries.sort_by_key(|(at, _)| *at);
    entries.into_iter().map(|(_, entry)| entry).collect()
}

/// Shows entries, as text or as JSON.
struct Show<'a> {
    console: Console,
    step: Option<&'a str>,
    follow: bool,
    /// The lines of agents that have no end yet, by step.
    open: OpenLines,
    /// What is to be written to standard output.
    out: String,
    documents: Vec<Entry>,
    /// The state that the execution was in last.
    moved: Option<String>,
}

impl<'a> Show<'a> {
    fn new(console: Console, arguments: &'a Logs) -> Self {
        Show {
            console,
            step: arguments.step.as_deref(),
            follow: arguments.follow,
            open: OpenLines::default(),
            out: String::new(),
            documents: Vec::new(),
            moved: None,
        }
    }

    fn take(&mut self, entry: Entry) {
        if let Happened::Moved { state } = &entry.happened {
            self.moved = Some(state.clone());
        }
        if self.step.is_some() && entry.step.as_deref() != self.step {
            return;
        }
        if self.console.json {
            self.documents.push(entry);
            return;
        }
        let step = entry.step.unwrap_or_default();
        match entry.happened {
            Happened::Output { text, cut } => {
                if let Some(whole) = self.open.add(&step, &text) {
                    self.lines(&step, &whole);
                }
                if cut {
                    self.event(&step, "what it writes from here on is not kept");
                }
            }
            Happened::Started => {
                let attempt = entry.attempt.filter(|attempt| *attempt > 1);
                let started = attempt.map_or_else(
                    || "started".to_owned(),
                    |attempt| format!("attempt {attempt} started"),
                );
                self.event(&step, &started);
            }
            Happened::Failed { error, retry_in_ms } => {
                let attempt = entry.attempt.unwrap_or(1);
                let wait = retry_in_ms.map(|wait| human(Duration::from_millis(wait)));
                let wait = wait
                    .map(|wait| format!("; retrying in {wait}"))
                    .unwrap_or_default();
                self.event(&step, &format!("attempt {attempt} failed: {error}{wait}"));
            }
            Happened::Ended { outcome } => self.event(&step, &outcome),
            Happened::Moved { state } if self.console.verbose => {
                self.event("", &format!("the execution is {}", named(&state)))
            }
            Happened::Moved { .. } => {}
        }
    }

    /// What happened to a step: among what the agents wrote, or beside it when that is all that is wanted.
    fn event(&mut self, step: &str, what: &str) {
        if let Some(line) = self.open.end(step) {
            self.lines(step, &line);
        }
        let line = printable(&if step.is_empty() {
            what.to_owned()
        } else {
            format!("{step}: {what}")
        });
        if self.step.is_some() {
            self.console.note(&line);
        } else {
            let _ = writeln!(self.out, "{line}");
        }
    }

    /// Whole lines of an agent.
    fn lines(&mut self, step: &str, text: &str) {
        for line in text.lines() {
            let line = match self.step {
                Some(_) => printable(line),
                None => printable(&format!("{step} | {line}")),
            };
            let _ = writeln!(self.out, "{line}");
        }
    }

    /// Writes what there is, documents one per line.
    fn flush(&mut self) -> Result<(), Failure> {
        if self.console.json && self.follow {
            for entry in self.documents.drain(..) {
                match serde_json::to_string(&entry) {
                    Ok(line) => self.console.text(&printable_json(line))?,
                    Err(error) => return Err(Failure::system("failed to write JSON", &error)),
                }
            }
        }
        if self.out.is_empty() {
            return Ok(());
        }
        self.console.text(&std::mem::take(&mut self.out))
    }

    fn end(mut self) -> Result<Exit, Failure> {
        for (step, line) in self.open.end_all() {
            self.lines(&step, &line);
        }
        self.flush()?;
        if self.console.json && !self.follow {
            self.console.document(&self.documents)?;
        }
        Ok(Exit::Done)
    }
}
