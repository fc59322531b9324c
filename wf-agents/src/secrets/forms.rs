//! What becomes of a secret on its way through other programs.

/// Values shorter than this, in bytes, are not looked for in base64: too little of them would be left.
const SHORTEST: usize = 8;

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// After so many letters, those who write base64 begin a new line: RFC 7468, and RFC 2045.
const WRAPPED: [usize; 2] = [64, 76];

/// What percent-encoding leaves as it is, beside letters and digits, and what becomes of a space: RFC 3986, the same for
/// a path, a whole URI and its parts (`encodeURI`, `encodeURIComponent`), and forms in two ways.
const SAFE: [(&[u8], &[u8]); 6] = [
    (b"-._~", b"%20"),
    (b"-._~/", b"%20"),
    (b"-._~/;,?:@&=+$!*'()#", b"%20"),
    (b"-._~!*'()", b"%20"),
    (b"-._~", b"+"),
    (b"-._*", b"+"),
];

/// After so many digits, those who write hexadecimal begin a new line: `xxd -p`.
const WRAPPED_HEX: usize = 60;

const DIGITS: [&[u8; 16]; 2] = [b"0123456789ABCDEF", b"0123456789abcdef"];

/// The value escaped as in a JSON string, percent-encoded, in base64 and in hexadecimal, as far as these differ from it;
/// one that is not ASCII also as programs pass it on that take it for Latin-1, or make that of it.
pub(super) fn of(value: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = Vec::new();
    for spelling in std::iter::once(value.to_vec()).chain(in_latin_1(value)) {
        written(&spelling, &mut forms);
        forms.push(spelling);
    }
    forms.retain(|form| !form.is_empty() && form != value);
    forms
}

/// A text that is not ASCII in Latin-1, where it can be, and what its UTF-8 looks like when it is taken for Latin-1.
fn in_latin_1(value: &[u8]) -> Vec<Vec<u8>> {
    let Some(text) = std::str::from_utf8(value)
        .ok()
        .filter(|text| !text.is_ascii())
    else {
        return Vec::new();
    };
    let letters = text.chars().map(|letter| u8::try_from(letter).ok());
    let narrow: Option<Vec<u8>> = letters.collect();
    let mistaken: String = value.iter().copied().map(char::from).collect();
    narrow.into_iter().chain([mistaken.into_bytes()]).collect()
}

fn written(value: &[u8], forms: &mut Vec<Vec<u8>>) {
    if let Ok(text) = std::str::from_utf8(value) {
        let once = in_json(text);
        forms.extend(in_json_again(&once));
        forms.extend(once);
    }
    for (safe, space) in SAFE {
        for digits in DIGITS {
            forms.push(percent(value, digits, safe, space));
        }
    }
    if value.len() < SHORTEST {
        return;
    }
    for digits in DIGITS {
        let whole = hexadecimal(value, digits);
        add_lines(&whole, WRAPPED_HEX, WRAPPED_HEX, forms);
        forms.push(whole);
    }
    for alphabet in [STANDARD, URL_SAFE] {
        for before in 0..3 {
            let whole = base64(value, before, alphabet);
            for width in WRAPPED {
                // The first line holds letters of what came before.
                add_lines(&whole, width - foreign(before), width, forms);
            }
            forms.push(whole);
        }
    }
}

/// The lines of a text that is wrapped after so many letters, the first one after `first`.
fn add_lines(whole: &[u8], first: usize, width: usize, forms: &mut Vec<Vec<u8>>) {
    let (first, rest) = whole.split_at(whole.len().min(first));
    let lines = std::iter::once(first).chain(rest.chunks(width));
    let lines = lines.filter(|line| line.len() >= SHORTEST);
    forms.extend(lines.map(<[u8]>::to_vec));
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

/// JSON with what is escaped already in a string: as most writers do, and as those that write for web pages.
fn in_json_again(forms: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut again = Vec::new();
    let forms = forms
        .iter()
        .filter_map(|form| std::str::from_utf8(form).ok());
    for text in forms {
        for numbered in NUMBERED.into_iter().step_by(2).take(2) {
            for has_slashes in [false, true] {
                for is_upper in [false, true] {
                    again.push(escaped(text, numbered, has_slashes, is_upper).into_bytes());
                }
            }
        }
    }
    again
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
        } else if letter >= ' ' && !matches!(letter, '"' | '\\') {
            out.push(letter);
        } else {
            let quoted = serde_json::Value::from(letter.to_string()).to_string();
            out.push_str(quoted.get(1..quoted.len() - 1).unwrap_or_default());
        }
    }
    out
}

/// Every byte but letters, digits and those that are safe as `%` and two hexadecimal digits (RFC 3986).
fn percent(value: &[u8], digits: &[u8; 16], safe: &[u8], space: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    for byte in value {
        if byte.is_ascii_alphanumeric() || safe.contains(byte) {
            out.push(*byte);
        } else if *byte == b' ' {
            out.extend(space);
        } else {
            out.push(b'%');
            out.extend(digits.get(usize::from(byte >> 4)));
            out.extend(digits.get(usize::from(byte & 15)));
        }
    }
    out
}

/// Every byte as two hexadecimal digits.
fn hexadecimal(value: &[u8], digits: &[u8; 16]) -> Vec<u8> {
    let of_byte = |byte: &u8| [usize::from(byte >> 4), usize::from(byte & 15)];
    let digit = |at: usize| digits.get(at).copied();
    value.iter().flat_map(of_byte).filter_map(digit).collect()
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
    // Bits of a last, incomplete letter are not written.
    out.drain(..foreign(before).min(out.len()));
    out
}

/// How many letters at the beginning hold bits of the bytes that came before.
fn foreign(before: usize) -> usize {
    [0, 2, 3].get(before).copied().unwrap_or_default()
}
