//! What must not compile, and what the compiler says of it.

use std::path::Path;

#[test]
fn illegal_transitions_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}

/// The path of a workflow file is relative to the root of the crate that is compiled: trybuild's, not this one.
fn place_workflow_files() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tests/trybuild/wf-core");
    let folder = root.join("workflows");
    std::fs::create_dir_all(&folder)?;
    for file in std::fs::read_dir("tests/compile_fail_workflow/workflows")? {
        let file = file?;
        std::fs::copy(file.path(), folder.join(file.file_name()))?;
    }
    Ok(())
}

/// With the feature it compiles.
#[cfg(not(feature = "schema"))]
#[test]
fn an_output_schema_without_the_feature_does_not_compile() -> std::io::Result<()> {
    place_workflow_files()?;
    trybuild::TestCases::new().compile_fail("tests/compile_fail_without_schema/*.rs");
    Ok(())
}

#[test]
fn wrong_workflows_do_not_compile() -> std::io::Result<()> {
    place_workflow_files()?;
    trybuild::TestCases::new().compile_fail("tests/compile_fail_workflow/*.rs");
    Ok(())
}
