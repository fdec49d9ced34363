#!/bin/sh
# Runs every fuzz target for a while: fuzz.sh [SECONDS [TARGET...]]. New inputs go to
# build/fuzz/found/TARGET, what crashed to build/fuzz/crash-TARGET-*. Ends 1 if anything was found.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -eq 0 ] || shift
sh scripts/install-packages.sh test
if [ $# -eq 0 ]; then
    for source in fuzz/fuzz_*.c; do
        target=${source##*/fuzz_}
        set -- "$@" "${target%.c}"
    done
fi
cmake --preset fuzz
for target; do
    cmake --build --preset fuzz --target "fuzz_$target"
done

failed=0
for target; do
    found=build/fuzz/found/$target
    mkdir -p "$found"
    printf '%s: %s s ... ' "$target" "$seconds"
    # A reader may not take more memory than its input explains, nor longer than a moment.
    if "build/fuzz/bin/fuzz_$target" -max_total_time="$seconds" -max_len=70000 -timeout=10 \
        -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="build/fuzz/crash-$target-" \
        "$found" "fuzz/corpus/$target" >"build/fuzz/$target.log" 2>&1; then
        awk '/number_of_executed_units/ { print $2 " runs, nothing found" }' \
            "build/fuzz/$target.log"
    else
        failed=$((failed + 1))
        echo "FAILED"
        tail -n 40 "build/fuzz/$target.log"
    fi
done
echo "$# targets, $failed failed"
[ "$failed" -eq 0 ]
