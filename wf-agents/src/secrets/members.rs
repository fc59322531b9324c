//! The secrets inside of a secret that is JSON, such as the credentials of a service account.

use serde_json::Value;

/// Values shorter than this, in bytes, are left alone: they are words.
const SHORTEST: usize = 8;

/// No more values than this are taken out of one secret: each costs time wherever secrets are looked for.
const MOST: usize = 100;

/// What the name of a member has in it that is secret.
const TELLING: [&str; 7] = [
    "auth",
    "credential",
    "key",
    "passphrase",
    "password",
    "secret",
    "token",
];

/// The strings and numbers in a value that is a JSON object or array, as far as their names say that they are
/// secret; where no name does, all of them. Addresses are not, whatever their name.
///
/// So they are recognised however an agent lays the JSON out that it was given, and one by one.
pub(super) fn of(value: &[u8]) -> Vec<String> {
    if !matches!(value.first(), Some(b'{' | b'[')) {
        return Vec::new();
    }
    let Ok(value) = serde_json::from_slice(value) else {
        return Vec::new();
    };
    let (mut named, mut others) = (Vec::new(), Vec::new());
    collect(&value, false, &mut named, &mut others);
    let mut found = if named.is_empty() { others } else { named };
    found.truncate(MOST);
    found
}

fn collect(value: &Value, is_named: bool, named: &mut Vec<String>, others: &mut Vec<String>) {
    let leaf = match value {
        Value::Array(elements) => {
            for element in elements {
                collect(element, is_named, named, others);
            }
            return;
        }
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.to_lowercase();
                let is_telling = TELLING.iter().any(|telling| name.contains(telling));
                collect(member, is_named || is_telling, named, others);
            }
            return;
        }
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) => return,
    };
    let is_address = leaf.starts_with("https://") || leaf.starts_with("http://");
    if leaf.len() >= SHORTEST && !is_address {
        if is_named { named } else { others }.push(leaf);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_in_a_document_is_told_by_the_names() {
        let account = r#"{
            "type": "service_account", "project_id": "my-project", "private_key_id": "0123456789ab",
            "private_key": "-----BEGIN PRIVATE KEY-----\nMIIE\n", "token_uri": "https://oauth2.example/token",
            "client": { "Passwords": ["correct horse", "short", 12345678] }
        }"#;
        let mut found = of(account.as_bytes());
        found.sort();
        assert_eq!(
            found,
            [
                "-----BEGIN PRIVATE KEY-----\nMIIE\n",
                "0123456789ab",
                "12345678",
                "correct horse"
            ]
        );
    }

    #[test]
    fn without_a_telling_name_everything_is_secret() {
        assert_eq!(
            of(br#"{"a": "hunter2hunter2", "b": [true, null, "x", 1e300]}"#),
            ["hunter2hunter2"]
        );
        assert_eq!(of(br#"["0123456789"]"#), ["0123456789"]);
    }

    #[test]
    fn what_is_no_document_has_no_members() {
        for value in [r#""0123456789""#, "{0123456789", "0123456789", ""] {
            assert_eq!(of(value.as_bytes()), [""; 0], "{value}");
        }
    }

    #[test]
    fn a_document_of_any_size_has_few_members() {
        let many: Vec<String> = (0..10_000).map(|at| format!("secret-{at:05}")).collect();
        let many = serde_json::to_vec(&many).unwrap();
        assert_eq!(of(&many).len(), MOST);
    }
}
