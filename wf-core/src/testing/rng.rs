//! A seeded random number generator.

/// Draws numbers from a seed: SplitMix64 (Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
#[derive(Debug, Clone)]
pub(super) struct Rng(u64);

impl Rng {
    /// The numbers of one seed and one purpose: two purposes draw independently of one another.
    pub(super) fn new(seed: u64, purpose: &str) -> Self {
        let mut rng = Rng(seed);
        for byte in purpose.bytes() {
            rng.0 = rng.number() ^ u64::from(byte);
        }
        rng
    }

    /// A number below `end`; 0 when `end` is.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        // The bias of the remainder is far below what a test could see.
        self.number().checked_rem(end).unwrap_or(0)
    }

    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_each_time_and_another_purpose_differently() {
        let numbers = |seed, purpose| -> Vec<u64> {
            let mut rng = Rng::new(seed, purpose);
            (0..20).map(|_| rng.below(1000)).collect()
        };
        assert_eq!(numbers(7, "a"), numbers(7, "a"));
        assert_ne!(numbers(7, "a"), numbers(7, "b"));
        assert_ne!(numbers(7, "a"), numbers(8, "a"));
        assert!(numbers(7, "a").iter().all(|&number| number < 1000));
    }
}
