#!/usr/bin/env python3
"""Asks a real rust-analyzer what it makes of `workflow!`: completion, definitions, hover and rename.

    cargo install ra_ap_rust-analyzer      # its binary is `rust-analyzer`
    tests/editor/probe.py [path/to/rust-analyzer]

Writes a small host into `target/editor_probe`, moves the cursor to each place marked in it, and prints what came
back. Exits with 1 when an answer is not the expected one. Not part of the continuous integration: it needs minutes
and a server that changes weekly.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOST = ROOT / "target" / "editor_probe"
CURSOR = "\u2038"

# `@STEP@` stands for the steps that are probed, `@USE@` for the code behind them; the cursor is at the caret.
PROGRAM = """use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub struct Changes {
    pub files: Vec<String>,
}

pub type Echo = fn(String) -> std::future::Ready<String>;

#[derive(wf_core::AgentSet)]
pub struct Team {
    pub backend: Echo,
    pub security: Echo,
    #[agent(name = "quality_expert")]
    pub quality: Echo,
}

pub fn lint(changes: &Changes) -> usize {
    changes.files.len()
}

wf_core::workflow! {
    pub workflow Review(git_diff: String) for Team {
        step parse_changes: Changes = ask backend "Parse {git_diff}";
        step count: usize = lint(parse_changes);
        @STEP@
        step report: String = ask security "Report {count} of {parse_changes}";
    }
}

pub fn read(output: &ReviewOutput) -> usize {
    @USE@
}
"""
USE = "output.parse_changes().files.len()"

# What is probed, the step, the use, and what must be among the answers.
PROBES = [
    ("complete", f"step more: usize = lint(par{CURSOR});", USE, ["parse_changes"]),
    ("complete", f"step more: usize = parse_changes.{CURSOR};", USE, ["files"]),
    ("complete", f"step more: Chan{CURSOR}", USE, ["Changes"]),
    ("complete", f'step more: String = ask backend "See {{par{CURSOR}}}";', USE, ["parse_changes"]),
    ("complete", f'step more: String = ask backend "See {{par{CURSOR}";', USE, ["parse_changes"]),
    ("complete", f'step more: String = ask sec{CURSOR} "See {{git_diff}}";', USE, ["security"]),
    ("complete", f'step more: String = ask qual{CURSOR} "See {{git_diff}}";', USE, ["quality_expert"]),
    ("complete", "", f"output.{CURSOR}", ["parse_changes", "count", "report"]),
    ("complete", "step half: usize = ", f"output.{CURSOR}", ["parse_changes", "report"]),
    ("complete", "", f"let _ = Review {{ {CURSOR} }}; 0", ["git_diff"]),
    ("definition", f"step more: usize = lint(parse{CURSOR}_changes);", USE, ["step parse_changes"]),
    ("definition", f'step more: String = ask backend "{{parse{CURSOR}_changes}}";', USE, ["step parse_changes"]),
    ("definition", f"step more: usize = li{CURSOR}nt(parse_changes);", USE, ["pub fn lint"]),
    ("definition", f'step more: String = ask back{CURSOR}end "{{git_diff}}";', USE, ["pub backend"]),
    ("hover", f'step more: String = ask backend "{{parse{CURSOR}_changes}}";', USE, ["Changes"]),
    ("hover", f"step more: usize = lint(parse{CURSOR}_changes);", USE, ["Changes"]),
    # A rename starts at the declaration: from a use, the server sees that step's own variable only.
    (
        "rename",
        f'step mo{CURSOR}re: usize = lint(parse_changes); step later: usize = *more; '
        'step told: String = ask backend "{more} {later}"; step last: usize = more + told.len();',
        USE,
        ["4 edits or more"],
    ),
]


class Server:
    """A rust-analyzer that speaks over its standard streams."""

    def __init__(self, binary):
        self.process = subprocess.Popen(
            [binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.number = 0
        self.is_quiet = False

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def receive(self):
        length = 0
        while line := self.process.stdout.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message = json.loads(self.process.stdout.read(length))
        if message.get("method") == "experimental/serverStatus":
            self.is_quiet = message["params"].get("quiescent", False)
        elif "id" in message and "method" in message:
            self.send({"id": message["id"], "result": None})
        return message

    def notify(self, method, parameters):
        self.send({"method": method, "params": parameters})

    def ask(self, method, parameters):
        self.number += 1
        self.send({"id": self.number, "method": method, "params": parameters})
        while True:
            message = self.receive()
            if message.get("id") == self.number and "method" not in message:
                return message.get("result")


def write_host():
    (HOST / "src").mkdir(parents=True, exist_ok=True)
    (HOST / "Cargo.toml").write_text(
        '[package]\nname = "host"\nversion = "0.0.0"\nedition = "2024"\n\n[dependencies]\n'
        'serde = { version = "1", features = ["derive"] }\n'
        f'wf-core = {{ path = "{ROOT / "wf-core"}" }}\n\n[workspace]\n'
    )
    (HOST / "Cargo.lock").write_text((ROOT / "Cargo.lock").read_text())
    (HOST / "src/lib.rs").write_text(PROGRAM.replace("@STEP@", "").replace("@USE@", USE))


def check(binary):
    """Ends with what to install when there is no server behind the name: rustup leaves one that only says so."""
    try:
        asked = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=60)
        problem = "" if asked.returncode == 0 else (asked.stderr.strip().splitlines() or ["it ends at once"])[0]
    except (OSError, subprocess.TimeoutExpired) as error:
        problem = str(error)
    if problem:
        sys.exit(
            f"`{binary}` is no rust-analyzer: {problem}\n"
            "install one with `cargo install ra_ap_rust-analyzer`, and give its path if another comes first on `PATH`"
        )


def start(binary):
    server = Server(binary)
    server.ask(
        "initialize",
        {
            "processId": os.getpid(),
            "rootUri": HOST.as_uri(),
            "capabilities": {
                "experimental": {"serverStatusNotification": True},
                "textDocument": {"completion": {"completionItem": {"snippetSupport": False}}},
            },
            "initializationOptions": {"checkOnSave": False},
        },
    )
    server.notify("initialized", {})
    return server


def answers(server, kind, text, position, lines):
    place = {"textDocument": {"uri": text}, "position": position}
    if kind == "complete":
        found = server.ask("textDocument/completion", place) or []
        items = found.get("items", []) if isinstance(found, dict) else found
        return [item["label"].split("(")[0].strip() for item in items]
    if kind == "definition":
        found = server.ask("textDocument/definition", place) or []
        found = [found] if isinstance(found, dict) else found
        spots = [spot.get("range") or spot["targetSelectionRange"] for spot in found]
        return [lines[spot["start"]["line"]].strip() for spot in spots if spot["start"]["line"] < len(lines)]
    if kind == "hover":
        found = server.ask("textDocument/hover", place) or {}
        return [found.get("contents", {}).get("value", "")]
    found = server.ask("textDocument/rename", {**place, "newName": "renamed"}) or {}
    changes = found.get("documentChanges") or [{"edits": edits} for edits in found.get("changes", {}).values()]
    edits = sum(len(change.get("edits", [])) for change in changes)
    return ["4 edits or more"] if edits >= 4 else [f"{edits} edits"]


def main():
    binary = sys.argv[1] if len(sys.argv) > 1 else "rust-analyzer"
    check(binary)
    write_host()
    server = start(binary)
    path = HOST / "src/lib.rs"
    uri = path.as_uri()
    server.notify(
        "textDocument/didOpen",
        {"textDocument": {"uri": uri, "languageId": "rust", "version": 0, "text": path.read_text()}},
    )
    deadline = time.monotonic() + 600
    while not server.is_quiet and time.monotonic() < deadline:
        server.receive()
    failures = 0
    for version, (kind, step, use, expected) in enumerate(PROBES, 1):
        marked = PROGRAM.replace("@STEP@", step).replace("@USE@", use)
        before = marked.split(CURSOR)[0]
        position = {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
        text = marked.replace(CURSOR, "")
        document = {"uri": uri, "version": version}
        server.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})
        found = answers(server, kind, uri, position, text.splitlines())
        right = all(any(want in answer for answer in found) for want in expected)
        failures += not right
        print("ok  " if right else "NO  ", kind.ljust(10), (step if CURSOR in step else use).replace(CURSOR, "|"))
        if not right:
            print("     expected", expected, "among", found[:12])
    server.process.kill()
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
