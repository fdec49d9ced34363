#!/bin/sh
# Measures what attestation costs, and prints one table: each figure beside its limit, plain OpenSSL
# and rustls. bench/README.md says how to read it.
# usage: bench.sh [--quick] [--rounds N] [--json] [NAME ...]
# --json: the last line is an object with the figures. --quick: a minute, and no decision.
# With names: the output of these benchmarks, and no table: handshake, server, memory, wire, load;
# agent, enrol, seal, resumption, renewal, replay, compact, check_boot, ima, check_ima, refvals,
# epoch. N rounds of renewal are N seconds. Logs of real machines: from ../shared/corpus if it is
# there, or RATLS_BENCH_LOGS.
set -eu
cd "$(dirname "$0")/.."
all=""
for name in handshake server memory wire; do
    [ ! -e "bench/$name.c" ] || all="$all $name"
done
all="$all load"
others="agent enrol seal resumption renewal replay compact check_boot ima check_ima refvals epoch"
rounds="" quick="" json="" names=""
while [ $# -gt 0 ]; do
    case "$1" in
    --rounds) [ $# -gt 1 ] || { echo "--rounds needs a number" >&2; exit 2; }
        rounds="--rounds $2"; shift ;;
    --quick) quick=--quick rounds="--rounds 3" ;;
    --json) json=--json ;;
    -h | --help) sed -n '2,/^set /{/^set /d; s/^# \{0,1\}//; p}' scripts/bench.sh; exit 0 ;;
    *) case " $all $others " in
        *" $1 "*) names="$names $1" ;;
        *) echo "no benchmark \"$1\": there are$all $others" >&2; exit 2 ;;
        esac ;;
    esac
    shift
done

sh scripts/install-packages.sh bench >/dev/null
mkdir -p build
targets=""
for name in ${names:-$all}; do
    targets="$targets bench_$name"
    case $name in load | seal) targets="$targets ratls_tool ratls_provider tpm_mux" ;; esac
done
# shellcheck disable=SC2086  # words of ours
{ cmake --preset release -DBUILD_TESTING=ON &&
    cmake --build --preset release --target $targets; } >build/bench.log 2>&1 ||
    { tail -n 40 build/bench.log >&2; exit 1; }

corpus=../shared/corpus/eventlogs
if [ -z "${RATLS_BENCH_LOGS:-}" ] && [ -d "$corpus" ]; then
    RATLS_BENCH_LOGS="$corpus/keylimetests-mb_log.bin $corpus/google-rhel8-uefi.bin"
fi
logs=${RATLS_BENCH_LOGS:-}

run() { # run NAME [ARGUMENT ...]
    name=$1
    shift
    # shellcheck disable=SC2086
    case $name in
    load) RATLS_BINARY_DIR=$PWD/build/release sh bench/load.sh ${quick:-$rounds} $json ;;
    seal) RATLS_BINARY_DIR=$PWD/build/release sh bench/seal.sh $rounds $json ;;
    enrol) # 77: there is no PostgreSQL
        sh tests/unit/with_postgresql.sh build/release/bin/bench_enrol $rounds $json ||
            { [ $? -eq 77 ] && build/release/bin/bench_enrol $rounds $json; } ;;
    *) "build/release/bin/bench_$name" $rounds $json "$@" ;;
    esac
}

run_named() { # run_named NAME
    [ -n "$json" ] || echo "== $1"
    case "$1" in
    check_boot) run check_boot ;;
    replay | compact)
        [ -n "$logs" ] || echo "$1: skipped, it needs logs (RATLS_BENCH_LOGS)" >&2 ;;
    *) run "$1" ;;
    esac
    case "$1" in
    check_boot | replay | compact) for log in $logs; do run "$1" "$log"; done ;;
    esac
}

if [ -n "$names" ]; then
    for name in $names; do run_named "$name"; done
    exit 0
fi

# ---- the table

found=build/bench.figures
: >$found
wants_json=$json json=--json
measure() { # measure NAME COMMAND...: its last line is an object
    echo "measuring: $1" >&2
    measuring=$1 measured=build/bench.$1.out
    shift
    if "$@" >"$measured"; then
        tail -n 1 "$measured" >>$found
    else
        cat "$measured" >&2
        failed="$failed $measuring"
    fi
}
failed=

machine() {
    sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sort | uniq -c | sed 's/^ *//; s/ / x /; q'
    openssl version | cut -d' ' -f1-2
    swtpm --version | sed 's/,.*//; s/TPM emulator version/swtpm/'
    printf 'tpm2-tss %s\n' "$(pkg-config --modversion tss2-esys)"
    haproxy -v | sed -n '1s/ version \([^ ]*\).*/ \1/p'
    nginx -v 2>&1 | sed 's/.*: //; s|/| |'
    dpkg-query -W -f 'rustls ${Version}\n' librust-rustls-dev 2>/dev/null || true
    printf 'idle before: %s %%\n' "$idle"
}

rustls_rounds=7
[ -z "$quick" ] || rustls_rounds=3
# Of two seconds, how much of them nobody used.
idle=$({ grep '^cpu ' /proc/stat; sleep 2; grep '^cpu ' /proc/stat; } | awk '{
    for (i = 2; i <= 9; i++) all[NR] += $i
    free[NR] = $5 + $6
} END { printf "%.0f", 100 * (free[2] - free[1]) / (all[2] - all[1]) }')
for name in $all; do
    measure "$name" run "$name"
    [ "$name" != handshake ] || measure rustls sh bench/rustls.sh build/rustls "$rustls_rounds"
done
jq -c -s add $found >build/bench.json

machine | paste -s -d ';' | sed 's/;/; /g'
jq -r '"TPM: swtpm, made to take \(.T_injected_ms) ms for a quote in R4 and R5 (measured: T = " +
    "\(.T_ms) ms), 0 and 500 ms in R6"' build/bench.json
{
    printf 'figure\tmeasured\tlimit\t\tspread\tplain OpenSSL\trustls\twhat\n'
    jq -r -f bench/figures.jq build/bench.json
} | awk -F '\t' '{ printf "%-7s %9s  %-7s %-6s  %-16s %-14s %-10s %s\n", $1,$2,$3,$4,$5,$6,$7,$8 }'
echo "What each benchmark has to say beside its figures is in build/bench.*.out."
[ "$idle" -ge 90 ] || echo "This machine had other work: its figures decide nothing."
if [ -n "$wants_json" ]; then
    jq -c '[("R1 R1s R2 R2c R3 R4 R5p50 R5p99 R5lone R6 R9 R10 R15 R16 T_ms T_injected_ms" / " ")[]
        as $name |
        {($name): .[$name]}] | add' build/bench.json
fi
[ -z "$failed" ] || { echo "failed, and without figures:$failed" >&2; exit 1; }
