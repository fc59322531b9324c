//! The name that was probably meant.

/// Names longer than this, in characters, are not compared: nobody mistypes them.
const LONGEST: usize = 64;

/// Returns the name that was probably meant, or nothing where none comes near.
///
/// Letter case, `-` and `_` do not count; beyond that a third of the letters may differ (a swap of two
/// neighbours is one difference), or the names begin alike for two thirds of what was written.
///
/// ```
/// use wf_model::nearest;
///
/// assert_eq!(nearest("parse-chnages", ["audit", "parse-changes"]), Some("parse-changes"));
/// assert_eq!(nearest("dependson", ["prompt", "dependencies"]), Some("dependencies"));
/// assert_eq!(nearest("lint", ["audit", "parse-changes"]), None);
/// ```
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = letters(wanted)?;
    let mut best: Option<(usize, &str)> = None;
    let mut scratch = Scratch::default();
    for name in names {
        let Some(candidate) = letters(name) else {
            continue;
        };
        let rank = scratch.rank(&wanted, &candidate);
        if let Some(rank) = rank.filter(|rank| best.is_none_or(|(least, _)| *rank < least)) {
            best = Some((rank, name));
        }
    }
    best.map(|(_, name)| name)
}

/// Tells whether two names of some length are one slip of the finger apart.
pub(crate) fn is_slip(a: &str, b: &str) -> bool {
    const SHORTEST: usize = 5;
    if a.len().abs_diff(b.len()) > 3 || a.len().min(b.len()) < SHORTEST {
        return false;
    }
    let (Some(a), Some(b)) = (letters(a), letters(b)) else {
        return false;
    };
    a.len().abs_diff(b.len()) <= 1 && Scratch::default().distance(&a, &b) <= 1
}

/// Suggests names in a bounded amount of work, however many are wrong and however many there are.
#[derive(Debug)]
pub(crate) struct Suggestions {
    comparisons_left: usize,
}

impl Default for Suggestions {
    fn default() -> Self {
        Suggestions {
            comparisons_left: 2_000_000,
        }
    }
}

impl Suggestions {
    pub(crate) fn nearest<'a>(
        &mut self,
        wanted: &str,
        names: impl ExactSizeIterator<Item = &'a str>,
    ) -> Option<&'a str> {
        self.comparisons_left = self.comparisons_left.checked_sub(names.len())?;
        nearest(wanted, names)
    }
}

/// Returns the letters that count, unless there are too many.
fn letters(name: &str) -> Option<Vec<char>> {
    if name.len() > 4 * LONGEST {
        return None;
    }
    let letters: Vec<char> = name
        .chars()
        .filter(|letter| !matches!(letter, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect();
    (letters.len() <= LONGEST).then_some(letters)
}

/// Rows of the distance table, kept from one comparison to the next.
#[derive(Default)]
struct Scratch {
    before: Vec<usize>,
    last: Vec<usize>,
    this: Vec<usize>,
}

impl Scratch {
    /// Returns how far apart two names are (less is nearer), or nothing if too far.
    fn rank(&mut self, wanted: &[char], candidate: &[char]) -> Option<usize> {
        let longer = wanted.len().max(candidate.len());
        let limit = if wanted.len() < 2 {
            0
        } else {
            (longer / 3).max(1)
        };
        if wanted.len().abs_diff(candidate.len()) <= limit {
            let distance = self.distance(wanted, candidate);
            if distance <= limit {
                return Some(distance);
            }
        }
        let alike = wanted
            .iter()
            .zip(candidate)
            .take_while(|(a, b)| a == b)
            .count();
        (alike >= 3 && alike * 3 >= wanted.len() * 2).then(|| LONGEST * 2 - alike)
    }

    /// Counts the letters to insert, delete, replace or swap with their neighbour (optimal string alignment).
    fn distance(&mut self, a: &[char], b: &[char]) -> usize {
        self.last.clear();
        self.last.extend(0..=b.len());
        self.before.clone_from(&self.last);
        let mut letter_before = None;
        for (row, letter) in a.iter().enumerate() {
            self.this.clear();
            self.this.push(row + 1);
            let mut other_before = None;
            let mut left = row + 1;
            let mut twice_before = None;
            let columns = self
                .last
                .iter()
                .zip(self.last.iter().skip(1))
                .zip(&self.before)
                .zip(b);
            for (((diagonal, above), before), other) in columns {
                let mut least = (left + 1)
                    .min(above + 1)
                    .min(diagonal + usize::from(letter != other));
                if let (Some(corner), true) = (
                    twice_before,
                    other_before == Some(letter) && letter_before == Some(other),
                ) {
                    least = least.min(corner + 1);
                }
                twice_before = Some(*before);
                other_before = Some(other);
                left = least;
                self.this.push(least);
            }
            letter_before = Some(letter);
            std::mem::swap(&mut self.before, &mut self.last);
            std::mem::swap(&mut self.last, &mut self.this);
        }
        self.last.last().copied().unwrap_or(a.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(a: &str, b: &str) -> usize {
        Scratch::default().distance(&letters(a).unwrap(), &letters(b).unwrap())
    }

    #[test]
    fn a_distance_counts_each_edit_once() {
        assert_eq!(distance("", ""), 0);
        assert_eq!(distance("abc", "abc"), 0);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("abc", "abd"), 1);
        assert_eq!(distance("abc", "acb"), 1);
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("changes", "chnages"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("ca", "abc"), 3);
    }

    #[test]
    fn the_nearest_name_wins() {
        assert_eq!(nearest("audti", ["audio", "audit"]), Some("audit"));
        assert_eq!(
            nearest("max_parallel", ["maxParallel", "parallel"]),
            Some("maxParallel")
        );
        assert_eq!(
            nearest("depends_on", ["description", "dependencies"]),
            Some("dependencies")
        );
    }

    #[test]
    fn nothing_is_suggested_where_nothing_comes_near() {
        assert_eq!(nearest("a", ["b"]), None);
        assert_eq!(nearest("deploy", ["audit", "lint"]), None);
        assert_eq!(nearest("", ["a"]), None);
        assert_eq!(nearest(&"x".repeat(100_000), ["a"]), None);
    }

    #[test]
    fn suggestions_end_when_they_cost_too_much() {
        let names: Vec<String> = (0..9_000).map(|number| number.to_string()).collect();
        let mut suggestions = Suggestions {
            comparisons_left: 10_000,
        };
        assert!(
            suggestions
                .nearest("1234", names.iter().map(String::as_str))
                .is_some()
        );
        assert_eq!(
            suggestions.nearest("1234", names.iter().map(String::as_str)),
            None
        );
    }
}
