//! Every workflow file of the repository, compiled.

use wf_core::workflow;

use crate::a_file_is_equal_to_itself_at_run_time as is_equal;

workflow!(pub(crate) workflow CodeReview = file "examples/code-review.yaml");
workflow!(pub(crate) workflow FanOut = file "examples/workflows/fan-out.yaml");
workflow!(pub(crate) workflow InputsInJson = file "examples/workflows/inputs.json");
workflow!(pub(crate) workflow OnFailure = file "examples/workflows/on-failure.yaml");
workflow!(pub(crate) workflow Optional = file "examples/workflows/optional.yaml");
workflow!(pub(crate) workflow Retry = file "examples/workflows/retry.yaml");
workflow!(pub(crate) workflow Review = file "wf-core/tests/workflows/review.yaml");

#[test]
fn a_compiled_file_is_the_file_at_run_time() {
    let git_diff = "+ one".to_owned();
    is_equal(CodeReview { git_diff });
    is_equal(FanOut { book: None });
    is_equal(InputsInJson {
        title: "Cats".to_owned(),
        chapters: vec!["Tails".into(), 2.into()],
        words: None,
        style: None,
    });
    is_equal(OnFailure {});
    is_equal(Optional {});
    let topic = Some("cats".to_owned());
    is_equal(Retry { topic });
    let git_diff = "+ one".to_owned();
    is_equal(Review { git_diff });
}
