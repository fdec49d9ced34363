#!/bin/sh
# Real clients against unmodified HAProxy and nginx, with TPMs that take 0 to 500 ms for a quote:
# R4, R5 and R6, and what else is to be known (bench/README.md). Needs a build without sanitizers in
# RATLS_BINARY_DIR; scripts/bench.sh sees to it.
# usage: load.sh [--quick] [--rounds N] [--rate N] [--json]
# --rate: clients per second of which R4 and R5 are; 300 if nothing is said.
set -eu
: "${RATLS_SOURCE_DIR:=$(cd "$(dirname "$0")/.." && pwd)}" "${RATLS_BINARY_DIR:?}"
export RATLS_SOURCE_DIR
rounds=5 rate=300 quick=no json=no
while [ $# -gt 0 ]; do
    case "$1" in
    --quick) quick=yes rounds=1 ;;
    --rounds) rounds=${2:?}; shift ;;
    --rate) rate=${2:?}; shift ;;
    --json) json=yes ;;
    *) echo "usage: load.sh [--quick] [--rounds N] [--rate N] [--json]" >&2; exit 2 ;;
    esac
    shift
done
. "$RATLS_SOURCE_DIR/tests/e2e/load_lib.sh"
need jq

calm_rate=200      # beside it: with fewer clients, who wait less for each other
latency_ms=70      # of the TPM where R4 and R5 are measured: an Infineon SLB9670
crowd=1500         # R6: more than are served within two quotes of the slowest TPM
seconds=6 slow_seconds=10
[ $quick = no ] || seconds=4
mkdir "$work/figures"

# ---- figures: each a file with one value for each round

value_of() { # value_of JSON EXPRESSION
    printf '%s\n' "$1" | jq -r "$2"
}

add() { # add FIGURE EXPRESSION: of awk
    awk "BEGIN { printf \"%.4f\\n\", $2 }" >>"$work/figures/$1"
}

middle() { # middle FIGURE [FRACTION]: of its values in order; the median
    sort -g "$work/figures/$1" | awk -v fraction="${2:-0.5}" '{ v[NR] = $1 }
        END { print v[int((NR - 1) * fraction) + 1] }'
}

# measure NAME [OPTION...]: the result is in $result. A handshake that fails ends it all.
busy=
measure() {
    result=$(load_of "$@") || fail "handshakes failed: $result"
    awk -v cpu="$(value_of "$result" .cpu)" 'BEGIN { exit cpu >= 0.9 }' || busy="$busy $1"
}

# ---- servers: the TPM, and what is before it, have the second core; HAProxy has the first

prepare_load
pin tpm 1
put_ahead tpm
latencies="0 $latency_ms 500"
[ $quick = yes ] || latencies="0 25 $latency_ms 170 500"
for ms in $latencies; do
    start_slow_tpm "t$ms" "$ms"
    pin "mux_t$ms" 1
    put_ahead "mux_t$ms"
    start_load_haproxy "t$ms" 1
    pin "t$ms" 0
done

# ---- R4, R5: an open loop; the clients are on the second core

# T is what the TPM has taken for a quote in the same run, to its own clock, and not what it should.
add_latency() { # add_latency FIGURE SUFFIX FRACTION: of $result, that of plain clients is $plain
    add "$1$2" "($(value_of "$result" ".$3_ms") - $plain) / $(value_of "$result" .quote_ms)"
}

add_open_loop() { # add_open_loop [SUFFIX]: the result of attested clients that arrive at $rate
    add "T${1:-}" "$(value_of "$result" .quote_ms)"
    add "R4${1:-}" "$(value_of "$result" '.quotes / .seconds * .quote_ms / 1000')"
    add_latency R5p50 "${1:-}" p50
    add_latency R5p99 "${1:-}" p99
}

measure_latency() {
    measure "t$latency_ms" --rate "$rate" --seconds 3
    plain=$(value_of "$result" .p50_ms)
    add plain_p50_ms "$plain"
    measure "t$latency_ms" --rate "$rate" --warm-up 1 --seconds $seconds \
        --policy "$work/policies"
    add_open_loop
    add overtaken "$(value_of "$result" '.overtaken / .accepted * 1000')"
    measure "t$latency_ms" --rate $calm_rate --warm-up 1 --seconds $seconds \
        --policy "$work/policies"
    add_open_loop _calm
    measure "t$latency_ms" --clients 1 --seconds 1
    plain=$(value_of "$result" .p50_ms)
    measure "t$latency_ms" --clients 1 --seconds 2 --policy "$work/policies"
    add_latency R5lone "" p50
}

measure_other_latency() { # measure_other_latency MS
    measure "t$1" --rate "$rate" --warm-up 1 --seconds $slow_seconds --policy "$work/policies"
    add_open_loop "_$1"
}

# ---- R6: a closed loop; HAProxy and the clients share the first core, and nobody else is there

measure_throughput() { # measure_throughput MS
    measure "t$1" --clients $crowd --warm-up 3 --seconds $seconds --policy "$work/policies" \
        --account "tpm=$(pid_of tpm)"
    throughput=$(value_of "$result" '.accepted / .seconds')
    add "per_second_$1" "$throughput"
    add "tpm_cpu_$1" "$(value_of "$result" .processes.tpm.cpu)"
}

round=0
while [ $round -lt "$rounds" ]; do
    round=$((round + 1))
    load_on_core 1
    measure_latency
    load_on_core 0
    measure_throughput 0
    base=$throughput
    measure_throughput 500
    add R6 "$throughput / $base"
done
load_on_core 1
plain=$(middle plain_p50_ms)
[ $quick = yes ] || for ms in 25 170 500; do measure_other_latency $ms; done

# ---- nginx: each worker waits for its quote; both have a whole core's share, where they like

measure_nginx() {
    start_slow_tpm nginx "$latency_ms"
    put_ahead mux_nginx
    start_load_nginx nginx
    measure nginx --clients 64 --seconds 3
    add nginx_plain "$(value_of "$result" .rate)"
    measure nginx --clients 64 --warm-up 1 --seconds $seconds --policy "$work/policies"
    add nginx_attested "$(value_of "$result" .rate)"
    add nginx_shared "$(value_of "$result" '.accepted / .quotes')"
    stop nginx
}
measure_nginx

# ---- ten thousand at once, of a TPM that takes 500 ms

measure_crowd() { # measure_crowd N: or as many as this user may open
    start_slow_tpm crowd 500
    put_ahead mux_crowd
    start_load_haproxy crowd 1 2
    [ "$1" -lt "$connections_max" ] || set -- "$connections_max"
    begin_kib=$(awk '/^VmRSS:/ { print $2 }' "/proc/$(pid_of crowd)/status")
    result=$(load_of crowd --clients "$1" --count "$1" --seconds 60 --deadline 60 \
        --policy "$work/policies" --account "haproxy=$(pid_of crowd)") || true
    crowd_result=$(printf '%s\n' "$result" | jq -r --argjson before "$begin_kib" \
        '"\(.accepted) accepted, \(.refused) refused, \(.broken + .late) lost in \(.seconds) s; " +
        "HAProxy: \((.processes.haproxy.peak_kib - $before) * 10 / .most | round / 10) KiB each"')
    stop crowd
}
if [ $quick = yes ]; then measure_crowd 1000; else measure_crowd 10000; fi

# ---- what came of it

row() { # row FIGURE TEXT
    printf '%-52s %9.2f  %9.2f  %9.2f\n' "$2" "$(middle "$1")" "$(middle "$1" 0)" "$(middle "$1" 1)"
}

print_rows() {
    printf '%s; %s; %s rounds; swtpm and %s ms\n' "$(haproxy -v | sed -n '1s/ 20.*//p')" \
        "$(nginx -v 2>&1 | sed 's/.*: //')" "$rounds" "$latencies"
    printf '%-52s %9s  %9s  %9s\n' '' median least most
    row T "T: a quote, measured; $latency_ms ms were injected"
    row R4 "R4 quotes / 1000 handshakes, to R and T ($rate per s)"
    row R5p50 "R5 added latency / T, median ($rate per s)"
    row R5p99 "R5 added latency / T, p99"
    row R5lone "R5 added latency / T of a lone client"
    row plain_p50_ms "   plain: median latency, ms"
    row overtaken "   served behind one who came later, of 1000"
    row R5p50_calm "   R5 median at $calm_rate per s"
    row R5p99_calm "   R5 p99 at $calm_rate per s"
    [ $quick = yes ] || for ms in 25 170 500; do
        row "T_$ms" "   T, measured, of $ms ms"
        row "R4_$ms" "   R4 with it"
        row "R5p50_$ms" "   R5 median"
        row "R5p99_$ms" "   R5 p99"
    done
    row R6 "R6 handshakes per second at 500 ms / at 0 ms"
    row per_second_0 "   at 0 ms, HAProxy and clients on one core"
    row per_second_500 "   at 500 ms"
    row tpm_cpu_0 "   swtpm at 0 ms, cores (it has the other one)"
    row nginx_plain "nginx, 2 workers, 64 clients: plain, per second"
    row nginx_attested "   attested, $latency_ms ms: each worker waits"
    row nginx_shared "   handshakes that share a quote"
    echo "at once: $crowd_result"
    [ -z "$busy" ] || echo "the load itself was busy, and may be what was measured:$busy"
    [ -z "$not_ahead" ] ||
        echo "what stands for the TPM may have waited for a processor: $not_ahead"
}

print_json() {
    for figure in R4 R5p50 R5p99 R5lone R6; do
        printf '{"%s":%s,"%s.min":%s,"%s.max":%s}\n' $figure "$(middle $figure)" \
            $figure "$(middle $figure 0)" $figure "$(middle $figure 1)"
    done | jq -c -s --argjson t "$(middle T)" --argjson injected $latency_ms \
        'add + {T_ms: $t, T_injected_ms: $injected}'
}

print_rows
[ $json = no ] || print_json
