#!/usr/bin/env bash
# Builds the fuzzers with coverage and address checks and runs each for SECONDS (default 60), two at a
# time. What breaks a rule is kept as Fuzz/found-*; what brings new coverage goes to .build-fuzz/corpus.
set -uo pipefail

seconds=${1:-60}
cd "$(dirname "$0")" || exit 1
scratch=../.build-fuzz
# The order of dictionaries is part of a schedule; and a broken rule says enough by itself.
export SWIFT_DETERMINISTIC_HASHING=1 SWIFT_BACKTRACE=enable=no

swift build --scratch-path "$scratch" -c debug \
    -Xswiftc -sanitize=fuzzer,address -Xswiftc -O \
    -Xcc -fsanitize=fuzzer-no-link,address -Xcxx -fsanitize=fuzzer-no-link,address -Xcxx -O1 \
    || exit 1

# Tells how it went in $scratch/fuzz-NAME.said; fails when a rule was broken.
fuzz() {
    local name=$1 grown=$scratch/corpus/$1 log=$scratch/fuzz-$1.log
    mkdir -p "$grown"
    if "$scratch/debug/fuzz-$name" -max_total_time="$seconds" -max_len=16384 -timeout=10 \
        -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 -artifact_prefix="./found-$name-" \
        "$grown" "corpus/$name" >"$log" 2>&1; then
        grep -E 'stat::(number_of_executed|peak_rss)' "$log"
    else
        grep -E 'ERROR|SUMMARY|broken rule|found-' "$log" || tail -n 20 "$log"
        return 1
    fi
}

failed=0
names=(lines schedules parsers statsd requests)
for ((first = 0; first < ${#names[@]}; first += 2)); do
    pids=()
    for name in "${names[@]:first:2}"; do
        fuzz "$name" >"$scratch/fuzz-$name.said" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || failed=$((failed + 1)); done
    for name in "${names[@]:first:2}"; do
        echo "fuzz-$name: $seconds s"
        cat "$scratch/fuzz-$name.said"
    done
done
echo "fuzz: $((${#names[@]} - failed)) passed, $failed failed"
[ "$failed" = 0 ]
