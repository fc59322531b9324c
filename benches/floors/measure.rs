//! Times, medians and the lines that are printed.

use std::time::{Duration, Instant};

/// How often each pair is measured.
pub(crate) const PAIRS: usize = 9;

/// Work that is done sooner is repeated until it takes as long.
const LEAST: Duration = Duration::from_millis(1);

/// What one turn of the engine, and one of its floor, have taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    pub(crate) ours: Duration,
    pub(crate) floor: Duration,
}

/// What a measurement has to show.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// At least that share of the floor's rate.
    Rate(f64),
    /// At most that many times the floor's time.
    Times(f64),
    /// None is set.
    Open,
}

/// Prints the measurements, and counts those that miss their goal.
pub(crate) struct Report {
    wanted: Vec<String>,
    part: &'static str,
    headed: bool,
    missed: Vec<String>,
}

/// How long `work` takes, and what it gives.
pub(crate) fn time<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    #[expect(
        clippy::disallowed_methods,
        reason = "a benchmark reads the real clock"
    )]
    let begin = Instant::now();
    let done = work();
    (begin.elapsed(), done)
}

/// The middle of what was measured; the greater of the two middles.
pub(crate) fn median<T: PartialOrd + Copy>(measured: impl IntoIterator<Item = T>) -> T {
    let mut sorted: Vec<T> = measured.into_iter().collect();
    sorted.sort_by(|a, b| a.partial_cmp(b).expect("a time is a number"));
    sorted[sorted.len() / 2]
}

/// Measures nine pairs in turns; `one` makes a pair.
pub(crate) fn pairs(mut one: impl FnMut() -> Pair) -> Vec<Pair> {
    (0..PAIRS).map(|_| one()).collect()
}

/// Measures nine pairs of two pieces of work that need no preparation.
pub(crate) fn side_by_side<A, B>(
    mut ours: impl FnMut() -> A,
    mut floor: impl FnMut() -> B,
) -> Vec<Pair> {
    let (once, _) = time(&mut floor);
    let times = LEAST.div_duration_f64(once).clamp(1.0, 10_000.0) as u32;
    pairs(|| Pair {
        ours: repeated(times, &mut ours),
        floor: repeated(times, &mut floor),
    })
}

/// What the work takes once, when it is done so many times. What was made is dropped outside of the measurement, and
/// so is what the allocator does with it.
fn repeated<T>(times: u32, mut work: impl FnMut() -> T) -> Duration {
    let mut made = Vec::with_capacity(times as usize);
    let (taken, ()) = time(|| made.extend((0..times).map(|_| work())));
    drop(made);
    // The allocator puts its small pieces together when a large one comes back.
    drop(std::hint::black_box(Vec::<u8>::with_capacity(100_000)));
    taken / times
}

impl Report {
    /// A report of what one of these words names; of everything when there are none.
    pub(crate) const fn new(wanted: Vec<String>) -> Self {
        Report {
            wanted,
            part: "",
            headed: false,
            missed: Vec::new(),
        }
    }

    /// What follows belongs to that part.
    pub(crate) const fn part(&mut self, name: &'static str) {
        self.part = name;
        self.headed = false;
    }

    /// Whether that line of the part is wanted.
    pub(crate) fn wants(&mut self, what: &str) -> bool {
        let line = format!("{}: {what}", self.part);
        let wants = self.wanted.is_empty() || self.wanted.iter().any(|word| line.contains(word));
        if wants && !self.headed {
            self.headed = true;
            println!("\n{}", self.part);
        }
        wants
    }

    /// Prints a line: the work of `count` items of that `unit`, beside its floor.
    pub(crate) fn pairs(
        &mut self,
        what: &str,
        count: usize,
        unit: &str,
        pairs: &[Pair],
        goal: Goal,
    ) {
        let ours = median(pairs.iter().map(|pair| pair.ours));
        let floor = median(pairs.iter().map(|pair| pair.floor));
        let ratio = |pair: &Pair| pair.ours.as_secs_f64() / pair.floor.as_secs_f64();
        let times = median(pairs.iter().map(ratio));
        let low = pairs.iter().map(ratio).fold(f64::INFINITY, f64::min);
        let high = pairs.iter().map(ratio).fold(0.0, f64::max);
        let per = |time: Duration| each(time, count);
        let (shown, verdict) = match goal {
            Goal::Rate(least) => (
                format!(
                    "{:.2} of the floor ({:.2}–{:.2})",
                    1.0 / times,
                    1.0 / high,
                    1.0 / low
                ),
                self.verdict(what, 1.0 / times >= least, &format!("at least {least}")),
            ),
            Goal::Times(most) => (
                format!("{times:.2} × the floor ({low:.2}–{high:.2})"),
                self.verdict(what, times <= most, &format!("at most {most}")),
            ),
            Goal::Open => (
                format!("{times:.2} × the floor ({low:.2}–{high:.2})"),
                String::new(),
            ),
        };
        println!(
            "  {what:<44} {:>9}/{unit}  floor {:>9}/{unit}  {shown}{verdict}",
            per(ours),
            per(floor),
        );
    }

    /// Prints a line that is no pair.
    pub(crate) fn line(&mut self, what: &str, shown: &str, passed: Option<(bool, &str)>) {
        let verdict = passed.map_or_else(String::new, |(passed, goal)| {
            self.verdict(what, passed, goal)
        });
        println!("  {what:<44} {shown}{verdict}");
    }

    /// Says which goals were missed; what is measured decides nothing else.
    pub(crate) fn close(self) {
        if self.missed.is_empty() {
            println!("\nevery goal is reached");
        } else {
            println!("\nmissed: {}", self.missed.join("; "));
        }
    }

    fn verdict(&mut self, what: &str, passed: bool, goal: &str) -> String {
        if passed {
            return format!("  ({goal}: yes)");
        }
        self.missed.push(format!("{} {what}", self.part));
        format!("  ({goal}: MISSED)")
    }
}

/// The time of one of `count`, with a unit.
pub(crate) fn each(time: Duration, count: usize) -> String {
    let nanos = time.as_secs_f64() * 1e9 / count.max(1) as f64;
    match nanos {
        ..1e3 => format!("{nanos:.0} ns"),
        ..1e6 => format!("{:.2} µs", nanos / 1e3),
        ..1e9 => format!("{:.2} ms", nanos / 1e6),
        _ => format!("{:.2} s", nanos / 1e9),
    }
}
