//! A hash that is the same in every process and on every machine.

/// FNV-1a, 64 bits (Fowler, Noll, Vo), of nothing.
pub(crate) const EMPTY: u64 = 0xcbf2_9ce4_8422_2325;

/// The hash of what `hash` is the hash of, followed by `byte`.
pub(crate) const fn add(hash: u64, byte: u8) -> u64 {
    (hash ^ byte as u64).wrapping_mul(0x0100_0000_01b3)
}
