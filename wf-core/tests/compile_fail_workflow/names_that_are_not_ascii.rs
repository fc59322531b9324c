//! Names are legal in Rust, but not in a definition; the step that has a key of its own is.
use wf_core::workflow;

workflow! {
    workflow Review(größe: usize) {
        step prüfung: String = ask security "Audit {größe} lines";
        #[key = "report"]
        step résumé: String = ask product "Report {prüfung}";
        step end: String = ask product "End {résumé}";
    }
}

fn main() {}
