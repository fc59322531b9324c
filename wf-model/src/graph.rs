//! The graph of steps, in compressed rows.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Holds which step waits for which: acyclic, indexed, in both directions.
///
/// Its edges are the declared dependencies and the steps that templates refer to, each once. Steps are
/// numbered as in the definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    dependencies: Edges,
    dependents: Edges,
    order: Vec<u32>,
}

impl Graph {
    /// Builds the graph from its edges and an order of them all, dependencies first.
    pub(crate) fn new(dependencies: Edges, order: Vec<u32>) -> Self {
        Graph {
            dependents: dependencies.reversed(),
            dependencies,
            order,
        }
    }

    /// Returns how many steps there are.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Tells whether there are no steps.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Returns the steps that this step waits for, in file order; none for a step that does not exist.
    pub fn dependencies(&self, step: usize) -> &[u32] {
        self.dependencies.of(step)
    }

    /// Returns the steps that wait for this step, in file order; none for a step that does not exist.
    pub fn dependents(&self, step: usize) -> &[u32] {
        self.dependents.of(step)
    }

    /// Returns every step after all that it waits for; where that leaves a choice, in file order.
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// Returns the steps that nothing waits for, in file order: their results are the run's result.
    pub fn sinks(&self) -> impl Iterator<Item = usize> {
        (0..self.len()).filter(|step| self.dependents(*step).is_empty())
    }
}

/// A set of edges: for every step a row of others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Edges {
    /// Where each row ends in `targets`; it begins where the one before ends.
    ends: Vec<u32>,
    targets: Vec<u32>,
}

impl Edges {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Edges {
            ends: Vec::with_capacity(rows),
            targets: Vec::with_capacity(rows),
        }
    }

    /// Adds the next step's row, which it sorts, with each target once. The row is left empty.
    pub(crate) fn push_row(&mut self, row: &mut Vec<u32>) {
        row.sort_unstable();
        row.dedup();
        self.targets.append(row);
        self.ends.push(as_index(self.targets.len()));
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn of(&self, step: usize) -> &[u32] {
        let start = step
            .checked_sub(1)
            .map_or(Some(0), |before| self.ends.get(before).copied());
        let end = self.ends.get(step).copied();
        start
            .zip(end)
            .and_then(|(start, end)| self.targets.get(start as usize..end as usize))
            .unwrap_or_default()
    }

    pub(crate) fn contains(&self, step: usize, target: u32) -> bool {
        self.of(step).binary_search(&target).is_ok()
    }

    /// Returns the same edges, seen from their targets: counted, then placed.
    fn reversed(&self) -> Edges {
        let mut starts = vec![0u32; self.len() + 1];
        for target in &self.targets {
            if let Some(count) = starts.get_mut(*target as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut targets = vec![0; self.targets.len()];
        for step in 0..self.len() {
            for target in self.of(step) {
                if let Some(next) = starts.get_mut(*target as usize) {
                    if let Some(place) = targets.get_mut(*next as usize) {
                        *place = as_index(step);
                    }
                    *next += 1;
                }
            }
        }
        // Each row's start has moved to its end.
        starts.truncate(self.len());
        Edges {
            ends: starts,
            targets,
        }
    }

    /// Returns every step after all of its targets, in file order where there is a choice; `None` where a cycle forbids it.
    ///
    /// Linear for a file whose steps already stand in such an order; otherwise Kahn's algorithm with a heap
    /// ("Topological sorting of large networks", 1962).
    pub(crate) fn order(&self) -> Option<Vec<u32>> {
        let steps = as_index(self.len());
        if (0..steps).all(|step| {
            self.of(step as usize)
                .last()
                .is_none_or(|last| *last < step)
        }) {
            return Some((0..steps).collect());
        }
        let dependents = self.reversed();
        let mut waiting: Vec<u32> = (0..self.len())
            .map(|step| as_index(self.of(step).len()))
            .collect();
        let mut ready: BinaryHeap<Reverse<u32>> = (0..steps)
            .filter(|step| self.of(*step as usize).is_empty())
            .map(Reverse)
            .collect();
        let mut order = Vec::with_capacity(self.len());
        while let Some(Reverse(step)) = ready.pop() {
            order.push(step);
            for dependent in dependents.of(step as usize) {
                if let Some(count) = waiting.get_mut(*dependent as usize) {
                    *count -= 1;
                    if *count == 0 {
                        ready.push(Reverse(*dependent));
                    }
                }
            }
        }
        (order.len() == self.len()).then_some(order)
    }
}

/// Narrows a number of steps or edges; a definition that has more than fit is refused before it gets here.
pub(crate) fn as_index(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(rows: &[&[u32]]) -> Edges {
        let mut edges = Edges::default();
        for row in rows {
            edges.push_row(&mut row.to_vec());
        }
        edges
    }

    fn graph(rows: &[&[u32]]) -> Graph {
        let edges = edges(rows);
        let order = edges.order().unwrap();
        Graph::new(edges, order)
    }

    #[test]
    fn rows_are_sorted_and_each_edge_stands_once() {
        let graph = graph(&[&[], &[], &[1, 0, 1], &[2]]);
        assert_eq!(graph.dependencies(2), [0, 1]);
        assert_eq!(graph.dependents(0), [2]);
        assert_eq!(graph.dependents(2), [3]);
        assert_eq!(graph.sinks().collect::<Vec<_>>(), [3]);
        assert_eq!(graph.len(), 4);
    }

    #[test]
    fn a_step_that_does_not_exist_has_no_edges() {
        let graph = graph(&[&[], &[0]]);
        assert!(graph.dependencies(2).is_empty());
        assert!(graph.dependents(usize::MAX).is_empty());
    }

    #[test]
    fn the_order_is_the_file_order_where_it_can_be() {
        assert_eq!(graph(&[&[], &[], &[0]]).order(), [0, 1, 2]);
        assert_eq!(graph(&[&[3], &[], &[0], &[]]).order(), [1, 3, 0, 2]);
        assert_eq!(graph(&[&[1], &[2], &[3], &[]]).order(), [3, 2, 1, 0]);
    }

    #[test]
    fn a_cycle_has_no_order() {
        assert_eq!(edges(&[&[1], &[0]]).order(), None);
        assert_eq!(edges(&[&[0]]).order(), None);
        assert_eq!(edges(&[&[], &[2], &[1], &[0]]).order(), None);
    }

    #[test]
    fn no_steps_have_an_empty_order() {
        let graph = graph(&[]);
        assert!(graph.is_empty());
        assert_eq!(graph.sinks().count(), 0);
    }
}
