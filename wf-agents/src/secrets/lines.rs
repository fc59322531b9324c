//! What is secret in a text of several lines, such as a private key, however its lines are laid out.

/// Lines shorter than this, in bytes, are not looked for by themselves: honest data has them, too.
const SHORTEST: usize = 16;

/// The last line of a key is as long as it comes; shorter than this, in bytes, it tells little.
const SHORTEST_LAST: usize = 8;

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
    let within: Vec<&[u8]> = lines
        .iter()
        .copied()
        .filter(|line| !line.starts_with(b"-----"))
        .collect();
    let by_itself = within.iter().filter(|line| line.len() >= SHORTEST);
    let mut all: Vec<Vec<u8>> = by_itself.map(|line| line.to_vec()).collect();
    if let [.., before, last] = within.as_slice() {
        let is_one_word = !last.iter().any(u8::is_ascii_whitespace);
        if before.len() >= SHORTEST && last.len() >= SHORTEST_LAST && is_one_word {
            all.push(last.to_vec());
        }
    }
    all.extend([&b"\n"[..], b"\r\n", b""].map(|end| lines.join(end)));
    all
}
