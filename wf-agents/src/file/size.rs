//! How much of something, in bytes.

/// Reads a whole number and one unit: `500kB`, `10MB`, `1GiB`, or bytes without one.
pub(super) fn parse(text: &str) -> Option<u64> {
    let at = text.find(|letter: char| !letter.is_ascii_digit());
    let (number, unit) = text.split_at(at.unwrap_or(text.len()));
    let unit = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" | "k" => 1000,
        "mb" | "m" => 1_000_000,
        "gb" | "g" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_every_unit() {
        for (text, bytes) in [
            ("0", 0),
            ("1500", 1500),
            ("500kB", 500_000),
            ("10MB", 10_000_000),
            ("10 MiB", 10 << 20),
            ("1GiB", 1 << 30),
        ] {
            assert_eq!(parse(text), Some(bytes), "{text}");
        }
        for text in ["", "MB", "1.5MB", "-1", "10 XB", "1 0", "99999999999GB"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
