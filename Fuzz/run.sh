#!/usr/bin/env bash
# Builds the fuzzers with coverage and address checks and runs each for SECONDS (default 60).
# What breaks a rule is kept as Fuzz/found-*; what brings new coverage goes to .build-fuzz/corpus.
set -uo pipefail

seconds=${1:-60}
cd "$(dirname "$0")" || exit 1
scratch=../.build-fuzz

swift build --scratch-path "$scratch" -c debug \
    -Xswiftc -sanitize=fuzzer,address -Xswiftc -O \
    -Xcc -fsanitize=fuzzer-no-link,address -Xcxx -fsanitize=fuzzer-no-link,address -Xcxx -O1 \
    || exit 1

failed=0
for name in lines statsd requests; do
    grown=$scratch/corpus/$name
    mkdir -p "$grown"
    log=$scratch/fuzz-$name.log
    echo "fuzz-$name: $seconds s"
    if "$scratch/debug/fuzz-$name" -max_total_time="$seconds" -max_len=16384 -timeout=10 \
        -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 -artifact_prefix="./found-$name-" \
        "$grown" "corpus/$name" >"$log" 2>&1; then
        grep -E 'stat::(number_of_executed|peak_rss)' "$log"
    else
        grep -E 'ERROR|SUMMARY|broken rule|found-' "$log" || tail -n 20 "$log"
        failed=$((failed + 1))
    fi
done
echo "fuzz: $((3 - failed)) passed, $failed failed"
[ "$failed" = 0 ]
