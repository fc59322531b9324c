//! dagx: a task takes what it needs as a tuple of at most so many; a wider one is put together from narrower ones.

use std::time::Instant;

use dagx::{DagRunner, TaskHandle, task_fn};

use crate::shape::{Shape, result};

type Handle = TaskHandle<String>;

/// Builds and runs the graph; says how many steps it has, and the seconds that takes.
pub async fn run(shape: &Shape) -> (usize, f64) {
    let begin = Instant::now();
    let dag = DagRunner::new();
    let mut handles: Vec<Handle> = Vec::with_capacity(shape.len());
    for needs in shape {
        let needs: Vec<Handle> = needs.iter().map(|&need| handles[need].clone()).collect();
        handles.push(add(&dag, needs));
    }
    dag.run(|task| {
        tokio::spawn(task);
    })
    .await
    .expect("the graph runs");
    let last = handles.last().expect("there is a step");
    assert_eq!(dag.get(last).expect("it has a result"), result());
    (shape.len(), begin.elapsed().as_secs_f64())
}

fn add(dag: &DagRunner, mut needs: Vec<Handle>) -> Handle {
    while needs.len() > 3 {
        needs = needs
            .chunks(3)
            .map(|chunk| add(dag, chunk.to_vec()))
            .collect();
    }
    match needs.as_slice() {
        [] => (&dag.add_task(task_fn(|_: ()| async { result() }))).into(),
        [a] => dag
            .add_task(task_fn(|_: String| async { result() }))
            .depends_on(a),
        [a, b] => dag
            .add_task(task_fn(|_: (String, String)| async { result() }))
            .depends_on((a, b)),
        [a, b, c, ..] => dag
            .add_task(task_fn(|_: (String, String, String)| async { result() }))
            .depends_on((a, b, c)),
    }
}
