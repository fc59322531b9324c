//! Cycles among the declared dependencies.

use std::collections::{HashMap, VecDeque};

use crate::definition::Definition;
use crate::graph::{Edges, as_index};
use crate::problem::{Places, Problem, Problems, quoted, shown};

use super::dependencies::Dependencies;
use super::upstream::Ranks;

/// Finds the strongly connected components, dependencies first.
///
/// Tarjan's algorithm ("Depth-first search and linear graph algorithms", 1972), with a stack of its own
/// instead of recursion.
pub(super) fn components(edges: &Edges) -> Ranks {
    let mut search = Search {
        edges,
        visited: vec![0; edges.len()],
        lowest: vec![0; edges.len()],
        count: 0,
        open: Vec::new(),
        ranks: Ranks {
            component: vec![u32::MAX; edges.len()],
            order: Vec::with_capacity(edges.len()),
        },
        components: 0,
    };
    for step in 0..as_index(edges.len()) {
        if search.visited.get(step as usize) == Some(&0) {
            search.visit_from(step);
        }
    }
    search.ranks
}

/// Reports one cycle of each component that has one: the shortest through its first step.
pub(super) fn report<P: Clone>(
    definition: &Definition,
    places: &Places<P>,
    dependencies: &Dependencies,
    components: &Ranks,
    problems: &mut Problems<P>,
) {
    let mut cycles: Vec<Vec<u32>> = components
        .order
        .chunk_by(|a, b| components.of(*a) == components.of(*b))
        .filter(|members| members.len() > 1)
        .filter_map(|members| {
            shortest_cycle(&dependencies.edges, components, *members.iter().min()?)
        })
        .collect();
    cycles.sort_unstable();
    for cycle in cycles {
        problems.push(describe(definition, places, &cycle));
    }
}

struct Search<'a> {
    edges: &'a Edges,
    /// When each step was first seen, counted from 1; 0 for not yet.
    visited: Vec<u32>,
    /// The earliest step of the open ones that each is known to reach.
    lowest: Vec<u32>,
    count: u32,
    /// The steps whose component is not complete.
    open: Vec<u32>,
    ranks: Ranks,
    components: u32,
}

impl Search<'_> {
    fn visit_from(&mut self, root: u32) {
        // Each entry is a step and how many of its edges have been followed.
        let mut path = vec![(root, 0usize)];
        self.enter(root);
        while let Some((step, followed)) = path.last_mut() {
            let step = *step;
            if let Some(next) = self.edges.of(step as usize).get(*followed).copied() {
                *followed += 1;
                if self.visited.get(next as usize) == Some(&0) {
                    self.enter(next);
                    path.push((next, 0));
                } else if self.ranks.of(next) == u32::MAX {
                    let seen = self.visited.get(next as usize).copied().unwrap_or(u32::MAX);
                    self.lower(step, seen);
                }
            } else {
                path.pop();
                let lowest = self.lowest.get(step as usize).copied().unwrap_or(u32::MAX);
                if let Some((before, _)) = path.last() {
                    self.lower(*before, lowest);
                }
                if self.visited.get(step as usize) == Some(&lowest) {
                    self.close(step);
                }
            }
        }
    }

    fn enter(&mut self, step: u32) {
        self.count += 1;
        if let (Some(visited), Some(lowest)) = (
            self.visited.get_mut(step as usize),
            self.lowest.get_mut(step as usize),
        ) {
            (*visited, *lowest) = (self.count, self.count);
        }
        self.open.push(step);
    }

    fn lower(&mut self, step: u32, to: u32) {
        if let Some(lowest) = self.lowest.get_mut(step as usize) {
            *lowest = (*lowest).min(to);
        }
    }

    fn close(&mut self, root: u32) {
        while let Some(step) = self.open.pop() {
            if let Some(component) = self.ranks.component.get_mut(step as usize) {
                *component = self.components;
            }
            self.ranks.order.push(step);
            if step == root {
                break;
            }
        }
        self.components += 1;
    }
}

/// Returns the steps of the shortest cycle through a step, which comes first.
fn shortest_cycle(edges: &Edges, components: &Ranks, start: u32) -> Option<Vec<u32>> {
    let mut reached_from = HashMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(step) = queue.pop_front() {
        for next in edges.of(step as usize) {
            if *next == start {
                let mut cycle = vec![step];
                let mut last = step;
                while let Some(before) = reached_from.get(&last) {
                    cycle.push(*before);
                    last = *before;
                }
                cycle.reverse();
                return Some(cycle);
            }
            if components.of(*next) == components.of(start) && !reached_from.contains_key(next) {
                reached_from.insert(*next, step);
                queue.push_back(*next);
            }
        }
    }
    None
}

fn describe<P: Clone>(definition: &Definition, places: &Places<P>, cycle: &[u32]) -> Problem<P> {
    const MOST_SHOWN: usize = 12;
    let key = |step: u32| {
        definition
            .steps
            .get(step as usize)
            .map_or("", |step| step.key.as_str())
    };
    let place = |step: u32, dependency: u32| {
        let entries = definition
            .steps
            .get(step as usize)
            .map(|step| step.dependencies.iter());
        let entry =
            entries.and_then(|mut entries| entries.position(|entry| entry == key(dependency)));
        places
            .dependency(step as usize, entry.unwrap_or_default())
            .clone()
    };
    let first = cycle.first().copied().unwrap_or_default();
    let mut path: Vec<String> = cycle
        .iter()
        .take(MOST_SHOWN)
        .map(|step| shown(key(*step)))
        .collect();
    if cycle.len() > MOST_SHOWN {
        path.push(format!("({} more)", cycle.len() - MOST_SHOWN));
    }
    path.push(shown(key(first)));
    let mut edges = cycle.iter().zip(cycle.iter().skip(1).chain([&first]));
    let (step, dependency) = edges.next().unwrap_or((&first, &first));
    let mut problem = Problem::error(
        place(*step, *dependency),
        format!("dependency cycle: `{}`", path.join(" → ")),
    )
    .help("each step waits for the next; remove one of these dependencies");
    for (step, dependency) in edges.take(MOST_SHOWN) {
        let message = format!(
            "{} depends on {} here",
            quoted(key(*step)),
            quoted(key(*dependency))
        );
        problem = problem.also(place(*step, *dependency), message);
    }
    problem
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

    #[test]
    fn components_come_dependencies_first() {
        // 0 and 1 form a cycle, 2 depends on it, 3 is before it, 4 and 5 form another that depends on 2.
        let edges = edges(&[&[1, 3], &[0], &[1], &[], &[5, 2], &[4]]);
        let ranks = components(&edges);
        assert_eq!(ranks.of(0), ranks.of(1));
        assert_eq!(ranks.of(4), ranks.of(5));
        assert!(
            ranks.of(3) < ranks.of(0) && ranks.of(0) < ranks.of(2) && ranks.of(2) < ranks.of(4)
        );
        assert_eq!(ranks.order.len(), 6);
        assert!(ranks.order.is_sorted_by_key(|step| ranks.of(*step)));
    }

    #[test]
    fn the_shortest_cycle_through_a_step_is_found() {
        let edges = edges(&[&[1], &[2, 3], &[3], &[0]]);
        let ranks = components(&edges);
        assert_eq!(shortest_cycle(&edges, &ranks, 0), Some(vec![0, 1, 3]));
    }

    #[test]
    fn a_cycle_of_many_steps_needs_no_recursion() {
        let mut edges = Edges::default();
        let steps = 200_000;
        for step in 0..steps {
            edges.push_row(&mut vec![(step + 1) % steps]);
        }
        let ranks = components(&edges);
        assert_eq!(
            shortest_cycle(&edges, &ranks, 0).map(|cycle| cycle.len()),
            Some(200_000)
        );
    }
}
