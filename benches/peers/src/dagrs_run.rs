//! dagrs: a node is an action with channels from what it needs.

use std::sync::Arc;
use std::time::Instant;

use dagrs::{
    Action, Content, DefaultNode, EnvVar, Graph, InChannels, Node, NodeTable, OutChannels, Output,
};

use crate::shape::{Shape, result};

/// Takes what it needs, and gives a hundred bytes.
struct Step;

#[dagrs::async_trait::async_trait]
impl Action for Step {
    async fn run(
        &self,
        input: &mut InChannels,
        output: &mut OutChannels,
        _: Arc<EnvVar>,
    ) -> Output {
        let _taken: Vec<_> = input.map(|content| content.is_ok()).await;
        output.broadcast(Content::new(result())).await;
        Output::Out(Some(Content::new(result())))
    }
}

/// Builds and runs the graph; says how many steps it has, and the seconds that takes.
pub async fn run(shape: &Shape) -> (usize, f64) {
    let begin = Instant::now();
    let mut table = NodeTable::default();
    let mut graph = Graph::new();
    let mut ids = Vec::with_capacity(shape.len());
    for step in 0..shape.len() {
        let node = DefaultNode::with_action(format!("s{step}"), Step, &mut table);
        ids.push(node.id());
        graph.add_node(node).expect("the node is new");
    }
    for (step, needs) in shape.iter().enumerate() {
        for &need in needs {
            graph
                .add_edge(ids[need], [ids[step]])
                .expect("the nodes are there");
        }
    }
    graph.set_env(EnvVar::new(table));
    graph.async_start().await.expect("the graph runs");
    (shape.len(), begin.elapsed().as_secs_f64())
}
