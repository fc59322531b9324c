//! The errors that endpoints report in the place of an answer or partway through one, in whatever form.

use serde_json::Value;

/// An error that an endpoint reports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reported {
    /// The status that it has, or that its code, its type or its words stand for.
    pub(super) status: Option<u16>,
    /// Its code, where that is a text.
    pub(super) code: Option<String>,
    pub(super) message: String,
    /// It came by itself, and not as the `error` of something.
    pub(super) is_flat: bool,
}

/// The members that have an error's words, the best first.
const WORDS: [&str; 11] = [
    "message",
    "msg",
    "detail",
    "error_msg",
    "error_message",
    "errorMessage",
    "errmsg",
    "err_msg",
    "status_msg",
    "reason",
    "title",
];

/// The members that say which error it is, the best first.
const CODES: [&str; 11] = [
    "status",
    "code",
    "statusCode",
    "status_code",
    "http_status",
    "error_code",
    "errorCode",
    "errcode",
    "err_code",
    "type",
    "error",
];

/// What a name or a message has in it that stands for a status.
const NAMES: [(u16, &[&str]); 10] = [
    (
        429,
        &[
            "rate_limit",
            "ratelimit",
            "too_many_requests",
            "toomanyrequests",
            "throttl",
            "resource_exhausted",
            "quota",
        ],
    ),
    (
        503,
        &[
            "overload",
            "unavailable",
            "capacity",
            "too_busy",
            "is_busy",
            "server_busy",
            "try_again",
            "temporar",
        ],
    ),
    (408, &["timeout", "timed_out", "deadline_exceeded"]),
    (
        401,
        &[
            "authentication",
            "unauthenticated",
            "unauthorized",
            "invalid_api_key",
        ],
    ),
    (403, &["permission", "forbidden"]),
    (402, &["insufficient_balance", "payment", "billing"]),
    (404, &["not_found", "notfound"]),
    (413, &["too_large"]),
    (
        400,
        &[
            "invalid",
            "bad_request",
            "badrequest",
            "context_length",
            "failed_precondition",
        ],
    ),
    (
        500,
        &["internal", "server_error", "api_error", "servererror"],
    ),
];

/// Which of them are looked for in the words of an error that has no better name: what passes.
const PASSING: [u16; 4] = [429, 503, 408, 500];

/// The error that is the `error` of something; what is `around` it may have the code.
pub(super) fn nested(error: &Value, around: Option<&Value>) -> Reported {
    let around = around.filter(|around| around.is_object());
    let words = words(error).or_else(|| match error {
        Value::Bool(_) => words(around?),
        _ => None,
    });
    let message = words.unwrap_or_else(|| match error {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    // A text may be the name of an error whose words are beside it.
    let beside = around.and_then(words_beside).filter(|_| error.is_string());
    let message = match beside {
        Some(more) if more != message => format!("{message}: {more}"),
        _ => message,
    };
    let (mut status, mut code) = codes(error);
    if let Some(around) = around {
        let (more, named) = codes(around);
        status = status.or(more);
        code = code.or(named);
    }
    Reported {
        status: status.or_else(|| of_words(&message)),
        code,
        message,
        is_flat: false,
    }
}

/// The error that an object is which has no choices; none where it does not look like one.
pub(super) fn flat(object: &Value) -> Option<Reported> {
    if object.get("choices").is_some_and(is_list_with_something) {
        return None;
    }
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    let is_called = text("object") == Some("error")
        || text("type").is_some_and(|name| name.to_ascii_lowercase().contains("error"));
    let is_a_sign = text("type").is_some_and(|name| {
        let name = name.to_ascii_lowercase();
        ["ping", "heartbeat", "keep"]
            .iter()
            .any(|sign| name.contains(sign))
    });
    // The second is an answer in another protocol.
    let is_of_an_answer = text("object").is_some_and(|name| name.starts_with("chat.completion"))
        || object
            .pointer("/message/content")
            .is_some_and(|content| !content.is_null());
    // MiniMax puts it into a member, beside what would be the answer.
    let within = object.get("base_resp").filter(|within| is_failure(within));
    let errors = object.get("errors").and_then(|errors| errors.get(0));
    if let Some(within) = within.or(errors) {
        return Some(Reported {
            is_flat: true,
            ..nested(within, Some(object))
        });
    }
    let is_well = !is_called && is_success(object);
    if is_well || is_a_sign || (is_of_an_answer && !is_called) {
        return None;
    }
    let message = match words_beside(object) {
        Some(message) => message,
        None if is_called => object.to_string(),
        None => return None,
    };
    let (status, code) = codes(object);
    Some(Reported {
        status: status.or_else(|| of_words(&message)),
        code,
        message,
        is_flat: true,
    })
}

/// The error that is told in words alone, or as JSON, where only an error can be.
pub(super) fn told(text: &str) -> Reported {
    let value = serde_json::from_str::<Value>(text).ok();
    match value.filter(Value::is_object) {
        Some(value) => match value.get("error").filter(|error| !error.is_null()) {
            Some(error) => nested(error, Some(&value)),
            None => nested(&value, None),
        },
        None => Reported {
            status: named(text).or_else(|| of_words(text)),
            message: text.trim().to_owned(),
            ..Reported::default()
        },
    }
}

/// The words of an error.
fn words(error: &Value) -> Option<String> {
    WORDS.iter().find_map(|name| match error.get(name)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        // A list of what is wrong with a request, or an object that has words of its own.
        list @ Value::Array(all) if !all.is_empty() => {
            Some(words(list.get(0)?).unwrap_or_else(|| list.to_string()))
        }
        object @ Value::Object(_) => Some(words(object).unwrap_or_else(|| object.to_string())),
        _ => None,
    })
}

fn words_beside(object: &Value) -> Option<String> {
    object.as_object().and_then(|_| words(object))
}

/// The status of an error, and its code where that is a text.
fn codes(error: &Value) -> (Option<u16>, Option<String>) {
    let values = || CODES.iter().filter_map(|name| error.get(name));
    let number = values().find_map(|value| {
        let number = number(value)?;
        let status = u16::try_from(number).ok()?;
        (400..600).contains(&status).then_some(status)
    });
    let texts = || values().filter_map(Value::as_str);
    let code = ["code", "type", "status"]
        .iter()
        .find_map(|name| error.get(name)?.as_str());
    (
        number.or_else(|| texts().find_map(named)),
        code.map(str::to_owned),
    )
}

/// A whole number, in whatever way it is written.
fn number(value: &Value) -> Option<u64> {
    let of_float = |float: f64| {
        format!("{float:.0}")
            .parse()
            .ok()
            .filter(|_| float.fract() == 0.0)
    };
    match value {
        Value::Number(number) => number.as_u64().or_else(|| of_float(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The status that a name stands for.
fn named(name: &str) -> Option<u16> {
    of_names(name, |_| true)
}

/// The status that the words of an error stand for.
fn of_words(message: &str) -> Option<u16> {
    of_names(message, |status| PASSING.contains(&status))
}

fn of_names(text: &str, counts: fn(u16) -> bool) -> Option<u16> {
    /// How much of a text is looked at, in bytes.
    const LOOKED_AT: usize = 4 * 1024;
    let text = text
        .get(..text.floor_char_boundary(LOOKED_AT))
        .unwrap_or(text);
    let text = text.to_lowercase().replace(['-', ' '], "_");
    let mut all = NAMES.iter().filter(|(status, _)| counts(*status));
    let found = all.find(|(_, names)| names.iter().any(|name| text.contains(name)));
    found.map(|(status, _)| *status)
}

/// Whether its code says that all is well.
fn is_success(object: &Value) -> bool {
    if object.get("success") == Some(&Value::Bool(true)) {
        return true;
    }
    ["code", "status", "status_code", "error_code"]
        .iter()
        .any(|name| match object.get(name) {
            Some(Value::String(text)) => {
                let text = text.trim().to_ascii_lowercase();
                matches!(
                    text.as_str(),
                    "0" | "200" | "ok" | "success" | "succeeded" | "processing"
                )
            }
            Some(value) => matches!(number(value), Some(0 | 100..400)),
            None => false,
        })
}

fn is_failure(object: &Value) -> bool {
    object.is_object() && !is_success(object)
}

fn is_list_with_something(value: &Value) -> bool {
    value.as_array().is_some_and(|list| !list.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_by_itself_is_known_in_every_form() {
        for (object, status, message) in [
            (
                json!({"object": "error", "message": "CUDA out of memory", "code": 500}),
                Some(500),
                "CUDA out of memory",
            ),
            (
                json!({"code": 1302, "msg": "rate limit reached"}),
                Some(429),
                "rate limit reached",
            ),
            (
                json!({"code": 1002, "msg": "invalid token"}),
                None,
                "invalid token",
            ),
            (json!({"detail": "worker died"}), None, "worker died"),
            (
                json!({"detail": [{"loc": ["body"], "msg": "field required"}]}),
                None,
                "field required",
            ),
            (
                json!({"message": "slow down", "type": "rate_limit_error"}),
                Some(429),
                "slow down",
            ),
            (
                json!({"code": "Throttling.RateQuota", "message": "Requests throttled"}),
                Some(429),
                "Requests throttled",
            ),
            (
                json!({"error_code": 18.0, "error_msg": "qps limit"}),
                None,
                "qps limit",
            ),
            (
                json!({"base_resp": {"status_code": 1004, "status_msg": "login fail"}}),
                None,
                "login fail",
            ),
            (
                json!({"errors": [{"message": "no", "code": 503}], "success": false}),
                Some(503),
                "no",
            ),
        ] {
            let found = flat(&object).unwrap();
            assert_eq!(
                (found.status, found.message.as_str()),
                (status, message),
                "{object}"
            );
            assert!(found.is_flat);
        }
        for no_error in [
            json!({}),
            json!({"usage": {}}),
            json!({"type": "ping", "message": "still here"}),
            json!({"code": 0, "msg": "success"}),
            json!({"object": "chat.completion.chunk", "message": "x"}),
            json!({"choices": [1], "message": "x"}),
            json!({"message": {"role": "assistant", "content": "hello"}, "done": true}),
        ] {
            assert_eq!(flat(&no_error), None, "{no_error}");
        }
    }

    #[test]
    fn the_status_of_an_error_is_a_number_or_a_name() {
        let status = |error: Value| nested(&error, None).status;
        for (error, expected) in [
            (json!({"message": "m", "code": 503}), Some(503)),
            (json!({"message": "m", "code": "400"}), Some(400)),
            (json!({"message": "m", "status": 429.0}), Some(429)),
            (
                json!({"message": "m", "type": "overloaded_error"}),
                Some(503),
            ),
            (
                json!({"message": "m", "status": "RESOURCE_EXHAUSTED"}),
                Some(429),
            ),
            (
                json!({"message": "m", "code": "invalid_api_key"}),
                Some(401),
            ),
            (
                json!({"message": "m", "type": "invalid_request_error"}),
                Some(400),
            ),
            (json!({"message": "the engine is overloaded"}), Some(503)),
            (json!("no"), None),
            (json!({"message": "m", "code": 42}), None),
        ] {
            assert_eq!(status(error.clone()), expected, "{error}");
        }
        let around = json!({"error": "Unauthorized", "message": "no key", "statusCode": 401});
        let found = nested(&around["error"], Some(&around));
        assert_eq!(
            (found.status, found.message.as_str()),
            (Some(401), "Unauthorized: no key")
        );
    }
}
