#!/bin/sh
# An unmodified HAProxy with one thread and a TPM that takes a second for a quote: its thread waits
# for nothing with ssl-mode-async, and without it stands still as long as the TPM is at work.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/slow_lib.sh"
need haproxy curl
prepare_slow_haproxy 1000

start_slow_haproxy ssl-mode-async
load "HAProxy with ssl-mode-async"
[ "$took_plain" -lt $((delay_ms / 2)) ] || fail "the plain client waited for the TPM"
[ "$(quotes)" -le 3 ] || fail "there were more quotes than batches"

# A TPM that is silent: its clients are refused in time, others are served, and it goes on.
kill -STOP "${pid_of_mux:?}"
get >"$work/silent.log" 2>&1 &
silent=$!
expect 0 "a plain client is served beside one that waits for a silent TPM" plain_get
ended "$silent" && fail "nobody waits for the TPM"
if wait "$silent"; then fail "a client was accepted without evidence"; fi
kill -CONT "$pid_of_mux"
wait_for 20 get >"$work/back.log" 2>&1 || fail "not accepted after the TPM has come back"
ok "the TPM goes on: clients are accepted again"
stop haproxy

start_slow_haproxy
load "HAProxy"
[ "$took_plain" -ge $((delay_ms / 2)) ] || fail "without ssl-mode-async nothing waits?"
[ "$(quotes)" -ge 8 ] || fail "one thread cannot wait for several at once"
