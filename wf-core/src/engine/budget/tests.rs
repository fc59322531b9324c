use serde_json::json;

use super::*;

/// What keeps another attempt of an agent from starting, in words.
fn shortage(purse: &Purse, agent: &str) -> Option<String> {
    let shortage = purse.shortage(u32::MAX, agent, 1);
    shortage.map(|shortage| shortage.reason)
}

fn purse(budget: Budget) -> Purse {
    Purse::new(budget, std::iter::empty()).unwrap()
}

fn tokens(limit: u64) -> Budget {
    Budget {
        tokens: Some(limit),
        ..Budget::default()
    }
}

#[test]
fn an_agent_of_which_nothing_is_known_runs_alone_first() {
    let mut purse = purse(tokens(400));
    assert!(shortage(&purse, "a").is_none());
    purse.reserve(0, "a");
    assert!(shortage(&purse, "a").is_some());
    purse.settle(0, "a", Some(&json!({"total_tokens": 100})), true);
    for step in 1..4 {
        assert!(shortage(&purse, "a").is_none());
        purse.reserve(step, "a");
    }
    assert_eq!(
        shortage(&purse, "a").unwrap(),
        "100 of its 400 tokens are used, and the next attempt may take 100"
    );
}

#[test]
fn an_attempt_is_told_what_it_may_use() {
    let mut known = purse(tokens(400));
    assert_eq!(known.reserve(0, "a").tokens, Some(400));
    known.settle(0, "a", Some(&json!({"total_tokens": 100})), true);
    assert_eq!(known.reserve(1, "a").tokens, Some(300));
    assert_eq!(known.reserve(2, "a").tokens, Some(200));
    let mut said = purse(Budget {
        per_attempt: PerAttempt {
            tokens: Some(50),
            cost: None,
        },
        ..tokens(400)
    });
    let expected = Allowance {
        tokens: Some(50),
        cost: None,
    };
    assert_eq!(said.reserve(0, "a"), expected);
}

#[test]
fn what_is_set_aside_and_not_used_is_given_back() {
    let mut purse = purse(Budget {
        per_attempt: PerAttempt {
            tokens: Some(100),
            cost: None,
        },
        ..tokens(200)
    });
    purse.reserve(0, "a");
    purse.reserve(1, "b");
    assert!(shortage(&purse, "a").is_some());
    purse.settle(0, "a", Some(&json!({"total_tokens": 10})), true);
    assert!(shortage(&purse, "a").is_some());
    purse.settle(1, "b", None, false);
    assert!(shortage(&purse, "a").is_none());
}

#[test]
fn an_agent_that_reports_nothing_is_taken_to_use_nothing() {
    let mut purse = purse(tokens(1));
    purse.reserve(0, "program");
    purse.settle(0, "program", None, true);
    purse.reserve(1, "program");
    assert!(shortage(&purse, "program").is_none());
    // Another agent may still take all there is, and then nobody else may begin.
    purse.reserve(2, "model");
    assert!(shortage(&purse, "other").is_some());
}

#[test]
fn money_is_counted_to_the_last_cent() {
    let mut purse = purse(Budget {
        cost: Some(0.3),
        per_attempt: PerAttempt {
            tokens: None,
            cost: Some(0.1),
        },
        ..Budget::default()
    });
    for step in 0..3 {
        assert!(shortage(&purse, "a").is_none(), "{step}");
        purse.reserve(step, "a");
        purse.settle(step, "a", Some(&json!({"cost": 0.1})), true);
    }
    assert!(
        shortage(&purse, "a")
            .unwrap()
            .contains("of its cost of 0.3 is spent")
    );
}

#[test]
fn what_is_set_aside_adds_up_to_nothing_when_nothing_is_under_way() {
    let reserved = |cost| Budget {
        cost: Some(1e6),
        per_attempt: PerAttempt {
            tokens: Some(3),
            cost: Some(cost),
        },
        ..tokens(1_000_000)
    };
    let mut purse = purse(reserved(0.1));
    for round in 0..100 {
        for step in 0..30 {
            purse.budget = reserved(0.1 * f64::from(step + 1));
            purse.reserve(step, "a");
        }
        assert_eq!(purse.reserved.tokens, 90);
        assert!((purse.reserved.cost - 46.5).abs() < 1e-9, "{round}");
        // Not in the order in which they began.
        for step in (0..30).rev() {
            purse.release(step);
            let cost: f64 = purse.underway.values().map(|usage| usage.cost).sum();
            assert!((purse.reserved.cost - cost).abs() < 1e-9, "{round}");
            let tokens: u64 = purse.underway.values().map(|usage| usage.tokens).sum();
            assert_eq!(purse.reserved.tokens, tokens);
        }
        assert_eq!(purse.reserved, Usage::default());
        assert_eq!(purse.attempts, 0);
    }
}

#[test]
fn what_is_given_back_twice_counts_once() {
    let mut purse = purse(Budget {
        per_attempt: PerAttempt {
            tokens: Some(100),
            cost: None,
        },
        ..tokens(400)
    });
    purse.reserve(0, "a");
    purse.reserve(1, "a");
    purse.release(0);
    purse.release(0);
    purse.settle(0, "a", None, false);
    assert_eq!((purse.reserved.tokens, purse.attempts), (100, 1));
}

#[test]
fn attempts_are_counted_when_they_start() {
    let mut purse = purse(Budget {
        attempts: Some(2),
        ..Budget::default()
    });
    purse.reserve(0, "a");
    purse.reserve(1, "a");
    assert_eq!(
        shortage(&purse, "a").unwrap(),
        "all of its 2 attempts are made"
    );
}
