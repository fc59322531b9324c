//! Estimates how wide text is, without a font to ask.

/// The size and the weight of a line of text.
#[derive(Clone, Copy)]
pub(super) struct Style {
    /// The font's size, in pixels.
    pub(super) size: f64,
    /// Tells that the font is bold.
    pub(super) bold: bool,
}

impl Style {
    /// Returns an upper estimate of the width of the text, in pixels.
    ///
    /// The classes are those of the widest sans-serif font in common use, DejaVu Sans, so that
    /// the text fits whichever font the viewer takes.
    pub(super) fn width(self, text: &str) -> f64 {
        text.chars().map(|character| self.advance(character)).sum()
    }

    /// Returns the text, or as much of its beginning as fits into `width` pixels with an ellipsis.
    pub(super) fn fit(self, text: &str, width: f64) -> String {
        if self.width(text) <= width {
            return text.to_owned();
        }
        let room = width - self.advance('…');
        let mut used = 0.0;
        let mut fitted: String = text
            .chars()
            .take_while(|&character| {
                used += self.advance(character);
                used <= room
            })
            .collect();
        fitted.truncate(fitted.trim_end().len());
        fitted.push('…');
        fitted
    }

    fn advance(self, character: char) -> f64 {
        let weight = if self.bold { 1.0 } else { 0.92 };
        em(character) * weight * self.size
    }
}

/// Returns the width of a character of a bold font, as a part of the font's size.
fn em(character: char) -> f64 {
    match character {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | ' ' | '·' => 0.4,
        'f' | 'r' | 't' | '-' | '(' | ')' | '[' | ']' | '/' | '\\' | '!' | '"' | '*' | '`'
        | '_' => 0.53,
        'm' | 'M' | 'w' | 'W' | '%' | '@' | '…' | '—' => 1.12,
        'A'..='Z' | '&' | '#' | '+' | '=' | '<' | '>' | '~' | '^' => 0.86,
        '\u{20}'..='\u{7e}' => 0.73,
        // Marks that combine with the character before them, and joiners.
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' => 0.0,
        '\u{80}'..='\u{10ff}' => 0.9,
        // Hangul, kana, ideographs, full-width forms and emoji.
        '\u{1f000}'..='\u{1faff}' => 1.4,
        _ => 1.15,
    }
}

#[cfg(test)]
mod tests {
    use super::Style;

    const STYLE: Style = Style {
        size: 10.0,
        bold: true,
    };

    #[test]
    fn what_fits_is_left_alone_and_what_does_not_is_cut() {
        assert_eq!(STYLE.fit("parse", 100.0), "parse");
        let cut = STYLE.fit("parse the changes of the last week", 100.0);
        assert!(cut.starts_with("parse the"), "{cut}");
        assert!(cut.ends_with('…') && !cut.ends_with(" …"), "{cut}");
        assert!(STYLE.width(&cut) <= 100.0);
        assert_eq!(STYLE.fit("abc", 0.0), "…");
    }

    #[test]
    fn wide_scripts_count_as_wide() {
        assert!(STYLE.width("注文") > 1.5 * STYLE.width("ab"));
        assert!(STYLE.width("e\u{301}") <= STYLE.width("e"));
        assert!(STYLE.width("👩") >= 13.0);
    }
}
