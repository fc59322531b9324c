//! The page on the compiler's errors quotes what the compile-fail tests hold the compiler to.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn the_page_on_compiler_errors_quotes_every_one_as_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/compiler-errors.md")).unwrap();
    let folders = ["compile_fail_workflow", "compile_fail_without_schema"];
    let folders = folders.map(|folder| fs::read_dir(root.join("wf-core/tests").join(folder)));
    let missing: BTreeSet<String> = folders
        .into_iter()
        .flat_map(Result::unwrap)
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "stderr")
        })
        .filter(|path| {
            let error = fs::read_to_string(path).unwrap();
            !page.contains(&format!("```text\n{}\n```", error.trim_end()))
        })
        .map(|path| path.display().to_string())
        .collect();
    assert!(
        missing.is_empty(),
        "docs/compiler-errors.md does not quote {missing:?}"
    );
    assert!(page.contains("error[E0425]"));
}
