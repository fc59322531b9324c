//! Small workflows drawn from a seed, run by the command itself, which is killed or interrupted at drawn moments and then
//! resumed until the run has ended.

mod draw;
mod lines;
mod oracle;
mod recorded;
mod scenario;

use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use self::draw::Draw;
use self::lines::Line;
use self::oracle::Stop;
use self::recorded::Recorded;
use self::scenario::Scenario;
use crate::kill::assert_no_agents;
use crate::workbench::{Outcome, Workbench, end};

/// How many workflows are run, unless `AX_DRAWN` says otherwise.
const COUNT: u64 = 20;
/// From which seed on, unless `AX_DRAWN_SEED` says otherwise.
const SEED: u64 = 1;
/// How long a command may take whose agents take milliseconds.
const PATIENCE: Duration = Duration::from_secs(120);
/// A run that has paused this often without being asked to fails for good at each resume.
const PAUSES: u32 = 10;
/// The number of the first round. What agents are given by the name of a variable is masked wherever it is shown: it is
/// nothing that stands elsewhere.
const FIRST_ROUND: u32 = 1_000_001;

/// The command that starts the run, or goes on with it.
const START: [&str; 4] = ["run", "drawn.yaml", "--id", "x"];
/// The command that goes on with the run.
const RESUME: [&str; 2] = ["resume", "x"];

/// What one workflow went through.
#[derive(Default)]
struct Played {
    commands: u64,
    kills: u64,
}

/// What happens to a command while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disturbance {
    /// `kill -9`.
    Kill,
    /// The signal that asks it to pause.
    Terminate,
    /// Another process asks for a pause.
    Pause,
    /// Another process cancels the run.
    Cancel,
}

#[test]
fn drawn_workflows_end_as_their_definitions_say_however_the_command_is_disturbed() {
    let variable =
        |name, usual| std::env::var(name).map_or(usual, |number: String| number.parse().unwrap());
    let (first, count) = (variable("AX_DRAWN_SEED", SEED), variable("AX_DRAWN", COUNT));
    println!("AX_DRAWN_SEED={first} AX_DRAWN={count}");
    let (next, commands, kills) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    let seed = first.wrapping_add(number);
                    let played = play(seed).unwrap_or_else(|problem| {
                        // The other thread ends with the workflow that it is at.
                        next.store(count, Ordering::Relaxed);
                        panic!("{problem}\nto see it again: AX_DRAWN_SEED={seed} AX_DRAWN=1");
                    });
                    commands.fetch_add(played.commands, Ordering::Relaxed);
                    kills.fetch_add(played.kills, Ordering::Relaxed);
                }
            });
        }
    });
    let (commands, kills) = (commands.into_inner(), kills.into_inner());
    println!("{count} workflows, {commands} commands, {kills} of them killed");
    assert!(commands >= count, "{commands} commands");
}

/// Runs the workflow of a seed to its end.
fn play(seed: u64) -> Result<Played, String> {
    let mut draw = Draw::new(seed);
    let scenario = Scenario::drawn(&mut draw);
    let mut play = Play {
        workbench: Workbench::new(),
        disturbances: if draw.one_in(3) { 0 } else { 1 + draw.below(3) },
        scenario,
        draw,
        played: Played::default(),
        history: String::new(),
        stop: Stop::default(),
        before: Recorded::default(),
        has_paused: false,
        pauses: 0,
    };
    let (workflow, agents) = (play.scenario.workflow(), play.scenario.agents());
    play.workbench.write("drawn.yaml", &workflow);
    play.workbench.write("agents.yaml", &agents);
    match play.run_to_its_end() {
        Ok(()) => Ok(play.played),
        Err(problem) => {
            let history = play.history;
            Err(format!("{problem}\n\n{history}\n{workflow}\n{agents}"))
        }
    }
}

/// A workflow that is run.
struct Play {
    workbench: Workbench,
    scenario: Scenario,
    draw: Draw,
    /// How many commands will still be disturbed.
    disturbances: u64,
    played: Played,
    /// What the commands have written.
    history: String,
    stop: Stop,
    /// What was recorded when the last command had ended.
    before: Recorded,
    /// Whether the run has paused by itself then.
    has_paused: bool,
    pauses: u32,
}

impl Play {
    fn run_to_its_end(&mut self) -> Result<(), String> {
        let mut next = Some(START.map(str::to_owned).to_vec());
        let mut round = FIRST_ROUND;
        while let Some(arguments) = next {
            next = self.round(&arguments, round)?;
            round += 1;
        }
        Ok(())
    }

    /// Runs a command, and judges what has come of it; gives the arguments of the next, unless the run has ended.
    fn round(&mut self, arguments: &[String], round: u32) -> Result<Option<Vec<String>>, String> {
        let disturbance = (self.disturbances > 0).then(|| Disturbance::drawn(&mut self.draw));
        self.disturbances = self.disturbances.saturating_sub(1);
        let outcome = command(
            &self.workbench,
            arguments,
            round,
            disturbance,
            &mut self.draw,
        )?;
        assert_no_agents(&self.workbench);
        self.played.commands += 1;
        self.history.push_str(&format!(
            "{} ({disturbance:?}) exits with {}:\n{}{}\n",
            arguments.join(" "),
            outcome.status,
            outcome.stdout,
            outcome.stderr
        ));
        let now = Recorded::read(&self.workbench)?;
        let lines = lines::read(&self.workbench)?;
        oracle::check_round(&self.scenario, &self.before, &now, &lines, round)?;
        self.stop.was_killed |= outcome.status == -1;
        self.stop.was_cancelled |= disturbance == Some(Disturbance::Cancel);
        // One that was paused when it was asked to stays so until it is resumed.
        self.stop.is_asked_to_pause &= now.state() == "paused" && now == self.before;
        self.stop.is_asked_to_pause |= matches!(
            disturbance,
            Some(Disturbance::Terminate | Disturbance::Pause)
        );
        let is_cancelled = now.state() == "cancelled";
        let next = match (outcome.status, disturbance) {
            // The signal may have come before anything listened for it.
            (-1, Some(Disturbance::Kill | Disturbance::Terminate)) => {
                self.played.kills += 1;
                let again = now.is_empty() || self.draw.one_in(3);
                let next = if again { &START[..] } else { &RESUME[..] };
                next.iter().map(|word| (*word).to_owned()).collect()
            }
            // Whoever asks for a pause of a run that nobody drives drives it for a moment.
            (2, Some(Disturbance::Pause))
                if outcome.stderr.contains("driven by another process") =>
            {
                RESUME.map(str::to_owned).to_vec()
            }
            // It was cancelled after it had paused, or before it was resumed.
            (2 | 3, Some(Disturbance::Cancel)) if is_cancelled => {
                RESUME.map(str::to_owned).to_vec()
            }
            (0 | 1 | 3 | 4, _) => {
                self.check(&now, &lines, &outcome)?;
                if outcome.status != 3 {
                    self.stays_ended(&outcome, lines.len())?;
                    return Ok(None);
                }
                if disturbance.is_none() {
                    self.pauses_by_itself(&now)?;
                }
                command_to_go_on(&outcome)?
            }
            (status, _) => return Err(format!("the command exits with {status}")),
        };
        self.has_paused = outcome.status == 3 && disturbance.is_none();
        self.before = now;
        Ok(Some(next))
    }

    /// Judges a run that has ended or is paused.
    fn check(&self, now: &Recorded, lines: &[Line], outcome: &Outcome) -> Result<(), String> {
        oracle::check_stop(&self.scenario, now, lines, self.stop, outcome.status)?;
        let status = self.workbench.workflow(&["status", "x", "--json"]);
        oracle::check_document(&self.scenario, now, &status)?;
        self.workbench.assert_sound();
        Ok(())
    }

    /// A resume leads further, and one that pauses too often is cancelled.
    fn pauses_by_itself(&mut self, now: &Recorded) -> Result<(), String> {
        let stands_still = self.has_paused && now.steps == self.before.steps;
        if stands_still && !self.scenario.is_timed() {
            return Err("a resume has changed nothing".to_owned());
        }
        self.pauses += 1;
        if self.pauses == PAUSES {
            let cancelled = self.workbench.workflow(&["cancel", "x"]);
            if cancelled.status != 0 {
                return Err(format!("`cancel` exits with {cancelled:?}"));
            }
            self.stop.was_cancelled = true;
        }
        Ok(())
    }

    /// An ended run stays as it is: `resume` reports the end, and runs nothing.
    fn stays_ended(&self, outcome: &Outcome, lines: usize) -> Result<(), String> {
        let again = self.workbench.workflow(&RESUME);
        if again.status != outcome.status {
            return Err(format!("`resume` of the ended run exits with {again:?}"));
        }
        match lines::read(&self.workbench)?.len() == lines {
            true => Ok(()),
            false => Err("`resume` of the ended run has run something".to_owned()),
        }
    }
}

/// The arguments that a paused run says are to be used to go on.
fn command_to_go_on(outcome: &Outcome) -> Result<Vec<String>, String> {
    let mut lines = outcome.stderr.lines();
    let command = lines.find_map(|line| line.strip_prefix("paused; continue with: ax workflow "));
    let command = command.ok_or("a paused run does not say how to go on")?;
    Ok(command.split(' ').map(str::to_owned).collect())
}

impl Disturbance {
    fn drawn(draw: &mut Draw) -> Self {
        match draw.below(10) {
            0 => Disturbance::Terminate,
            1 => Disturbance::Pause,
            2 if draw.one_in(3) => Disturbance::Cancel,
            _ => Disturbance::Kill,
        }
    }
}

/// Runs `ax workflow …`, and disturbs it at a drawn moment.
fn command(
    workbench: &Workbench,
    arguments: &[String],
    round: u32,
    disturbance: Option<Disturbance>,
    draw: &mut Draw,
) -> Result<Outcome, String> {
    let moment = Moment::drawn(draw, lines::read(workbench)?.len());
    let arguments: Vec<&str> = std::iter::once("workflow")
        .chain(arguments.iter().map(String::as_str))
        .collect();
    let mut command = workbench.command(&arguments);
    command.env("ROUND", round.to_string());
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let guard = guard(&child);
    let outcome = match disturbance {
        Some(disturbance) => disturb(workbench, child, disturbance, moment),
        None => Ok(end(child)),
    };
    drop(guard);
    outcome
}

/// When a command is disturbed.
#[derive(Debug, Clone, Copy)]
struct Moment {
    /// Not before the programs have written so many lines.
    lines: usize,
    /// So much later.
    later: Duration,
}

impl Moment {
    fn drawn(draw: &mut Draw, lines: usize) -> Self {
        if draw.one_in(3) {
            let later = Duration::from_micros(draw.below(100_000));
            return Moment { lines: 0, later };
        }
        Moment {
            lines: lines + usize::try_from(draw.below(6)).unwrap(),
            later: Duration::from_micros(draw.below(20_000)),
        }
    }

    /// Waits until the moment has come, or the command has ended.
    fn wait(self, workbench: &Workbench, child: &mut Child) -> Result<(), String> {
        let (_open, never) = channel::<()>();
        while lines::read(workbench)?.len() < self.lines && child.try_wait().unwrap().is_none() {
            let _ = never.recv_timeout(Duration::from_millis(1));
        }
        let _ = never.recv_timeout(self.later);
        Ok(())
    }
}

/// Disturbs a command when its moment has come, and waits for its end.
fn disturb(
    workbench: &Workbench,
    mut child: Child,
    disturbance: Disturbance,
    moment: Moment,
) -> Result<Outcome, String> {
    let waited = moment.wait(workbench, &mut child);
    let asked = match disturbance {
        Disturbance::Kill => {
            child.kill().unwrap();
            None
        }
        Disturbance::Terminate => {
            if child.try_wait().unwrap().is_none() {
                kill_process(pid(&child), Signal::TERM).unwrap();
            }
            None
        }
        Disturbance::Pause => Some(workbench.workflow(&["pause", "x"])),
        Disturbance::Cancel => Some(workbench.workflow(&["cancel", "x"])),
    };
    let outcome = end(child);
    waited?;
    match asked {
        // It may not be there yet, or have ended.
        Some(asked) if !matches!(asked.status, 0 | 2) => {
            Err(format!("{disturbance:?} exits with {asked:?}"))
        }
        _ => Ok(outcome),
    }
}

/// Kills a command that takes longer than any may, unless what is given back is dropped before.
fn guard(child: &Child) -> Sender<()> {
    let process = pid(child);
    let (ended, waits) = channel();
    std::thread::spawn(move || {
        if waits.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            let _ = kill_process(process, Signal::KILL);
        }
    });
    ended
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().try_into().unwrap()).unwrap()
}
