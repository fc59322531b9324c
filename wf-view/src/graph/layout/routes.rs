//! Gives layers their places from top to bottom, and draws the edges between them.

use super::layers::{Layered, Way};

/// The least and the greatest distance between two layers, in pixels.
const BETWEEN_LAYERS: (f64, f64) = (52.0, 130.0);
/// The radius of the corners of an edge that runs in the margin, in pixels.
const CORNER: f64 = 8.0;
/// The distance between the boxes and the first edge in the margin, in pixels.
const MARGIN: f64 = 24.0;
/// Are how many edges run beside each other in the margin, and how far apart, in pixels.
const LANES: (usize, f64) = (24, 6.0);

/// A finished drawing; all lengths are pixels, from the left and the top.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Layout {
    pub(in super::super) width: f64,
    pub(in super::super) height: f64,
    pub(in super::super) boxes: Vec<Rectangle>,
    /// The line of each edge, or nothing for an edge that cannot be drawn.
    pub(in super::super) routes: Vec<Option<Route>>,
}

/// The place of a box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in super::super) struct Rectangle {
    pub(in super::super) x: f64,
    pub(in super::super) y: f64,
    pub(in super::super) width: f64,
    pub(in super::super) height: f64,
}

/// A place in the drawing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in super::super) struct Point {
    pub(in super::super) x: f64,
    pub(in super::super) y: f64,
}

/// A smooth line from the foot of one box to the head of another.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Route {
    pub(in super::super) start: Point,
    pub(in super::super) segments: Vec<Segment>,
}

/// A part of a [`Route`], which begins where the part before it ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in super::super) enum Segment {
    /// Is straight, to a point.
    Line(Point),
    /// A cubic Bézier curve: two control points and the end.
    Curve(Point, Point, Point),
}

/// Places the boxes and draws every edge.
pub(super) fn draw(
    graph: &Layered,
    centres: &[f64],
    widths: &[f64],
    height: f64,
    edges: &[(usize, usize)],
) -> Layout {
    let tops = tops(graph, centres, height);
    let boxes: Vec<Rectangle> = widths
        .iter()
        .enumerate()
        .map(|(vertex, &width)| Rectangle {
            x: centres[vertex] - width / 2.0,
            y: tops[graph.layer_of[vertex]],
            width,
            height,
        })
        .collect();
    let right = boxes
        .iter()
        .map(|place| place.x + place.width)
        .chain(centres.iter().copied())
        .fold(0.0, f64::max);
    let pen = Pen {
        graph,
        centres,
        tops: &tops,
        height,
    };
    let mut width = right;
    let mut lane = 0;
    let routes = graph
        .ways
        .iter()
        .zip(edges)
        .map(|(way, &(from, to))| match way {
            Way::Absent => None,
            Way::Through(bends) => Some(pen.through(from, bends, to)),
            Way::Around => {
                let x = right + MARGIN + (lane % LANES.0) as f64 * LANES.1;
                lane += 1;
                width = width.max(x + MARGIN / 2.0);
                Some(pen.around(from, to, x))
            }
        })
        .collect();
    Layout {
        width,
        height: tops.last().map_or(0.0, |top| top + height),
        boxes,
        routes,
    }
}

/// Returns the top of each layer; the further the edges between two layers go aside, the more
/// room they get, so that no curve is too flat to follow.
fn tops(graph: &Layered, centres: &[f64], height: f64) -> Vec<f64> {
    let mut tops = Vec::with_capacity(graph.layers.len());
    let mut top = 0.0;
    for layer in &graph.layers {
        tops.push(top);
        let aside = layer
            .iter()
            .flat_map(|&vertex| {
                graph.lower[vertex]
                    .iter()
                    .map(move |&below| (vertex, below))
            })
            .map(|(vertex, below)| (centres[vertex] - centres[below]).abs())
            .fold(0.0, f64::max);
        let between = (40.0 + aside * 0.1).clamp(BETWEEN_LAYERS.0, BETWEEN_LAYERS.1);
        top += height + between;
    }
    tops
}

/// Draws single edges.
struct Pen<'layout> {
    graph: &'layout Layered,
    centres: &'layout [f64],
    tops: &'layout [f64],
    height: f64,
}

impl Pen<'_> {
    fn head(&self, vertex: usize) -> Point {
        Point {
            x: self.centres[vertex],
            y: self.tops[self.graph.layer_of[vertex]],
        }
    }

    fn foot(&self, vertex: usize) -> Point {
        let head = self.head(vertex);
        Point {
            y: head.y + self.height,
            ..head
        }
    }

    /// Draws an edge by way of its bends: straight down within a layer, where boxes are, and
    /// aside only between layers. Every part begins and ends vertically, so the whole is smooth.
    fn through(&self, from: usize, bends: &[usize], to: usize) -> Route {
        let start = self.foot(from);
        let mut segments = Vec::with_capacity(2 * bends.len() + 1);
        let mut at = start;
        for &vertex in bends.iter().chain([&to]) {
            let head = self.head(vertex);
            if (head.x - at.x).abs() < 0.05 {
                push_line(&mut segments, head);
            } else {
                let middle = f64::midpoint(at.y, head.y);
                segments.push(Segment::Curve(
                    Point { x: at.x, y: middle },
                    Point {
                        x: head.x,
                        y: middle,
                    },
                    head,
                ));
            }
            at = head;
            if vertex != to {
                at = self.foot(vertex);
                push_line(&mut segments, at);
            }
        }
        Route { start, segments }
    }

    /// Draws an edge down the right margin at `x`, with round corners.
    fn around(&self, from: usize, to: usize, x: f64) -> Route {
        let start = self.foot(from);
        let end = self.head(to);
        let out = start.y + BETWEEN_LAYERS.0 / 2.0;
        let back = end.y - BETWEEN_LAYERS.0 / 2.0;
        let line = |x, y| Segment::Line(Point { x, y });
        let corner = |x1: f64, y1: f64, corner: (f64, f64), x2: f64, y2: f64| {
            let pull = |from: f64, to: f64| from + (to - from) * 0.55;
            Segment::Curve(
                Point {
                    x: pull(x1, corner.0),
                    y: pull(y1, corner.1),
                },
                Point {
                    x: pull(x2, corner.0),
                    y: pull(y2, corner.1),
                },
                Point { x: x2, y: y2 },
            )
        };
        let segments = vec![
            line(start.x, out - CORNER),
            corner(start.x, out - CORNER, (start.x, out), start.x + CORNER, out),
            line(x - CORNER, out),
            corner(x - CORNER, out, (x, out), x, out + CORNER),
            line(x, back - CORNER),
            corner(x, back - CORNER, (x, back), x - CORNER, back),
            line(end.x + CORNER, back),
            corner(end.x + CORNER, back, (end.x, back), end.x, back + CORNER),
            line(end.x, end.y),
        ];
        Route { start, segments }
    }
}

/// Appends a vertical line, as one with the line before it if there is one.
fn push_line(segments: &mut Vec<Segment>, end: Point) {
    if let Some(Segment::Line(last)) = segments.last_mut() {
        *last = end;
    } else {
        segments.push(Segment::Line(end));
    }
}
