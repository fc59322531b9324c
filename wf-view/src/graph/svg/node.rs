//! Draws the box of one step.

use std::fmt::Write as _;

use wf_core::step::StepState;

use super::super::Node;
use super::super::escape::{markup, single_line};
use super::super::layout::Rectangle;
use super::number;
use super::text::Style;

const KEY: Style = Style {
    size: 14.0,
    bold: true,
};
const AGENT: Style = Style {
    size: 12.0,
    bold: false,
};
const STATUS: Style = Style {
    size: 11.0,
    bold: false,
};
const WORD: Style = Style {
    size: 10.0,
    bold: true,
};

/// The least width of a box, which leaves room for both tags beside an arriving arrow.
const LEAST_WIDTH: f64 = 180.0;
/// What widths are multiples of, so that most boxes of a picture are of few widths.
const WIDTH_STEP: f64 = 20.0;
/// The greatest width of the text in a box.
const TEXT_WIDTH: f64 = 340.0;
/// The empty space left and right of the text.
const PADDING: f64 = 18.0;
/// The width that the sign of the state takes.
const SIGN_WIDTH: f64 = 30.0;
/// The radius of the corners.
const RADIUS: f64 = 9.0;

/// What a box shows: up to three lines, each cut to the greatest width.
pub(super) struct Face<'node> {
    node: &'node Node,
    key: String,
    agent: String,
    status: String,
}

impl<'node> Face<'node> {
    pub(super) fn new(node: &'node Node) -> Self {
        Self {
            node,
            key: KEY.fit(&single_line(&node.key), TEXT_WIDTH),
            agent: AGENT.fit(&single_line(&node.agent), TEXT_WIDTH),
            status: STATUS.fit(&node.status().unwrap_or_default(), TEXT_WIDTH),
        }
    }

    /// Returns the width of the box, in pixels.
    pub(super) fn width(&self) -> f64 {
        let text = KEY
            .width(&self.key)
            .max(AGENT.width(&self.agent))
            .max(STATUS.width(&self.status));
        let needed = (text + 2.0 * PADDING + self.sign_width()).max(LEAST_WIDTH);
        (needed / WIDTH_STEP).ceil() * WIDTH_STEP
    }

    /// Returns the height of the box, in pixels.
    pub(super) fn height(&self) -> f64 {
        if self.status.is_empty() { 56.0 } else { 74.0 }
    }

    /// Writes the box as one group at its place.
    pub(super) fn draw(&self, picture: &mut String, place: Rectangle) {
        let classes = self.classes();
        let _ = writeln!(
            picture,
            "<g class=\"{classes}\" transform=\"translate({} {})\"><title>{}</title>",
            number(place.x),
            number(place.y),
            markup(&self.tooltip())
        );
        let _ = writeln!(
            picture,
            "<rect class=\"box\" width=\"{}\" height=\"{}\" rx=\"{RADIUS}\"/>",
            number(place.width),
            number(place.height)
        );
        if self.node.serial {
            write_bar(picture, place.height);
        }
        if let Some(state) = self.node.state {
            write_sign(picture, state, PADDING + 8.0, place.height / 2.0);
        }
        self.write_lines(picture, place);
        if self.node.serial {
            write_tag(picture, "serial", |_| 12.0);
        }
        if self.node.optional {
            write_tag(picture, "optional", |width| place.width - width - 12.0);
        }
        picture.push_str("</g>\n");
    }

    fn sign_width(&self) -> f64 {
        if self.node.state.is_some() {
            SIGN_WIDTH
        } else {
            0.0
        }
    }

    fn classes(&self) -> String {
        let mut classes = "node".to_owned();
        if let Some(state) = self.node.state {
            let _ = write!(classes, " {}", state.name());
        }
        if self.node.optional {
            classes.push_str(" optional");
        }
        classes
    }

    /// Returns everything that is known of the step, uncut.
    fn tooltip(&self) -> String {
        let mut parts = vec![self.node.key.clone()];
        if !self.agent.is_empty() {
            parts.push(format!("agent {}", self.node.agent));
        }
        parts.extend(self.node.traits().map(str::to_owned));
        parts.extend(self.node.status());
        parts.join(" · ")
    }

    /// Writes the lines, as a block in the middle of the height: beside the sign, or centred.
    fn write_lines(&self, picture: &mut String, place: Rectangle) {
        let lines: Vec<(&str, Style, &str)> = [
            ("key", KEY, &self.key),
            ("agent", AGENT, &self.agent),
            ("status", STATUS, &self.status),
        ]
        .into_iter()
        .filter(|(class, _, line)| *class == "key" || !line.is_empty())
        .map(|(class, style, line)| (class, style, line.as_str()))
        .collect();
        let total: f64 = lines.iter().map(|(_, style, _)| line_height(*style)).sum();
        let (anchor, x) = if self.node.state.is_some() {
            ("", PADDING + self.sign_width())
        } else {
            (" centred", place.width / 2.0)
        };
        let mut top = (place.height - total) / 2.0;
        for (class, style, line) in lines {
            // A letter's body lies around four fifths down its line.
            let baseline = top + line_height(style) / 2.0 + style.size * 0.36;
            let _ = writeln!(
                picture,
                "<text class=\"{class}{anchor}\" x=\"{}\" y=\"{}\">{}</text>",
                number(x),
                number(baseline),
                markup(line)
            );
            top += line_height(style);
        }
    }
}

fn line_height(style: Style) -> f64 {
    style.size * 1.45
}

/// Writes the thick bar at the left of a serial step.
fn write_bar(picture: &mut String, height: f64) {
    let bar = 7.0;
    let _ = writeln!(
        picture,
        "<path class=\"bar\" d=\"M{RADIUS} 0A{RADIUS} {RADIUS} 0 0 0 0 {RADIUS}V{}A{RADIUS} {RADIUS} 0 0 0 {RADIUS} {}L{bar} {}V2Z\"/>",
        number(height - RADIUS),
        number(height),
        number(height - 2.0)
    );
}

/// Writes a word in a pill that lies on the upper edge of the box.
fn write_tag(picture: &mut String, word: &str, left: impl FnOnce(f64) -> f64) {
    let width = WORD.width(word).ceil() + 12.0;
    let left = left(width);
    let _ = writeln!(
        picture,
        "<rect class=\"tag\" x=\"{}\" y=\"-8\" width=\"{}\" height=\"16\" rx=\"8\"/>\
         <text class=\"word centred\" x=\"{}\" y=\"3.5\">{word}</text>",
        number(left),
        number(width),
        number(left + width / 2.0)
    );
}

/// Writes the sign of a state, a disc with a figure in it, around a point.
fn write_sign(picture: &mut String, state: StepState, x: f64, y: f64) {
    let figure = match state {
        StepState::Pending => {
            "<circle class=\"solid\" cx=\"-4\" cy=\"0\" r=\"1.4\"/>\
             <circle class=\"solid\" cx=\"0\" cy=\"0\" r=\"1.4\"/>\
             <circle class=\"solid\" cx=\"4\" cy=\"0\" r=\"1.4\"/>"
        }
        StepState::Running => "<path class=\"solid\" d=\"M-3 -5 5 0 -3 5Z\"/>",
        StepState::Completed => "<path class=\"sign\" d=\"M-4.5 .5-1.5 3.5 4.5 -3.5\"/>",
        StepState::Failed => "<path class=\"sign\" d=\"M-3.5 -3.5 3.5 3.5M3.5 -3.5-3.5 3.5\"/>",
        StepState::Skipped => "<path class=\"sign\" d=\"M-4 -4 0 0-4 4M1 -4 5 0 1 4\"/>",
        StepState::Cancelled => "<path class=\"sign\" d=\"M-4.5 0H4.5\"/>",
    };
    let _ = writeln!(
        picture,
        "<g transform=\"translate({} {})\"><circle class=\"disc\" r=\"10\"/>{figure}</g>",
        number(x),
        number(y)
    );
}
