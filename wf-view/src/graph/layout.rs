//! Places boxes and lines so that every line goes down and none goes through a box.
//!
//! This is the layered drawing of Sugiyama, Tagawa and Toda (1981), in four steps, each a file:
//!
//! 1. [`layers`] gives every box a layer below those of its dependencies, and breaks each edge
//!    that passes a layer by a bend, a vertex without a box.
//! 2. [`ordering`] orders the vertices of each layer so that few edges cross.
//! 3. [`coordinates`] chooses where in its layer each vertex stands, so that long edges are
//!    straight and a box stands in the middle of its neighbours.
//! 4. [`routes`] gives layers their heights and draws the edges.
//!
//! No step recurses, and all are close to linear in the number of vertices and edges, bends
//! included; [`layers`] bounds the number of bends.

mod coordinates;
mod layers;
mod ordering;
mod routes;

pub(super) use routes::{Layout, Point, Rectangle, Route, Segment};

use layers::Layered;

/// Places boxes of the given widths and of one height, and routes the edges between them.
///
/// The result has one rectangle for each width and one route for each edge, in the same order.
/// An edge whose ends are no boxes or the same box, or that would close a cycle, has no route.
pub(super) fn arrange(widths: &[f64], height: f64, edges: &[(usize, usize)]) -> Layout {
    let mut layered = Layered::new(widths.len(), edges);
    ordering::reduce_crossings(&mut layered);
    let centres = coordinates::assign(&layered, widths);
    routes::draw(&layered, &centres, widths, height, edges)
}

#[cfg(test)]
mod tests {
    use super::super::examples::{
        chain, code_review, every_state, fan_out, layered_random, tangled_random,
    };
    use super::{Layout, Point, Rectangle, Segment, arrange};

    const HEIGHT: f64 = 50.0;

    fn widths(count: usize) -> Vec<f64> {
        (0..count)
            .map(|index| [150.0, 180.0, 240.0, 160.0, 310.0][index % 5])
            .collect()
    }

    fn layouts() -> Vec<(Layout, Vec<(usize, usize)>)> {
        [
            code_review(),
            every_state(),
            chain(1),
            chain(10),
            fan_out(2),
            fan_out(12),
            layered_random(30),
            layered_random(200),
            tangled_random(40),
            tangled_random(400),
        ]
        .into_iter()
        .map(|diagram| {
            let widths = widths(diagram.nodes.len());
            let edges = diagram.distinct_edges();
            (arrange(&widths, HEIGHT, &edges), edges)
        })
        .collect()
    }

    #[test]
    fn no_two_boxes_overlap_and_all_are_inside() {
        for (layout, _) in layouts() {
            for (index, one) in layout.boxes.iter().enumerate() {
                assert!(one.x >= 0.0 && one.x + one.width <= layout.width + 1e-6);
                assert!(one.y >= 0.0 && one.y + one.height <= layout.height + 1e-6);
                for other in &layout.boxes[index + 1..] {
                    let apart = one.x + one.width + 8.0 <= other.x
                        || other.x + other.width + 8.0 <= one.x
                        || one.y + one.height + 8.0 <= other.y
                        || other.y + other.height + 8.0 <= one.y;
                    assert!(apart, "{one:?} {other:?}");
                }
            }
        }
    }

    #[test]
    fn every_edge_goes_from_the_foot_of_one_box_down_to_the_head_of_another() {
        for (layout, edges) in layouts() {
            assert_eq!(layout.routes.len(), edges.len());
            for (route, &(from, to)) in layout.routes.iter().zip(&edges) {
                let points = points(route.as_ref().unwrap());
                let (from, to) = (&layout.boxes[from], &layout.boxes[to]);
                let (first, last) = (points[0], points[points.len() - 1]);
                assert!(close(first.x, from.x + from.width / 2.0));
                assert!(close(first.y, from.y + from.height));
                assert!(close(last.x, to.x + to.width / 2.0));
                assert!(close(last.y, to.y));
                for pair in points.windows(2) {
                    assert!(pair[0].y <= pair[1].y + 1e-6, "{pair:?}");
                }
            }
        }
    }

    #[test]
    fn no_edge_goes_through_a_box() {
        for (layout, _) in layouts() {
            for route in layout.routes.iter().flatten() {
                for point in points(route) {
                    for rectangle in &layout.boxes {
                        assert!(!inside(rectangle, point), "{point:?} {rectangle:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn parents_stand_in_the_middle_of_their_children() {
        for width in [1, 2, 3, 12] {
            let diagram = fan_out(width);
            let layout = arrange(&vec![150.0; width + 2], HEIGHT, &diagram.edges);
            let centre = |index: usize| layout.boxes[index].x + layout.boxes[index].width / 2.0;
            let middle = f64::midpoint(centre(1), centre(width));
            assert!(close(centre(0), middle), "{width}");
            assert!(close(centre(width + 1), middle), "{width}");
        }
    }

    #[test]
    fn a_row_keeps_the_order_of_the_definition() {
        let diagram = fan_out(12);
        let layout = arrange(&[150.0; 14], HEIGHT, &diagram.edges);
        for index in 1..12 {
            assert!(layout.boxes[index].x < layout.boxes[index + 1].x);
        }
    }

    #[test]
    fn a_tree_is_drawn_without_crossings() {
        let edges: Vec<_> = (1..40).map(|child| ((child - 1) / 3, child)).collect();
        let layout = arrange(&[100.0; 40], HEIGHT, &edges);
        for (index, one) in layout.boxes.iter().enumerate().skip(1) {
            for (other_index, other) in layout.boxes.iter().enumerate().skip(index + 1) {
                if close(one.y, other.y) {
                    let parents = (
                        layout.boxes[(index - 1) / 3].x,
                        layout.boxes[(other_index - 1) / 3].x,
                    );
                    assert!(
                        (one.x < other.x) == (parents.0 < parents.1) || close(parents.0, parents.1)
                    );
                }
            }
        }
    }

    #[test]
    fn edges_that_cannot_be_drawn_have_no_route() {
        let edges = [(0, 1), (1, 2), (2, 0), (1, 1), (0, 9), (0, 2)];
        let layout = arrange(&[100.0; 3], HEIGHT, &edges);
        let drawn: Vec<_> = layout.routes.iter().map(Option::is_some).collect();
        assert_eq!(drawn, [true, true, false, false, false, true]);
        assert_eq!(layout.boxes.len(), 3);
    }

    #[test]
    fn nothing_has_a_layout() {
        let layout = arrange(&[], HEIGHT, &[]);
        assert!(layout.boxes.is_empty() && layout.routes.is_empty());
        assert!(close(layout.width, 0.0) && close(layout.height, 0.0));
    }

    #[test]
    fn an_edge_past_ten_thousand_boxes_runs_in_the_margin() {
        let mut edges = chain(10_000).edges;
        edges.extend((2..10_000).map(|to| (0, to)));
        let layout = arrange(&vec![100.0; 10_000], HEIGHT, &edges);
        let points = points(layout.routes.last().unwrap().as_ref().unwrap());
        let right = layout
            .boxes
            .iter()
            .map(|one| one.x + one.width)
            .fold(0.0, f64::max);
        assert!(points.iter().any(|point| point.x > right));
        assert!(layout.routes.iter().all(Option::is_some));
        for (index, point) in points.iter().enumerate() {
            assert!(
                layout.boxes.iter().all(|one| !inside(one, *point)),
                "{index}"
            );
            assert!(point.x <= layout.width);
        }
    }

    /// Returns points along a route, twenty to a curve.
    fn points(route: &super::Route) -> Vec<Point> {
        let mut points = vec![route.start];
        let mut start = route.start;
        for segment in &route.segments {
            let end = match *segment {
                Segment::Line(end) => {
                    for step in 1..=20 {
                        let part = f64::from(step) / 20.0;
                        points.push(Point {
                            x: start.x + (end.x - start.x) * part,
                            y: start.y + (end.y - start.y) * part,
                        });
                    }
                    end
                }
                Segment::Curve(first, second, end) => {
                    for step in 1..=20 {
                        let part = f64::from(step) / 20.0;
                        let at = |start: f64, first: f64, second: f64, end: f64| {
                            let rest = 1.0 - part;
                            rest.powi(3) * start
                                + 3.0 * rest.powi(2) * part * first
                                + 3.0 * rest * part.powi(2) * second
                                + part.powi(3) * end
                        };
                        points.push(Point {
                            x: at(start.x, first.x, second.x, end.x),
                            y: at(start.y, first.y, second.y, end.y),
                        });
                    }
                    end
                }
            };
            start = end;
        }
        points
    }

    fn inside(rectangle: &Rectangle, point: Point) -> bool {
        let margin = 0.01;
        point.x > rectangle.x + margin
            && point.x < rectangle.x + rectangle.width - margin
            && point.y > rectangle.y + margin
            && point.y < rectangle.y + rectangle.height - margin
    }

    fn close(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-6
    }
}
