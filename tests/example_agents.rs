//! The programs in `examples/agents` do their work: on the example's diff, and on input that is nasty.
#![cfg(unix)]

use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

#[test]
fn the_diff_becomes_a_list_of_its_files() {
    let changes = parsed(&example_diff());
    let files: Vec<_> = list(&changes["files"])
        .iter()
        .map(|file| {
            let number = |key: &str| file[key].as_u64().unwrap();
            let word = |key: &str| file[key].as_str().unwrap();
            (
                word("path"),
                word("status"),
                number("additions"),
                number("deletions"),
            )
        })
        .collect();
    assert_eq!(
        files,
        [
            ("docs/getting-started.md", "renamed", 2, 2),
            ("native/label.c", "modified", 3, 0),
            ("price/src/lib.rs", "modified", 6, 0),
            ("server/orders.py", "modified", 14, 4),
            ("server/report.py", "deleted", 0, 10),
            ("server/settings.py", "modified", 3, 3),
            ("tests/test_orders.py", "added", 13, 0),
            ("web/cart.js", "modified", 7, 2),
        ]
    );
    assert_eq!(changes["files"][0]["from"], "docs/setup.md");
    assert_eq!(
        changes["totals"],
        json!({ "files": 8, "additions": 48, "deletions": 21 })
    );
    assert_eq!(
        changes["files"][5]["added"][1],
        json!({ "line": 9, "text": "AWS_ACCESS_KEY_ID = \"AKIAIOSFODNN7EXAMPLE\"" })
    );
}

#[test]
fn the_audit_finds_what_was_planted_and_nothing_else() {
    let audit = audited(&parsed(&example_diff()));
    assert_eq!(
        places(&audit),
        [
            ("critical", "server/settings.py", 9, "aws-access-key"),
            ("critical", "server/settings.py", 10, "hard-coded-secret"),
            ("high", "native/label.c", 10, "buffer-overflow"),
            ("high", "server/orders.py", 25, "sql-injection"),
            ("high", "server/orders.py", 42, "shell-injection"),
            ("high", "web/cart.js", 8, "cross-site-scripting"),
        ]
    );
    assert_eq!(
        audit["counts"],
        json!({ "critical": 2, "high": 4, "medium": 0, "low": 0, "total": 6 })
    );
    assert_eq!(audit["lines"], 48);
}

#[test]
fn the_quality_check_finds_what_was_planted_and_nothing_else() {
    let quality = checked(&parsed(&example_diff()));
    assert_eq!(
        places(&quality),
        [
            ("medium", "server/orders.py", 22, "debug-output"),
            ("medium", "web/cart.js", 15, "debug-output"),
            ("medium", "web/cart.js", 19, "swallowed-error"),
            ("low", "server/orders.py", 41, "todo"),
            ("low", "web/cart.js", 9, "long-line"),
        ]
    );
    assert_eq!(
        quality["tests"],
        json!({ "run": false, "files_changed": 1 })
    );
    assert_eq!(list(&quality["changes"]).len(), 8);
}

#[test]
fn no_secret_reaches_a_finding_or_the_review() {
    let changes = parsed(&diff_of(
        "deploy.py",
        &[
            r#"key = "AKIAIOSFODNN7EXAMPLE"; again = "ASIAIOSFODNN7EXAMPLE"  # TODO"#,
            r#"password = "correct\"horse"; api_key: 'battery-staple'  # FIXME"#,
            r#"url = "postgres://shop:opensesame@database/shop"  "#,
            "-----BEGIN RSA PRIVATE KEY-----",
            &format!("{} ", "bm90YWtleQ".repeat(13)),
        ],
    ));
    let audit = audited(&changes);
    let quality = checked(&changes);
    assert_eq!(audit["counts"]["critical"], 4);
    assert_eq!(quality["counts"]["total"], 5);
    let all = format!("{audit}{quality}{}", reviewed(&audit, &quality));
    for secret in [
        "IOSFODNN7EXAMPLE",
        "horse",
        "battery",
        "opensesame",
        "bm90YWtleQ",
    ] {
        assert!(!all.contains(secret), "`{secret}` is in {all}");
    }
}

#[test]
fn the_review_is_the_one_the_readme_shows() {
    let changes = parsed(&example_diff());
    let review = reviewed(&audited(&changes), &checked(&changes));
    assert!(review.starts_with(
        "# Code review: changes requested\n\n11 findings, of which 6 must be dealt with"
    ));
    let readme = read(&examples().join("README.md"));
    assert!(
        readme.contains(review.trim_end()),
        "the README shows another review than\n{review}"
    );
}

#[test]
fn a_check_without_a_result_is_named_in_the_review() {
    let quality = checked(&parsed(&diff_of("a.rs", &["fn main() {}"])));
    let review = reviewed(&Value::Null, &quality);
    assert!(
        review.starts_with("# Code review: incomplete\n"),
        "{review}"
    );
    assert!(
        review.contains("The security audit gave no result."),
        "{review}"
    );
}

#[test]
fn any_text_of_a_line_comes_through_unharmed() {
    let control: String = (1..32).filter(|code| *code != 10).map(char::from).collect();
    let lines = [
        r#"quotes " and ' and \ and \\ and \" and \"#,
        "\ttab\tand blanks  ",
        &control,
        "é ü 日本語 😀 \u{7f} \u{80} \u{7ff} \u{800} \u{ffff} \u{10000} \u{10ffff}",
        r"\n \u0041 \\u0041 & \& \\& %s %d ${x} `x`",
        r#"{"files":[],"check":"security","findings":[]}"#,
        "diff --git a/x b/x",
        "-- a/x",
        "++ b/x",
        "@@ -1 +1 @@",
        "ends in a carriage return\r",
        "",
    ];
    let changes = parsed(&diff_of("x.txt", &lines));
    let texts: Vec<_> = list(&changes["files"][0]["added"])
        .iter()
        .map(|line| line["text"].as_str().unwrap())
        .collect();
    assert_eq!(texts, lines);
    assert_eq!(list(&changes["files"]).len(), 1);
}

#[test]
fn findings_quote_the_line_they_are_about() {
    let line = r#"say("\t\u0041 é 😀 \\", eval("x"), 'TODO')"#;
    let changes = parsed(&diff_of("x.py", &[line]));
    assert_eq!(audited(&changes)["findings"][0]["excerpt"], line);
    assert_eq!(checked(&changes)["findings"][0]["excerpt"], line);
}

#[test]
fn bytes_that_are_no_text_become_replacement_characters() {
    let mut diff = diff_of("x.txt", &["a?b?c"]).into_bytes();
    for (mark, byte) in diff
        .iter_mut()
        .filter(|byte| **byte == b'?')
        .zip([0xff, 0x00])
    {
        *mark = byte;
    }
    let output = run("parse-changes", &diff);
    let changes: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(changes["files"][0]["added"][0]["text"], "a\u{fffd}b\u{1a}c");
}

#[test]
fn a_diff_with_windows_line_ends_reads_like_any_other() {
    let diff = example_diff();
    assert_eq!(parsed(&diff.replace('\n', "\r\n")), parsed(&diff));
}

#[test]
fn binary_renamed_quoted_and_empty_files_are_listed() {
    let changes = parsed(concat!(
        "diff --git a/logo.png b/logo.png\nnew file mode 100644\nBinary files /dev/null and b/logo.png differ\n",
        "diff --git a/old name.txt b/new name.txt\nsimilarity index 100%\n",
        "rename from old name.txt\nrename to new name.txt\n",
        "diff --git a/run.sh b/run.sh\nold mode 100644\nnew mode 100755\n",
        "diff --git a/empty b/empty\nnew file mode 100644\nindex 0000000..e69de29\n",
        "diff --git \"a/caf\\303\\251 \\\"1\\\".txt\" \"b/caf\\303\\251 \\\"1\\\".txt\"\ndeleted file mode 100644\n",
        "--- \"a/caf\\303\\251 \\\"1\\\".txt\"\n+++ /dev/null\n@@ -1,2 +0,0 @@\n--- a\n-b\n\\ No newline at end of file\n",
    ));
    assert_eq!(
        changes["files"],
        json!([
            { "path": "logo.png", "status": "added", "additions": 0, "deletions": 0, "binary": true, "added": [] },
            { "path": "new name.txt", "status": "renamed", "from": "old name.txt", "additions": 0, "deletions": 0,
              "added": [] },
            { "path": "run.sh", "status": "modified", "additions": 0, "deletions": 0, "added": [] },
            { "path": "empty", "status": "added", "additions": 0, "deletions": 0, "added": [] },
            { "path": "café \"1\".txt", "status": "deleted", "additions": 0, "deletions": 2, "added": [] },
        ])
    );
}

#[test]
fn a_missing_line_end_and_a_cut_off_diff_are_remarked() {
    let changes =
        parsed("--- a/x.rs\n+++ b/x.rs\n@@ -1 +1,9 @@\n-old\n+new\n\\ No newline at end of file\n");
    assert_eq!(
        changes["files"][0],
        json!({ "path": "x.rs", "status": "modified", "additions": 1, "deletions": 1, "final_newline": false,
                "incomplete": true, "added": [{ "line": 1, "text": "new" }] })
    );
    let quality = checked(&changes);
    let rules: Vec<_> = list(&quality["findings"])
        .iter()
        .map(|finding| &finding["rule"])
        .collect();
    assert_eq!(rules, ["diff-cut-off", "no-final-newline"]);
}

#[test]
fn a_large_change_is_read_to_its_end() {
    let line = r#"    run("a \"quoted\" word \\ and é", shell=True)  # TODO"#;
    let changes = parsed(&diff_of("big.py", &vec![line; 5_000]));
    assert_eq!(changes["totals"]["additions"], 5_000);
    assert_eq!(
        changes["files"][0]["added"][4_999],
        json!({ "line": 5_000, "text": line })
    );
    let audit = audited(&changes);
    let quality = checked(&changes);
    assert_eq!(audit["counts"]["high"], 5_000);
    assert_eq!(list(&audit["findings"]).len(), 5_000);
    assert_eq!(
        quality["counts"],
        json!({ "critical": 0, "high": 0, "medium": 1, "low": 5_001, "total": 5_002 })
    );
    assert!(reviewed(&audit, &quality).contains("- and 4950 more\n"));
}

#[test]
fn a_line_of_a_megabyte_is_read_as_far_as_is_said() {
    let line = r#"x="\é";"#.repeat(125_000);
    let changes = parsed(&diff_of("bundle.js", &[&line]));
    assert_eq!(
        changes["files"][0]["added"][0]["text"].as_str(),
        Some(line.as_str())
    );
    let finding = &audited(&changes)["findings"][0];
    assert_eq!(finding["rule"], "line-not-read");
    assert_eq!(
        finding["message"],
        "the line has 1000000 bytes, of which the first 4000 were read"
    );
}

#[test]
fn a_prompt_without_work_is_an_error_that_says_so() {
    for (program, problem) in [
        (
            "parse-changes",
            "the prompt holds no diff; give it the output of `git diff`",
        ),
        (
            "security-audit",
            "the prompt holds no change list; give it the JSON that `parse-changes` writes",
        ),
        (
            "quality-check",
            "the prompt holds no change list; give it the JSON that `parse-changes` writes",
        ),
        (
            "aggregate-results",
            "the prompt holds neither an audit nor a quality check",
        ),
    ] {
        for prompt in [
            "",
            "\n",
            "please review this",
            r#"see {"files": ["#,
            &"{\"a\":[".repeat(3_000),
        ] {
            let output = run(program, prompt.as_bytes());
            assert_eq!(output.status.code(), Some(1), "{program}: {prompt:.40}");
            assert_eq!(text(&output.stdout), "", "{program}: {prompt:.40}");
            assert_eq!(text(&output.stderr), format!("{program}: {problem}\n"));
        }
    }
}

#[test]
fn a_combined_diff_is_refused_with_a_way_out() {
    let output = run(
        "parse-changes",
        b"Parse: diff --cc a.rs\nindex 1,2..3\n--- a/a.rs\n+++ b/a.rs\n",
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("`git diff HEAD^1`"));
}

/// Runs `parse-changes` as the first step of the example does.
fn parsed(diff: &str) -> Value {
    answer(
        "parse-changes",
        &format!("Parse git diff and extract changed files: {diff}"),
    )
}

fn audited(changes: &Value) -> Value {
    answer(
        "security-audit",
        &format!("Audit these changes for vulnerabilities: {changes}"),
    )
}

fn checked(changes: &Value) -> Value {
    answer(
        "quality-check",
        &format!("Run tests and check code quality: {changes}"),
    )
}

fn reviewed(audit: &Value, quality: &Value) -> String {
    let prompt = format!("Aggregate results: security={audit}, quality={quality}");
    text(&succeeded("aggregate-results", &prompt).stdout)
}

fn answer(program: &str, prompt: &str) -> Value {
    serde_json::from_slice(&succeeded(program, prompt).stdout).expect("the answer is JSON")
}

fn succeeded(program: &str, prompt: &str) -> Output {
    let output = run(program, prompt.as_bytes());
    assert!(
        output.status.success(),
        "{program}: {}",
        text(&output.stderr)
    );
    assert_eq!(text(&output.stderr), "", "{program}");
    output
}

fn run(program: &str, prompt: &[u8]) -> Output {
    let mut child = Command::new(examples().join("agents").join(program))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    std::thread::scope(|scope| {
        // A program that gives up early closes the pipe: what it says then is what is tested.
        scope.spawn(move || stdin.write_all(prompt).ok());
        child.wait_with_output().expect("the program ends")
    })
}

/// A diff that adds one file with the given lines.
fn diff_of<Line: AsRef<str>>(path: &str, lines: &[Line]) -> String {
    let mut diff = format!(
        "diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{} @@\n",
        lines.len()
    );
    for line in lines {
        writeln!(diff, "+{}", line.as_ref()).expect("a string takes any text");
    }
    diff
}

fn places(check: &Value) -> Vec<(&str, &str, u64, &str)> {
    list(&check["findings"])
        .iter()
        .map(|finding| {
            let word = |key: &str| finding[key].as_str().expect("a text");
            (
                word("severity"),
                word("file"),
                finding["line"].as_u64().expect("a line"),
                word("rule"),
            )
        })
        .collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("an array")
}

fn example_diff() -> String {
    read(&examples().join("change.diff"))
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("the file is there")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}
