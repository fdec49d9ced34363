#!/bin/sh
# An unmodified HAProxy with one thread and a TPM that takes 600 ms for a quote: with ssl-mode-async
# its thread waits for nothing, without it stands still as long as the TPM is at work.
. "$(dirname "$0")/lib.sh"
need haproxy curl
prepare
delay_ms=600
start_mux --delay-ms "$delay_ms" --tally "$work/quotes"
printf 'tcti = %s\n' "$tcti" >>"$work/server.cnf"
cat "$work/server.pem" "$work/server.key" >"$work/server-and-key.pem"
backend=$(free_port)
start backend "$python" "$support/backend.py" "$address" "$backend" "$work/requests"
wait_until_listening backend "$backend"

start_haproxy() { # start_haproxy [LINE]: of the global section
    use_haproxy
    sed -i "s/^global/global\n    nbthread 1\n    ${1:-}/" "$work/haproxy.cfg"
    start haproxy env OPENSSL_CONF="$work/server.cnf" haproxy -f "$work/haproxy.cfg"
    wait_until_listening haproxy "$port"
    expect 0 "curl accepts the server" get
    : >"$work/quotes"
}

now_ms() {
    awk '{ printf "%d", $1 * 1000 }' /proc/uptime
}

quotes() {
    wc -c <"$work/quotes"
}

# Eight attested clients, and as soon as the TPM works for the first of them one that is plain:
# $took_all and $took_plain, in milliseconds.
load() {
    begin=$(now_ms)
    for i in 1 2 3 4 5 6 7 8; do
        get --output "$work/parallel.$i" 2>"$work/parallel.$i.log" &
        eval "client_$i=$!"
    done
    wait_for 10 test -s "$work/quotes" || fail "the TPM is not asked"
    took_plain=$(now_ms)
    expect 0 "a plain client is served beside eight attested ones" plain_get
    took_plain=$(($(now_ms) - took_plain))
    for i in 1 2 3 4 5 6 7 8; do
        eval "wait \$client_$i" || fail "connection $i of eight at once was refused"
    done
    took_all=$(($(now_ms) - begin))
    ok "the plain client waited $took_plain ms, all took $took_all ms and $(quotes) quotes"
}

start_haproxy ssl-mode-async
load
[ "$took_plain" -lt $((delay_ms / 2)) ] || fail "the plain client waited for the TPM"
[ "$(quotes)" -le 3 ] || fail "there were more quotes than batches"
stop haproxy

start_haproxy
load
[ "$took_plain" -ge $((delay_ms / 2)) ] || fail "without ssl-mode-async nothing waits?"
[ "$(quotes)" -ge 8 ] || fail "one thread cannot wait for several at once"
