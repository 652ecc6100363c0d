#!/bin/sh
# Builds the fuzzers with coverage and address checks and runs each for SECONDS (default 60).
# What breaks a rule is kept as Fuzz/found-*; what brings new coverage goes to .build-fuzz/corpus.
set -eu

seconds=${1:-60}
cd "$(dirname "$0")"
scratch=../.build-fuzz
mkdir -p "$scratch"

# The linker warns about every symbol of the address checks, so its words are shown only when they matter.
swift build --scratch-path "$scratch" -c debug \
    -Xswiftc -sanitize=fuzzer,address -Xswiftc -O \
    -Xcc -fsanitize=fuzzer-no-link,address -Xcxx -fsanitize=fuzzer-no-link,address -Xcxx -O1 \
    > "$scratch/build.log" 2>&1 || { cat "$scratch/build.log" >&2; exit 1; }

for name in lines statsd requests; do
    grown=$scratch/corpus/$name
    log=$scratch/$name.log
    mkdir -p "$grown"
    if ! "$scratch/debug/fuzz-$name" -max_total_time="$seconds" -max_len=16384 -timeout=10 \
        -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="found-$name-" \
        "$grown" "corpus/$name" > "$log" 2>&1
    then
        tail -n 60 "$log" >&2
        echo "fuzz-$name: failed; the input is Fuzz/found-$name-*" >&2
        exit 1
    fi
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    echo "fuzz-$name: $runs inputs in $seconds s, no rule broken"
done
