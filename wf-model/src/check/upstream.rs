//! Whether what a prompt reads is upstream of its step.

use std::ops::Range;

use crate::definition::Definition;
use crate::graph::{Edges, as_index};
use crate::problem::{Places, Problem, Problems, quoted};

use super::dependencies::Dependencies;
use super::named_step;

/// An order of the steps in which dependencies come first, and the rank of each.
///
/// Steps of one cycle share a rank and stand together.
pub(super) struct Ranks {
    /// The rank of each step.
    pub(super) component: Vec<u32>,
    pub(super) order: Vec<u32>,
}

impl Ranks {
    pub(super) fn of_order(order: &[u32]) -> Self {
        let mut component = vec![0; order.len()];
        for (rank, step) in order.iter().enumerate() {
            if let Some(place) = component.get_mut(*step as usize) {
                *place = as_index(rank);
            }
        }
        Ranks {
            component,
            order: order.to_vec(),
        }
    }

    pub(super) fn of(&self, step: u32) -> u32 {
        self.component
            .get(step as usize)
            .copied()
            .unwrap_or(u32::MAX)
    }

    /// Returns the steps with a rank in this range, in order.
    fn between(&self, ranks: Range<u32>) -> &[u32] {
        let start = self
            .order
            .partition_point(|step| self.of(*step) < ranks.start);
        let end = self
            .order
            .partition_point(|step| self.of(*step) < ranks.end);
        self.order.get(start..end).unwrap_or_default()
    }
}

/// A step that reads another which is not one of its declared dependencies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Use {
    pub(super) reader: u32,
    /// Where the placeholder stands in the reader's prompt.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) target: u32,
}

/// The uses of a definition, at most one for each reader and target.
#[derive(Debug, Default)]
pub(super) struct Uses {
    pub(super) found: Vec<Use>,
}

impl Uses {
    /// Returns these edges and those of the uses.
    pub(super) fn joined_to(&self, edges: Edges) -> Edges {
        if self.found.is_empty() {
            return edges;
        }
        let mut joined = Edges::with_capacity(edges.len());
        let mut uses = self.found.iter().peekable();
        let mut row = Vec::new();
        for step in 0..edges.len() {
            row.extend_from_slice(edges.of(step));
            while let Some(found) = uses.next_if(|found| found.reader as usize == step) {
                row.push(found.target);
            }
            joined.push_row(&mut row);
        }
        joined
    }
}

/// Reports each use of a step that is not upstream.
///
/// Says nothing of readers on whose upstream something is unknown, and nothing between steps of one cycle:
/// both have their own report.
pub(super) fn check<P: Clone>(
    definition: &Definition,
    places: &Places<P>,
    dependencies: &Dependencies,
    ranks: &Ranks,
    uses: &Uses,
    problems: &mut Problems<P>,
) {
    if uses.found.is_empty() {
        return;
    }
    let is_incomplete = incomplete(dependencies, ranks);
    let questions: Vec<&Use> = uses
        .found
        .iter()
        .filter(|found| ranks.of(found.reader) != ranks.of(found.target))
        .filter(|found| is_incomplete.get(ranks.of(found.reader) as usize) != Some(&true))
        .collect();
    let mut missing = not_upstream(&dependencies.edges, ranks, questions);
    missing.sort_unstable();
    for found in missing {
        let reader = named_step(definition, found.reader as usize);
        let target = definition
            .steps
            .get(found.target as usize)
            .map_or("", |step| step.key.as_str());
        let target = quoted(target);
        problems.push(
            Problem::error(
                places.prompt(found.reader as usize).clone(),
                format!("{reader} reads {target}, which is not upstream of it"),
            )
            .within(found.start..found.end)
            .help(format!("add {target} to its `dependencies`")),
        );
    }
}

/// Returns, by rank, whether something upstream of the steps, or of themselves, is not known.
fn incomplete(dependencies: &Dependencies, ranks: &Ranks) -> Vec<bool> {
    let mut incomplete = vec![false; ranks.order.len()];
    if !dependencies.is_incomplete.contains(&true) {
        return incomplete;
    }
    for step in &ranks.order {
        let is_incomplete = dependencies.is_incomplete.get(*step as usize) == Some(&true)
            || dependencies
                .edges
                .of(*step as usize)
                .iter()
                .any(|dependency| incomplete.get(ranks.of(*dependency) as usize) == Some(&true));
        if let (true, Some(place)) = (is_incomplete, incomplete.get_mut(ranks.of(*step) as usize)) {
            *place = true;
        }
    }
    incomplete
}

/// Returns the uses whose target cannot be reached from the reader.
///
/// Takes 64 targets at a time, one bit each, and carries the bits along the order, through no more of it
/// than lies between the first target and the last reader.
fn not_upstream<'a>(edges: &Edges, ranks: &Ranks, mut questions: Vec<&'a Use>) -> Vec<&'a Use> {
    let mut missing = Vec::new();
    questions.retain(|found| {
        let may_be_upstream = ranks.of(found.target) < ranks.of(found.reader);
        if !may_be_upstream {
            missing.push(*found);
        }
        may_be_upstream
    });
    questions.sort_unstable_by_key(|found| ranks.of(found.target));
    let mut reached = vec![0u64; ranks.order.len()];
    let mut rest = questions.as_slice();
    while let Some(first) = rest.first() {
        let mut bits = Vec::with_capacity(64);
        let mut last_reader = 0;
        let taken = rest
            .iter()
            .take_while(|found| {
                let target = ranks.of(found.target);
                if bits.last() != Some(&target) {
                    if bits.len() == 64 {
                        return false;
                    }
                    bits.push(target);
                }
                last_reader = last_reader.max(ranks.of(found.reader));
                true
            })
            .count();
        let (batch, after) = rest.split_at(taken);
        rest = after;
        carry(
            edges,
            ranks,
            ranks.of(first.target)..last_reader.saturating_add(1),
            &bits,
            &mut reached,
        );
        missing.extend(batch.iter().filter(|found| {
            let bit = bits
                .binary_search(&ranks.of(found.target))
                .unwrap_or_default();
            reached
                .get(ranks.of(found.reader) as usize)
                .is_none_or(|reached| reached & (1 << bit) == 0)
        }));
    }
    missing
}

/// Sets, for every rank in a range, the bits of the targets (sorted ranks) that it reaches.
fn carry(edges: &Edges, ranks: &Ranks, range: Range<u32>, targets: &[u32], reached: &mut [u64]) {
    if let Some(reached) = reached.get_mut(range.start as usize..range.end as usize) {
        reached.fill(0);
    }
    for (bit, target) in targets.iter().enumerate() {
        if let Some(place) = reached.get_mut(*target as usize) {
            *place |= 1 << bit;
        }
    }
    for step in ranks.between(range.clone()) {
        let mut bits = 0;
        for dependency in edges.of(*step as usize) {
            let rank = ranks.of(*dependency);
            if range.contains(&rank) {
                bits |= reached.get(rank as usize).copied().unwrap_or_default();
            }
        }
        if let Some(place) = reached.get_mut(ranks.of(*step) as usize) {
            *place |= bits;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain_with_branches(steps: u32) -> Edges {
        // Every third step hangs on the one before only; the others also skip one.
        let mut edges = Edges::default();
        for step in 0..steps {
            let row: &[u32] = match (step, step % 3) {
                (0, _) => &[],
                (_, 0) => &[step - 1],
                (1, _) => &[],
                _ => &[step - 2],
            };
            edges.push_row(&mut row.to_vec());
        }
        edges
    }

    fn reaches(edges: &Edges, from: u32, to: u32) -> bool {
        let mut open = vec![from];
        let mut seen = vec![false; edges.len()];
        while let Some(step) = open.pop() {
            for next in edges.of(step as usize) {
                if *next == to {
                    return true;
                }
                if !std::mem::replace(&mut seen[*next as usize], true) {
                    open.push(*next);
                }
            }
        }
        false
    }

    #[test]
    fn every_pair_is_answered_as_by_a_search() {
        let edges = chain_with_branches(150);
        let ranks = Ranks::of_order(&edges.order().unwrap());
        let mut uses: Vec<Use> = Vec::new();
        for reader in 0..150 {
            for target in (0..150).filter(|target| *target != reader) {
                uses.push(Use {
                    reader,
                    target,
                    start: 0,
                    end: 0,
                });
            }
        }
        let mut missing = not_upstream(&edges, &ranks, uses.iter().collect());
        missing.sort_unstable();
        for found in &uses {
            let is_missing = missing.binary_search(&found).is_ok();
            assert_eq!(
                is_missing,
                !reaches(&edges, found.reader, found.target),
                "{found:?}"
            );
        }
        assert!(missing.len() > 1000 && missing.len() < uses.len());
    }

    #[test]
    fn a_long_chain_that_reads_two_back_is_answered_in_one_walk() {
        let mut edges = Edges::default();
        let mut uses = Vec::new();
        for step in 0..200_000u32 {
            edges.push_row(&mut step.checked_sub(1).into_iter().collect());
            uses.extend(step.checked_sub(2).map(|target| Use {
                reader: step,
                target,
                start: 0,
                end: 0,
            }));
        }
        let ranks = Ranks::of_order(&edges.order().unwrap());
        assert!(not_upstream(&edges, &ranks, uses.iter().collect()).is_empty());
    }
}
