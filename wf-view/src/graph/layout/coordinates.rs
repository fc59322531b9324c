//! Chooses where in its layer each vertex stands.
//!
//! The method is that of Brandes and Köpf, "Fast and Simple Horizontal Coordinate Assignment"
//! (2001): align each vertex with the median of its neighbours, in four ways (neighbours above or
//! below, preferring left or right), pack each of the four, and take the mean of the middle two.
//! Each of the four keeps the distances between neighbours, and so does their mean.

use std::collections::HashSet;

use super::layers::Layered;

/// The distance between two boxes, in pixels.
const BETWEEN_BOXES: f64 = 32.0;
/// The distance between a line and what stands beside it, in pixels.
const BESIDE_LINE: f64 = 18.0;

/// Returns the centre of each vertex, in pixels, from the left edge of the leftmost box or line.
pub(super) fn assign(graph: &Layered, widths: &[f64]) -> Vec<f64> {
    let conflicts = conflicts(graph);
    let mut candidates: Vec<Vec<f64>> = Vec::with_capacity(4);
    for upward in [false, true] {
        for mirrored in [false, true] {
            let orientation = Orientation::new(graph, upward, mirrored);
            let blocks = orientation.align(&conflicts);
            let mut centres = orientation.pack(&blocks, graph, widths);
            if mirrored {
                for centre in &mut centres {
                    *centre = -*centre;
                }
            }
            candidates.push(centres);
        }
    }
    line_up(&mut candidates, graph, widths);
    let mut centres: Vec<f64> = (0..graph.layer_of.len())
        .map(|vertex| {
            let mut four: Vec<f64> = candidates.iter().map(|centres| centres[vertex]).collect();
            four.sort_by(f64::total_cmp);
            four.iter().skip(1).take(2).sum::<f64>() / 2.0
        })
        .collect();
    let (left, _) = extent(&centres, graph, widths);
    for centre in &mut centres {
        *centre -= left;
    }
    centres
}

/// Returns the width of a vertex; a bend has none.
fn width(graph: &Layered, widths: &[f64], vertex: usize) -> f64 {
    if graph.is_bend(vertex) {
        0.0
    } else {
        widths.get(vertex).copied().unwrap_or(0.0)
    }
}

/// Returns the least distance between the centres of two vertices that stand side by side.
fn separation(graph: &Layered, widths: &[f64], one: usize, other: usize) -> f64 {
    let between = if graph.is_bend(one) || graph.is_bend(other) {
        BESIDE_LINE
    } else {
        BETWEEN_BOXES
    };
    f64::midpoint(width(graph, widths, one), width(graph, widths, other)) + between
}

/// Returns the left and the right end of the drawing.
fn extent(centres: &[f64], graph: &Layered, widths: &[f64]) -> (f64, f64) {
    let ends = centres.iter().enumerate().map(|(vertex, centre)| {
        let half = width(graph, widths, vertex) / 2.0;
        (centre - half, centre + half)
    });
    ends.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
        .unwrap_or((0.0, 0.0))
}

/// Shifts the four drawings so that those that prefer one side end with the narrowest there.
fn line_up(candidates: &mut [Vec<f64>], graph: &Layered, widths: &[f64]) {
    let extents: Vec<(f64, f64)> = candidates
        .iter()
        .map(|centres| extent(centres, graph, widths))
        .collect();
    let narrowest = extents
        .iter()
        .copied()
        .min_by(|one, other| (one.1 - one.0).total_cmp(&(other.1 - other.0)))
        .unwrap_or((0.0, 0.0));
    for (index, (centres, own)) in candidates.iter_mut().zip(extents).enumerate() {
        let mirrored = index % 2 == 1;
        let shift = if mirrored {
            narrowest.1 - own.1
        } else {
            narrowest.0 - own.0
        };
        for centre in centres {
            *centre += shift;
        }
    }
}

/// Finds the segments that cross a segment between two bends; those give way to it, so that
/// long edges stay straight.
fn conflicts(graph: &Layered) -> HashSet<(usize, usize)> {
    let mut conflicts = HashSet::new();
    let mut position = vec![0; graph.layer_of.len()];
    for (upper, lower) in graph.layers.iter().zip(graph.layers.iter().skip(1)) {
        for (index, &vertex) in upper.iter().enumerate() {
            position[vertex] = index;
        }
        let mut left = 0;
        let mut scanned = 0;
        for (index, &vertex) in lower.iter().enumerate() {
            let bend_above = graph.upper[vertex]
                .iter()
                .copied()
                .find(|&above| graph.is_bend(above) && graph.is_bend(vertex));
            if bend_above.is_none() && index + 1 < lower.len() {
                continue;
            }
            let right = bend_above.map_or(upper.len(), |above| position[above]);
            for &other in lower.iter().take(index + 1).skip(scanned) {
                for &above in &graph.upper[other] {
                    let inner = graph.is_bend(above) && graph.is_bend(other);
                    if !inner && (position[above] < left || position[above] > right) {
                        conflicts.insert((above, other));
                    }
                }
            }
            scanned = index + 1;
            left = right;
        }
    }
    conflicts
}

/// The graph as seen from one of the four corners.
struct Orientation<'graph> {
    layers: Vec<Vec<usize>>,
    position: Vec<usize>,
    /// Are the neighbours in the layer before.
    before: &'graph [Vec<usize>],
    upward: bool,
}

impl<'graph> Orientation<'graph> {
    fn new(graph: &'graph Layered, upward: bool, mirrored: bool) -> Self {
        let mut layers = graph.layers.clone();
        if upward {
            layers.reverse();
        }
        if mirrored {
            layers.iter_mut().for_each(|layer| layer.reverse());
        }
        let mut position = vec![0; graph.layer_of.len()];
        for layer in &layers {
            for (index, &vertex) in layer.iter().enumerate() {
                position[vertex] = index;
            }
        }
        Self {
            layers,
            position,
            before: if upward { &graph.lower } else { &graph.upper },
            upward,
        }
    }

    /// Joins vertices to blocks that stand in one vertical line, and returns each one's block,
    /// which is named by its first vertex.
    fn align(&self, conflicts: &HashSet<(usize, usize)>) -> Vec<usize> {
        let mut block: Vec<usize> = (0..self.position.len()).collect();
        for layer in &self.layers {
            // No block may cross one that was joined further left.
            let mut free = 0;
            for &vertex in layer {
                let mut neighbours = self.before[vertex].clone();
                neighbours.sort_unstable_by_key(|&other| self.position[other]);
                let Some(last) = neighbours.len().checked_sub(1) else {
                    continue;
                };
                let medians = [last / 2, last.div_ceil(2)];
                for median in medians.into_iter().filter_map(|at| neighbours.get(at)) {
                    let segment = if self.upward {
                        (vertex, *median)
                    } else {
                        (*median, vertex)
                    };
                    if self.position[*median] >= free && !conflicts.contains(&segment) {
                        block[vertex] = block[*median];
                        free = self.position[*median] + 1;
                        break;
                    }
                }
            }
        }
        block
    }

    /// Places the blocks as far left as their distances allow, then moves those that can to the
    /// right, towards their neighbours there, so that no space is wasted between.
    fn pack(&self, block: &[usize], graph: &Layered, widths: &[f64]) -> Vec<f64> {
        let mut right_of: Vec<Vec<(usize, f64)>> = vec![Vec::new(); block.len()];
        let mut waiting = vec![0_usize; block.len()];
        for layer in &self.layers {
            for (&one, &other) in layer.iter().zip(layer.iter().skip(1)) {
                let distance = separation(graph, widths, one, other);
                right_of[block[one]].push((block[other], distance));
                waiting[block[other]] += 1;
            }
        }
        let mut order: Vec<usize> = (0..block.len())
            .filter(|&vertex| block[vertex] == vertex && waiting[vertex] == 0)
            .collect();
        let mut centre = vec![0.0_f64; block.len()];
        let mut next = 0;
        while let Some(&vertex) = order.get(next) {
            next += 1;
            for &(other, distance) in &right_of[vertex] {
                centre[other] = centre[other].max(centre[vertex] + distance);
                waiting[other] -= 1;
                if waiting[other] == 0 {
                    order.push(other);
                }
            }
        }
        for &vertex in order.iter().rev() {
            let furthest = right_of[vertex]
                .iter()
                .map(|&(other, distance)| centre[other] - distance)
                .reduce(f64::min);
            if let Some(furthest) = furthest {
                centre[vertex] = centre[vertex].max(furthest);
            }
        }
        block.iter().map(|&root| centre[root]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::examples::{layered_random, tangled_random};
    use super::super::ordering::reduce_crossings;
    use super::{Layered, assign, separation};

    #[test]
    fn vertices_of_a_layer_keep_their_order_and_their_distance() {
        for diagram in [layered_random(80), tangled_random(80)] {
            let mut graph = Layered::new(diagram.nodes.len(), &diagram.edges);
            reduce_crossings(&mut graph);
            let widths = vec![120.0; diagram.nodes.len()];
            let centres = assign(&graph, &widths);
            for layer in &graph.layers {
                for pair in layer.windows(2) {
                    let distance = centres[pair[1]] - centres[pair[0]];
                    let least = separation(&graph, &widths, pair[0], pair[1]);
                    assert!(distance >= least - 1e-6, "{distance} {least}");
                }
            }
        }
    }

    #[test]
    fn a_long_edge_is_straight() {
        let edges = [(0, 1), (1, 2), (2, 3), (3, 4), (0, 4)];
        let graph = Layered::new(5, &edges);
        let centres = assign(&graph, &[100.0; 5]);
        assert!((centres[5] - centres[6]).abs() < 1e-6);
        assert!((centres[6] - centres[7]).abs() < 1e-6);
    }
}
