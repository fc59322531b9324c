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
    #[budget(cost_per_attempt = 0.0, tokens = 100000, tokens_per_attempt = 10, wall_time = "50m")]
    #[retry(jitter = false)]
    pub(crate) workflow Drawn0(
    ) {
        #[optional]
        step step_0_sleeps: String = ask "@review" " \"and\" {{\"a\": [1, {{}}]}} then ";
        #[output_schema = "{\"type\":\"boolean\"}"]
        #[after(step_0_sleeps)]
        step step_1_lists: Vec<String> = ask "other-agent" " \"and\" {{\"a\": [1, {{}}]}} then ";
        #[key = "Step_2-fails"]
        #[timeout = "30s"]
        step step_2_fails: String = ask "other-agent" "Look at {step_0_sleeps} back\\slash: ";
        #[retry(delay = "250ms")]
        #[timeout = "30s"]
        #[after(step_2_fails)]
        step step_3_answers: String = ask backend " {{{{escaped}}}} {step_1_lists} \"and\" {{\"a\": [1, {{}}]}} then ";
        #[timeout = "30s"]
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        step step_4_fails: String = ask "@review" " \"and\" {{\"a\": [1, {{}}]}} then {step_1_lists}\n- über\t{step_0_sleeps}Look at ";
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
    #[budget(cost = 2.5, cost_per_attempt = 0.0, tokens = 100000, tokens_per_attempt = 10, wall_time = "50m")]
    #[on_failure = "continue"]
    #[retry(attempts = 2, backoff = 1.5)]
    pub(crate) workflow Drawn1(
        git_diff: String,
    ) {
        #[key = "Step_0-answers"]
        step step_0_answers: String = ask security " \"and\" {{\"a\": [1, {{}}]}} then {git_diff} {{{{escaped}}}} ";
        #[key = "Step_1-fails-once"]
        #[timeout = "30s"]
        #[output_schema = "{\"type\":[\"string\",\"object\"]}"]
        #[optional]
        step step_1_fails_once: String = ask security " \"and\" {{\"a\": [1, {{}}]}} then {step_0_answers} {{{{escaped}}}} ";
        #[output_schema = "{\"type\":\"boolean\"}"]
        #[optional]
        #[parallel = false]
        step step_2_fails_once: String = ask backend " {{{{escaped}}}} {step_0_answers}\n- über\t";
        #[retry(backoff = 2.0, jitter = false)]
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        step step_3_breaks: String = ask backend " back\\slash: {git_diff} {{{{escaped}}}} {step_2_fails_once}\n- über\t";
        #[retry(attempts = 1, backoff = 2.0)]
        #[timeout = "30s"]
        #[parallel = false]
        step step_4_objects: Object = ask security " \"and\" {{\"a\": [1, {{}}]}} then {step_3_breaks} back\\slash: {step_2_fails_once}\n- über\t{step_1_fails_once} \"and\" {{\"a\": [1, {{}}]}} then ";
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
    #[budget(cost = 2.5, tokens = 100000, tokens_per_attempt = 10)]
    #[on_failure = "pause"]
    #[retry(max_delay = "2m")]
    pub(crate) workflow Drawn2(
        git_diff: f64,
        r#for: i64,
    ) {
        #[output_schema = "{\"type\":[\"string\",\"object\"]}"]
        #[optional]
        step step_0_lists: Vec<String> = ask security " {{{{escaped}}}} {git_diff} back\\slash: {for} \"and\" {{\"a\": [1, {{}}]}} then ";
        #[key = "Step_1-answers"]
        step step_1_answers: String = ask security " back\\slash: {git_diff} \"and\" {{\"a\": [1, {{}}]}} then ";
        #[key = "Step_2-fails"]
        #[output_schema = "{\"type\":\"boolean\"}"]
        step step_2_fails: String = ask "other-agent" " back\\slash: {step_0_lists} {{{{escaped}}}} ";
        #[retry(max_delay = "1m")]
        step step_3_fails_once: String = ask backend " back\\slash: {step_2_fails} back\\slash: {step_1_answers}\n- über\t";
        #[retry(delay = "250ms", jitter = false)]
        #[parallel = false]
        #[after(step_2_fails)]
        step step_4_breaks: String = ask "@review" " {{{{escaped}}}} {git_diff} \"and\" {{\"a\": [1, {{}}]}} then {for}Look at {step_3_fails_once}Look at {step_1_answers}Look at ";
        #[after(step_4_breaks)]
        step step_5_answers: String = ask "@review" "Look at {git_diff} {{{{escaped}}}} {for} back\\slash: {step_3_fails_once} back\\slash: {step_1_answers}\n- über\t";
    }
}

#[test]
fn drawn_2_is_the_same_in_both_forms() {
    both_forms_are_equal(Drawn2 { git_diff: 2.5, r#for: 7 });
}

workflow! {
    #[name = "Drawn 3"]
    #[max_parallel = 3]
    #[budget(attempts = 4, cost = 2.5, tokens = 100000, tokens_per_attempt = 10)]
    #[retry(delay = "250ms")]
    pub(crate) workflow Drawn3(
        /// What is given as `git_diff`.
        git_diff: bool,
        r#for: Vec<Tree>,
        /// What is given as `n`.
        n: std::collections::BTreeMap<String, Tree>,
    ) {
        #[retry(attempts = 2)]
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        #[parallel = false]
        step step_0_objects: Object = ask backend "Look at {git_diff} back\\slash: {for}\n- über\t{n} {{{{escaped}}}} ";
        #[retry(attempts = 2, delay = "1s")]
        step step_1_sleeps: String = ask backend " {{{{escaped}}}} {step_0_objects} {{{{escaped}}}} ";
        #[retry(delay = "1s")]
        #[after(step_1_sleeps)]
        step step_2_breaks: String = ask "@review" "Look at {git_diff} {{{{escaped}}}} {for} \"and\" {{\"a\": [1, {{}}]}} then ";
        #[key = "Step_3-sleeps"]
        #[retry(backoff = 1.5, max_delay = "2m", jitter = false)]
        #[timeout = "30s"]
        #[optional]
        step step_3_sleeps: String = ask "other-agent" " \"and\" {{\"a\": [1, {{}}]}} then {step_2_breaks}Look at {step_0_objects} {{{{escaped}}}} ";
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
    #[timeout = "90s"]
    #[on_failure = "continue"]
    #[retry(attempts = 3, max_delay = "2m")]
    pub(crate) workflow Drawn4(
    ) {
        #[retry(delay = "250ms", max_delay = "1m", jitter = false)]
        #[timeout = "30s"]
        step step_0_breaks: String = ask "@review" " \"and\" {{\"a\": [1, {{}}]}} then ";
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        #[optional]
        step step_1_fails_once: String = ask backend "Look at ";
        #[timeout = "30s"]
        #[optional]
        step step_2_lists: Vec<String> = ask security " \"and\" {{\"a\": [1, {{}}]}} then {step_1_fails_once} back\\slash: {step_0_breaks} {{{{escaped}}}} ";
        #[retry(attempts = 1, backoff = 1.5, max_delay = "1m")]
        #[output_schema = "{\"type\":\"boolean\"}"]
        #[parallel = false]
        #[after(step_1_fails_once)]
        step step_3_fails: String = ask security " \"and\" {{\"a\": [1, {{}}]}} then {step_2_lists} {{{{escaped}}}} {step_0_breaks} {{{{escaped}}}} ";
        #[timeout = "30s"]
        #[optional]
        #[parallel = false]
        #[after(step_0_breaks)]
        step step_4_fails: String = ask "other-agent" " \"and\" {{\"a\": [1, {{}}]}} then {step_2_lists} {{{{escaped}}}} {step_1_fails_once} \"and\" {{\"a\": [1, {{}}]}} then ";
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
    #[budget(cost = 2.5, cost_per_attempt = 0.0, tokens = 100000, tokens_per_attempt = 10)]
    #[on_failure = "pause"]
    #[retry(jitter = false)]
    pub(crate) workflow Drawn5(
        git_diff: Tree,
    ) {
        #[timeout = "30s"]
        step step_0_sleeps: String = ask "@review" " back\\slash: {git_diff} \"and\" {{\"a\": [1, {{}}]}} then ";
        #[retry(attempts = 3, backoff = 1.5)]
        #[timeout = "30s"]
        step step_1_fails_once: String = ask security "Look at ";
        #[timeout = "30s"]
        #[optional]
        #[parallel = false]
        step step_2_objects: Object = ask security " back\\slash: {git_diff}\n- über\t";
        step step_3_objects: Object = ask "other-agent" " back\\slash: {step_2_objects}\n- über\t";
        #[key = "Step_4-breaks"]
        #[retry(delay = "250ms", backoff = 1.5, jitter = true)]
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        step step_4_breaks: String = ask backend " back\\slash: {step_3_objects} {{{{escaped}}}} {step_2_objects} \"and\" {{\"a\": [1, {{}}]}} then {step_1_fails_once}Look at ";
        #[retry(attempts = 3, delay = "250ms", backoff = 1.5)]
        #[optional]
        step step_5_sleeps: String = ask "other-agent" "\n- über\t{step_4_breaks} {{{{escaped}}}} {step_3_objects} back\\slash: {step_0_sleeps} {{{{escaped}}}} ";
        #[retry(max_delay = "2m", jitter = true)]
        #[timeout = "30s"]
        step step_6_sleeps: String = ask backend "\n- über\t{step_1_fails_once} back\\slash: {step_0_sleeps}Look at ";
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
    #[retry(backoff = 1.5, jitter = false)]
    pub(crate) workflow Drawn6(
        git_diff: Option<String>,
        /// What is given as `for`.
        r#for: String,
    ) {
        step step_0_fails_once: String = ask "other-agent" " back\\slash: {git_diff} \"and\" {{\"a\": [1, {{}}]}} then {for} \"and\" {{\"a\": [1, {{}}]}} then ";
        #[timeout = "30s"]
        #[optional]
        step r#type: String = ask security "\n- über\t{git_diff} \"and\" {{\"a\": [1, {{}}]}} then ";
        #[key = "Step_2-answers"]
        #[output_schema = "{\"type\":[\"string\",\"object\"]}"]
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
    #[retry(delay = "250ms", backoff = 1.5, max_delay = "2m", jitter = false)]
    pub(crate) workflow Drawn7(
        /// What is given as `git_diff`.
        git_diff: f64,
        r#for: i64,
        /// What is given as `n`.
        n: bool,
    ) {
        #[retry(backoff = 2.0, jitter = true)]
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        step step_0_sleeps: String = ask "@review" " back\\slash: {git_diff} {{{{escaped}}}} {for}Look at {n}Look at ";
        #[timeout = "30s"]
        #[output_schema = "{\"type\":\"boolean\"}"]
        step step_1_fails_once: String = ask "@review" " \"and\" {{\"a\": [1, {{}}]}} then {n}Look at {step_0_sleeps}Look at ";
        #[retry(delay = "1s", backoff = 2.0, max_delay = "1m")]
        #[parallel = false]
        step step_2_answers: String = ask "@review" " {{{{escaped}}}} {step_1_fails_once}\n- über\t{step_0_sleeps}Look at ";
        #[key = "Step_3-fails-once"]
        step step_3_fails_once: String = ask security " {{{{escaped}}}} {git_diff} {{{{escaped}}}} {step_2_answers} \"and\" {{\"a\": [1, {{}}]}} then {step_1_fails_once}Look at ";
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
    #[timeout = "90s"]
    #[on_failure = "pause"]
    #[retry(delay = "250ms", backoff = 1.5, jitter = false)]
    pub(crate) workflow Drawn8(
    ) {
        #[key = "Step_0-sleeps"]
        #[timeout = "30s"]
        #[output_schema = "{\"type\":[\"string\",\"object\"]}"]
        #[parallel = false]
        step step_0_sleeps: String = ask security " back\\slash: ";
        #[output_schema = "{\"type\":\"boolean\"}"]
        step step_1_fails_once: String = ask backend " {{{{escaped}}}} ";
        #[retry(backoff = 2.0, max_delay = "2m")]
        #[timeout = "30s"]
        #[output_schema = "{\"type\":[\"string\",\"object\"]}"]
        #[optional]
        step step_2_objects: Object = ask "@review" "Look at {step_1_fails_once}\n- über\t{step_0_sleeps} \"and\" {{\"a\": [1, {{}}]}} then ";
        #[retry(delay = "1s")]
        #[timeout = "30s"]
        #[output_schema = "{\"type\":[\"string\",\"object\"]}"]
        #[parallel = false]
        #[after(step_0_sleeps)]
        step step_3_fails: String = ask backend " {{{{escaped}}}} {step_1_fails_once} back\\slash: ";
        #[retry(backoff = 2.0, max_delay = "2m", jitter = true)]
        #[optional]
        #[after(step_1_fails_once, step_2_objects)]
        step step_4_answers: String = ask "@review" " \"and\" {{\"a\": [1, {{}}]}} then {step_3_fails}Look at {step_0_sleeps} back\\slash: ";
        #[timeout = "30s"]
        #[after(step_2_objects)]
        step step_5_sleeps: String = ask "@review" "Look at {step_4_answers} back\\slash: {step_0_sleeps}\n- über\t";
        #[key = "Step_6-lists"]
        #[retry(delay = "1s", backoff = 2.0, jitter = true)]
        #[optional]
        #[after(step_1_fails_once, step_5_sleeps)]
        step step_6_lists: Vec<String> = ask "other-agent" " back\\slash: {step_2_objects} back\\slash: {step_0_sleeps} {{{{escaped}}}} ";
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
    #[retry(delay = "250ms", backoff = 1.5, max_delay = "2m")]
    pub(crate) workflow Drawn9(
        git_diff: Vec<Tree>,
    ) {
        #[output_schema = "{\"type\":\"boolean\"}"]
        #[parallel = false]
        step step_0_breaks: String = ask backend " back\\slash: {git_diff} back\\slash: ";
        #[key = "Step_1-breaks"]
        #[timeout = "30s"]
        step step_1_breaks: String = ask backend " \"and\" {{\"a\": [1, {{}}]}} then {step_0_breaks} back\\slash: ";
        #[timeout = "30s"]
        #[output_schema = "{\"type\":\"boolean\"}"]
        #[parallel = false]
        #[after(step_1_breaks)]
        step step_2_answers: String = ask "@review" "Look at {git_diff} back\\slash: {step_0_breaks}\n- über\t";
        #[timeout = "30s"]
        step step_3_sleeps: String = ask backend " \"and\" {{\"a\": [1, {{}}]}} then {step_2_answers}\n- über\t";
        #[key = "Step_4-lists"]
        step step_4_lists: Vec<String> = ask backend " back\\slash: {step_0_breaks} {{{{escaped}}}} ";
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
    #[retry(delay = "250ms", max_delay = "2m")]
    pub(crate) workflow Drawn10(
        /// What is given as `git_diff`.
        git_diff: std::collections::BTreeMap<String, Tree>,
        /// What is given as `for`.
        r#for: Tree,
    ) {
        #[key = "Step_0-answers"]
        #[parallel = false]
        step step_0_answers: String = ask "@review" " {{{{escaped}}}} {git_diff}Look at {for}\n- über\t";
        #[retry(delay = "1s", max_delay = "1m")]
        #[timeout = "30s"]
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        #[parallel = false]
        step step_1_fails: String = ask backend " {{{{escaped}}}} {step_0_answers} {{{{escaped}}}} ";
        #[timeout = "30s"]
        step step_2_sleeps: String = ask backend " {{{{escaped}}}} {git_diff} {{{{escaped}}}} {step_1_fails} back\\slash: {step_0_answers} {{{{escaped}}}} ";
        #[timeout = "30s"]
        #[optional]
        step step_3_lists: Vec<String> = ask "other-agent" "Look at {step_2_sleeps} \"and\" {{\"a\": [1, {{}}]}} then {step_1_fails}Look at ";
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
    #[retry(max_delay = "2m")]
    pub(crate) workflow Drawn11(
        /// What is given as `git_diff`.
        git_diff: Option<String>,
        /// What is given as `for`.
        r#for: String,
        /// What is given as `n`.
        n: f64,
    ) {
        #[timeout = "30s"]
        #[output_schema = "{\"type\":[\"string\",\"object\"]}"]
        step step_0_lists: Vec<String> = ask "other-agent" "Look at {git_diff} {{{{escaped}}}} {for} back\\slash: {n} back\\slash: ";
        #[parallel = false]
        step step_1_sleeps: String = ask "@review" " \"and\" {{\"a\": [1, {{}}]}} then {step_0_lists}Look at ";
        #[retry(attempts = 2, max_delay = "1m", jitter = false)]
        #[parallel = false]
        step step_2_sleeps: String = ask security "Look at {n} \"and\" {{\"a\": [1, {{}}]}} then {step_1_sleeps}\n- über\t";
        #[timeout = "30s"]
        #[optional]
        step step_3_answers: String = ask "other-agent" " back\\slash: {step_1_sleeps}\n- über\t{step_0_lists}\n- über\t";
        #[key = "Step_4-answers"]
        #[parallel = false]
        #[after(step_3_answers)]
        step step_4_answers: String = ask "@review" " \"and\" {{\"a\": [1, {{}}]}} then {n}Look at {step_2_sleeps} back\\slash: {step_1_sleeps} \"and\" {{\"a\": [1, {{}}]}} then {step_0_lists}Look at ";
        #[timeout = "30s"]
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        #[after(step_1_sleeps, step_2_sleeps, step_4_answers)]
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
    #[timeout = "90s"]
    #[retry(delay = "250ms", max_delay = "2m", jitter = false)]
    pub(crate) workflow Drawn12(
    ) {
        #[retry(attempts = 3, jitter = true)]
        step step_0_fails_once: String = ask "other-agent" " {{{{escaped}}}} ";
        #[timeout = "30s"]
        #[output_schema = "{\"type\":[\"string\",\"object\"]}"]
        #[parallel = false]
        step step_1_answers: String = ask backend " \"and\" {{\"a\": [1, {{}}]}} then {step_0_fails_once} back\\slash: ";
        #[retry(attempts = 3, delay = "1s", max_delay = "1m", jitter = true)]
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        step step_2_fails_once: String = ask "other-agent" "Look at {step_1_answers}Look at ";
        #[parallel = false]
        step step_3_sleeps: String = ask backend "\n- über\t";
        #[parallel = false]
        step step_4_sleeps: String = ask "@review" " back\\slash: {step_3_sleeps} {{{{escaped}}}} {step_2_fails_once} back\\slash: {step_0_fails_once} back\\slash: ";
        #[output_schema = "{\"type\":[\"string\",\"object\"]}"]
        #[after(step_3_sleeps)]
        step step_5_fails_once: String = ask security " \"and\" {{\"a\": [1, {{}}]}} then {step_2_fails_once} back\\slash: {step_0_fails_once} {{{{escaped}}}} ";
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
    #[retry(jitter = false)]
    pub(crate) workflow Drawn13(
        git_diff: i64,
    ) {
        #[retry(delay = "250ms", backoff = 1.5)]
        #[timeout = "30s"]
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        step step_0_lists: Vec<String> = ask "other-agent" " \"and\" {{\"a\": [1, {{}}]}} then {git_diff}\n- über\t";
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        step step_1_fails_once: String = ask backend " \"and\" {{\"a\": [1, {{}}]}} then ";
        #[timeout = "30s"]
        step step_2_breaks: String = ask security "\n- über\t{step_1_fails_once} \"and\" {{\"a\": [1, {{}}]}} then ";
        #[key = "Step_3-answers"]
        #[timeout = "30s"]
        step step_3_answers: String = ask "@review" " \"and\" {{\"a\": [1, {{}}]}} then {step_1_fails_once} {{{{escaped}}}} ";
        #[retry(delay = "250ms", max_delay = "2m")]
        step step_4_fails: String = ask "@review" " \"and\" {{\"a\": [1, {{}}]}} then {step_2_breaks} back\\slash: {step_0_lists} {{{{escaped}}}} ";
        #[timeout = "30s"]
        #[parallel = false]
        step step_5_objects: Object = ask "@review" "\n- über\t{step_4_fails} back\\slash: {step_3_answers} back\\slash: {step_1_fails_once}\n- über\t";
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
    #[timeout = "90s"]
    #[on_failure = "pause"]
    #[retry(delay = "250ms", jitter = false)]
    pub(crate) workflow Drawn14(
        git_diff: bool,
        /// What is given as `for`.
        r#for: Vec<Tree>,
    ) {
        #[retry(attempts = 3, backoff = 1.5)]
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        #[optional]
        #[parallel = false]
        step step_0_fails_once: String = ask backend " back\\slash: {git_diff}Look at {for} \"and\" {{\"a\": [1, {{}}]}} then ";
        #[key = "Step_1-lists"]
        #[retry(max_delay = "2m", jitter = true)]
        step step_1_lists: Vec<String> = ask "other-agent" "Look at {git_diff} back\\slash: {step_0_fails_once} {{{{escaped}}}} ";
        #[optional]
        #[after(step_0_fails_once)]
        step step_2_fails: String = ask backend " \"and\" {{\"a\": [1, {{}}]}} then {git_diff}Look at {for} back\\slash: {step_1_lists}\n- über\t";
    }
}

#[test]
fn drawn_14_is_the_same_in_both_forms() {
    both_forms_are_equal(Drawn14 { git_diff: true, r#for: serde_json::from_str("[1,\"two\"]").unwrap() });
}

workflow! {
    #[name = "Drawn 15"]
    #[version = "15.2.0-rc"]
    #[budget(cost = 2.5, cost_per_attempt = 0.0, tokens = 100000, tokens_per_attempt = 10, wall_time = "50m")]
    #[retry(delay = "250ms", jitter = false)]
    pub(crate) workflow Drawn15(
        /// What is given as `git_diff`.
        git_diff: std::collections::BTreeMap<String, Tree>,
        /// What is given as `for`.
        r#for: Tree,
        n: Option<String>,
    ) {
        #[key = "Step_0-answers"]
        #[timeout = "30s"]
        step step_0_answers: String = ask backend " \"and\" {{\"a\": [1, {{}}]}} then {git_diff} back\\slash: {for} \"and\" {{\"a\": [1, {{}}]}} then {n} {{{{escaped}}}} ";
        #[retry(delay = "1s", backoff = 1.5)]
        #[timeout = "30s"]
        #[output_schema = "{\"type\":[\"string\",\"object\"]}"]
        #[optional]
        step r#type: String = ask backend "Look at ";
        #[retry(max_delay = "2m")]
        #[parallel = false]
        step step_2_fails: String = ask security "\n- über\t{for} {{{{escaped}}}} {n} \"and\" {{\"a\": [1, {{}}]}} then {step_0_answers} \"and\" {{\"a\": [1, {{}}]}} then ";
        #[after(r#type)]
        step step_3_fails_once: String = ask "@review" " {{{{escaped}}}} {step_0_answers} \"and\" {{\"a\": [1, {{}}]}} then ";
        #[retry(delay = "1s", backoff = 1.5, jitter = true)]
        #[timeout = "30s"]
        #[optional]
        #[after(step_0_answers, r#type)]
        step step_4_objects: Object = ask "other-agent" " \"and\" {{\"a\": [1, {{}}]}} then {step_3_fails_once} {{{{escaped}}}} {step_2_fails} \"and\" {{\"a\": [1, {{}}]}} then ";
        #[output_schema = "{\"description\":\"\\\"any\\\"\"}"]
        step step_5_fails_once: String = ask "@review" " back\\slash: {git_diff} back\\slash: {n} back\\slash: {step_3_fails_once} back\\slash: {type} \"and\" {{\"a\": [1, {{}}]}} then ";
    }
}

#[test]
fn drawn_15_is_the_same_in_both_forms() {
    both_forms_are_equal(Drawn15 { git_diff: serde_json::from_str("{\"a\":\"b\"}").unwrap(), r#for: serde_json::from_str("[1,\"two\"]").unwrap(), n: None });
}
