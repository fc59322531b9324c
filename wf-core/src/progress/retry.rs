//! When a failed step is tried again: pure, no clock, no chance.

use std::time::Duration;

use wf_model::RetryPolicy;

use crate::hash;

/// How long to wait before the next attempt, after `failures` failed ones (at least 1).
///
/// Exponential: `initialDelay × backoffMultiplier^(failures − 1)`, at most `maxDelay`. With jitter, a
/// value drawn evenly from the upper half of that ("equal jitter", M. Brooker, "Exponential Backoff And
/// Jitter", AWS Architecture Blog, 2015), so that steps that failed together do not come back together.
/// The draw is a function of `seed`: the same seed waits equally long.
pub(crate) fn delay(policy: &RetryPolicy, failures: u32, seed: u64) -> Duration {
    if policy.initial_delay.is_zero() {
        return Duration::ZERO;
    }
    let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
    let grown = policy.initial_delay.as_secs_f64() * policy.backoff_multiplier.powi(exponent);
    let full = Duration::try_from_secs_f64(grown)
        .unwrap_or(Duration::MAX)
        .min(policy.max_delay);
    if !policy.jitter {
        return full;
    }
    let half = full / 2;
    half + half.mul_f64(unit(seed))
}

/// The seed of one attempt at one step of one execution.
pub(crate) fn seed(step: &str, attempt: u32) -> u64 {
    let bytes = step.bytes().chain(attempt.to_le_bytes());
    let hash = bytes.fold(hash::EMPTY, hash::add);
    // The finaliser of SplitMix64 (Steele, Lea, Flood 2014) spreads what differs in the last bytes only.
    let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A number in 0 ..= 1 from the upper 53 bits of `seed`.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
fn unit(seed: u64) -> f64 {
    (seed >> 11) as f64 / ((1_u64 << 53) - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(jitter: bool) -> RetryPolicy {
        RetryPolicy {
            jitter,
            ..RetryPolicy::default()
        }
    }

    #[test]
    fn the_delay_doubles_up_to_its_limit() {
        let delays: Vec<u64> = (1..=8)
            .map(|failures| delay(&policy(false), failures, 0).as_secs())
            .collect();
        assert_eq!(delays, [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn a_delay_that_overflows_is_the_limit() {
        assert_eq!(delay(&policy(false), u32::MAX, 0), Duration::from_secs(60));
    }

    #[test]
    fn no_first_delay_is_no_delay_ever() {
        let policy = RetryPolicy {
            initial_delay: Duration::ZERO,
            ..policy(true)
        };
        assert_eq!(delay(&policy, 5000, 7), Duration::ZERO);
    }

    #[test]
    fn jitter_stays_in_the_upper_half() {
        for attempt in 1..1000 {
            let wait = delay(&policy(true), 3, seed("execution/step", attempt));
            assert!(
                wait >= Duration::from_secs(2) && wait <= Duration::from_secs(4),
                "{wait:?}"
            );
        }
    }

    #[test]
    fn jitter_spreads() {
        let mut waits: Vec<Duration> = (0..100)
            .map(|step| delay(&policy(true), 1, seed(&format!("e/step-{step}"), 1)))
            .collect();
        waits.sort();
        waits.dedup();
        assert_eq!(waits.len(), 100);
        assert!(waits[10] < Duration::from_millis(650) && waits[90] > Duration::from_millis(850));
    }
}
