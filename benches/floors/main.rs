//! How far each part is from its floor: `cargo bench --bench floors [-- WORD…]`, each word a part of what is printed.
//!
//! A floor does the same work with nothing of the engine around it, and is measured beside the engine, in turns: what is
//! printed is the median of nine ratios. Absolute times move with the machine, ratios hardly do.
//!
//! | name | what | its floor |
//! |---|---|---|
//! | `durable` | runs on SQLite | the same rows in as many commits, by bare prepared statements |
//! | `reload` | reading a half-finished run back | a bare read of its rows |
//! | `memory` | runs in memory, the scheduler | the same boxed futures, each polled once where it stands |
//! | `planning` | reading and checking a file | serde_yaml alone; Kahn's algorithm, with resolving the names |
//! | `growth` | 10,000 and 100,000 steps | ten times the time, ten times the memory |
//! | `startup` | from the command's start to its end | none: 15 ms |
//! | `makespan` | in which order steps start | the longest chain, or all work shared by all workers |

mod bare;
mod durable;
mod growth;
mod makespan;
mod measure;
mod memory;
mod planning;
mod reload;
mod runs;
mod startup;
mod workloads;

use measure::Report;

/// Measures one part.
type Part = fn(&mut Report);

fn main() {
    if growth::is_child() {
        return;
    }
    // Cargo adds `--bench`; whatever is no option says what is wanted.
    let wanted = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'));
    let mut report = Report::new(wanted.collect());
    let parts: [(&str, Part); 7] = [
        ("durable", durable::measure),
        ("reload", reload::measure),
        ("memory", memory::measure),
        ("planning", planning::measure),
        ("growth", growth::measure),
        ("startup", startup::measure),
        ("makespan", makespan::measure),
    ];
    for (name, measure) in parts {
        report.part(name);
        measure(&mut report);
    }
    report.close();
}
