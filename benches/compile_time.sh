#!/bin/sh
# Measures what `workflow!` costs to compile: the CPU seconds of `cargo check` for layered workflows of N steps,
# beyond those for the same crate with none; the best of three.
#
#   benches/compile_time.sh [N…]        by default 10 100 500 1000
#   benches/compile_time.sh --check     100 and 1000; exits with 1 when 100 steps cost 0.6 s or more, or 1000 steps
#                                       more than 12 times what 100 do
#
# Half of the steps are native, half ask an agent; ten stand in a layer, each reads three of the layer before.
# KIND=native or KIND=ask makes them all of one kind.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
host=$root/target/compile_time
mkdir -p "$host/src"
export CARGO_INCREMENTAL=0 CARGO_TARGET_DIR="$host/target"

cat > "$host/Cargo.toml" <<MANIFEST
[package]
name = "host"
version = "0.0.0"
edition = "2024"

[dependencies]
serde = { version = "1", features = ["derive"] }
wf-core = { path = "$root/wf-core" }

[workspace]
MANIFEST
cp "$root/Cargo.lock" "$host/Cargo.lock"

generate() {
    awk -v steps="$1" -v kind="${KIND:-both}" 'BEGIN {
        print "#![allow(dead_code)]"
        for (t = 0; t < 5; t++) {
            printf "#[derive(Debug, serde::Serialize, serde::Deserialize)]\npub struct T%d { pub n: u64 }\n", t
        }
        if (steps == 0) exit
        print "wf_core::workflow! {\n    pub workflow Layered(input: String) {"
        for (s = 0; s < steps; s++) {
            layer = int(s / 10); native = kind == "native" || (kind == "both" && s % 2)
            sum = "input.len() as u64"; prompt = "{input}"
            for (d = 0; d < 3 && layer > 0; d++) {
                dependency = (layer - 1) * 10 + (s + d * 3) % 10
                sum = sum " + s" dependency ".n"; prompt = prompt " {s" dependency "}"
            }
            if (native) printf "        step s%d: T%d = T%d { n: %s };\n", s, s % 5, s % 5, sum
            else printf "        step s%d: T%d = ask a%d \"%s\";\n", s, s % 5, s % 7, prompt
        }
        print "    }\n}"
    }' > "$host/src/lib.rs"
}

# User and system seconds of one `cargo check` of the host alone; what it depends on is checked before.
seconds() {
    touch "$host/src/lib.rs"
    # `times` reports this shell and its children; a fresh shell has only this one child.
    sh -c 'cargo check --quiet --offline --manifest-path "$1/Cargo.toml" >&2; times' sh "$host" | awk 'NR == 2 {
        split($1, user, /[ms]/); split($2, kernel, /[ms]/)
        printf "%.2f\n", user[1] * 60 + user[2] + kernel[1] * 60 + kernel[2]
    }'
}

best() {
    { seconds; seconds; seconds; } | sort -n | head -n 1
}

generate 0
cargo check --quiet --offline --manifest-path "$host/Cargo.toml"
empty=$(best)
printf '%6s %8s %8s\n' steps seconds beyond
printf '%6s %8s %8s\n' 0 "$empty" -
check=
if [ "${1:-}" = --check ]; then
    check=yes
    set -- 100 1000
fi
[ $# -gt 0 ] || set -- 10 100 500 1000
measured=
for steps in "$@"; do
    generate "$steps"
    taken=$(best)
    beyond=$(awk -v taken="$taken" -v empty="$empty" 'BEGIN { printf "%.2f", taken - empty }')
    printf '%6d %8.2f %8.2f\n' "$steps" "$taken" "$beyond"
    measured="$measured $beyond"
done
if [ -n "$check" ]; then
    echo "$measured" | awk '{
        printf "100 steps: %.2f s, less than 0.6 s; 1000 steps: %.1f times that, at most 12 times\n", $1, $2 / ($1 > 0 ? $1 : 0.01)
        exit !($1 < 0.6 && $2 <= 12 * $1)
    }'
fi
