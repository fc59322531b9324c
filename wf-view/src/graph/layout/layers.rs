//! Gives every box a layer, and breaks long edges by bends.

use std::collections::{HashSet, VecDeque};

/// A graph whose vertices stand in layers and whose edges join neighbouring layers.
///
/// The vertices below `boxes` are the boxes, under their own numbers; the others are bends. The
/// long edges that leave one box share their bends, so they leave it as one line that branches.
#[derive(Debug)]
pub(super) struct Layered {
    /// How many vertices are boxes.
    pub(super) boxes: usize,
    /// Are the vertices of each layer, from left to right; no layer is empty.
    pub(super) layers: Vec<Vec<usize>>,
    /// The layer of each vertex.
    pub(super) layer_of: Vec<usize>,
    /// Are each vertex's neighbours in the layer above.
    pub(super) upper: Vec<Vec<usize>>,
    /// Are each vertex's neighbours in the layer below.
    pub(super) lower: Vec<Vec<usize>>,
    /// The way that each edge takes.
    pub(super) ways: Vec<Way>,
}

/// The way that an edge takes through the layers.
#[derive(Debug)]
pub(super) enum Way {
    /// Is not drawn: its ends are no boxes or the same, it was there before, or it closes a cycle.
    Absent,
    /// Goes from its first box to its second by these bends, one in each layer between.
    Through(Vec<usize>),
    /// Goes around all boxes, since the bends that it needs are beyond the limit.
    Around,
}

impl Layered {
    /// Builds the layers for `boxes` boxes and the edges between them.
    pub(super) fn new(boxes: usize, edges: &[(usize, usize)]) -> Self {
        let drawable = drawable(boxes, edges);
        let mut graph = Self {
            boxes,
            layers: Vec::new(),
            layer_of: vec![0; boxes],
            upper: vec![Vec::new(); boxes],
            lower: vec![Vec::new(); boxes],
            ways: edges.iter().map(|_| Way::Absent).collect(),
        };
        let order = graph.link(edges, &drawable);
        graph.assign_layers(&order);
        graph.break_long_edges(edges);
        graph.fill_layers();
        graph
    }

    pub(super) fn is_bend(&self, vertex: usize) -> bool {
        vertex >= self.boxes
    }

    /// Links the boxes by the edges that close no cycle, and returns an order in which each box
    /// stands after those that it depends on.
    fn link(&mut self, edges: &[(usize, usize)], drawable: &[bool]) -> Vec<usize> {
        let mut successors = vec![Vec::new(); self.boxes];
        let mut waiting = vec![0_usize; self.boxes];
        for (&(from, to), _) in edges.iter().zip(drawable).filter(|&(_, &drawn)| drawn) {
            successors[from].push(to);
            waiting[to] += 1;
        }
        let mut order = Vec::with_capacity(self.boxes);
        let mut position = vec![usize::MAX; self.boxes];
        let mut ready: VecDeque<usize> = (0..self.boxes).filter(|&v| waiting[v] == 0).collect();
        // Where only cycles are left, the first box that waits is taken as if it did not.
        let mut untried = 0..self.boxes;
        while let Some(vertex) = ready
            .pop_front()
            .or_else(|| untried.find(|&v| position[v] == usize::MAX))
        {
            if position[vertex] != usize::MAX {
                continue;
            }
            position[vertex] = order.len();
            order.push(vertex);
            for &next in &successors[vertex] {
                waiting[next] -= 1;
                if waiting[next] == 0 {
                    ready.push_back(next);
                }
            }
        }
        for (way, (&(from, to), &drawn)) in self.ways.iter_mut().zip(edges.iter().zip(drawable)) {
            if drawn && position[from] < position[to] {
                *way = Way::Through(Vec::new());
                self.lower[from].push(to);
                self.upper[to].push(from);
            }
        }
        order
    }

    /// Puts each box one layer below the lowest box that it depends on, then lowers those that
    /// have more dependents than dependencies, which makes the edges shorter in sum.
    fn assign_layers(&mut self, order: &[usize]) {
        const PASSES: usize = 8;
        for &vertex in order {
            self.layer_of[vertex] = self.upper[vertex]
                .iter()
                .map(|&above| self.layer_of[above] + 1)
                .max()
                .unwrap_or(0);
        }
        for _ in 0..PASSES {
            let mut moved = false;
            for &vertex in order.iter().rev() {
                if self.lower[vertex].len() <= self.upper[vertex].len() {
                    continue;
                }
                let lowest = self.lower[vertex]
                    .iter()
                    .map(|&below| self.layer_of[below].saturating_sub(1))
                    .min();
                if let Some(lowest) = lowest.filter(|&lowest| lowest > self.layer_of[vertex]) {
                    self.layer_of[vertex] = lowest;
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
    }

    /// Gives the edges that pass layers their bends, the shortest first, up to a limit.
    ///
    /// Without a limit a chain of n steps with an edge from each to each would need n³ bends.
    fn break_long_edges(&mut self, edges: &[(usize, usize)]) {
        let limit = 60_000 + 4 * self.boxes;
        let mut drawn: Vec<usize> = (0..edges.len())
            .filter(|&edge| matches!(self.ways[edge], Way::Through(_)))
            .collect();
        let bends = |graph: &Self, edge: usize| {
            let (from, to) = edges[edge];
            graph.layer_of[to] - graph.layer_of[from] - 1
        };
        drawn.sort_by_key(|&edge| (bends(self, edge), edge));
        let mut total = 0;
        let mut through = 0;
        for &edge in &drawn {
            total += bends(self, edge);
            if total > limit {
                break;
            }
            through += 1;
        }
        let around = drawn.split_off(through);
        for edge in around {
            self.ways[edge] = Way::Around;
        }
        drawn.sort_unstable_by_key(|&edge| (edges[edge].0, edge));
        for list in self.upper.iter_mut().chain(&mut self.lower) {
            list.clear();
        }
        let mut trunk: Vec<usize> = Vec::new();
        let mut trunk_of = usize::MAX;
        for edge in drawn {
            let (from, to) = edges[edge];
            if trunk_of != from {
                trunk_of = from;
                trunk.clear();
            }
            let needed = bends(self, edge);
            while trunk.len() < needed {
                let above = trunk.last().copied().unwrap_or(from);
                let bend = self.layer_of.len();
                self.layer_of.push(self.layer_of[above] + 1);
                self.upper.push(vec![above]);
                self.lower.push(Vec::new());
                self.lower[above].push(bend);
                trunk.push(bend);
            }
            let way = trunk.get(..needed).unwrap_or_default().to_vec();
            let above = way.last().copied().unwrap_or(from);
            self.lower[above].push(to);
            self.upper[to].push(above);
            self.ways[edge] = Way::Through(way);
        }
    }

    /// Fills the layers in the order in which a walk in depth meets the vertices, so that what
    /// belongs together stands together, and boxes without edges in the order of their numbers.
    fn fill_layers(&mut self) {
        let count = self.layer_of.iter().max().map_or(0, |&last| last + 1);
        let mut layers = vec![Vec::new(); count];
        let mut met = vec![false; self.layer_of.len()];
        let mut stack = Vec::new();
        for root in 0..self.boxes {
            if !self.upper[root].is_empty() {
                continue;
            }
            stack.push(root);
            while let Some(vertex) = stack.pop() {
                if met[vertex] {
                    continue;
                }
                met[vertex] = true;
                layers[self.layer_of[vertex]].push(vertex);
                stack.extend(
                    self.lower[vertex]
                        .iter()
                        .rev()
                        .filter(|&&below| !met[below]),
                );
            }
        }
        self.layers = layers;
    }
}

/// Tells of each edge whether it joins two different boxes and is the first to join them.
fn drawable(boxes: usize, edges: &[(usize, usize)]) -> Vec<bool> {
    let mut seen = HashSet::with_capacity(edges.len());
    edges
        .iter()
        .map(|&(from, to)| from != to && from < boxes && to < boxes && seen.insert((from, to)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::examples::{layered_random, tangled_random};
    use super::{Layered, Way};

    #[test]
    fn every_edge_joins_neighbouring_layers() {
        for diagram in [layered_random(60), tangled_random(60)] {
            let graph = Layered::new(diagram.nodes.len(), &diagram.edges);
            for (vertex, below) in graph.lower.iter().enumerate() {
                for &below in below {
                    assert_eq!(graph.layer_of[below], graph.layer_of[vertex] + 1);
                    assert!(graph.upper[below].contains(&vertex));
                }
            }
            assert!(graph.layers.iter().all(|layer| !layer.is_empty()));
            let placed: usize = graph.layers.iter().map(Vec::len).sum();
            assert_eq!(placed, graph.layer_of.len());
        }
    }

    #[test]
    fn a_source_is_pulled_down_to_what_depends_on_it() {
        let graph = Layered::new(5, &[(0, 1), (1, 2), (2, 3), (4, 3)]);
        assert_eq!(graph.layer_of[4], 2);
        assert_eq!(graph.layer_of.len(), 5);
    }

    #[test]
    fn long_edges_of_one_source_share_their_bends() {
        let graph = Layered::new(5, &[(0, 1), (1, 2), (2, 3), (3, 4), (0, 3), (0, 4)]);
        assert_eq!(graph.layer_of.len(), 5 + 3);
        assert!(matches!(&graph.ways[4], Way::Through(bends) if bends == &[5, 6]));
        assert!(matches!(&graph.ways[5], Way::Through(bends) if bends == &[5, 6, 7]));
    }

    #[test]
    fn a_cycle_loses_one_edge() {
        let graph = Layered::new(3, &[(0, 1), (1, 2), (2, 0)]);
        assert!(matches!(graph.ways[2], Way::Absent));
        assert_eq!(graph.layer_of, [0, 1, 2]);
    }
}
