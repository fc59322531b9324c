//! Answers that are put together from their pieces.

use serde_json::json;

use super::*;

fn streamed(events: &[Value]) -> Answer {
    let mut answer = Answer::new(1000);
    for event in events {
        answer.event(event.to_string().as_bytes()).unwrap();
    }
    answer
}

fn delta(text: &str) -> Value {
    json!({"model": "m-2", "choices": [{"delta": {"content": text}, "finish_reason": null}]})
}

fn end(reason: &str) -> Value {
    json!({"choices": [{"delta": {}, "finish_reason": reason}]})
}

#[test]
fn a_streamed_answer_is_put_together() {
    let mut answer = streamed(&[
        delta("hel"),
        delta("lo"),
        end("stop"),
        json!({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12,
            "prompt_tokens_details": {"cached_tokens": 4}}}),
    ]);
    assert!(answer.is_ended() && !answer.is_done());
    answer.event(b"[DONE]").unwrap();
    assert!(answer.is_done());
    assert_eq!((answer.text(), answer.wrong()), ("hello", None));
    let prices = Prices {
        input: 3.0,
        output: 15.0,
    };
    assert_eq!(
        answer.usage("m", Some(prices)),
        json!({"input_tokens": 10, "output_tokens": 2, "total_tokens": 12, "cached_input_tokens": 4,
            "cost": 0.00006, "model": "m-2"})
    );
}

#[test]
fn an_answer_as_a_whole_is_read() {
    let mut answer = Answer::new(1000);
    let body = json!({"choices": [{"message": {"content": [{"type": "text", "text": "hi"}]},
        "finish_reason": "stop"}]});
    answer.whole(body.to_string().as_bytes()).unwrap();
    assert_eq!((answer.text(), answer.wrong()), ("hi", None));
    assert_eq!(answer.usage("m", None), json!({"model": "m"}));
}

#[test]
fn an_answer_that_broke_off_is_incomplete() {
    let incomplete = Some(Wrong::Incomplete(None));
    assert_eq!(streamed(&[]).wrong(), incomplete);
    assert_eq!(streamed(&[delta("hel")]).wrong(), incomplete);
    assert_eq!(streamed(&[delta("hel"), end("stop")]).wrong(), None);
    let mut answer = Answer::new(1000);
    answer.whole(b"").unwrap();
    assert_eq!(answer.wrong(), incomplete);
    // A stream with nothing in it but its end.
    let mut answer = streamed(&[]);
    answer.event(b"[DONE]").unwrap();
    assert_eq!(answer.wrong(), incomplete);
    // Some begin with an event that tells of something else, and a proxy may cut in the midst of any.
    let about = json!({"choices": [], "prompt_filter_results": []});
    assert_eq!(streamed(&[about]).wrong(), incomplete);
    for beginning in ["{\"cho", "{\"choices\": [{\"delta\": {\"content\": \"a"] {
        let (mut event, mut whole) = (Answer::new(9), Answer::new(9));
        let broken = Err(Wrong::Incomplete(None));
        assert_eq!(event.event(beginning.as_bytes()), broken);
        assert_eq!(whole.whole(beginning.as_bytes()), broken);
        assert_eq!(whole.beginning(), (beginning.as_bytes(), false));
    }
    // Nobody says that it is whole.
    let mut answer = streamed(&[delta("hel")]);
    answer.event(b"[DONE]").unwrap();
    assert_eq!(answer.wrong(), incomplete);
}

#[test]
fn what_never_began_is_no_answer_and_its_beginning_is_kept() {
    let nothing = |is_elsewhere| Some(Wrong::NoAnswer { is_elsewhere });
    let mut answer = Answer::new(1000);
    answer.whole(b"{\"choices\": []}").unwrap();
    assert_eq!(answer.wrong(), nothing(false));
    let mut answer = streamed(&[json!({"choices": []})]);
    answer.event(b"[DONE]").unwrap();
    assert_eq!(answer.wrong(), nothing(false));
    let mut answer = streamed(&[json!({"models": []})]);
    assert_eq!(answer.wrong(), nothing(true));
    answer.stray(b"and more").unwrap();
    let kept = b"{\"models\":[]}\nand more";
    assert_eq!(answer.beginning(), (&kept[..], false));
    answer.stray(&[b'x'; 2000]).unwrap();
    let (kept, is_cut) = answer.beginning();
    assert!(is_cut && kept.len() == BEGINNING, "{}", kept.len());
    let mut answer = Answer::new(9);
    assert_eq!(
        answer.whole(b"<html>"),
        Err(Wrong::NoAnswer { is_elsewhere: true })
    );
}

#[test]
fn what_comes_after_the_end_does_not_undo_it() {
    let mut answer = streamed(&[delta("hello"), end("stop")]);
    answer
        .event(br#"{"error": {"message": "late", "code": 500}}"#)
        .unwrap();
    answer.event(b"<html>").unwrap();
    answer.error(b"late").unwrap();
    answer.event(end("").to_string().as_bytes()).unwrap();
    assert_eq!((answer.text(), answer.wrong()), ("hello", None));
    let mut cut = streamed(&[delta("hello"), end("length")]);
    cut.event(br#"{"error": "late"}"#).unwrap();
    assert_eq!(cut.wrong(), Some(Wrong::CutOff));
    // The worse of two ends counts, whichever comes first.
    for (one, other, wrong) in [
        ("length", "stop", Wrong::CutOff),
        ("stop", "length", Wrong::CutOff),
        ("tool_calls", "stop", Wrong::Tools),
        ("content_filter", "end_turn", Wrong::Refused(String::new())),
    ] {
        let answer = streamed(&[delta("hello"), end(one), end(other)]);
        assert_eq!(answer.wrong(), Some(wrong), "{one}, {other}");
    }
}

#[test]
fn an_error_in_the_midst_is_reported_with_its_status() {
    let event = |event: Value| match Answer::new(9).event(event.to_string().as_bytes()) {
        Err(Wrong::Error(error)) => (error.status, error.message),
        other => panic!("{other:?}"),
    };
    for (error, status, message) in [
        (
            json!({"error": {"message": "overloaded", "code": 503}}),
            Some(503),
            "overloaded",
        ),
        (
            json!({"error": {"message": "bad", "code": "400"}}),
            Some(400),
            "bad",
        ),
        (json!({"error": "no"}), None, "no"),
        (
            json!({"choices": [{"error": {"message": "in it", "code": 502}, "finish_reason": "error"}]}),
            Some(502),
            "in it",
        ),
    ] {
        assert_eq!(event(error), (status, message.to_owned()));
    }
    assert_eq!(
        Answer::new(9).event(delta("ten bytes!").to_string().as_bytes()),
        Err(Wrong::TooLong(9))
    );
    let mut answer = Answer::new(9);
    answer.event(delta("1234").to_string().as_bytes()).unwrap();
    let more = answer.event(delta("5678ü").to_string().as_bytes());
    assert_eq!((more, answer.text()), (Err(Wrong::TooLong(9)), "12345678"));
    assert_eq!(
        streamed(&[delta("hel")]).event(b"<html>"),
        Err(Wrong::Unreadable("<html>".into()))
    );
}

#[test]
fn usage_is_read_in_every_form_and_the_last_sum_counts() {
    let usage = |events: &[Value]| streamed(events).usage("m", None);
    let float = json!({"usage": {"prompt_tokens": 12.0, "completion_tokens": 3.0}});
    let groq = json!({"x_groq": {"usage": {"prompt_tokens": 12, "completion_tokens": 3}}});
    let other = json!({"usage": {"input_tokens": 12, "output_tokens": 3, "total_tokens": null}});
    for event in [float, groq, other] {
        let expected =
            json!({"input_tokens": 12, "output_tokens": 3, "total_tokens": 15, "model": "m"});
        assert_eq!(usage(&[event]), expected);
    }
    let sum = |tokens: u64| json!({"choices": [], "usage": {"completion_tokens": tokens}});
    assert_eq!(usage(&[sum(1), sum(2), sum(3)])["output_tokens"], 3);
}
