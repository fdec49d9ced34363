#!/bin/sh
# Measures, one benchmark after the other, each beside the bare cost of the same work in its run.
# usage: bench.sh [--rounds N] [--json] [NAME ...]
# Names: handshake, renewal, replay, compact, check_boot, ima, check_ima, refvals, epoch; all of
# them if none is given. The rounds of renewal are seconds. Logs of real machines are taken from
# ../shared/corpus if it is there, or RATLS_BENCH_LOGS.
set -eu
cd "$(dirname "$0")/.."
all="handshake renewal replay compact check_boot ima check_ima refvals epoch"
options=""
names=""
while [ $# -gt 0 ]; do
    case "$1" in
    --rounds) [ $# -gt 1 ] || { echo "--rounds needs a number" >&2; exit 2; }
        options="$options --rounds $2"; shift ;;
    --json) options="$options --json" ;;
    *) case " $all " in
        *" $1 "*) names="$names $1" ;;
        *) echo "no benchmark \"$1\": there are $all" >&2; exit 2 ;;
        esac ;;
    esac
    shift
done
names=${names:-$all}

sh scripts/install-packages.sh test >/dev/null
mkdir -p build
targets=""
for name in $names; do targets="$targets bench_$name"; done
# shellcheck disable=SC2086  # words of ours
{ cmake --preset release -DBUILD_TESTING=ON &&
    cmake --build --preset release --target $targets; } >build/bench.log 2>&1 ||
    { tail -n 40 build/bench.log >&2; exit 1; }

corpus=../shared/corpus/eventlogs
if [ -z "${RATLS_BENCH_LOGS:-}" ] && [ -d "$corpus" ]; then
    RATLS_BENCH_LOGS="$corpus/keylimetests-mb_log.bin $corpus/google-rhel8-uefi.bin"
fi
logs=${RATLS_BENCH_LOGS:-}

run() { # NAME [ARGUMENT ...]
    name=$1; shift
    case "$options" in *--json*) ;; *) echo "== $name $*" ;; esac
    # shellcheck disable=SC2086
    "build/release/bin/bench_$name" $options "$@"
}

for name in $names; do
    case "$name" in
    check_boot) run check_boot ;;
    replay | compact)
        [ -n "$logs" ] || echo "$name: skipped, it needs logs (RATLS_BENCH_LOGS)" >&2 ;;
    *) run "$name" ;;
    esac
    case "$name" in
    check_boot | replay | compact) for log in $logs; do run "$name" "$log"; done ;;
    esac
done
