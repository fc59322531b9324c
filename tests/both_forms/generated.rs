//! Written by the test `the_declarations_are_those_of_the_definitions`; not to be changed by hand.

use wf_core::value::{Object, Tree};
use wf_core::workflow;

use crate::both_forms_are_equal;

workflow! {
    /// Multi-agent code review with quality checks
    #[name = "Code Review Workflow"]
    pub(crate) workflow CodeReviewDeclared(
        git_diff: String,
    ) {
        #[parallel = false]
        step parse_changes: String = ask backend "Parse git diff and extract changed files: {git_diff}";
        step security_audit: String = ask security "Audit these changes for vulnerabilities: {parse_changes}";
        step quality_check: String = ask quality "Run tests and check code quality: {parse_changes}";
        #[parallel = false]
        step aggregate_results: String = ask product "Aggregate results: security={security_audit}, quality={quality_check}";
    }
}

#[test]
fn code_review_workflow_is_the_same_in_both_forms() {
    both_forms_are_equal(CodeReviewDeclared { git_diff: String::from("a {{string}} with {n}") });
}

workflow! {
    /// One step, eight that run at once, one that gathers them
    #[name = "Fan-out"]
    #[max_parallel = 8]
    pub(crate) workflow FanOutDeclared(
        /// What to summarise
        book: String,
    ) {
        step outline: String = ask writer "Outline {book} in eight chapters.";
        step chapter_1: String = ask writer "Summarise chapter 1 of this outline: {outline}";
        step chapter_2: String = ask writer "Summarise chapter 2 of this outline: {outline}";
        step chapter_3: String = ask writer "Summarise chapter 3 of this outline: {outline}";
        step chapter_4: String = ask writer "Summarise chapter 4 of this outline: {outline}";
        step chapter_5: String = ask writer "Summarise chapter 5 of this outline: {outline}";
        step chapter_6: String = ask writer "Summarise chapter 6 of this outline: {outline}";
        step chapter_7: String = ask writer "Summarise chapter 7 of this outline: {outline}";
        step chapter_8: String = ask writer "Summarise chapter 8 of this outline: {outline}";
        step summary: String = ask reviewer "Join these into one summary:\n{chapter_1}\n{chapter_2}\n{chapter_3}\n{chapter_4}\n{chapter_5}\n{chapter_6}\n{chapter_7}\n{chapter_8}\n";
    }
}

#[test]
fn fan_out_is_the_same_in_both_forms() {
    both_forms_are_equal(FanOutDeclared { book: String::from("a {{string}} with {n}") });
}

workflow! {
    /// A run that is parked when a step fails, and goes on after resume
    #[name = "On failure"]
    #[on_failure = "pause"]
    pub(crate) workflow OnFailureDeclared(
    ) {
        step draft: String = ask writer "Write one sentence.";
        step publish: String = ask nobody "Publish: {draft}";
        step announce: String = ask writer "Announce: {publish}";
    }
}

#[test]
fn on_failure_is_the_same_in_both_forms() {
    both_forms_are_equal(OnFailureDeclared {  });
}

workflow! {
    /// Attempts, backoff and timeouts, for all steps and for one
    #[name = "Retry"]
    #[timeout = "10m"]
    #[retry(attempts = 2, delay = "500ms")]
    pub(crate) workflow RetryDeclared(
        /// What to write about
        topic: String,
    ) {
        #[retry(attempts = 5, delay = "1s", backoff = 3.0, max_delay = "30s", jitter = false)]
        #[timeout = "2m"]
        step draft: String = ask writer "Write a page about {topic}.";
        #[timeout = "30s"]
        step review: String = ask reviewer "Review this page: {draft}";
    }
}

#[test]
fn retry_is_the_same_in_both_forms() {
    both_forms_are_equal(RetryDeclared { topic: String::from("a {{string}} with {n}") });
}

workflow! {
    /// Reviews a change.
    #[name = "Review"]
    pub(crate) workflow ReviewDeclared(
        git_diff: String,
    ) {
        #[parallel = false]
        step parse_changes: String = ask backend "Parse: {git_diff}";
        #[retry(attempts = 2, delay = "5ms", jitter = false)]
        step security_audit: String = ask security "{{literal}} {parse_changes}";
        step r#type: String = ask security "Type of {parse_changes}";
        #[optional]
        step aggregate_results: String = ask backend "security={security_audit}, type={type}";
    }
}

#[test]
fn review_is_the_same_in_both_forms() {
    both_forms_are_equal(ReviewDeclared { git_diff: String::from("a {{string}} with {n}") });
}

workflow! {
    #[name = "Drawn 0"]
    #[version = "0.2.0-rc"]
    #[tags("drawn", "two words")]
    #[timeout = "90s"]
    #[retry(delay = "250ms", jitter = false)]
    pub(crate) workflow Drawn0(
    ) {
        #[timeout = "30s"]
        step step_0_objects: Object = ask security "\n- über\t";
        #[key = "Step_1-fails-once"]
        #[timeout = "30s"]
        #[parallel = false]
        #[after(step_0_objects)]
        step step_1_fails_once: String = ask backend " \"and\" {{\"a\": [1, {{}}]}} then ";
        #[retry(attempts = 2, delay = "1s", backoff = 1.5, max_delay = "2m", jitter = true)]
        #[timeout = "30s"]
        step step_2_fails: String = ask "@review" "Look at ";
        #[parallel = false]
        step step_3_breaks: String = ask security " back\\slash: {step_0_objects} \"and\" {{\"a\": [1, {{}}]}} then ";
    }
}

#[test]
fn drawn_0_is_the_same_in_both_forms() {
    both_forms_are_equal(Drawn0 {  });
}

workflow! {
    #[name = "Drawn 1"]
    #[author = "A. U. Thor"]
    #[max_parallel = 1]
    #[timeout = "90s"]
    #[on_failure = "continue"]
    #[retry(attempts = 2)]
    pub(crate) workflow Drawn1(
        git_diff: String,
    ) {
        #[optional]
        step step_0_fails: String = ask security " back\\slash: {git_diff}\n- über\t";
        #[optional]
        step r#type: String = ask "@review" " \"and\" {{\"a\": [1, {{}}]}} then {step_0_fails}\n- über\t";
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        #[after(r#type)]
        step step_2_fails: String = ask backend "\n- über\t{step_0_fails} \"and\" {{\"a\": [1, {{}}]}} then ";
        #[timeout = "30s"]
        #[parallel = false]
        step step_3_lists: Vec<String> = ask backend " \"and\" {{\"a\": [1, {{}}]}} then {type} {{{{escaped}}}} {step_0_fails}Look at ";
    }
}

#[test]
fn drawn_1_is_the_same_in_both_forms() {
    both_forms_are_equal(Drawn1 { git_diff: String::from("a {{string}} with {n}") });
}

workflow! {
    /// Was drawn with "2".
    #[name = "Drawn 2"]
    #[version = "2.2.0-rc"]
    #[tags("drawn", "two words")]
    #[max_parallel = 3]
    #[timeout = "90s"]
    #[on_failure = "pause"]
    #[retry(attempts = 3, max_delay = "2m", jitter = false)]
    pub(crate) workflow Drawn2(
        git_diff: f64,
        r#for: i64,
    ) {
        #[key = "Step_0-sleeps"]
        #[timeout = "30s"]
        step step_0_sleeps: String = ask "other-agent" " {{{{escaped}}}} {git_diff} back\\slash: {for}Look at ";
        #[retry(attempts = 1, delay = "250ms", backoff = 1.5, max_delay = "1m")]
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        #[optional]
        step step_1_breaks: String = ask "other-agent" " \"and\" {{\"a\": [1, {{}}]}} then {step_0_sleeps} \"and\" {{\"a\": [1, {{}}]}} then ";
        #[retry(attempts = 1, max_delay = "1m", jitter = true)]
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        step step_2_sleeps: String = ask backend " \"and\" {{\"a\": [1, {{}}]}} then ";
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        #[parallel = false]
        #[after(step_2_sleeps)]
        step step_3_fails_once: String = ask backend " back\\slash: {git_diff}\n- über\t";
    }
}

#[test]
fn drawn_2_is_the_same_in_both_forms() {
    both_forms_are_equal(Drawn2 { git_diff: 2.5, r#for: 7 });
}

workflow! {
    #[name = "Drawn 3"]
    #[max_parallel = 3]
    #[timeout = "90s"]
    #[retry(delay = "250ms")]
    pub(crate) workflow Drawn3(
        /// What is given as `git_diff`.
        git_diff: bool,
        r#for: Vec<Tree>,
        /// What is given as `n`.
        n: std::collections::BTreeMap<String, Tree>,
    ) {
        #[timeout = "30s"]
        #[parallel = false]
        step step_0_fails_once: String = ask security " {{{{escaped}}}} {git_diff} \"and\" {{\"a\": [1, {{}}]}} then {for} \"and\" {{\"a\": [1, {{}}]}} then {n}\n- über\t";
        #[retry(attempts = 2, delay = "1s")]
        #[timeout = "30s"]
        #[parallel = false]
        step step_1_sleeps: String = ask security "\n- über\t{git_diff} back\\slash: {step_0_fails_once} \"and\" {{\"a\": [1, {{}}]}} then ";
        #[parallel = false]
        step step_2_fails: String = ask security " \"and\" {{\"a\": [1, {{}}]}} then {step_0_fails_once} back\\slash: ";
    }
}

#[test]
fn drawn_3_is_the_same_in_both_forms() {
    both_forms_are_equal(Drawn3 { git_diff: true, r#for: serde_json::from_str("[1,\"two\"]").unwrap(), n: serde_json::from_str("{\"a\":\"b\"}").unwrap() });
}

workflow! {
    /// Was drawn with "4".
    #[name = "Drawn 4"]
    #[version = "4.2.0-rc"]
    #[tags("drawn", "two words")]
    #[on_failure = "continue"]
    #[retry(attempts = 3, jitter = false)]
    pub(crate) workflow Drawn4(
    ) {
        #[timeout = "30s"]
        #[parallel = false]
        step step_0_lists: Vec<String> = ask security " \"and\" {{\"a\": [1, {{}}]}} then ";
        #[timeout = "30s"]
        step step_1_lists: Vec<String> = ask backend " {{{{escaped}}}} ";
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        step step_2_fails: String = ask "@review" " \"and\" {{\"a\": [1, {{}}]}} then {step_0_lists} {{{{escaped}}}} ";
        #[timeout = "30s"]
        step step_3_objects: Object = ask backend "Look at {step_2_fails}Look at {step_0_lists} {{{{escaped}}}} ";
        #[timeout = "30s"]
        #[after(step_3_objects)]
        step step_4_answers: String = ask backend "\n- über\t";
        #[retry(attempts = 1, jitter = true)]
        #[timeout = "30s"]
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        step step_5_lists: Vec<String> = ask backend " {{{{escaped}}}} {step_4_answers} \"and\" {{\"a\": [1, {{}}]}} then {step_2_fails} \"and\" {{\"a\": [1, {{}}]}} then {step_1_lists}\n- über\t{step_0_lists}\n- über\t";
        #[retry(attempts = 1, backoff = 1.5)]
        #[timeout = "30s"]
        #[optional]
        step step_6_objects: Object = ask "@review" " {{{{escaped}}}} {step_5_lists} {{{{escaped}}}} {step_2_fails} \"and\" {{\"a\": [1, {{}}]}} then {step_1_lists}\n- über\t";
    }
}

#[test]
fn drawn_4_is_the_same_in_both_forms() {
    both_forms_are_equal(Drawn4 {  });
}

workflow! {
    /// Was drawn with "5".
    #[name = "Drawn 5"]
    #[version = "5.2.0-rc"]
    #[max_parallel = 1]
    #[timeout = "90s"]
    #[on_failure = "pause"]
    #[retry(max_delay = "2m")]
    pub(crate) workflow Drawn5(
        git_diff: Tree,
    ) {
        #[retry(max_delay = "1m", jitter = false)]
        #[timeout = "30s"]
        step step_0_objects: Object = ask "@review" " back\\slash: {git_diff} \"and\" {{\"a\": [1, {{}}]}} then ";
        #[retry(attempts = 3, jitter = false)]
        #[optional]
        step step_1_breaks: String = ask "@review" "Look at ";
        #[retry(max_delay = "1m")]
        #[parallel = false]
        step step_2_objects: Object = ask security " {{{{escaped}}}} {step_0_objects}\n- über\t";
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        step step_3_answers: String = ask "@review" " back\\slash: {step_1_breaks}\n- über\t";
    }
}

#[test]
fn drawn_5_is_the_same_in_both_forms() {
    both_forms_are_equal(Drawn5 { git_diff: serde_json::from_str("[1,\"two\"]").unwrap() });
}

workflow! {
    /// Was drawn with "6".
    #[name = "Drawn 6"]
    #[author = "A. U. Thor"]
    #[tags("drawn", "two words")]
    #[max_parallel = 1]
    #[retry(attempts = 3, backoff = 1.5, jitter = false)]
    pub(crate) workflow Drawn6(
        git_diff: Option<String>,
        /// What is given as `for`.
        r#for: String,
    ) {
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        step step_0_fails_once: String = ask "other-agent" " back\\slash: {git_diff} \"and\" {{\"a\": [1, {{}}]}} then {for} \"and\" {{\"a\": [1, {{}}]}} then ";
        #[timeout = "30s"]
        #[optional]
        step r#type: String = ask security "\n- über\t{git_diff} \"and\" {{\"a\": [1, {{}}]}} then ";
        #[key = "Step_2-answers"]
        #[optional]
        #[parallel = false]
        step step_2_answers: String = ask security " \"and\" {{\"a\": [1, {{}}]}} then {type} back\\slash: {step_0_fails_once}\n- über\t";
    }
}

#[test]
fn drawn_6_is_the_same_in_both_forms() {
    both_forms_are_equal(Drawn6 { git_diff: None, r#for: String::from("a {{string}} with {n}") });
}

workflow! {
    #[name = "Drawn 7"]
    #[version = "7.2.0-rc"]
    #[author = "A. U. Thor"]
    #[max_parallel = 3]
    #[on_failure = "continue"]
    #[retry(backoff = 1.5)]
    pub(crate) workflow Drawn7(
        /// What is given as `git_diff`.
        git_diff: f64,
        r#for: i64,
        /// What is given as `n`.
        n: bool,
    ) {
        #[retry(backoff = 2.0)]
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        #[optional]
        step step_0_breaks: String = ask security "Look at {git_diff} {{{{escaped}}}} {for} back\\slash: {n} {{{{escaped}}}} ";
        #[retry(delay = "250ms")]
        #[timeout = "30s"]
        #[optional]
        #[parallel = false]
        step step_1_breaks: String = ask "@review" " {{{{escaped}}}} ";
        #[key = "Step_2-sleeps"]
        #[retry(max_delay = "2m", jitter = false)]
        #[timeout = "30s"]
        step step_2_sleeps: String = ask backend " \"and\" {{\"a\": [1, {{}}]}} then ";
    }
}

#[test]
fn drawn_7_is_the_same_in_both_forms() {
    both_forms_are_equal(Drawn7 { git_diff: 2.5, r#for: 7, n: true });
}

workflow! {
    /// Was drawn with "8".
    #[name = "Drawn 8"]
    #[tags("drawn", "two words")]
    #[max_parallel = 1]
    #[on_failure = "pause"]
    #[retry(attempts = 2, delay = "250ms", backoff = 1.5, jitter = false)]
    pub(crate) workflow Drawn8(
    ) {
        #[key = "Step_0-sleeps"]
        #[timeout = "30s"]
        #[parallel = false]
        step step_0_sleeps: String = ask security " back\\slash: ";
        #[retry(attempts = 1, backoff = 2.0)]
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        step step_1_fails_once: String = ask "other-agent" " \"and\" {{\"a\": [1, {{}}]}} then ";
        #[retry(attempts = 1, backoff = 2.0)]
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        step step_2_answers: String = ask backend " \"and\" {{\"a\": [1, {{}}]}} then {step_1_fails_once}\n- über\t{step_0_sleeps} {{{{escaped}}}} ";
        #[retry(attempts = 1, delay = "1s", jitter = true)]
        step step_3_fails_once: String = ask "other-agent" " back\\slash: {step_1_fails_once} {{{{escaped}}}} {step_0_sleeps} {{{{escaped}}}} ";
        #[after(step_3_fails_once)]
        step step_4_breaks: String = ask "other-agent" "Look at {step_1_fails_once} back\\slash: {step_0_sleeps}Look at ";
        #[timeout = "30s"]
        #[optional]
        #[after(step_3_fails_once)]
        step step_5_breaks: String = ask security "Look at {step_1_fails_once} back\\slash: ";
        #[timeout = "30s"]
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        #[after(step_0_sleeps, step_2_answers, step_3_fails_once)]
        step step_6_fails: String = ask "@review" " \"and\" {{\"a\": [1, {{}}]}} then {step_5_breaks}\n- über\t{step_4_breaks} {{{{escaped}}}} {step_1_fails_once} back\\slash: ";
    }
}

#[test]
fn drawn_8_is_the_same_in_both_forms() {
    both_forms_are_equal(Drawn8 {  });
}

workflow! {
    /// Was drawn with "9".
    #[name = "Drawn 9"]
    #[version = "9.2.0-rc"]
    #[author = "A. U. Thor"]
    #[tags("drawn", "two words")]
    #[max_parallel = 1]
    #[retry(max_delay = "2m", jitter = false)]
    pub(crate) workflow Drawn9(
        git_diff: Vec<Tree>,
    ) {
        #[optional]
        step step_0_answers: String = ask security " {{{{escaped}}}} {git_diff} back\\slash: ";
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        #[after(step_0_answers)]
        step step_1_lists: Vec<String> = ask security " back\\slash: {git_diff} \"and\" {{\"a\": [1, {{}}]}} then ";
        #[timeout = "30s"]
        #[optional]
        #[after(step_0_answers)]
        step step_2_answers: String = ask security "\n- über\t{step_1_lists} back\\slash: ";
        #[key = "Step_3-objects"]
        #[timeout = "30s"]
        step step_3_objects: Object = ask "@review" " \"and\" {{\"a\": [1, {{}}]}} then {step_2_answers} \"and\" {{\"a\": [1, {{}}]}} then {step_0_answers}\n- über\t";
        #[timeout = "30s"]
        #[after(step_1_lists, step_2_answers)]
        step step_4_fails: String = ask "@review" " {{{{escaped}}}} {step_3_objects} back\\slash: ";
    }
}

#[test]
fn drawn_9_is_the_same_in_both_forms() {
    both_forms_are_equal(Drawn9 { git_diff: serde_json::from_str("[1,\"two\"]").unwrap() });
}

workflow! {
    /// Was drawn with "10".
    #[name = "Drawn 10"]
    #[version = "10.2.0-rc"]
    #[tags("drawn", "two words")]
    #[on_failure = "continue"]
    #[retry(attempts = 2, delay = "250ms", max_delay = "2m")]
    pub(crate) workflow Drawn10(
        /// What is given as `git_diff`.
        git_diff: std::collections::BTreeMap<String, Tree>,
        /// What is given as `for`.
        r#for: Tree,
    ) {
        #[key = "Step_0-answers"]
        #[parallel = false]
        step step_0_answers: String = ask "@review" " {{{{escaped}}}} {git_diff}Look at {for}\n- über\t";
        #[retry(attempts = 1, delay = "1s", max_delay = "1m")]
        #[timeout = "30s"]
        #[parallel = false]
        step step_1_fails: String = ask backend " {{{{escaped}}}} {step_0_answers} {{{{escaped}}}} ";
        #[after(step_1_fails)]
        step step_2_objects: Object = ask "other-agent" " {{{{escaped}}}} {for} {{{{escaped}}}} {step_0_answers} back\\slash: ";
        #[timeout = "30s"]
        #[optional]
        step step_3_answers: String = ask security " back\\slash: {git_diff}Look at {step_2_objects} \"and\" {{\"a\": [1, {{}}]}} then {step_1_fails}Look at ";
    }
}

#[test]
fn drawn_10_is_the_same_in_both_forms() {
    both_forms_are_equal(Drawn10 { git_diff: serde_json::from_str("{\"a\":\"b\"}").unwrap(), r#for: serde_json::from_str("[1,\"two\"]").unwrap() });
}

workflow! {
    #[name = "Drawn 11"]
    #[tags("drawn", "two words")]
    #[max_parallel = 3]
    #[on_failure = "pause"]
    #[retry(attempts = 2, max_delay = "2m")]
    pub(crate) workflow Drawn11(
        /// What is given as `git_diff`.
        git_diff: Option<String>,
        /// What is given as `for`.
        r#for: String,
        /// What is given as `n`.
        n: f64,
    ) {
        #[timeout = "30s"]
        step step_0_lists: Vec<String> = ask "other-agent" "Look at {git_diff} {{{{escaped}}}} {for} back\\slash: {n} back\\slash: ";
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        #[parallel = false]
        step step_1_lists: Vec<String> = ask "other-agent" "\n- über\t{git_diff}\n- über\t{step_0_lists}Look at ";
        #[retry(max_delay = "1m", jitter = false)]
        #[parallel = false]
        step step_2_sleeps: String = ask security "Look at {n} \"and\" {{\"a\": [1, {{}}]}} then {step_1_lists}\n- über\t";
        #[timeout = "30s"]
        #[optional]
        step step_3_answers: String = ask "other-agent" " back\\slash: {step_1_lists}\n- über\t{step_0_lists}\n- über\t";
        #[key = "Step_4-answers"]
        #[parallel = false]
        #[after(step_3_answers)]
        step step_4_answers: String = ask "@review" " \"and\" {{\"a\": [1, {{}}]}} then {n}Look at {step_2_sleeps} back\\slash: {step_1_lists} \"and\" {{\"a\": [1, {{}}]}} then {step_0_lists}Look at ";
        #[timeout = "30s"]
        #[after(step_1_lists, step_2_sleeps, step_4_answers)]
        step step_5_fails_once: String = ask "other-agent" "\n- über\t{git_diff}\n- über\t{step_3_answers}Look at ";
    }
}

#[test]
fn drawn_11_is_the_same_in_both_forms() {
    both_forms_are_equal(Drawn11 { git_diff: None, r#for: String::from("a {{string}} with {n}"), n: 2.5 });
}

workflow! {
    #[name = "Drawn 12"]
    #[author = "A. U. Thor"]
    #[max_parallel = 3]
    #[retry(delay = "250ms", backoff = 1.5)]
    pub(crate) workflow Drawn12(
    ) {
        step step_0_fails_once: String = ask "@review" "Look at ";
        #[key = "Step_1-answers"]
        #[timeout = "30s"]
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        #[optional]
        step step_1_answers: String = ask "other-agent" " \"and\" {{\"a\": [1, {{}}]}} then ";
        #[timeout = "30s"]
        step step_2_sleeps: String = ask backend " {{{{escaped}}}} {step_0_fails_once} back\\slash: ";
        #[timeout = "30s"]
        #[after(step_0_fails_once)]
        step step_3_fails_once: String = ask "@review" "Look at {step_2_sleeps}Look at ";
        #[timeout = "30s"]
        #[after(step_2_sleeps)]
        step step_4_fails: String = ask backend " \"and\" {{\"a\": [1, {{}}]}} then {step_3_fails_once} back\\slash: ";
        #[retry(backoff = 2.0)]
        #[timeout = "30s"]
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        #[optional]
        #[parallel = false]
        step step_5_fails_once: String = ask "other-agent" " back\\slash: {step_3_fails_once} back\\slash: {step_1_answers} back\\slash: {step_0_fails_once} back\\slash: ";
    }
}

#[test]
fn drawn_12_is_the_same_in_both_forms() {
    both_forms_are_equal(Drawn12 {  });
}

workflow! {
    #[name = "Drawn 13"]
    #[author = "A. U. Thor"]
    #[max_parallel = 1]
    #[on_failure = "continue"]
    pub(crate) workflow Drawn13(
        git_diff: i64,
    ) {
        step step_0_sleeps: String = ask backend "\n- über\t{git_diff} \"and\" {{\"a\": [1, {{}}]}} then ";
        #[key = "Step_1-objects"]
        #[timeout = "30s"]
        step step_1_objects: Object = ask "other-agent" "\n- über\t{step_0_sleeps}\n- über\t";
        #[retry(backoff = 1.5, jitter = false)]
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        step step_2_fails_once: String = ask security " back\\slash: ";
        #[after(step_0_sleeps)]
        step step_3_objects: Object = ask "@review" "Look at ";
        #[retry(delay = "250ms", max_delay = "2m")]
        #[after(step_0_sleeps, step_2_fails_once)]
        step step_4_answers: String = ask "other-agent" "\n- über\t{step_3_objects}\n- über\t{step_1_objects} back\\slash: ";
        step step_5_answers: String = ask backend " \"and\" {{\"a\": [1, {{}}]}} then {step_3_objects}\n- über\t{step_2_fails_once} back\\slash: {step_1_objects} back\\slash: ";
        #[parallel = false]
        #[after(step_0_sleeps, step_4_answers)]
        step step_6_answers: String = ask security "\n- über\t{git_diff} {{{{escaped}}}} {step_5_answers} \"and\" {{\"a\": [1, {{}}]}} then {step_2_fails_once} back\\slash: {step_1_objects}Look at ";
    }
}

#[test]
fn drawn_13_is_the_same_in_both_forms() {
    both_forms_are_equal(Drawn13 { git_diff: 7 });
}

workflow! {
    /// Was drawn with "14".
    #[name = "Drawn 14"]
    #[version = "14.2.0-rc"]
    #[author = "A. U. Thor"]
    #[tags("drawn", "two words")]
    #[on_failure = "pause"]
    #[retry(jitter = false)]
    pub(crate) workflow Drawn14(
        git_diff: bool,
        /// What is given as `for`.
        r#for: Vec<Tree>,
    ) {
        #[retry(delay = "250ms")]
        #[timeout = "30s"]
        #[optional]
        step step_0_sleeps: String = ask security " {{{{escaped}}}} {git_diff} back\\slash: {for}Look at ";
        #[key = "Step_1-objects"]
        #[timeout = "30s"]
        #[after(step_0_sleeps)]
        step step_1_objects: Object = ask security " {{{{escaped}}}} ";
        #[timeout = "30s"]
        #[parallel = false]
        step step_2_fails: String = ask "other-agent" "Look at {step_1_objects} \"and\" {{\"a\": [1, {{}}]}} then {step_0_sleeps}Look at ";
        #[timeout = "30s"]
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        step step_3_answers: String = ask backend " {{{{escaped}}}} {step_2_fails} \"and\" {{\"a\": [1, {{}}]}} then ";
        #[optional]
        #[parallel = false]
        #[after(step_0_sleeps)]
        step step_4_breaks: String = ask "other-agent" " back\\slash: {step_3_answers} \"and\" {{\"a\": [1, {{}}]}} then {step_2_fails}\n- über\t{step_1_objects} \"and\" {{\"a\": [1, {{}}]}} then ";
        #[timeout = "30s"]
        #[after(step_4_breaks)]
        step step_5_sleeps: String = ask backend " \"and\" {{\"a\": [1, {{}}]}} then {for} back\\slash: {step_3_answers}Look at {step_2_fails} \"and\" {{\"a\": [1, {{}}]}} then {step_1_objects}Look at ";
    }
}

#[test]
fn drawn_14_is_the_same_in_both_forms() {
    both_forms_are_equal(Drawn14 { git_diff: true, r#for: serde_json::from_str("[1,\"two\"]").unwrap() });
}

workflow! {
    #[name = "Drawn 15"]
    #[version = "15.2.0-rc"]
    #[timeout = "90s"]
    #[retry(attempts = 2, jitter = false)]
    pub(crate) workflow Drawn15(
        /// What is given as `git_diff`.
        git_diff: std::collections::BTreeMap<String, Tree>,
        /// What is given as `for`.
        r#for: Tree,
        n: Option<String>,
    ) {
        #[parallel = false]
        step step_0_answers: String = ask security " {{{{escaped}}}} {git_diff} \"and\" {{\"a\": [1, {{}}]}} then {for}\n- über\t{n} \"and\" {{\"a\": [1, {{}}]}} then ";
        #[timeout = "30s"]
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        step step_1_fails: String = ask "@review" " {{{{escaped}}}} {n}Look at {step_0_answers}\n- über\t";
        #[key = "Step_2-lists"]
        #[retry(attempts = 1, delay = "250ms", jitter = true)]
        #[optional]
        step step_2_lists: Vec<String> = ask "@review" "\n- über\t{git_diff}Look at {n} {{{{escaped}}}} {step_0_answers} back\\slash: ";
        step step_3_breaks: String = ask security " {{{{escaped}}}} {for}Look at ";
        #[parallel = false]
        #[after(step_3_breaks)]
        step step_4_fails: String = ask security "Look at {step_1_fails} \"and\" {{\"a\": [1, {{}}]}} then {step_0_answers} back\\slash: ";
        #[retry(attempts = 1, delay = "250ms", backoff = 1.5, jitter = true)]
        #[timeout = "30s"]
        #[after(step_4_fails)]
        step step_5_objects: Object = ask security " {{{{escaped}}}} {step_1_fails} back\\slash: ";
    }
}

#[test]
fn drawn_15_is_the_same_in_both_forms() {
    both_forms_are_equal(Drawn15 { git_diff: serde_json::from_str("{\"a\":\"b\"}").unwrap(), r#for: serde_json::from_str("[1,\"two\"]").unwrap(), n: None });
}
