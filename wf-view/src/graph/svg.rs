//! Draws a diagram as a finished picture.
//!
//! The picture is one SVG file without scripts or references. Its colours are in `style.css`,
//! which asks whether the page is dark; a viewer that does not know the question gets the light
//! ones. Every name in the style sheet stands behind `.workflow-graph`, so that a page can embed
//! the picture and keep its own look.

mod node;
mod text;

use std::fmt::Write as _;

use wf_core::step::StepState;

use super::Diagram;
use super::escape::{markup, single_line};
use super::layout::{Layout, Point, Route, Segment, arrange};
use node::Face;
use text::Style;

/// The empty border around the picture, in pixels.
const BORDER: f64 = 28.0;
/// The height that the title takes, in pixels.
const TITLE_HEIGHT: f64 = 40.0;
/// The least width of the picture without its border, in pixels, if a long title needs it.
const TITLE_WIDTH: f64 = 640.0;
/// The look of the title.
const TITLE: Style = Style {
    size: 18.0,
    bold: true,
};
/// The length of an arrow's head, in pixels.
const ARROW: f64 = 8.0;

/// Draws a diagram as an SVG picture, from the first steps at the top to the last.
///
/// Serial steps have a thick bar at their left, optional ones a dashed outline, and both say so
/// in a word. A key that is too long for its box is cut and given in full, with all else that is
/// known of the step, in a text that shows when the pointer rests on the box.
pub fn svg(diagram: &Diagram) -> String {
    let faces: Vec<Face> = diagram.nodes.iter().map(Face::new).collect();
    let widths: Vec<f64> = faces.iter().map(Face::width).collect();
    let height = faces.iter().map(Face::height).fold(0.0, f64::max);
    let edges = diagram.distinct_edges();
    let layout = arrange(&widths, height, &edges);

    let title = single_line(&diagram.title);
    let canvas = Canvas::new(&layout, &title);
    let mut picture = String::new();
    canvas.open(&mut picture, diagram, &layout);
    canvas.write_title(&mut picture, &title);
    let shift = (canvas.width - layout.width) / 2.0;
    let _ = writeln!(
        picture,
        "<g transform=\"translate({} {})\">",
        number(shift),
        number(canvas.top)
    );
    for (route, &(from, to)) in layout.routes.iter().zip(&edges) {
        if let (Some(route), Some(from), Some(to)) =
            (route, diagram.nodes.get(from), diagram.nodes.get(to))
        {
            let _ = writeln!(
                picture,
                "<path class=\"edge\" d=\"{}\" marker-end=\"url(#workflow-graph-arrow)\"><title>{} → {}</title></path>",
                path(route),
                markup(&from.key),
                markup(&to.key)
            );
        }
    }
    for (face, place) in faces.iter().zip(&layout.boxes) {
        face.draw(&mut picture, *place);
    }
    picture.push_str("</g>\n</svg>\n");
    picture
}

/// The size of the whole picture.
struct Canvas {
    width: f64,
    height: f64,
    /// Where the graph begins.
    top: f64,
}

impl Canvas {
    fn new(layout: &Layout, title: &str) -> Self {
        let room = layout.width.max(TITLE.width(title).min(TITLE_WIDTH));
        let title_height = if title.is_empty() { 0.0 } else { TITLE_HEIGHT };
        let top = BORDER + title_height;
        Self {
            width: room + 2.0 * BORDER,
            height: top + layout.height + BORDER,
            top,
        }
    }

    /// Writes everything before the graph: size, description, style, arrow head, background.
    fn open(&self, picture: &mut String, diagram: &Diagram, layout: &Layout) {
        let (width, height) = (number(self.width), number(self.height));
        let _ = writeln!(
            picture,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"workflow-graph\" role=\"img\" \
             width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">"
        );
        let _ = writeln!(picture, "<title>{}</title>", markup(&diagram.title));
        let _ = writeln!(
            picture,
            "<desc>{}</desc>",
            markup(&description(diagram, layout))
        );
        let _ = writeln!(
            picture,
            "<style>\n{}</style>",
            include_str!("svg/style.css")
        );
        let _ = writeln!(
            picture,
            "<defs><marker id=\"workflow-graph-arrow\" viewBox=\"0 0 8 8\" refX=\"0\" refY=\"4\" \
             markerWidth=\"{ARROW}\" markerHeight=\"{ARROW}\" markerUnits=\"userSpaceOnUse\" \
             orient=\"auto\"><path class=\"arrow\" d=\"M0 0 8 4 0 8Z\"/></marker></defs>"
        );
        let _ = writeln!(
            picture,
            "<rect class=\"page\" width=\"{width}\" height=\"{height}\"/>"
        );
    }

    fn write_title(&self, picture: &mut String, title: &str) {
        if title.is_empty() {
            return;
        }
        let _ = writeln!(
            picture,
            "<text class=\"title centred\" x=\"{}\" y=\"{}\">{}</text>",
            number(self.width / 2.0),
            number(BORDER + TITLE.size),
            markup(&TITLE.fit(title, self.width - 2.0 * BORDER))
        );
    }
}

/// Says in words what the picture shows, for those who cannot see it.
fn description(diagram: &Diagram, layout: &Layout) -> String {
    let plural = |count: usize, one: &str, many: &str| match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    };
    let drawn = layout.routes.iter().flatten().count();
    let mut words = format!(
        "A workflow of {} with {}, drawn from top to bottom.",
        plural(diagram.nodes.len(), "step", "steps"),
        plural(drawn, "dependency", "dependencies")
    );
    let mut states: Vec<(&str, usize)> = Vec::new();
    for word in diagram
        .nodes
        .iter()
        .filter_map(|node| node.state)
        .map(StepState::name)
    {
        match states.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => states.push((word, 1)),
        }
    }
    if !states.is_empty() {
        let counts: Vec<String> = states
            .iter()
            .map(|(word, count)| format!("{count} {word}"))
            .collect();
        let _ = write!(words, " Steps by state: {}.", counts.join(", "));
    }
    words
}

/// Returns the route as path data, ending where its arrow's head begins.
fn path(route: &Route) -> String {
    let mut data = format!("M{}", pair(route.start));
    let last = route.segments.len().saturating_sub(1);
    for (index, segment) in route.segments.iter().enumerate() {
        let lift = |point: Point| Point {
            y: if index == last {
                point.y - ARROW
            } else {
                point.y
            },
            ..point
        };
        let _ = match *segment {
            Segment::Line(end) => write!(data, "L{}", pair(lift(end))),
            Segment::Curve(first, second, end) => write!(
                data,
                "C{} {} {}",
                pair(first),
                pair(second),
                pair(lift(end))
            ),
        };
    }
    data
}

fn pair(point: Point) -> String {
    format!("{} {}", number(point.x), number(point.y))
}

/// Writes a length with at most one digit after the point.
fn number(length: f64) -> String {
    let text = format!("{length:.1}");
    match text.strip_suffix(".0") {
        Some("-0") => "0".to_owned(),
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use roxmltree::{Document, Node as Element};

    use super::super::examples::{
        chain, code_review, every_state, fan_out, hostile, layered_random, review_run,
        tangled_random,
    };
    use super::super::{Diagram, Node};
    use super::{number, svg};

    fn of_class<'a>(
        document: &'a Document<'_>,
        class: &'a str,
    ) -> impl Iterator<Item = Element<'a, 'a>> {
        document.descendants().filter(move |element| {
            element
                .attribute("class")
                .is_some_and(|classes| classes.split(' ').any(|name| name == class))
        })
    }

    fn tooltip(element: Element<'_, '_>) -> String {
        let title = element
            .children()
            .find(|child| child.has_tag_name(("http://www.w3.org/2000/svg", "title")));
        title
            .and_then(|title| title.text())
            .unwrap_or_default()
            .to_owned()
    }

    #[test]
    fn every_node_and_every_edge_is_drawn_once() {
        let diagram = layered_random(30);
        let picture = svg(&diagram);
        let document = Document::parse(&picture).unwrap();
        let keys: Vec<_> = of_class(&document, "key")
            .map(|key| key.text().unwrap().to_owned())
            .collect();
        let expected: Vec<_> = diagram.nodes.iter().map(|node| node.key.clone()).collect();
        assert_eq!(keys, expected);
        let edges: Vec<_> = of_class(&document, "edge").map(tooltip).collect();
        let expected: Vec<_> = diagram
            .edges
            .iter()
            .map(|&(from, to)| format!("{} → {}", diagram.nodes[from].key, diagram.nodes[to].key))
            .collect();
        assert_eq!(edges, expected);
    }

    #[test]
    fn serial_and_optional_steps_say_so() {
        let picture = svg(&code_review());
        let document = Document::parse(&picture).unwrap();
        let words: Vec<_> = of_class(&document, "word")
            .filter_map(|word| word.text())
            .collect();
        assert_eq!(words, ["optional", "serial"]);
        assert_eq!(of_class(&document, "bar").count(), 1);
        let optional = of_class(&document, "optional").next().unwrap();
        assert_eq!(
            tooltip(optional),
            "quality-check · agent quality · optional"
        );
    }

    #[test]
    fn a_run_shows_states_in_words_signs_and_colours() {
        let picture = svg(&review_run());
        let document = Document::parse(&picture).unwrap();
        let failed = of_class(&document, "failed").next().unwrap();
        let texts: Vec<_> = failed
            .descendants()
            .filter_map(|element| element.text())
            .collect();
        assert!(texts.contains(&"failed · 3 attempts, 4.0 s"), "{texts:?}");
        assert_eq!(of_class(&document, "disc").count(), 4);
        assert!(picture.contains(
            "<desc>A workflow of 4 steps with 4 dependencies, drawn from top to bottom. \
             Steps by state: 2 completed, 1 failed, 1 skipped.</desc>"
        ));
    }

    #[test]
    fn hostile_text_stays_text() {
        let diagram = hostile();
        let picture = svg(&diagram);
        let document = Document::parse(&picture).unwrap();
        assert!(
            document
                .descendants()
                .all(|element| !element.has_tag_name("script"))
        );
        assert_eq!(of_class(&document, "node").count(), diagram.nodes.len());
        let node = of_class(&document, "node").nth(1).unwrap();
        assert!(tooltip(node).starts_with("1<script>alert('x')</script> · agent <script>"));
    }

    #[test]
    fn a_long_key_is_cut_and_given_in_full_in_the_tooltip() {
        let key = "a-step-".repeat(40);
        let diagram = Diagram {
            nodes: vec![Node {
                key: key.clone(),
                ..Node::default()
            }],
            ..Diagram::default()
        };
        let picture = svg(&diagram);
        let document = Document::parse(&picture).unwrap();
        let shown = of_class(&document, "key").next().unwrap().text().unwrap();
        assert!(shown.ends_with('…') && shown.len() < 60, "{shown}");
        assert_eq!(tooltip(of_class(&document, "node").next().unwrap()), key);
    }

    #[test]
    fn the_same_diagram_gives_the_same_bytes() {
        for diagram in [every_state(), fan_out(12), layered_random(60)] {
            assert_eq!(svg(&diagram), svg(&diagram.clone()));
        }
    }

    #[test]
    fn an_empty_diagram_is_an_empty_picture() {
        let picture = svg(&Diagram::default());
        let document = Document::parse(&picture).unwrap();
        assert_eq!(of_class(&document, "node").count(), 0);
        assert_eq!(document.root_element().attribute("width"), Some("56"));
    }

    #[test]
    fn ten_thousand_steps_are_drawn() {
        let diagrams = [
            layered_random(10_000),
            tangled_random(10_000),
            chain(10_000),
            fan_out(9_998),
        ];
        for diagram in diagrams {
            let picture = svg(&diagram);
            assert_eq!(picture.matches("<g class=\"node").count(), 10_000);
            let edges = diagram.distinct_edges().len();
            assert_eq!(picture.matches("class=\"edge\"").count(), edges);
        }
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(number(1.0), "1");
        assert_eq!(number(-0.01), "0");
        assert_eq!(number(2.25), "2.2");
        assert_eq!(number(-3.26), "-3.3");
    }
}
