use serde_json::json;

use super::*;

/// What keeps another attempt of an agent from starting, in words.
fn shortage(ledger: &BudgetLedger, agent: &str) -> Option<String> {
    let shortage = ledger.shortage(u32::MAX, agent, 1);
    shortage.map(|shortage| shortage.reason)
}

fn ledger(budget: Budget) -> BudgetLedger {
    BudgetLedger::new(budget, std::iter::empty()).unwrap()
}

fn tokens(limit: u64) -> Budget {
    Budget {
        tokens: Some(limit),
        ..Budget::default()
    }
}

#[test]
fn an_agent_of_which_nothing_is_known_runs_alone_first() {
    let mut ledger = ledger(tokens(400));
    assert!(shortage(&ledger, "a").is_none());
    ledger.reserve(0, "a");
    assert!(shortage(&ledger, "a").is_some());
    ledger.settle(0, "a", Some(&json!({"total_tokens": 100})), true);
    for step in 1..4 {
        assert!(shortage(&ledger, "a").is_none());
        ledger.reserve(step, "a");
    }
    assert_eq!(
        shortage(&ledger, "a").unwrap(),
        "100 of its 400 tokens are used, and the next attempt may take 100"
    );
}

#[test]
fn an_attempt_is_told_what_it_may_use() {
    let mut known = ledger(tokens(400));
    assert_eq!(known.reserve(0, "a").tokens, Some(400));
    known.settle(0, "a", Some(&json!({"total_tokens": 100})), true);
    assert_eq!(known.reserve(1, "a").tokens, Some(300));
    assert_eq!(known.reserve(2, "a").tokens, Some(200));
    let mut said = ledger(Budget {
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
    let mut ledger = ledger(Budget {
        per_attempt: PerAttempt {
            tokens: Some(100),
            cost: None,
        },
        ..tokens(200)
    });
    ledger.reserve(0, "a");
    ledger.reserve(1, "b");
    assert!(shortage(&ledger, "a").is_some());
    ledger.settle(0, "a", Some(&json!({"total_tokens": 10})), true);
    assert!(shortage(&ledger, "a").is_some());
    ledger.settle(1, "b", None, false);
    assert!(shortage(&ledger, "a").is_none());
}

#[test]
fn an_agent_that_reports_nothing_is_taken_to_use_nothing() {
    let mut ledger = ledger(tokens(1));
    ledger.reserve(0, "program");
    ledger.settle(0, "program", None, true);
    ledger.reserve(1, "program");
    assert!(shortage(&ledger, "program").is_none());
    // Another agent may still take all there is, and then nobody else may begin.
    ledger.reserve(2, "model");
    assert!(shortage(&ledger, "other").is_some());
}

#[test]
fn money_is_counted_to_the_last_cent() {
    let mut ledger = ledger(Budget {
        cost: Some(0.3),
        per_attempt: PerAttempt {
            tokens: None,
            cost: Some(0.1),
        },
        ..Budget::default()
    });
    for step in 0..3 {
        assert!(shortage(&ledger, "a").is_none(), "{step}");
        ledger.reserve(step, "a");
        ledger.settle(step, "a", Some(&json!({"cost": 0.1})), true);
    }
    assert!(
        shortage(&ledger, "a")
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
    let mut ledger = ledger(reserved(0.1));
    for round in 0..100 {
        for step in 0..30 {
            ledger.budget = reserved(0.1 * f64::from(step + 1));
            ledger.reserve(step, "a");
        }
        assert_eq!(ledger.reserved.tokens, 90);
        assert!((ledger.reserved.cost - 46.5).abs() < 1e-9, "{round}");
        // Not in the order in which they began.
        for step in (0..30).rev() {
            ledger.release(step);
            let cost: f64 = ledger.underway.values().map(|usage| usage.cost).sum();
            assert!((ledger.reserved.cost - cost).abs() < 1e-9, "{round}");
            let tokens: u64 = ledger.underway.values().map(|usage| usage.tokens).sum();
            assert_eq!(ledger.reserved.tokens, tokens);
        }
        assert_eq!(ledger.reserved, Usage::default());
        assert_eq!(ledger.attempts, 0);
    }
}

#[test]
fn what_is_given_back_twice_counts_once() {
    let mut ledger = ledger(Budget {
        per_attempt: PerAttempt {
            tokens: Some(100),
            cost: None,
        },
        ..tokens(400)
    });
    ledger.reserve(0, "a");
    ledger.reserve(1, "a");
    ledger.release(0);
    ledger.release(0);
    ledger.settle(0, "a", None, false);
    assert_eq!((ledger.reserved.tokens, ledger.attempts), (100, 1));
}

#[test]
fn attempts_are_counted_when_they_start() {
    let mut ledger = ledger(Budget {
        attempts: Some(2),
        ..Budget::default()
    });
    ledger.reserve(0, "a");
    ledger.reserve(1, "a");
    assert_eq!(
        shortage(&ledger, "a").unwrap(),
        "all of its 2 attempts are made"
    );
}
