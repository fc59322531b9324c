"""What dbos and LangGraph take on SQLite: `peers.py SYSTEM WORKLOAD` prints one line of system, workload, steps,
seconds and durability, with tabs between."""

import asyncio
import os
import sqlite3
import sys
import tempfile
import time

RESULT = "x" * 100
CHAIN, WIDTH, RUNS, LENGTH = 1_000, 1_000, 1_000, 5
AT_ONCE = 64


def main():
    system, workload = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        measure = {"dbos": measure_dbos, "langgraph": measure_langgraph}[system]
        steps, seconds, durability = measure(workload, os.path.join(folder, "peer.db"))
    print(system, workload, steps, seconds, durability, sep="\t", flush=True)
    # Some of their threads would otherwise be waited for.
    os._exit(0)


def measure_dbos(workload, path):
    from dbos import DBOS
    from sqlalchemy import Engine, event

    @event.listens_for(Engine, "connect")
    def configure(connection, _record):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")

    DBOS(config={
        "name": "peer", "system_database_url": f"sqlite:///{path}", "log_level": "ERROR", "run_admin_server": False,
    })

    @DBOS.step()
    async def step():
        return RESULT

    @DBOS.workflow()
    async def chain(steps):
        for _ in range(steps):
            last = await step()
        return last

    @DBOS.workflow()
    async def fan_out(width):
        await step()
        await asyncio.gather(*(step() for _ in range(width)))
        return await step()

    async def many():
        turns = asyncio.Semaphore(AT_ONCE)

        async def one():
            async with turns:
                return await chain(LENGTH)

        return (await asyncio.gather(*(one() for _ in range(RUNS))))[-1]

    async def run():
        begin = time.perf_counter()
        last = await {"chain": lambda: chain(CHAIN), "fan-out": lambda: fan_out(WIDTH), "many": many}[workload]()
        assert last == RESULT
        return time.perf_counter() - begin

    DBOS.launch()
    seconds = asyncio.run(run())
    return steps_of(workload), seconds, "SQLite, WAL, FULL"


def measure_langgraph(workload, path):
    from typing import Annotated, TypedDict

    from langgraph.checkpoint.sqlite import SqliteSaver
    from langgraph.graph import END, START, StateGraph

    class State(TypedDict):
        # Only the last result is kept: a list of all would be copied into each checkpoint.
        last: Annotated[str, lambda _before, after: after]

    def step(_state):
        return {"last": RESULT}

    def chain(length):
        graph = StateGraph(State)
        for at in range(length):
            graph.add_node(f"s{at}", step)
            graph.add_edge(f"s{at - 1}" if at else START, f"s{at}")
        graph.add_edge(f"s{length - 1}", END)
        return graph

    def fan_out(width):
        graph = StateGraph(State)
        graph.add_node("top", step)
        graph.add_node("end", step)
        graph.add_edge(START, "top")
        fan = [f"s{at}" for at in range(width)]
        for name in fan:
            graph.add_node(name, step)
            graph.add_edge("top", name)
        graph.add_edge(fan, "end")
        graph.add_edge("end", END)
        return graph

    connection = sqlite3.connect(path, check_same_thread=False)
    saver = SqliteSaver(connection)
    saver.setup()
    connection.execute("PRAGMA synchronous = FULL")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    graph = {"chain": lambda: chain(CHAIN), "fan-out": lambda: fan_out(WIDTH), "many": lambda: chain(LENGTH)}
    compiled = graph[workload]().compile(checkpointer=saver)
    begin = time.perf_counter()
    for run in range(RUNS if workload == "many" else 1):
        config = {"configurable": {"thread_id": str(run)}, "recursion_limit": 10_000}
        done = compiled.invoke({"last": ""}, config, durability="sync")
        assert done["last"] == RESULT
    seconds = time.perf_counter() - begin
    return steps_of(workload), seconds, "SQLite, WAL, FULL"


def steps_of(workload):
    return {"chain": CHAIN, "fan-out": WIDTH + 2, "many": RUNS * LENGTH}[workload]


main()
