//! What duroxide, dagx and dagrs take for the workloads of `benches/peers.rs`: `peers SYSTEM WORKLOAD` prints one line of
//! system, workload, steps, seconds and durability, with tabs between.

mod dagrs_run;
mod dagx_run;
mod duroxide_run;
mod shape;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [system, workload] = arguments.as_slice() else {
        eprintln!("usage: peers duroxide|dagx|dagrs chain|fan-out|many|random");
        std::process::exit(2);
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (steps, seconds, durability) = match system.as_str() {
        "duroxide" => {
            let (steps, seconds) = runtime.block_on(duroxide_run::run(workload));
            (steps, seconds, "SQLite, WAL, NORMAL: fixed by the library")
        }
        "dagx" => {
            let (steps, seconds) = runtime.block_on(dagx_run::run(&shape::named(workload)));
            (steps, seconds, "none")
        }
        "dagrs" => {
            let (steps, seconds) = runtime.block_on(dagrs_run::run(&shape::named(workload)));
            (steps, seconds, "none")
        }
        other => panic!("there is no system called `{other}`"),
    };
    println!("{system}\t{workload}\t{steps}\t{seconds}\t{durability}");
}
