#!/usr/bin/env bash
# Kills the command with `kill -9` at random moments of runs of 100 steps whose agents are programs, resumes each time,
# and says how many attempts that cost. Fails when a step was run again after its end was committed, when a run
# does not complete, or when SQLite finds a fault in the database.
#
#     bash benches/kill.sh [KILLS]
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/.."

AX_KILLS=${1:-200} cargo test --package ax --test cli -- --nocapture however_often_the_command_is_killed
