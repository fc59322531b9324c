//! Which forms of a secret are found, and what is left alone.

use super::*;

fn secrets(values: &[&str]) -> Secrets {
    let mut secrets = Secrets::default();
    for value in values {
        secrets.add(value.as_bytes());
    }
    secrets
}

fn redacted(values: &[&str], text: &str, cut: bool) -> String {
    String::from_utf8(secrets(values).redact(text.as_bytes(), cut)).unwrap()
}

#[test]
fn every_occurrence_is_masked() {
    assert_eq!(
        redacted(&["s3cr3t"], "a s3cr3t and s3cr3ts3cr3t", false),
        "a [redacted] and [redacted][redacted]"
    );
}

#[test]
fn a_secret_that_holds_another_is_masked_whole() {
    assert_eq!(
        redacted(&["keys", "keys-and-more"], "keys-and-more keys", false),
        "[redacted] [redacted]"
    );
}

#[test]
fn the_end_of_a_secret_at_a_cut_is_masked() {
    assert_eq!(
        redacted(&["s3cr3t"], "r3t is bad", true),
        "[redacted] is bad"
    );
    assert_eq!(redacted(&["s3cr3t"], "r3t is bad", false), "r3t is bad");
}

#[test]
fn a_secret_is_masked_also_without_its_last_newline() {
    assert_eq!(
        redacted(&["s3cr3t\n"], "got s3cr3t.", false),
        "got [redacted]."
    );
}

#[test]
fn a_value_of_less_than_four_bytes_hides_nothing() {
    assert_eq!(redacted(&["", " "], "ab", false), "ab");
    for value in ["1", "1\n", "no", "dev", " dev "] {
        let message = "`sh` exited with status 1: no dev 1 \n";
        assert_eq!(redacted(&[value], message, false), message, "{value}");
        assert_eq!(redacted(&[value], message, true), message, "{value}");
    }
    assert_eq!(redacted(&["1234"], "a 1234", false), "a [redacted]");
}

#[test]
fn a_secret_is_masked_in_the_forms_that_come_back() {
    let key = "sk-\"a/b+c=\"-0123456789";
    let all: String = key.bytes().map(|byte| format!("\\u{byte:04X}")).collect();
    for form in [
        all.as_str(),
        &all.to_lowercase(),
        r#"sk-\"a\/b+c=\"-0123456789"#,
        r"sk-\u0022a/b\u002Bc=\u0022-0123456789",
        r"sk-\u0022a\/b\u002bc=\u0022-0123456789",
        r#"sk-\"a/b+c=\"-0123456789"#,
        "sk-%22a%2Fb%2Bc%3D%22-0123456789",
        "sk-%22a%2fb%2bc%3d%22-0123456789",
    ] {
        assert_eq!(
            redacted(&[key], &format!("<{form}>"), false),
            "<[redacted]>"
        );
    }
}

#[test]
fn a_secret_is_masked_however_it_is_percent_encoded() {
    let key = "wJal/K7 MDENG+bPxRfi=CYEX:AMPLE@KEY";
    for form in [
        "wJal%2FK7%20MDENG%2BbPxRfi%3DCYEX%3AAMPLE%40KEY",
        "wJal%2fK7%20MDENG%2bbPxRfi%3dCYEX%3aAMPLE%40KEY",
        "wJal/K7%20MDENG%2BbPxRfi%3DCYEX%3AAMPLE%40KEY",
        "wJal/K7%20MDENG+bPxRfi=CYEX:AMPLE@KEY",
        "wJal%2FK7+MDENG%2BbPxRfi%3DCYEX%3AAMPLE%40KEY",
    ] {
        assert_eq!(redacted(&[key], form, false), "[redacted]", "{form}");
    }
}

#[test]
fn a_secret_is_masked_where_json_is_escaped_twice() {
    let key = r#"sk-"a\b"-0123456789"#;
    let once = serde_json::Value::from(key).to_string();
    let twice = serde_json::Value::from(once.as_str()).to_string();
    let shown = redacted(&[key], &twice, false);
    assert_eq!(shown, r#""\"[redacted]\"""#);
}

#[test]
fn a_secret_is_masked_in_hexadecimal() {
    let key = "sk-0123456789abcdef-0123456789abcdef";
    let digits: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
    let wrapped = format!("{}\n{}", &digits[..60], &digits[60..]);
    for form in [digits.to_uppercase(), digits, wrapped] {
        let shown = redacted(&[key], &form, false).replace('\n', "");
        assert_eq!(shown.replace("[redacted]", ""), "", "{form}");
    }
}

#[test]
fn a_secret_beyond_ascii_is_masked_where_it_was_taken_for_latin_1() {
    let key = "pässwörd-0123456789";
    let latin_1: Vec<u8> = key
        .chars()
        .map(|letter| u8::try_from(letter).unwrap())
        .collect();
    assert_eq!(secrets(&[key]).redact(&latin_1, false), MASK);
    let mistaken: String = key.bytes().map(char::from).collect();
    let in_base64 = base64_of(&latin_1);
    for form in [
        mistaken.as_str(),
        "p%E4ssw%F6rd-0123456789",
        "p%C3%A4ssw%C3%B6rd-0123456789",
    ] {
        assert_eq!(redacted(&[key], form, false), "[redacted]", "{form}");
    }
    let shown = redacted(&[key], &in_base64, false);
    assert!(
        shown.starts_with("[redacted]") && shown.len() < 16,
        "{shown}"
    );
}

#[test]
fn the_short_last_line_of_a_key_is_masked_by_itself() {
    let key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASC\n-----END KEY-----\n";
    let indented = "  MIIEvQIBADANBgkqhkiG9w0B\n  AQEFAASC\n";
    assert_eq!(
        redacted(&[key], indented, false),
        "  [redacted]\n  [redacted]\n"
    );
    // What is no single word may be honest.
    let note = "MIIEvQIBADANBgkqhkiG9w0B\nof the team";
    assert_eq!(
        redacted(&[note], "one of the team", false),
        "one of the team"
    );
}

#[test]
fn a_piece_shows_less_than_4_bytes_of_a_secret_at_either_end() {
    let key = "sk-live/Zx81-0123456789abcdef";
    let secrets = secrets(&[key]);
    for cut in 1..key.len() {
        let (first, last) = key.split_at(cut);
        let shown = secrets.redact_piece(format!("it is {first}").as_bytes(), false);
        match first.len() < TELLING {
            true => assert_eq!(shown, format!("it is {first}").into_bytes()),
            false => assert_eq!(shown, b"it is [redacted]", "{first}"),
        }
        let shown = secrets.redact_piece(format!("{last} it is").as_bytes(), true);
        assert_eq!(shown, b"[redacted] it is", "{last}");
    }
}

#[test]
fn a_long_text_is_looked_through_once() {
    // Each of its bytes may begin a value, and none does.
    let secrets = secrets(&["aaaaaaaaaaaaaaab", "aaaaaaaaaaaaaaac-0123456789"]);
    let text = "a".repeat(8 << 20);
    assert_eq!(secrets.redact(text.as_bytes(), false).len(), text.len());
}

#[test]
fn no_line_of_a_secret_of_several_is_shown_however_they_are_laid_out() {
    let lines: Vec<String> = (0..20)
        .map(|at| {
            format!(
                "{at:02}MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8{}",
                at * 7
            )
        })
        .collect();
    let body = lines.join("\n");
    let key = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    let indented = key.replace('\n', "\n    ");
    let json = serde_json::Value::from(indented.as_str()).to_string();
    let wrapped = |before: &str, width: usize| {
        let encoded = base64_of(format!("{before}{key}").as_bytes());
        let lines = encoded.as_bytes().chunks(width);
        let lines: Vec<_> = lines.map(String::from_utf8_lossy).collect();
        lines.join("\n")
    };
    for text in [
        indented.clone(),
        key.replace('\n', "\r\n"),
        key.replace('\n', ""),
        key.replace('\n', " "),
        json,
        wrapped("", 64),
        wrapped("", 76),
        wrapped("a", 76),
        wrapped("ab", 64),
    ] {
        let shown = redacted(&[&key], &text, false);
        assert!(shown.contains("[redacted]"), "{shown}");
        for part in text.split(|letter: char| !letter.is_ascii_alphanumeric()) {
            let is_secret = part.len() >= 16;
            assert!(!is_secret || !shown.contains(part), "{part} in {shown}");
        }
    }
}

#[test]
fn the_lines_of_a_key_in_json_are_secret_and_those_of_the_json_are_not() {
    let secret = r#"{
        "type": "service_account_of_a_project",
        "private_key": "-----BEGIN-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END-----"
    }"#;
    let shown = redacted(
        &[secret],
        "  MIIEvQIBADANBgkqhkiG9w0B\r\n \"type\": \"service_account_of_a_project\",",
        false,
    );
    assert_eq!(
        shown,
        "  [redacted]\r\n \"type\": \"service_account_of_a_project\","
    );
}

fn base64_of(value: &[u8]) -> String {
    let letters: Vec<char> = ('A'..='Z')
        .chain('a'..='z')
        .chain('0'..='9')
        .chain(['+', '/'])
        .collect();
    let mut out = String::new();
    for group in value.chunks(3) {
        let bits = group
            .iter()
            .fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte))
            << (8 * (3 - group.len()));
        let of_group = (0..4).map(|at| letters[bits >> (18 - 6 * at) & 63]);
        out.extend(of_group.take(group.len() + 1));
        out.extend(std::iter::repeat_n('=', 3 - group.len()));
    }
    out
}

#[test]
fn a_secret_in_base64_is_masked_wherever_it_begins() {
    // `user:` and the like before a key shift its letters by one or two of three bytes.
    let key = "sk-0123456789abcdef";
    for text in [
        "c2stMDEyMzQ1Njc4OWFiY2RlZg==",
        "eDpzay0wMTIzNDU2Nzg5YWJjZGVm",
        "YXg6c2stMDEyMzQ1Njc4OWFiY2RlZg==",
        "YXh4OnNrLTAxMjM0NTY3ODlhYmNkZWY=",
    ] {
        let shown = redacted(&[key], text, false);
        assert!(shown.contains("[redacted]"), "{text}: {shown}");
        assert!(
            !shown.contains("MDEy") && !shown.contains("MzQ1"),
            "{shown}"
        );
    }
}

#[test]
fn a_secret_is_masked_in_json_in_json() {
    let key = r#"sk-"a\b/c"-0123456789"#;
    let quote = |text: &str| serde_json::Value::from(text).to_string();
    let has_slashes = |text: &str| quote(text).replace('/', r"\/");
    for form in [
        quote(&quote(key)),
        has_slashes(&has_slashes(key)),
        quote(&quote(key).replace("\\\"", r"\u0022")),
        quote(&quote(key)).replace("\\\"", r"\u0022"),
    ] {
        assert!(
            !redacted(&[key], &form, false).contains("0123456789"),
            "{form}"
        );
        // The strings of a result are read: that is one level more.
        let reply = secrets(&[key]).reply(&format!("[{}]", quote(&form)));
        let shown = reply.result.as_str();
        assert!(!shown.contains("0123456789"), "{form}: {shown}");
    }
}

#[test]
fn what_is_shared_is_masked_for_others_and_a_short_value_for_its_owner_alone() {
    let mut shared = Secrets::default();
    for value in ["beta", "sk-0123456789", "sk-abcdefgh"] {
        shared.share(value.as_bytes());
    }
    let shown = |own: &[&str]| {
        let mut secrets = secrets(own);
        secrets.join(&shared);
        let text = b"beta: sk-0123456789 sk-abcdefgh";
        String::from_utf8(secrets.redact(text, false)).unwrap()
    };
    assert_eq!(shown(&[]), "beta: [redacted] [redacted]");
    assert_eq!(shown(&["sk-abcdefgh"]), "beta: [redacted] [redacted]");
    assert_eq!(shown(&["beta"]), "[redacted]: [redacted] [redacted]");
}

#[test]
fn short_values_stay_in_results_and_long_ones_do_not() {
    let secrets = secrets(&["beta", "sk-0123456789"]);
    let result = secrets.redact_result(b"beta: sk-0123456789".to_vec());
    assert_eq!(String::from_utf8(result).unwrap(), "beta: [redacted]");
}
