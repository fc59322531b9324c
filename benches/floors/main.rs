//! How far each part is from its floor: `cargo bench --bench floors [-- WORD…]`, each word a part of what is printed.
//!
//! A floor does the same work with nothing of the engine around it, and is measured beside the engine, in turns, in the
//! same process: what is printed is the median of nine ratios. Absolute times move with the machine, ratios hardly do.
//!
//! | name | what | its floor |
//! |---|---|---|
//! | `durable` | runs on SQLite | the same rows in as many commits, by bare prepared statements |

mod bare;
mod durable;
mod measure;
mod workloads;

use measure::Report;

fn main() {
    // Cargo adds `--bench`; whatever is no option says what is wanted.
    let wanted = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'));
    let mut report = Report::new(wanted.collect());
    let parts: [(&str, fn(&mut Report)); 1] = [("durable", durable::measure)];
    for (name, measure) in parts {
        report.part(name);
        measure(&mut report);
    }
    report.close();
}
