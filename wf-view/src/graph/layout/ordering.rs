//! Orders the vertices of each layer so that few edges cross.
//!
//! Sweeps down and up the layers sort each by the mean position of its vertices' neighbours; in
//! graphs of moderate size neighbours are then exchanged wherever that removes a crossing
//! (Gansner, Koutsofios, North and Vo, 1993). The best order met is kept.

use super::layers::Layered;

/// Reorders the layers; the result depends on nothing but the graph.
pub(super) fn reduce_crossings(graph: &mut Layered) {
    let size = graph.layer_of.len() + graph.ways.len();
    let (sweeps, exchange) = match size {
        0..=4_000 => (24, true),
        4_001..=40_000 => (8, false),
        _ => (4, false),
    };
    let mut position = vec![0; graph.layer_of.len()];
    for layer in &graph.layers {
        number(layer, &mut position);
    }
    if exchange {
        exchange_neighbours(graph, &mut position);
    }
    let mut fewest = crossings(graph, &position);
    let mut best = graph.layers.clone();
    let mut fruitless = 0;
    for sweep in 0..sweeps {
        if fewest == 0 || fruitless == 6 {
            break;
        }
        let down = sweep % 2 == 0;
        // Every other pair of sweeps turns ties around, to leave orders that are only locally best.
        let turn = sweep % 4 >= 2;
        for step in 1..graph.layers.len() {
            let layer = if down {
                step
            } else {
                graph.layers.len() - 1 - step
            };
            sort_by_neighbours(graph, &mut position, layer, down, turn);
        }
        if exchange {
            exchange_neighbours(graph, &mut position);
        }
        let count = crossings(graph, &position);
        if count < fewest {
            fewest = count;
            best.clone_from(&graph.layers);
            fruitless = 0;
        } else {
            fruitless += 1;
        }
    }
    graph.layers = best;
}

/// Notes where in its layer each vertex stands.
fn number(layer: &[usize], position: &mut [usize]) {
    for (index, &vertex) in layer.iter().enumerate() {
        position[vertex] = index;
    }
}

/// Sorts a layer by the mean position of the neighbours above (going down) or below (going up).
///
/// A vertex without such neighbours keeps its place.
fn sort_by_neighbours(
    graph: &mut Layered,
    position: &mut [usize],
    layer: usize,
    down: bool,
    turn: bool,
) {
    let neighbours = if down { &graph.upper } else { &graph.lower };
    let order = &mut graph.layers[layer];
    let mut places = Vec::with_capacity(order.len());
    let mut sorted = Vec::with_capacity(order.len());
    for (place, &vertex) in order.iter().enumerate() {
        if let Some(mean) = mean(neighbours[vertex].iter().map(|&other| position[other])) {
            places.push(place);
            sorted.push((mean, vertex));
        }
    }
    if turn {
        sorted.reverse();
    }
    sorted.sort_by(|one, other| one.0.total_cmp(&other.0));
    for (place, (_, vertex)) in places.into_iter().zip(sorted) {
        order[place] = vertex;
    }
    number(order, position);
}

/// Returns the mean of the positions, or nothing when there are none.
fn mean(positions: impl Iterator<Item = usize>) -> Option<f64> {
    let (count, sum) = positions.fold((0_usize, 0_usize), |(count, sum), position| {
        (count + 1, sum + position)
    });
    (count > 0).then(|| sum as f64 / count as f64)
}

/// Exchanges vertices that stand side by side while that removes crossings.
fn exchange_neighbours(graph: &mut Layered, position: &mut [usize]) {
    const ROUNDS: usize = 8;
    for _ in 0..ROUNDS {
        let mut improved = false;
        for layer in &mut graph.layers {
            for right in 1..layer.len() {
                let (one, other) = (layer[right - 1], layer[right]);
                let (mut as_is, mut exchanged) = (0, 0);
                for neighbours in [&graph.upper, &graph.lower] {
                    let one = sorted_positions(&neighbours[one], position);
                    let other = sorted_positions(&neighbours[other], position);
                    as_is += inversions(&one, &other);
                    exchanged += inversions(&other, &one);
                }
                if exchanged < as_is {
                    layer.swap(right - 1, right);
                    position[one] = right;
                    position[other] = right - 1;
                    improved = true;
                }
            }
        }
        if !improved {
            break;
        }
    }
}

fn sorted_positions(vertices: &[usize], position: &[usize]) -> Vec<usize> {
    let mut positions: Vec<usize> = vertices.iter().map(|&vertex| position[vertex]).collect();
    positions.sort_unstable();
    positions
}

/// Counts the pairs whose left position is greater than their right one; both lists are sorted.
fn inversions(left: &[usize], right: &[usize]) -> usize {
    let mut smaller = 0;
    left.iter()
        .map(|&position| {
            while right.get(smaller).is_some_and(|&other| other < position) {
                smaller += 1;
            }
            smaller
        })
        .sum()
}

/// Counts the crossings of the whole graph, each pair of layers in O(edges · log vertices) with
/// an accumulator tree (Barth, Jünger and Mutzel, 2002).
fn crossings(graph: &Layered, position: &[usize]) -> u64 {
    let mut total = 0;
    let mut tree: Vec<u64> = Vec::new();
    for (layer, below) in graph.layers.iter().zip(graph.layers.iter().skip(1)) {
        tree.clear();
        tree.resize(below.len() + 1, 0);
        let mut seen = 0;
        for &vertex in layer {
            let targets = sorted_positions(&graph.lower[vertex], position);
            for &target in &targets {
                let mut not_right = 0;
                let mut node = target + 1;
                while node > 0 {
                    not_right += tree[node];
                    node &= node - 1;
                }
                total += seen - not_right;
            }
            for target in targets {
                let mut node = target + 1;
                while node < tree.len() {
                    tree[node] += 1;
                    node += node & node.wrapping_neg();
                }
                seen += 1;
            }
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::super::super::examples::{Random, layered_random};
    use super::{Layered, crossings, number, reduce_crossings};

    fn count(graph: &Layered) -> u64 {
        let mut position = vec![0; graph.layer_of.len()];
        for layer in &graph.layers {
            number(layer, &mut position);
        }
        crossings(graph, &position)
    }

    #[test]
    fn crossings_are_counted_as_the_definition_says() {
        let mut random = Random(3);
        for _ in 0..50 {
            let edges: Vec<_> = (0..12)
                .map(|_| (random.below(6), 6 + random.below(6)))
                .collect();
            let graph = Layered::new(12, &edges);
            let place = |vertex: usize| {
                let layer = &graph.layers[graph.layer_of[vertex]];
                layer.iter().position(|&other| other == vertex).unwrap()
            };
            let mut pairs: Vec<_> = (0..12)
                .flat_map(|from| graph.lower[from].iter().map(move |&to| (from, to)))
                .map(|(from, to)| (place(from), place(to)))
                .collect();
            pairs.sort_unstable();
            let mut expected = 0;
            for (index, one) in pairs.iter().enumerate() {
                for other in &pairs[index + 1..] {
                    expected += u64::from(one.0 < other.0 && one.1 > other.1);
                }
            }
            assert_eq!(count(&graph), expected);
        }
    }

    #[test]
    fn a_twisted_ladder_is_untwisted() {
        let mut graph = Layered::new(6, &[(0, 5), (1, 4), (2, 3)]);
        graph.layers[1] = vec![3, 4, 5];
        assert_eq!(count(&graph), 3);
        reduce_crossings(&mut graph);
        assert_eq!(count(&graph), 0);
    }

    #[test]
    fn reordering_never_adds_crossings_and_loses_no_vertex() {
        let diagram = layered_random(120);
        let mut graph = Layered::new(diagram.nodes.len(), &diagram.edges);
        let before = count(&graph);
        let mut vertices: Vec<_> = graph.layers.iter().map(Vec::len).collect();
        reduce_crossings(&mut graph);
        assert!(count(&graph) < before);
        let after: Vec<_> = graph.layers.iter().map(Vec::len).collect();
        assert_eq!(std::mem::take(&mut vertices), after);
        let mut all: Vec<_> = graph.layers.concat();
        all.sort_unstable();
        assert_eq!(all, (0..graph.layer_of.len()).collect::<Vec<_>>());
    }
}
