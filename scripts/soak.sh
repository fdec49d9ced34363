#!/bin/sh
# HAProxy with a TPM of its own, HAProxy and nginx that ask ratlsd, TPMs of 25 ms, under load for as
# long as one likes: attested and plain clients, some that vanish, some that are slow. Prints a
# line for each lap, and fails if a handshake fails, or if a process has grown.
# usage: soak.sh [--minutes N | --seconds N]      half an hour if nothing is said
#
# Bounds: the first sixth warms up. From then on no process may hold more than a tenth plus 4 MiB
# over what it had at the end of the warm-up, nor 32 descriptors more, at the end of any lap. Where
# more clients than before were in their handshakes at once (the machine stood still), 64 KiB more
# for each of them: allocators, and OpenSSL for stacks of jobs, keep what was needed once.
set -eu
RATLS_SOURCE_DIR=$(cd "$(dirname "$0")/.." && pwd)
export RATLS_SOURCE_DIR
seconds=1800
case "${1:-}" in
-h | --help)
    sed -n '2,/^set /{/^set /d; s/^# \{0,1\}//; p}' "$RATLS_SOURCE_DIR/scripts/soak.sh"
    exit 0 ;;
esac
while [ $# -gt 1 ]; do
    case "$2" in *[!0-9]* | "" | 0*) set -- wrong; break ;; esac
    case "$1" in
    --minutes) seconds=$(($2 * 60)) ;;
    --seconds) seconds=$2 ;;
    *) set -- wrong; break ;;
    esac
    shift 2
done
[ $# -eq 0 ] || { echo "usage: soak.sh [--minutes N | --seconds N]" >&2; exit 2; }
laps=6 lap=$((seconds / 6))
if [ $lap -gt 60 ]; then lap=60 laps=$((seconds / 60)); fi
[ $lap -gt 0 ] || lap=1

if [ -z "${RATLS_BINARY_DIR:-}" ]; then
    cd "$RATLS_SOURCE_DIR"
    sh scripts/install-packages.sh test >/dev/null
    mkdir -p build
    { cmake --preset release -DBUILD_TESTING=ON && cmake --build --preset release \
        --target bench_load ratls_tool ratls_provider tpm_mux ratlsd; } >build/soak.log 2>&1 ||
        { tail -n 40 build/soak.log >&2; exit 1; }
    RATLS_BINARY_DIR=$RATLS_SOURCE_DIR/build/release
fi
export RATLS_BINARY_DIR
. "$RATLS_SOURCE_DIR/tests/e2e/load_lib.sh"
need jq pgrep
[ -x "$RATLS_BINARY_DIR/bin/ratlsd" ] || skip "ratlsd is not built"

# ---- the servers, and who is watched

prepare_load
start_slow_tpm haproxy 25
start_load_haproxy haproxy 2
start_load_agent 25
ask_agent asking
start_load_haproxy asking 2
ask_agent nginx
start_load_nginx nginx
watched="haproxy:$(pid_of haproxy) asking:$(pid_of asking) ratlsd:$(pid_of ratlsd)"
watched="$watched swtpm:$(pid_of tpm)"
for pid in $(pgrep -P "$(pid_of nginx)"); do watched="$watched nginx:$pid"; done

rss_of() { # rss_of PID: KiB
    awk '/^VmRSS:/ { print $2 }' "/proc/$1/status"
}

fds_of() {
    set -- "/proc/$1/fd"/*
    echo $#
}

# ---- the clients of one lap, all at the same time

begin_load() { # begin_load NAME SERVER [OPTION...]
    loads="$loads $1"
    loading=$1 load_to=$2
    shift 2
    start "$loading" load_of "$load_to" --seconds $lap "$@"
}

begin_loads() {
    loads=
    begin_load attested haproxy --rate 40 --policy "$work/policies"
    begin_load plain haproxy --rate 20
    begin_load attested_asking asking --rate 40 --policy "$work/policies"
    begin_load vanishing_asking asking --rate 8 --vanish --policy "$work/policies"
    begin_load slow_asking asking --rate 5 --slow --policy "$work/policies"
    begin_load vanishing haproxy --rate 8 --vanish --policy "$work/policies"
    begin_load slow haproxy --rate 5 --slow --policy "$work/policies"
    begin_load attested_nginx nginx --rate 10 --policy "$work/policies"
    begin_load plain_nginx nginx --rate 10
    begin_load vanishing_nginx nginx --rate 3 --vanish --policy "$work/policies"
    begin_load slow_nginx nginx --rate 2 --slow --policy "$work/policies"
}

accepted=0
most=0 # at once, of all loads
end_loads() {
    most_now=0
    for loading in $loads; do
        wait "$(pid_of "$loading")" ||
            fail "lap $count: handshakes failed: $loading: $(cat "$work/$loading.log")"
        accepted=$((accepted + $(grep '^{' "$work/$loading.log" | jq .accepted)))
        most_now=$((most_now + $(grep '^{' "$work/$loading.log" | jq .most)))
    done
    [ $most_now -le $most ] || most=$most_now
}

# ---- memory

remember() { # of each process what it has at the end of the warm-up
    most_warm=$most
    for process in $watched; do
        pid=${process#*:}
        eval "rss_$pid=$(rss_of "$pid") fds_$pid=$(fds_of "$pid")"
    done
}

compare() {
    for process in $watched; do
        pid=${process#*:} rss=0 fds=0
        eval "rss=\$rss_$pid fds=\$fds_$pid"
        now=$(rss_of "$pid")
        [ "$now" -le $((rss + rss / 10 + 4096 + 64 * (most - most_warm))) ] ||
            fail "${process%:*} has grown from $rss to $now KiB since the warm-up"
        now=$(fds_of "$pid")
        [ "$now" -le $((fds + 32)) ] ||
            fail "${process%:*} has $now descriptors, $fds at the end of the warm-up"
    done
}

say() {
    printf '%5d s  %8d handshakes, 0 failed, %d at once;' $((count * lap)) "$accepted" $most_now
    for process in $watched; do
        pid=${process#*:}
        printf ' %s %d KiB %d fds;' "${process%:*}" "$(rss_of "$pid")" "$(fds_of "$pid")"
    done
    echo
}

warm_up=$(((laps + 5) / 6))
count=0
while [ $count -lt $laps ]; do
    count=$((count + 1))
    begin_loads
    end_loads
    say
    if [ $count -eq $warm_up ]; then remember; fi
    if [ $count -gt $warm_up ]; then compare; fi
done
quotes=$(cat "$work/quotes_haproxy" "$work/quotes_agent" | wc -l)
ok "$accepted handshakes, none of them failed; $quotes quotes; nothing has grown"
