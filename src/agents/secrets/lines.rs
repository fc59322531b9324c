//! What is secret in a text of several lines, such as a private key, however its lines are laid out.

/// Lines shorter than this, in bytes, are not looked for by themselves: honest data has them, too.
const SHORTEST: usize = 16;

/// The value with other ends of its lines, or none, and each of its lines by itself, so that it does not matter how they
/// are indented; nothing for a value of one line.
pub(super) fn of(value: &[u8]) -> Vec<Vec<u8>> {
    let lines: Vec<&[u8]> = value
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty())
        .collect();
    if lines.len() < 2 {
        return Vec::new();
    }
    let is_secret = |line: &&[u8]| line.len() >= SHORTEST && !line.starts_with(b"-----");
    let by_itself = lines.iter().copied().filter(is_secret);
    let mut all: Vec<Vec<u8>> = by_itself.map(<[u8]>::to_vec).collect();
    all.extend([&b"\n"[..], b"\r\n", b""].map(|end| lines.join(end)));
    all
}
