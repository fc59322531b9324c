//! What becomes of a secret on its way through other programs.

/// Values shorter than this, in bytes, are not looked for in base64: too little of them would be left.
const SHORTEST: usize = 8;

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The value escaped as in a JSON string, percent-encoded, and in base64, as far as these differ from it.
pub(super) fn of(value: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    if let Ok(text) = std::str::from_utf8(value) {
        forms.extend(in_json(text));
    }
    forms.push(percent(value, b"0123456789ABCDEF"));
    forms.push(percent(value, b"0123456789abcdef"));
    if value.len() >= SHORTEST {
        for alphabet in [STANDARD, URL_SAFE] {
            forms.extend((0..3).map(|before| base64(value, before, alphabet)));
        }
    }
    forms.retain(|form| !form.is_empty() && form != value);
    forms
}

/// Which letters a writer of JSON gives by their number, beside those that have no other way.
const NUMBERED: [fn(char) -> bool; 6] = [
    |_| false,
    |letter| !letter.is_ascii(),
    |letter| "<>&'\"`+".contains(letter) || !letter.is_ascii(),
    |letter| "<>&'\"`+=".contains(letter) || !letter.is_ascii(),
    |letter| !letter.is_ascii_alphanumeric(),
    |_| true,
];

/// The text as writers of JSON escape it: with `/` as it is or behind a backslash, and with none, some or all
/// letters by their number.
fn in_json(text: &str) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    for numbered in NUMBERED {
        for has_slashes in [false, true] {
            for is_upper in [false, true] {
                forms.push(escaped(text, numbered, has_slashes, is_upper).into_bytes());
            }
        }
    }
    forms.sort();
    forms.dedup();
    forms
}

fn escaped(text: &str, numbered: fn(char) -> bool, has_slashes: bool, is_upper: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if numbered(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                out.push_str(&match is_upper {
                    true => format!("\\u{unit:04X}"),
                    false => format!("\\u{unit:04x}"),
                });
            }
        } else if letter == '/' && has_slashes {
            out.push_str("\\/");
        } else {
            let quoted = serde_json::Value::from(letter.to_string()).to_string();
            out.push_str(quoted.get(1..quoted.len() - 1).unwrap_or_default());
        }
    }
    out
}

/// Every byte but letters, digits and `-._~` as `%` and two hexadecimal digits (RFC 3986).
fn percent(value: &[u8], digits: &[u8; 16]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for byte in value {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            out.push(*byte);
        } else {
            out.push(b'%');
            out.extend(digits.get(usize::from(byte >> 4)));
            out.extend(digits.get(usize::from(byte & 15)));
        }
    }
    out
}

/// The letters of base64 that the value alone decides, when that many bytes of something else come before it
/// in its group of three.
fn base64(value: &[u8], before: usize, alphabet: &[u8; 64]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len() * 4 / 3 + 4);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in std::iter::repeat_n(&0, before).chain(value) {
        bits = (bits << 8) | u32::from(*byte);
        held += 8;
        while held >= 6 {
            held -= 6;
            let letter = usize::try_from((bits >> held) & 63).unwrap_or_default();
            out.extend(alphabet.get(letter));
        }
        bits &= (1 << held) - 1;
    }
    // The first letters hold bits of what came before; bits of a last, incomplete letter are not written.
    let foreign = [0, 2, 3].get(before).copied().unwrap_or_default();
    out.drain(..foreign.min(out.len()));
    out
}
