//! How a run goes on, on standard error: bars on a terminal, lines elsewhere.

use std::collections::HashMap;
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use wf_core::engine::Notice;
use wf_core::lifecycle::State;
use wf_core::step::Outcome;

use super::console::{Console, brief, printable};
use super::lane::Weight;
use super::lines::OpenLines;
use super::moment::human;
use super::output;

/// How often a bar's sign of life moves.
const TICK: Duration = Duration::from_millis(120);

/// At most this many characters of an agent's last line are shown beside its bar.
const SHOWN: usize = 100;

/// Shows what an engine tells of its runs.
pub(crate) struct Progress {
    verbose: bool,
    /// Whether it was told that the run is being paused.
    pausing: AtomicBool,
    display: Display,
}

enum Display {
    Nothing,
    Lines(Mutex<OpenLines>),
    /// Drawn by the thread of standard error alone: a bar that is being drawn holds up all others.
    Bars(Arc<Bars>),
}

struct Bars {
    all: MultiProgress,
    running: Mutex<HashMap<String, ProgressBar>>,
}

impl Progress {
    /// Progress as the user wants it and the terminal can show it.
    pub(crate) fn new(console: Console) -> Self {
        let display = if console.quiet {
            Display::Nothing
        } else if io::stderr().is_terminal()
            && std::env::var_os("TERM").is_some_and(|term| term != "dumb")
        {
            Display::Bars(Arc::new(Bars {
                all: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
                running: Mutex::default(),
            }))
        } else {
            Display::Lines(Mutex::default())
        };
        Progress {
            verbose: console.verbose,
            pausing: AtomicBool::new(false),
            display,
        }
    }

    /// Shows what has happened.
    pub(crate) fn show(&self, notice: &Notice<'_>) {
        match *notice {
            Notice::AttemptStarted { step, attempt, .. } => self.started(step, attempt),
            Notice::Output { step, text, .. } => self.output(step, text),
            Notice::AttemptFailed {
                step,
                attempt,
                error,
                retry_in,
                ..
            } => {
                self.clear(step);
                let next = retry_in
                    .map(|delay| format!("; retrying in {}", human(delay)))
                    .unwrap_or_default();
                self.line(&format!(
                    "{step}: attempt {attempt} failed: {}{next}",
                    brief(error)
                ));
            }
            Notice::StepEnded {
                step,
                outcome,
                duration,
                ..
            } => {
                self.clear(step);
                let word = outcome.state().name();
                match duration.filter(|_| outcome != Outcome::Skipped) {
                    Some(duration) if outcome == Outcome::Succeeded => {
                        self.line(&format!("{step}: {word} in {}", human(duration)));
                    }
                    Some(duration) => {
                        self.line(&format!("{step}: {word} after {}", human(duration)))
                    }
                    None => self.line(&format!("{step}: {word}")),
                }
            }
            Notice::Moved { from, path, to, .. } => {
                if self.verbose {
                    let events: Vec<&str> = path.iter().map(|event| event.kind().name()).collect();
                    self.line(&format!("{from} → {to} ({})", shortened(&events)));
                }
                // Whoever asked for it may sit at another terminal.
                if to == State::CreatingCheckpoint {
                    self.pausing("");
                }
            }
            _ => {}
        }
    }

    /// Says once that the run is being paused, and what can be done about it.
    pub(crate) fn pausing(&self, way_out: &str) {
        if !self.pausing.swap(true, Ordering::Relaxed) || !way_out.is_empty() {
            self.line(&format!(
                "pausing when the running steps have ended{way_out}"
            ));
        }
    }

    /// Shows a remark among the progress.
    pub(crate) fn line(&self, line: &str) {
        self.remark(Weight::Progress, line);
    }

    fn remark(&self, weight: Weight, line: &str) {
        let line = printable(line);
        match &self.display {
            Display::Nothing => {}
            Display::Lines(_) => output::say(weight, line),
            Display::Bars(bars) => {
                let bars = Arc::clone(bars);
                output::show(weight, line.len(), 1, move || drop(bars.all.println(&line)));
            }
        }
    }

    /// Takes all bars off the terminal.
    pub(crate) fn end(&self) {
        if let Display::Bars(bars) = &self.display {
            let bars = Arc::clone(bars);
            output::show(Weight::Kept, 0, 0, move || bars.end());
        }
    }

    fn started(&self, step: &str, attempt: u32) {
        match &self.display {
            Display::Nothing => {}
            Display::Lines(_) if attempt == 1 => self.line(&format!("{step}: started")),
            Display::Lines(_) => self.line(&format!("{step}: attempt {attempt} started")),
            Display::Bars(bars) => {
                let (bars, step) = (Arc::clone(bars), step.to_owned());
                output::show(Weight::Progress, step.len(), 0, move || {
                    bars.start(&step, attempt);
                });
            }
        }
    }

    /// Shows the last line of what an agent writes beside its bar; where there are no bars, every line, for those who
    /// want to see much.
    fn output(&self, step: &str, text: &str) {
        match &self.display {
            Display::Bars(bars) => {
                let last = text.lines().rev().find(|line| !line.trim().is_empty());
                if let Some(last) = last {
                    let last: String = printable(last).chars().take(SHOWN).collect();
                    let (bars, step) = (Arc::clone(bars), step.to_owned());
                    output::show(Weight::Live, last.len(), 0, move || {
                        if let Some(bar) = lock(&bars.running).get(&step) {
                            bar.set_message(format!("{} ", last.trim()));
                        }
                    });
                }
            }
            Display::Lines(open) if self.verbose => {
                let whole = lock(open).add(step, text);
                self.written(step, whole);
            }
            Display::Lines(_) | Display::Nothing => {}
        }
    }

    /// Shows whole lines of an agent.
    fn written(&self, step: &str, lines: Option<String>) {
        for line in lines.iter().flat_map(|lines| lines.lines()) {
            self.remark(Weight::Live, &format!("{step} | {line}"));
        }
    }

    fn clear(&self, step: &str) {
        if let Display::Lines(open) = &self.display {
            let rest = lock(open).end(step);
            self.written(step, rest);
        }
        if let Display::Bars(bars) = &self.display {
            let (bars, step) = (Arc::clone(bars), step.to_owned());
            output::show(Weight::Kept, 0, 0, move || {
                if let Some(bar) = lock(&bars.running).remove(&step) {
                    bar.finish_and_clear();
                }
            });
        }
    }
}

impl Bars {
    fn start(&self, step: &str, attempt: u32) {
        let bar = self.all.add(ProgressBar::new_spinner());
        // The template is a constant; one that could not be read would show the plain bar.
        if let Ok(style) =
            ProgressStyle::with_template("{spinner} {prefix} {elapsed} {wide_msg:.dim}")
        {
            bar.set_style(style);
        }
        bar.set_prefix(printable(step));
        if attempt > 1 {
            bar.set_message(format!("(attempt {attempt}) "));
        }
        bar.enable_steady_tick(TICK);
        if let Some(old) = lock(&self.running).insert(step.to_owned(), bar) {
            old.finish_and_clear();
        }
    }

    fn end(&self) {
        for (_, bar) in lock(&self.running).drain() {
            bar.finish_and_clear();
        }
        drop(self.all.clear());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `A, B ×3, C`.
fn shortened(events: &[&str]) -> String {
    let runs: Vec<String> = events
        .chunk_by(|one, next| one == next)
        .filter_map(|run| {
            let event = run.first()?;
            Some(if run.len() == 1 {
                (*event).to_owned()
            } else {
                format!("{event} ×{}", run.len())
            })
        })
        .collect();
    runs.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_events_are_counted() {
        assert_eq!(shortened(&["A", "B", "B", "B", "A"]), "A, B ×3, A");
        assert_eq!(shortened(&[]), "");
    }
}
