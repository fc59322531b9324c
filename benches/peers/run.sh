#!/usr/bin/env bash
# Gives the same workloads to this engine and to others, in turns, and prints one table: steps per second (the median
# of the rounds), how many times slower than this engine, and how durable what was answered is.
#
#     benches/peers/run.sh [ROUNDS]        by default 3; two or three minutes each
#
# Needs cargo and python3 with venv. What it builds is put into target/peers.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."

rounds=${1:-3}
target=$PWD/target/peers
python=$target/venv/bin/python
lines=$target/lines.tsv

mkdir -p "$target"
cargo build --quiet --locked --release --manifest-path benches/peers/Cargo.toml --target-dir "$target"
cargo bench --quiet --locked --bench peers --no-run
[ -x "$python" ] || python3 -m venv "$target/venv"
"$python" -m pip install --quiet --requirement benches/peers/requirements.txt

# One that fails or takes longer than ten minutes is said to, and has no line. Some write their logs where the line is.
try() {
    if RUST_LOG=off timeout 600 "$@" >"$target/stdout.log" 2>"$target/stderr.log"; then
        grep -P '^[a-z ]+\t[a-z-]+\t\d+\t' "$target/stdout.log" | tee -a "$lines"
    else
        echo "failed: $*: $(tail -n 1 "$target/stderr.log")" >&2
    fi
}

: >"$lines"
for _ in $(seq "$rounds"); do
    for workload in chain fan-out many random; do
        try cargo bench --quiet --locked --bench peers -- "$workload"
        for system in duroxide dagx dagrs; do
            case $system-$workload in
                duroxide-random | dag*-many) ;;
                *) try "$target/release/peers" "$system" "$workload" ;;
            esac
        done
        for system in dbos langgraph; do
            [ "$workload" = random ] || try "$python" benches/peers/peers.py "$system" "$workload"
        done
    done
done

printf '\n%-15s %-9s %12s %12s  %s\n' system workload steps/s 'ours, times' durability
sort -t $'\t' -k 2,2 -k 1,1 "$lines" | awk -F '\t' '
    { key = $1 FS $2; rate[key, ++count[key]] = $3 / $4; durability[key] = $5; if (!(key in seen)) { seen[key]; order[++keys] = key } }
    function median(key,    i, j, swap) {
        for (i = 1; i <= count[key]; i++) for (j = i; j > 1 && rate[key, j] < rate[key, j - 1]; j--) {
            swap = rate[key, j]; rate[key, j] = rate[key, j - 1]; rate[key, j - 1] = swap
        }
        return rate[key, int((count[key] + 1) / 2)]
    }
    END {
        for (at = 1; at <= keys; at++) middle[order[at]] = median(order[at])
        for (at = 1; at <= keys; at++) {
            split(order[at], name, FS)
            ours = durability[order[at]] == "none" ? "ours in memory" : "ours"
            printf "%-15s %-9s %12.0f %12.1f  %s\n", name[1], name[2], middle[order[at]], middle[ours FS name[2]] / middle[order[at]], durability[order[at]]
        }
    }'
